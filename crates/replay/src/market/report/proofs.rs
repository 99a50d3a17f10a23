//! What others can check: escrows with their transactions, the directory's listings, receipts.

use maud::{Markup, html};
use terms::Outcome;

use crate::market::record::{EscrowRecord, ListingRecord, MarketRecord, MemberRecord};
use crate::record::TxRecord;
use crate::report::tables::short;
use crate::text;

pub(super) fn escrows(record: &MarketRecord) -> Markup {
    html! {
        section {
            h2 { "The escrows" }
            p.soft {
                "Each is one funding transaction and one closing transaction. The ends of their ids stand here, all of them in "
                code { "run.json" } "."
            }
            table.escrows {
                thead { tr {
                    th { "Provider" } th { "Buyer" } th { "Window" } th.num { "Price + bond" } th.num { "Attested" }
                    th.num { "Provider got" } th.num { "Buyer got" } th { "State" } th { "Funding, closing" }
                } }
                tbody { @for escrow in &record.escrows { (escrow_row(escrow)) } }
            }
        }
    }
}

fn escrow_row(escrow: &EscrowRecord) -> Markup {
    let agreement = &escrow.agreement;
    let paid = escrow.payouts.paid;
    let got = |sat: Option<terms::Sat>| sat.map_or_else(|| "–".to_owned(), |sat| text::thousands(sat.0));
    html! {
        tr {
            td data-label="provider" { (escrow.seller) }
            td data-label="buyer" { (escrow.shopper) }
            td data-label="window" { (text::time_of_day(escrow.window().start)) }
            td.num data-label="price + bond" {
                (text::thousands(agreement.price_sat.0)) " + " (text::thousands(agreement.bond_sat.0))
            }
            td.num data-label="attested" { (attested(escrow)) }
            td.num data-label="provider got" { (got(paid.map(|paid| paid.provider_sat))) }
            td.num data-label="buyer got" { (got(paid.map(|paid| paid.buyer_sat))) }
            td data-label="state" { (state(escrow)) }
            td.mono data-label="funding, closing" {
                (txid(escrow.transactions.funding.as_ref())) br; (txid(escrow.transactions.settling.as_ref()))
            }
        }
    }
}

fn attested(escrow: &EscrowRecord) -> String {
    match &escrow.outcome {
        Some(Outcome::Value(value)) => format!("{} ppm", text::thousands(value.0)),
        Some(_) => "no data".to_owned(),
        None => "–".to_owned(),
    }
}

fn state(escrow: &EscrowRecord) -> String {
    let (provider, buyer) = (&escrow.provider.state, &escrow.buyer.state);
    if provider == buyer { buyer.clone() } else { format!("{provider} / {buyer}") }
}

fn txid(transaction: Option<&TxRecord>) -> Markup {
    html! {
        @match transaction {
            Some(tx) => { span title=(tx.txid) { (short(&tx.txid)) } @if let Some(height) = tx.height { span.soft { " in " (height) } } },
            None => "–",
        }
    }
}

pub(super) fn directory(record: &MarketRecord) -> Markup {
    html! {
        section {
            h2 { "The directory" }
            p.soft {
                "What it gave to everybody before the first purchase. Each listing is signed by its provider, so that the directory "
                "could withhold one, and change none."
            }
            table.listings {
                thead { tr { th { "Provider" } th { "Says" } th.num { "Offers" } th { "Listed" } th { "Good until" } th { "Signed by" } } }
                tbody { @for listing in &record.listings { (listing_row(listing)) } }
            }
        }
    }
}

fn listing_row(listing: &ListingRecord) -> Markup {
    html! {
        tr {
            td data-label="provider" { (listing.provider) }
            td data-label="says" { (listing.summary) }
            td.num data-label="offers" { (listing.offers) }
            td data-label="listed" { (text::stamp(listing.at)) }
            td data-label="good until" { (text::stamp(listing.expires)) }
            td.mono data-label="signed by" { (short(&listing.key.to_string())) }
        }
    }
}

pub(super) fn receipts(record: &MarketRecord) -> Markup {
    let verified = record.escrows.iter().filter(|escrow| escrow.transcript_verified).count();
    html! {
        section {
            h2 { "What everybody can prove" }
            p.soft {
                "Each node wrote one line for each movement of its money, chained and under signed roots. Every export was verified offline "
                "with " code { "earnest receipts verify" } "; the sums are the lines' own. " (verified) " of " (record.escrows.len())
                " transcripts hold, from the first word down to the payout, by " code { "earnest transcript verify" } "."
            }
            table.receipts {
                thead { tr {
                    th { "Party" } th.num { "Lines" } th.num { "Signed roots" } th.num { "Locked" } th.num { "Paid out" } th { "Verified" }
                } }
                tbody { @for party in &record.parties { (receipts_row(party)) } }
            }
        }
    }
}

fn receipts_row(party: &MemberRecord) -> Markup {
    let receipts = &party.receipts;
    html! {
        tr {
            td data-label="party" { (party.name) }
            td.num data-label="lines" { (receipts.lines) }
            td.num data-label="signed roots" { (receipts.batches) }
            td.num data-label="locked" { (text::thousands(receipts.locked_sat.0)) }
            td.num data-label="paid out" { (text::thousands(receipts.paid_out_sat.0)) }
            td data-label="verified" { @if receipts.verified { span.yes-mark { "✓ holds" } } @else { span.no-mark { "✗ fails" } } }
        }
    }
}
