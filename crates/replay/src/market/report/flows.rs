//! Each party's satoshis: what it began with, locked, paid and got, and what it gained or lost.
#![allow(clippy::float_arithmetic, reason = "pixels, not money")]

use maud::{Markup, html};
use terms::Sat;

use crate::market::record::{MarketRecord, MemberRecord};
use crate::report::both;
use crate::report::draw::{Canvas, Px, float};
use crate::text;

const ROW: f64 = 26.0;
const TOP: f64 = 22.0;

pub(super) fn section(record: &MarketRecord) -> Markup {
    html! {
        section {
            h2 { "Where every satoshi went" }
            p.soft {
                "What each wallet held at the end against what it was given at the start: to the right more, to the left, hatched, less."
            }
            (both(|canvas| gains(record, canvas)))
            (accounts(record))
            p.small.soft { (conservation(record)) }
        }
    }
}

fn conservation(record: &MarketRecord) -> String {
    let all = record.satoshis;
    format!(
        "All wallets together began with {}. {} moved them on the chain and paid {} to miners. {} are left by the chain's word, \
         and {} by the wallets' own.",
        text::sat(all.start_sat),
        text::counted(all.transactions, "transaction", "transactions"),
        text::sat(all.fees_sat),
        text::sat(all.unspent_sat),
        text::sat(all.end_sat),
    )
}

/// The largest gain or loss: the scale of all bars.
fn most(record: &MarketRecord) -> u64 {
    let moved = record.parties.iter().map(|party| party.end_sat.0.abs_diff(party.start_sat.0));
    moved.max().unwrap_or(0).max(1)
}

fn gains(record: &MarketRecord, canvas: Canvas) -> Markup {
    let (gutter, label) = if canvas == Canvas::Wide { (96.0, 86.0) } else { (66.0, 64.0) };
    let half = (canvas.width() - gutter - 2.0 * label) / 2.0;
    let zero = gutter + label + half;
    let most = most(record);
    let height = TOP + ROW * float(record.parties.len() as u64) + 6.0;
    let id = format!("loss-{}", canvas.class());
    html! {
        svg class=(format!("chart {}", canvas.class())) viewBox=(format!("0 0 {} {height}", canvas.width()))
            role="img" aria-label="what each party gained or lost" {
            defs {
                pattern id=(id) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect width="6" height="6" fill="#fbe8d2" {}
                    line x1="0" y1="0" x2="0" y2="6" stroke="#b4600b" stroke-width="2.4" {}
                }
            }
            text class="soft tiny" x=(Px(zero - 8.0)) y="12" text-anchor="end" { "less" }
            text class="soft tiny" x=(Px(zero + 8.0)) y="12" { "more" }
            @for (index, party) in (0u64..).zip(&record.parties) {
                (bar(party, TOP + ROW * float(index), zero, half / float(most), &id))
            }
            line class="axis" x1=(Px(zero)) x2=(Px(zero)) y1=(Px(TOP - 4.0)) y2=(Px(height - 4.0)) {}
        }
    }
}

fn bar(party: &MemberRecord, top: f64, zero: f64, scale: f64, hatch: &str) -> Markup {
    let width = float(party.end_sat.0.abs_diff(party.start_sat.0)) * scale;
    let gained = party.end_sat >= party.start_sat;
    let (left, label, anchor) = match gained {
        true => (zero, zero + width + 6.0, "start"),
        false => (zero - width, zero - width - 6.0, "end"),
    };
    let fill = if gained { "#2f5bb7".to_owned() } else { format!("url(#{hatch})") };
    html! {
        text class="strong" x="0" y=(Px(top + 14.0)) { (party.name) }
        rect x=(Px(left)) y=(Px(top + 2.0)) width=(Px(width.max(0.8))) height=(Px(ROW - 9.0)) rx="2" fill=(fill) {}
        text class="tiny" x=(Px(label)) y=(Px(top + 14.0)) text-anchor=(anchor) {
            (text::signed(party.end_sat, party.start_sat))
        }
    }
}

fn accounts(record: &MarketRecord) -> Markup {
    let number = |sat: Sat| text::thousands(sat.0);
    html! {
        table.accounts {
            thead { tr {
                th { "Party" } th.num { "Escrows" } th.num { "At start" } th.num { "Locked" } th.num { "Fees" }
                th.num { "Paid out" } th.num { "At end" }
            } }
            tbody {
                @for party in &record.parties {
                    tr {
                        td { (party.name) }
                        td.num data-label="escrows" { (party.escrows) }
                        td.num data-label="at start" { (number(party.start_sat)) }
                        td.num data-label="locked" { (number(party.locked_sat)) }
                        td.num data-label="fees" { (number(party.fees_sat)) }
                        td.num data-label="paid out" { (number(party.paid_out_sat)) }
                        td.num data-label="at end" { (number(party.end_sat)) }
                    }
                }
            }
        }
    }
}
