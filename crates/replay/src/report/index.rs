//! One page over a whole catalogue: a row for each run, with a link to its own page.

use maud::{Markup, html};

use super::{link, whole};
use crate::done::Done;
use crate::many::Run;
use crate::text;

/// What the page has beyond the style of all pages.
const OWN_STYLE: &str = include_str!("index.css");

/// The whole page.
pub fn index(runs: &[Run]) -> String {
    let body = html! { (head(runs)) (groups(runs)) (foot(runs)) };
    whole("Replays", OWN_STYLE, "catalogue", &body)
}

fn head(runs: &[Run]) -> Markup {
    let failed = runs.iter().filter(|run| !run.passed()).count();
    html! {
        header {
            div.brand { span { b { "Earnest" } " replays" } }
            h1 { "Outages and faults, and what each party was paid" }
            (super::badge_of(failed == 0, &verdict(runs.len(), failed)))
            p.lede {
                "Each row is a contract between a provider and a buyer, locked in bitcoin on a private chain. An oracle measured "
                "the service while it failed as told, signed one number, and the money moved by itself: the bar shows how "
                "price and bond were split."
            }
        }
    }
}

fn verdict(all: usize, failed: usize) -> String {
    match failed {
        0 => format!("As expected: all {all}"),
        _ => format!("Not as expected: {failed} of {all}"),
    }
}

/// The runs of each folder under a heading of their own, in the order in which they come.
fn groups(runs: &[Run]) -> Markup {
    let mut folders: Vec<&str> = Vec::new();
    for run in runs {
        if !folders.contains(&folder(run)) {
            folders.push(folder(run));
        }
    }
    html! {
        @for name in folders {
            section {
                h2 { (heading(name)) }
                (table(runs.iter().filter(|run| folder(run) == name)))
            }
        }
    }
}

fn folder(run: &Run) -> &str {
    run.name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn heading(folder: &str) -> String {
    let words = folder.replace(['-', '_'], " ").replace('/', ", ");
    let mut letters = words.chars();
    letters
        .next()
        .map_or_else(|| "Scenarios".to_owned(), |first| first.to_uppercase().chain(letters).collect())
}

fn table<'a>(runs: impl Iterator<Item = &'a Run>) -> Markup {
    html! {
        table.runs {
            thead {
                tr {
                    th { "Scenario" } th.num { "Failing" } th.num { "Outcome" }
                    th { "Provider's and buyer's share" } th { "As expected" }
                }
            }
            tbody { @for run in runs { (row(run)) } }
        }
    }
}

fn row(run: &Run) -> Markup {
    let title = run.record().map_or(run.name.as_str(), Done::title);
    html! {
        tr {
            td.what {
                @match &run.page { Some(page) => a href=(page) { (title) }, None => (title) }
                div.soft.small { (about(run)) }
            }
            td.num data-label="failing" { (run.record().and_then(Done::failing).unwrap_or_else(|| "–".to_owned())) }
            td.num data-label="outcome" { (crate::many::end(run)) }
            td.split { @if let Some(record) = run.record() { (split(record)) } }
            td { @if run.passed() { span.yes-mark { "✓ yes" } } @else { span.no-mark { "✗ no" } } }
        }
        @if !run.passed() {
            tr.reasons { td colspan="5" { ul { @for reason in run.reasons() { li { (reason) } } } } }
        }
    }
}

/// When, and where the timeline is published.
fn about(run: &Run) -> Markup {
    let Some(record) = run.record() else { return html! { (run.file.display()) } };
    html! {
        @if let Some(window) = record.window() {
            (text::day_of_year(window.start)) ", " (text::length(window.seconds()))
        }
        @if let Some(source) = record.source() { " · " (link(source, "source")) }
    }
}

/// Two bars, one for each side, told apart by place, letter and pattern as well as by colour.
fn split(record: &Done) -> Markup {
    let Some(paid) = record.paid() else { return html! { span.soft { "nothing was paid" } } };
    let total = (paid.provider_sat.0 + paid.buyer_sat.0).max(1);
    // Whole per mille of the width: pixels, not money.
    let width = paid.provider_sat.0.saturating_mul(1_000) / total;
    html! {
        svg.split viewBox="0 0 1000 60" preserveAspectRatio="none" role="img" aria-label="share of each side" {
            rect class="provider" width=(width) height="60" {}
            rect class="buyer" x=(width) width=(1_000 - width) height="60" {}
            @if width > 0 && width < 1_000 { rect x=(width.saturating_sub(3)) width="6" height="60" fill="#fff" {} }
        }
        div.shares {
            span { b { "P " } (text::thousands(paid.provider_sat.0)) }
            span { b { "B " } (text::thousands(paid.buyer_sat.0)) }
        }
    }
}

fn foot(runs: &[Run]) -> Markup {
    let bitcoind = runs.iter().filter_map(Run::record).map(Done::bitcoind).next();
    html! {
        footer {
            p {
                "P is the provider, who locks a bond and sells; B the buyer, who locks the price. Shares are in satoshis, before fees. "
                "\"Failing\" is the time whose probes failed. Each run is real: its own Bitcoin node"
                @if let Some(bitcoind) = bitcoind { " (" (bitcoind) ")" }
                ", oracle and two nodes, in simulated time. The coins have no value; the transactions are valid."
            }
        }
    }
}
