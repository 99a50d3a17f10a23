//! One page about one run: self-contained HTML, for a person who was not there.
//!
//! No script, no font, no picture comes from elsewhere. Each drawing is made twice, for pages and
//! for phones, and CSS shows the one that fits; nothing is said by colour alone.

pub(crate) mod buckets;
mod curve;
mod delivery;
pub(crate) mod draw;
mod evidence;
mod flow;
mod index;
mod oracles;
mod papers;
mod story;
pub(crate) mod strip;
pub(crate) mod tables;
mod trouble;

use draw::Canvas;
pub use index::index;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use terms::Sat;
pub(crate) use trouble::WHOLE_RUN;

use crate::record::{ChainRecord, Check, Record, Story};
use crate::text;

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub fn page(record: &Record) -> String {
    let body = html! {
        (head(record))
        (measured(record))
        (oracles::section(record))
        (agreed(record))
        (moved(record))
        (tables::transactions(record))
        (papers::sections(record))
        (story::timeline(record))
        (evidence::section(record))
        (foot(record))
    };
    whole(&record.scenario.title, "", "run", &body)
}

/// A page with this title, this style beyond that of all pages, and this class for its content.
pub(crate) fn whole(title: &str, style: &str, class: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="earnest replay";
                title { (title) " · Earnest" }
                style { (PreEscaped(STYLE)) (PreEscaped(style)) }
            }
            body { main class=(class) { (body) } }
        }
    };
    page.into_string()
}

fn head(record: &Record) -> Markup {
    html! {
        header {
            (top(&record.scenario.name, &record.scenario.title, &record.checks))
            p.lede { (story::sentence(record)) }
            (tiles(record))
        }
    }
}

/// A run's name, its title, and whether its checks hold.
pub(crate) fn top(name: &str, title: &str, checks: &[Check]) -> Markup {
    let failed = checks.iter().filter(|check| !check.holds).count();
    html! {
        div.brand { span { b { "Earnest" } " replay report" } span.mono { (name) } }
        h1 { (title) }
        (badge(failed, checks.len()))
    }
}

/// The badge under a page's title.
fn badge(failed: usize, all: usize) -> Markup {
    match failed {
        0 => badge_of(true, &format!("As expected: all {all} checks hold")),
        _ => badge_of(false, &format!("Not as expected: {failed} of {all} checks fail")),
    }
}

fn badge_of(passed: bool, words: &str) -> Markup {
    let class = if passed { "badge yes" } else { "badge no" };
    let sign = if passed { "M4 10.5l4 4 8-9" } else { "M5 5l10 10M15 5L5 15" };
    html! {
        div class=(class) {
            svg viewBox="0 0 20 20" aria-hidden="true" {
                path d=(sign) fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" {}
            }
            (words)
        }
    }
}

fn tiles(record: &Record) -> Markup {
    let (figure, unit, below) = story::outcome_tile(record);
    let got = |sat: Sat, locked: Sat, what: &str| {
        html! {
            div.figure { (text::thousands(sat.0)) small { " sat" } }
            div.below {
                @if locked.0 == 0 { "nothing locked" } @else { "locked " (text::thousands(locked.0)) " as " (what) }
            }
        }
    };
    html! {
        div.tiles {
            div class="tile outcome" {
                div.label { "Outcome" }
                div.figure { (figure) small { " " (unit) } }
                div.below { (below) }
            }
            div class="tile provider" { div.label { "Provider received" } (got(record.provider.got_out_sat, record.provider.locked_sat, "bond")) }
            div class="tile buyer" { div.label { "Buyer received" } (got(record.buyer.got_out_sat, record.buyer.locked_sat, "price")) }
            div class="tile miners" {
                div.label { "Miners received" }
                div.figure { (text::thousands(record.fees_sat().0)) small { " sat" } }
                div.below { @if record.is_cancelled() { "taking coins back" } @else { "funding and closing" } }
            }
        }
    }
}

