//! Who bought from whom, at which price, and what came back: a table of providers by buyers.

use maud::{Markup, html};

use crate::market::record::{MarketRecord, MemberRecord, Side};
use crate::text;

/// What two parties' escrows come to.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    escrows: u64,
    price: u64,
    back: u64,
}

fn sum(record: &MarketRecord, counts: impl Fn(&str, &str) -> bool) -> Sum {
    let meant = record.escrows.iter().filter(|escrow| counts(&escrow.seller, &escrow.shopper));
    meant.fold(Sum::default(), |sum, escrow| Sum {
        escrows: sum.escrows + 1,
        price: sum.price + escrow.agreement.price_sat.0,
        back: sum.back + escrow.payouts.paid.map_or(0, |paid| paid.buyer_sat.0),
    })
}

pub(super) fn section(record: &MarketRecord) -> Markup {
    html! {
        section {
            h2 { "Who paid what to whom" }
            p.soft {
                "In satoshis, before fees. Each cell: in brackets how many windows, then the prices that the buyer locked for them, and after the arrow "
                "what the closing transactions paid back to the buyer, of prices and of the provider's bonds."
            }
            (matrix(record))
            (list(record))
        }
    }
}

/// For pages and paper.
fn matrix(record: &MarketRecord) -> Markup {
    let providers: Vec<&MemberRecord> = record.side(Side::Provider).collect();
    html! {
        table.matrix {
            thead { tr {
                th { "Buyer" }
                @for provider in &providers { th.num { (provider.name) } }
                th.num { "Together" }
            } }
            tbody {
                @for buyer in record.side(Side::Buyer) {
                    tr {
                        th { (buyer.name) }
                        @for provider in &providers {
                            td.num { (cell(sum(record, |p, b| p == provider.name && b == buyer.name))) }
                        }
                        td.num { (cell(sum(record, |_, b| b == buyer.name))) }
                    }
                }
                tr.sum {
                    th { "Together" }
                    @for provider in &providers { td.num { (cell(sum(record, |p, _| p == provider.name))) } }
                    td.num { (cell(sum(record, |_, _| true))) }
                }
            }
        }
    }
}

fn cell(sum: Sum) -> Markup {
    html! {
        @if sum.escrows == 0 { span.soft { "–" } } @else {
            span.count { "(" (sum.escrows) ")" } " " (text::thousands(sum.price))
            @if sum.back > 0 { div.back { "↩ " (text::thousands(sum.back)) } }
        }
    }
}

/// For phones, where the table has no room.
fn list(record: &MarketRecord) -> Markup {
    html! {
        div.pairs {
            @for buyer in record.side(Side::Buyer) {
                h3 { (buyer.name) }
                table {
                    @for provider in record.side(Side::Provider) {
                        @let sum = sum(record, |p, b| p == provider.name && b == buyer.name);
                        @if sum.escrows > 0 { tr { td { (provider.name) } td.num { (cell(sum)) } } }
                    }
                    tr.sum { td { "together" } td.num { (cell(self::sum(record, |_, b| b == buyer.name))) } }
                }
            }
        }
    }
}
