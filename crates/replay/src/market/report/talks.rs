//! Every negotiation: what was asked, what was bid, and what both took.

use maud::{Markup, html};
use protocol::owner::{Role, SaidView};

use crate::market::record::{MarketRecord, TalkRecord};
use crate::text;

pub(super) fn section(record: &MarketRecord) -> Markup {
    html! {
        section {
            h2 { "What the agents said" }
            p.soft {
                "Prices in satoshis, in the order in which they were named: what the provider " b.asked { "asked" }
                ", what the buyer " i.bid { "bid" } ". \"At most\" is the buyer's own limit, which the provider never sees."
            }
            table.talks {
                thead { tr {
                    th { "Buyer" } th { "Provider" } th { "Window" } th { "Asked, bid, …" } th.num { "At most" } th.num { "Agreed" }
                } }
                tbody { @for talk in &record.negotiations { (row(talk)) } }
            }
        }
    }
}

fn row(talk: &TalkRecord) -> Markup {
    html! {
        tr {
            td data-label="buyer" { (talk.buyer) }
            td data-label="provider" { (talk.provider) }
            td data-label="window" { (text::time_of_day(talk.window.start)) }
            td.prices data-label="asked, bid" {
                @for (index, said) in priced(talk).enumerate() {
                    @if index > 0 { " " }
                    (price(said))
                }
                @if priced(talk).next().is_none() { span.soft { "–" } }
            }
            td.num data-label="at most" { (text::thousands(talk.maximum_sat.0)) }
            td.num data-label="agreed" {
                @match talk.agreed_sat {
                    Some(agreed) => b { (text::thousands(agreed.0)) },
                    None => span.no-mark { "none" },
                }
            }
        }
        @if let Some(why) = &talk.refused { tr.why { td colspan="6" { "↳ " (why) } } }
    }
}

fn priced(talk: &TalkRecord) -> impl Iterator<Item = &SaidView> {
    talk.said.iter().filter(|said| said.price_sat.is_some())
}

fn price(said: &SaidView) -> Markup {
    let price = said.price_sat.map_or_else(String::new, |price| text::thousands(price.0));
    match said.by {
        Role::Provider => html! { b.asked { (price) } },
        Role::Buyer => html! { i.bid { (price) } },
    }
}
