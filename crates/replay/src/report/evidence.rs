//! What proves it, and how anybody can check.

use maud::{Markup, html};
use terms::Outcome;

use crate::record::Record;
use crate::text;

/// The section.
pub(super) fn section(record: &Record) -> Markup {
    html! {
        section {
            h2 { "Check it yourself" }
            p.soft {
                "The oracle never learned who had contracted, nor for how much. It published what it would measure before the window, "
                "and its samples with one signature after it. None of the steps below has to trust it, or us."
            }
            dl.facts {
                dt { "Event" } dd.mono { (record.event_id) }
                @if record.oracles.len() > 1 {
                    @for oracle in &record.oracles { dt { "Key of " (oracle.name) } dd.mono { (oracle.key) } }
                } @else {
                    dt { "Oracle key" } dd.mono { (record.oracle.key) }
                }
                dt { "Oracle signs from" } dd { (text::moment(record.oracle.maturity)) }
                @if let Some(root) = &record.oracle.root { dt { "Root of the evidence" } dd.mono { (root) } }
                dt { "Terms" } dd.mono { (record.terms_hash) }
                dt { "Provider" } dd.mono { (record.provider.key) }
                dt { "Buyer" } dd.mono { (record.buyer.key) }
            }
            (commands(record))
            details { summary { "The measurement, as the oracle signed it" } pre { (pretty(&record.measurement)) } }
            details { summary { "The agreement, as both parties accepted it" } pre { (pretty(&record.agreement)) } }
        }
    }
}

/// The files beside this page and what to run on them.
fn commands(record: &Record) -> Markup {
    let outcome = match &record.outcome {
        Some(Outcome::Value(value)) => format!("--outcome {value}"),
        _ => "--all".to_owned(),
    };
    html! {
        p.small { "With the files beside this page:" }
        pre {
            "# the samples give the outcome, by a pure function\n"
            "earnest-oracle measure measurement.json samples.csv\n\n"
            @if record.outcome.is_some() {
                "# evidence, root and attestation fit together\n"
                "earnest-oracle audit evidence.json\n\n"
            }
            @if record.oracles.len() > 1 {
                "# the same of each other oracle that lived to publish it\n"
                "earnest-oracle audit evidence-NAME.json\n\n"
            }
            @if record.oracles.iter().any(|oracle| !oracle.contradiction.is_empty()) {
                "# an oracle signed two outcomes of one event\n"
                "earnest-oracle prove contradictions.json\n\n"
            }
            @if !record.receipts.is_empty() {
                "# the receipts are whole and signed, and the words were said\n"
                @for book in &record.receipts { "earnest receipts verify receipts-" (book.who) ".jsonl\n" }
                @if !record.negotiation.is_empty() { "earnest transcript verify transcript.json\n" }
                "\n"
            }
            "# what the agreement pays\n"
            "earnest terms payout agreement.json " (outcome) "\n\n"
            "# documents, messages, announcement, attestation and transactions as bytes\n"
            "less run.json"
        }
    }
}

fn pretty(document: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default()
}