/// A drawing for pages and the same for phones.
pub(crate) fn both(draw: impl Fn(Canvas) -> Markup) -> Markup {
    html! { @for canvas in Canvas::BOTH { (draw(canvas)) } }
}

fn measured(record: &Record) -> Markup {
    let window = record.measurement.window;
    html! {
        section {
            h2 { @if record.oracles.len() > 1 { "What the oracles measured" } @else { "What the oracle measured" } }
            p.soft {
                (text::span(window)) " (" (text::length(window.seconds())) "), a probe of "
                code { (record.measurement.target) } " every " span.nowrap { (text::length_ms(record.measurement.probe_every_ms)) "." }
            }
            @match delivery::deadline(record) {
                Some(deadline) => (both(|canvas| delivery::line(record, deadline, canvas))),
                None => {
                    (both(|canvas| strip::uptime(record, canvas)))
                    (legend())
                    @if let Some(range) = strip::closer(record) {
                        h3 { "A closer look: share of failed probes, " (text::span(range)) }
                        (both(|canvas| strip::failures(record, range, canvas)))
                    }
                }
            }
            (trouble::table(record))
            p.counts.small.soft { (story::counts(record)) }
        }
    }
}

fn legend() -> Markup {
    let box_of = |class: &str| html! { svg viewBox="0 0 15 13" aria-hidden="true" { rect class=(class) width="15" height="13" rx="2" {} } };
    html! {
        ul.legend {
            li { (box_of("good")) "answered well" }
            li { svg viewBox="0 0 15 13" aria-hidden="true" { path class="bad" d="M0 1h15l-7.5 12z" {} } "failed (marked from above)" }
            li {
                svg viewBox="0 0 15 13" aria-hidden="true" {
                    rect class="unknown" width="15" height="13" {}
                    path d="M0 13L13 0M-5 8L3 0M7 13L18 2" stroke="#8a6fc9" stroke-width="2" {}
                }
                "could not be measured"
            }
        }
    }
}

fn agreed(record: &Record) -> Markup {
    let drawn = Canvas::BOTH.map(|canvas| curve::draw(record, canvas));
    let cancelled = record.is_cancelled();
    html! {
        section {
            h2 { "What the two had agreed" }
            p.soft {
                "The buyer " @if cancelled { "was to lock " } @else { "locked " }
                b { (text::sat(record.agreement.price_sat)) } " as price, the provider "
                b { (text::sat(record.agreement.bond_sat)) } " as bond."
                @if let Some(preset) = &record.scenario.preset { " The schedule is the one that " (preset) " publishes." }
                @if !cancelled { " Both signed a closing transaction for every outcome before the window began." }
            }
            @for drawing in drawn.into_iter().flatten() { (drawing) }
        }
    }
}

fn moved(record: &Record) -> Markup {
    html! {
        section {
            h2 { "Where every satoshi went" }
            @if record.locked_sat().0 > 0 { (both(|canvas| flow::draw(record, canvas))) }
            (tables::money(record))
        }
    }
}

fn foot(record: &Record) -> Markup {
    let Story { source, notes, .. } = &record.scenario;
    bottom(&record.chain, source.as_deref(), notes.as_deref())
}

/// What a page ends with: what a replay is, and where its timeline comes from.
pub(crate) fn bottom(chain: &ChainRecord, source: Option<&str>, notes: Option<&str>) -> Markup {
    html! {
        footer {
            p {
                "A replay: real processes and a real Bitcoin node (" (chain.bitcoind) ") on a private regtest chain, in simulated time. "
                "The coins have no value; the transactions are valid. Everything is in " code { "run.json" } " beside this page."
            }
            @if let Some(source) = source { p { "Timeline: " (link(source, source)) } }
            @if let Some(notes) = notes { p { (notes) } }
        }
    }
}

/// Only what is surely a web address becomes a link: the text comes from a scenario's author.
fn link(source: &str, words: &str) -> Markup {
    let is_web = source.starts_with("https://") || source.starts_with("http://");
    html! { @if is_web { a href=(source) rel="noreferrer" { (words) } } @else { (source) } }
}
