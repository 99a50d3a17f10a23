//! The flow of every satoshi: from both parties' coins through the contract to both parties and miners.
#![allow(clippy::float_arithmetic, reason = "pixels, not money")]

use maud::{Markup, html};
use terms::Sat;

use super::draw::{Canvas, Px, float};
use crate::record::Record;
use crate::text;

const TOP: f64 = 14.0;
const HEIGHT: f64 = 250.0;
const NODE: f64 = 14.0;
/// Fees are a sliver of a payout: what they show at least, and the space around each node.
const LEAST: f64 = 3.0;
const GAP: f64 = 46.0;

/// One end of the flow.
struct Node {
    class: &'static str,
    name: &'static str,
    what: &'static str,
    sat: Sat,
    top: f64,
    height: f64,
}

/// The flow, with labels beside the nodes (below them on a phone).
pub(super) fn draw(record: &Record, canvas: Canvas) -> Markup {
    let ins = [
        ("buyer", "buyer", "price", record.buyer.locked_sat),
        ("provider", "provider", "bond", record.provider.locked_sat),
        ("miners", "both", "fees", record.fees_sat()),
    ];
    let outs = [
        ("buyer", "buyer", "paid out", record.buyer.got_out_sat),
        ("provider", "provider", "paid out", record.provider.got_out_sat),
        ("miners", "miners", "fees", record.fees_sat()),
    ];
    let total = ins.iter().map(|(.., sat)| sat.0).sum::<u64>().max(1);
    let (ins, outs) = (stack(&ins, total), stack(&outs, total));
    let side = if canvas == Canvas::Wide { 170.0 } else { 82.0 };
    let (left, right) = (side, canvas.width() - side - NODE);
    let middle = f64::midpoint(left, right);
    let bottom = ins.iter().chain(&outs).map(|node| node.top + node.height).fold(0.0, f64::max);
    html! {
        svg class=(format!("chart {}", canvas.class())) viewBox=(format!("0 0 {} {}", canvas.width(), Px(bottom + 30.0)))
            role="img" aria-label="where every satoshi came from and went" {
            @if let Some((contract_top, contract_height)) = contract(&ins) {
                (bands(&ins, left + NODE, middle, contract_top, true))
                (bands(&outs, right, middle + NODE, contract_top, false))
                rect class="contract" x=(Px(middle)) y=(Px(contract_top)) width=(Px(NODE)) height=(Px(contract_height)) rx="2" {}
                text class="tiny strong" x=(Px(middle + NODE / 2.0)) y=(Px(contract_top + contract_height + 18.0)) text-anchor="middle" { "the contract" }
                text class="tiny soft" x=(Px(middle + NODE / 2.0)) y=(Px(contract_top + contract_height + 33.0)) text-anchor="middle" { (text::sat(record.agreement.total_sat())) }
            }
            @if let (Some(paid), Some(got)) = (fees(&ins), fees(&outs)) { (band(paid, left + NODE, paid.top, right, got.top)) }
            @for node in &ins { (label(node, left, true, canvas)) }
            @for node in &outs { (label(node, right, false, canvas)) }
        }
    }
}

fn stack(parts: &[(&'static str, &'static str, &'static str, Sat); 3], total: u64) -> Vec<Node> {
    let mut top = TOP;
    let mut nodes = Vec::new();
    for (class, name, what, sat) in parts.iter().filter(|(.., sat)| sat.0 > 0) {
        let height = (HEIGHT * float(sat.0) / float(total)).max(LEAST);
        nodes.push(Node { class, name, what, sat: *sat, top, height });
        top += height.max(LEAST) + GAP.min(GAP + 20.0 - height.min(20.0));
    }
    nodes
}

fn fees(nodes: &[Node]) -> Option<&Node> {
    nodes.iter().find(|node| node.class == "miners")
}

fn contract(ins: &[Node]) -> Option<(f64, f64)> {
    let locked: Vec<&Node> = ins.iter().filter(|node| node.class != "miners").collect();
    let height: f64 = locked.iter().map(|node| node.height).sum();
    let centre = f64::midpoint(locked.first()?.top, locked.last().map(|node| node.top + node.height)?);
    Some(((centre - height / 2.0).max(TOP), height))
}

/// The bands between one side's nodes and the contract, stacked at the contract without gaps.
fn bands(nodes: &[Node], outer: f64, inner: f64, contract_top: f64, inwards: bool) -> Markup {
    let mut at = contract_top;
    let mut drawn = Vec::new();
    for node in nodes.iter().filter(|node| node.class != "miners") {
        drawn.push(if inwards {
            band(node, outer, node.top, inner, at)
        } else {
            band(node, inner, at, outer, node.top)
        });
        at += node.height;
    }
    html! { @for band in drawn { (band) } }
}

fn band(node: &Node, from: f64, from_top: f64, to: f64, to_top: f64) -> Markup {
    let (bend, height) = (Px(f64::midpoint(from, to)), node.height);
    let (a, b, c, d) = (Px(from), Px(from_top), Px(to), Px(to_top));
    let (low_from, low_to) = (Px(from_top + height), Px(to_top + height));
    let path = format!(
        "M{a} {b}C{bend} {b} {bend} {d} {c} {d}V{low_to}C{bend} {low_to} {bend} {low_from} {a} {low_from}z"
    );
    html! { path class=(format!("flow {}", node.class)) d=(path) {} }
}

fn label(node: &Node, x: f64, is_left: bool, canvas: Canvas) -> Markup {
    let (at, anchor) = if is_left { (x - 9.0, "end") } else { (x + NODE + 9.0, "start") };
    // Kept inside the drawing where the node is thin.
    let y = (node.top + node.height / 2.0 - 2.0).max(TOP + 4.0);
    html! {
        rect class=(node.class) x=(Px(x)) y=(Px(node.top)) width=(Px(NODE)) height=(Px(node.height)) rx="2" {}
        text class="tiny" x=(Px(at)) y=(Px(y)) text-anchor=(anchor) {
            tspan class="strong" { (node.name) } @if canvas == Canvas::Wide { ", " (node.what) }
        }
        @if canvas == Canvas::Narrow {
            text class="tiny soft" x=(Px(at)) y=(Px(y + 15.0)) text-anchor=(anchor) { (node.what) }
        }
        text class="strong" x=(Px(at)) y=(Px(y + if canvas == Canvas::Wide { 16.0 } else { 31.0 })) text-anchor=(anchor) { (text::thousands(node.sat.0)) }
    }
}
