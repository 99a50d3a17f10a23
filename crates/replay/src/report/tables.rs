//! Money, transactions and checks as tables.

use maud::{Markup, html};
use terms::Sat;

use crate::record::{Check, PartyRecord, Record, TxRecord};
use crate::text;

/// What each party put in and got out.
pub(super) fn money(record: &Record) -> Markup {
    let row = |what: &str, part: fn(&PartyRecord) -> Sat| {
        html! {
            tr {
                td { (what) }
                td.num { (text::thousands(part(&record.provider).0)) }
                td.num { (text::thousands(part(&record.buyer).0)) }
                td.num { (text::thousands(part(&record.provider).0 + part(&record.buyer).0)) }
            }
        }
    };
    let together = Sat(record.provider.got_out_sat.0 + record.buyer.got_out_sat.0);
    html! {
        table.money {
            thead { tr {
                th { "Satoshis" }
                th.num { span.swatch.provider {} "Provider" } th.num { span.swatch.buyer {} "Buyer" } th.num { "Together" }
            } }
            tbody {
                (row("Put in", |party| party.put_in_sat))
                (row("Change", |party| party.change_sat))
                (row("Fees", |party| party.fees_sat))
                (row("Locked", |party| party.locked_sat))
                tr.total {
                    td { "Paid out" }
                    td.num { (text::thousands(record.provider.got_out_sat.0)) }
                    td.num { (text::thousands(record.buyer.got_out_sat.0)) }
                    td.num { (text::thousands(together.0)) }
                }
                tr.sum {
                    td { "Gain or loss" }
                    td.num { (text::signed(record.provider.got_out_sat, record.provider.locked_sat)) }
                    td.num { (text::signed(record.buyer.got_out_sat, record.buyer.locked_sat)) }
                    td.num { (text::signed(together, record.locked_sat())) }
                }
            }
        }
        p.small.soft {
            @if record.is_cancelled() {
                "Nothing was locked. Whoever had sent its signatures spent its coins to itself, so that nobody can fund the contract with them any more, and paid the fee of that."
            } @else {
                "Put in less change less what was locked is what each paid in fees, for the funding and in advance for the closing transaction. "
                "What is paid out is before fees: exactly what the agreement says."
            }
        }
    }
}

/// The transactions on the chain.
pub(super) fn transactions(record: &Record) -> Markup {
    let words = match (record.is_cancelled(), record.transactions.cancels.is_empty()) {
        (false, _) => {
            "Two transactions: one locks, one pays. The second was signed by both before the first was sent."
        }
        (true, true) => "Nothing: no transaction was sent.",
        (true, false) => "Nothing was locked, and coins that were promised were taken back.",
    };
    html! {
        section {
            h2 { "On the chain" }
            p.soft { (words) }
            @for tx in record.transactions.all() { (transaction(tx)) }
        }
    }
}

fn transaction(tx: &TxRecord) -> Markup {
    let name = match tx.kind.as_str() {
        "funding" => "Funding transaction",
        "cet" => "Closing transaction (CET of the attested outcome)",
        "refund" => "Closing transaction (refund)",
        "cancel" => "Coins taken back",
        other => other,
    };
    html! {
        div.tx {
            h3 { (name) span { (place(tx)) } }
            div.mono.small { (tx.txid) }
            table {
                @for input in &tx.inputs {
                    tr { td { "in" } td.mono { (short(&input.txid)) ":" (input.vout) } td.num { (text::sat(input.value_sat)) } }
                }
                @for output in &tx.outputs {
                    tr { td { "out " (output.vout) } td { (output.owner) } td.num { (text::sat(output.value_sat)) } }
                }
                tr { td { "fee" } td.soft { (tx.vsize) " vB" } td.num { (text::sat(tx.fee_sat)) } }
            }
        }
    }
}

fn place(tx: &TxRecord) -> String {
    match (tx.height, tx.time) {
        (Some(height), Some(time)) => {
            format!("block {}, {}", text::thousands(u64::from(height)), text::stamp(time))
        }
        (Some(height), None) => format!("block {}", text::thousands(u64::from(height))),
        (None, _) => "not in a block".to_owned(),
    }
}

/// The ends of an id: enough to recognise it.
pub(crate) fn short(id: &str) -> String {
    match (id.get(..8), id.len().checked_sub(8).and_then(|at| id.get(at..))) {
        (Some(head), Some(tail)) if id.len() > 20 => format!("{head}…{tail}"),
        _ => id.to_owned(),
    }
}

/// Every check with what was expected and found.
pub(crate) fn checks(checks: &[Check]) -> Markup {
    html! {
        table.checks {
            thead { tr { th { "Check" } th { "Expected" } th { "Found" } th { } } }
            tbody {
                @for check in checks {
                    tr {
                        td { (check.what) }
                        td data-label="expected" { (check.expected) }
                        td data-label="found" { (check.got) @if let Some(why) = &check.why { div.small.soft { (why) } } }
                        td { @if check.holds { span.yes-mark { "✓ holds" } } @else { span.no-mark { "✗ fails" } } }
                    }
                }
            }
        }
    }
}
