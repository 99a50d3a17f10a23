//! One page about one market: self-contained HTML, for a person who was not there.
//!
//! As the page of a single escrow, it fetches nothing, draws twice (for pages and for phones), and says nothing by colour
//! alone.

mod flows;
mod proofs;
mod services;
mod talks;
mod trades;

use maud::{Markup, html};
use terms::Sat;

use super::record::{MarketRecord, Side};
use crate::report::{bottom, tables, top, whole};
use crate::text;

/// What the page has beyond the style of all pages.
const OWN_STYLE: &str = include_str!("market.css");

/// The whole page.
pub fn page(record: &MarketRecord) -> String {
    let scenario = &record.scenario;
    let body = html! {
        header {
            (top(&scenario.name, &scenario.title, &record.checks))
            p.lede { (lede(record)) }
            (tiles(record))
        }
        (trades::section(record))
        (flows::section(record))
        (services::section(record))
        (talks::section(record))
        (proofs::escrows(record))
        (proofs::directory(record))
        (proofs::receipts(record))
        (story(record))
        (checks(record))
        (bottom(&record.chain, scenario.source.as_deref(), scenario.notes.as_deref()))
    };
    whole(&scenario.title, OWN_STYLE, "market", &body)
}

fn lede(record: &MarketRecord) -> String {
    let providers = record.side(Side::Provider).count() as u64;
    let buyers = record.side(Side::Buyer).count() as u64;
    let failed = record.services.iter().filter(|service| !service.outages.is_empty()).count() as u64;
    format!(
        "{} and {}, each with an agent and a node of its own, found each other through a directory and agreed about prices by \
         their strategies. One oracle measured every service, and {} failed. Then the money moved by itself.",
        text::counted(providers, "provider", "providers"),
        text::counted(buyers, "buyer", "buyers"),
        text::counted(failed, "of them", "of them"),
    )
}

fn tiles(record: &MarketRecord) -> Markup {
    let tile = |class: &str, label: &str, figure: Sat, below: &str| {
        html! {
            div class=(format!("tile {class}")) {
                div.label { (label) }
                div.figure { (text::thousands(figure.0)) small { " sat" } }
                div.below { (below) }
            }
        }
    };
    html! {
        div.tiles {
            div class="tile outcome" {
                div.label { "Escrows" }
                div.figure { (record.escrows.len()) }
                div.below { "of " (record.negotiations.len()) " negotiations" }
            }
            (tile("provider", "Prices agreed", record.prices_sat(), "locked by the buyers"))
            (tile("buyer", "Paid to buyers", record.paid_back_sat(), "of prices and bonds"))
            (tile("miners", "Miners received", record.satoshis.fees_sat, "funding and closing"))
        }
    }
}

fn story(record: &MarketRecord) -> Markup {
    let class = |who: &str| match record.party(who).map(|party| party.side) {
        Some(Side::Provider) => "provider",
        Some(Side::Buyer) => "buyer",
        None if who == "oracle" => "oracle",
        None => "chain",
    };
    html! {
        section {
            h2 { "What happened" }
            ol.story {
                @for moment in &record.history {
                    li class=(class(&moment.who)) {
                        time { (text::stamp(moment.at)) } " "
                        span.who { (moment.who) } " "
                        span.what { (moment.what) }
                    }
                }
            }
        }
    }
}

fn checks(record: &MarketRecord) -> Markup {
    html! {
        section {
            h2 { "What was checked" }
            p.soft { "What the scenario's file expects, worked out by hand, and rules that hold in every run." }
            (tables::checks(&record.checks))
        }
    }
}
