//! What the nodes keep: the signed words of the negotiation, and a receipt for each movement of money.

use maud::{Markup, html};

use crate::papers::{Book, Receipt};
use crate::record::Record;
use crate::text;

/// Both sections, as far as there is something to show.
pub(super) fn sections(record: &Record) -> Markup {
    html! {
        @if !record.negotiation.is_empty() { (words(record)) }
        @if !record.receipts.is_empty() { (receipts(record)) }
    }
}

fn words(record: &Record) -> Markup {
    html! {
        section {
            h2 { "What the two said to each other" }
            p.soft { "Each word is signed by its speaker and names the one before it, so that none can be denied, changed or left out." }
            ol.story {
                @for word in &record.negotiation {
                    li class=(word.who) {
                        time { (text::stamp(word.at)) } span.who { (word.who) }
                        span.what { (word.what) " " code.soft { (word.kind) } }
                    }
                }
            }
        }
    }
}

fn receipts(record: &Record) -> Markup {
    html! {
        section {
            h2 { "What each wrote down about its money" }
            p.soft { "One line for each movement, chained, and signed over by the node's key: an owner's auditor can check them without the node." }
            @for book in &record.receipts { (book_of(book)) }
        }
    }
}

fn book_of(book: &Book) -> Markup {
    let lines = text::counted(book.receipts.len() as u64, "line", "lines");
    html! {
        h3 { "The " (book.who) "'s receipts" }
        table.book {
            thead { tr { th { "When" } th { "For" } th { "Paid to" } th.num { "Satoshis" } } }
            tbody { @for line in &book.receipts { (row(line)) } }
        }
        p.small.soft {
            @match &book.fault {
                None => { (lines) ", as exported: every hash and signature holds." }
                Some(fault) => { (lines) "; the file does not verify: " (fault) }
            }
        }
    }
}

fn row(line: &Receipt) -> Markup {
    html! {
        tr {
            td { (text::stamp(line.at)) }
            td { (line.purpose) @if line.takes_back { span.soft { " (taken back)" } } }
            td.mono { (line.paid_to) }
            td.num { @if line.takes_back { "−" } (text::thousands(line.sat.0)) }
        }
    }
}
