//! The run in words: one sentence, the counts behind it, and what happened when.

use maud::{Markup, html};
use terms::{Outcome, Scale};

use super::{delivery, tables};
use crate::record::Record;
use crate::text;

/// The run in two sentences, for somebody who reads nothing else.
pub(super) fn sentence(record: &Record) -> String {
    format!("{}{} {}", what_was_found(record), who_agreed(record), what_was_paid(record))
}

/// Where several oracles watched and enough of them agree.
fn who_agreed(record: &Record) -> String {
    let agreeing = record.oracles.iter().filter(|oracle| oracle.agrees).count();
    match (record.oracles.len(), &record.outcome) {
        (2.., Some(_)) => format!(" So said {agreeing} of {} oracles.", record.oracles.len()),
        _ => String::new(),
    }
}

fn what_was_found(record: &Record) -> String {
    let length = text::length(record.measurement.window.seconds());
    let scale = &record.measurement.outcome;
    match (&record.outcome, &record.reading) {
        (None, _) if record.is_cancelled() => {
            "Two parties agreed, and the contract between them was never funded.".to_owned()
        }
        (None, _) if record.oracles.len() > 1 => format!(
            "{} oracles were to watch a service for {length}, and fewer than {} of them signed the same.",
            record.oracles.len(),
            record.agreement.oracles.threshold
        ),
        (None, _) => format!(
            "An oracle was to watch a service for {length}, fell silent, and never signed what it saw."
        ),
        (Some(Outcome::Indeterminate), Some(report)) => format!(
            "For {length} an oracle watched a service, but could not measure {} of {} slices, and signed that it does not know.",
            text::thousands(report.slices.unmeasured),
            text::thousands(report.slices.total)
        ),
        (Some(outcome), _) if delivery::deadline(record).is_some() => {
            how_late(record, &text::outcome(outcome, scale))
        }
        (Some(outcome), Some(report)) => format!(
            "For {length} an oracle probed a service: {} of {} probes failed, which makes {}.",
            text::thousands(report.probes.bad),
            text::thousands(report.probes.bad + report.probes.good),
            text::outcome(outcome, scale)
        ),
        (Some(outcome), None) => {
            format!("For {length} an oracle watched a service and signed {}.", text::outcome(outcome, scale))
        }
    }
}

fn how_late(record: &Record, outcome: &str) -> String {
    let (Some(deadline), Some(at)) = (delivery::deadline(record), delivery::arrived(record)) else {
        return format!("A delivery never came while the oracle watched; it signed {outcome}.");
    };
    match at.0.checked_sub(deadline.0).filter(|late| *late > 0) {
        None => format!("A delivery was there at {}, in time and with the right hash.", text::moment(at)),
        Some(late) => format!(
            "A delivery, checked by its hash, was there at {}, {} after its deadline; that counts as {outcome}.",
            text::moment(at),
            text::length(late)
        ),
    }
}

fn what_was_paid(record: &Record) -> String {
    if record.is_cancelled() {
        return "Each kept its coins: until the last signature nothing is locked.".to_owned();
    }
    let Some(paid) = record.payouts.paid else {
        return "No transaction paid anybody.".to_owned();
    };
    let refunded = record.transactions.settling.as_ref().is_some_and(|tx| tx.kind == "refund");
    let (provider, buyer) = (text::sat(paid.provider_sat), text::sat(paid.buyer_sat));
    if refunded {
        format!(
            "So each side took back what it had locked, {provider} the provider and {buyer} the buyer, with a refund signed at the start."
        )
    } else {
        format!(
            "The chain paid {provider} to the provider and {buyer} to the buyer, and neither had to ask the other."
        )
    }
}

/// Figure, unit and explanation of the outcome's tile.
pub(super) fn outcome_tile(record: &Record) -> (String, String, String) {
    let Some(outcome) = &record.outcome else {
        return ("none".to_owned(), String::new(), "nothing was attested".to_owned());
    };
    match (outcome, &record.measurement.outcome) {
        (Outcome::Value(value), Scale::Numeric(scale)) if scale.unit == "ppm" => {
            let up = text::percent(1_000_000u64.saturating_sub(value.0));
            (text::thousands(value.0), "ppm".to_owned(), format!("{up} available"))
        }
        (Outcome::Value(value), scale) => {
            (text::thousands(value.0), text::unit(scale).to_owned(), "after the deadline".to_owned())
        }
        (Outcome::Level(name), _) => (name.clone(), String::new(), "the attested level".to_owned()),
        (Outcome::Indeterminate, _) => {
            ("no data".to_owned(), String::new(), "attested as indeterminate".to_owned())
        }
    }
}

/// What the counts came to, exactly.
pub(super) fn counts(record: &Record) -> String {
    let Some(report) = &record.reading else {
        return "The oracle published no finished measurement.".to_owned();
    };
    let slices = &report.slices;
    let mut text = format!(
        "Probes: {} good, {} failed, {} undecided. Slices of {}: {} without a failure, {} with, {} unmeasured.",
        text::thousands(report.probes.good),
        text::thousands(report.probes.bad),
        text::thousands(report.probes.undecided),
        text::length(record.measurement.slice_s),
        text::thousands(slices.good),
        text::thousands(slices.bad),
        text::thousands(slices.unmeasured),
    );
    if let (Some(reading), true) = (&report.reading, delivery::deadline(record).is_none()) {
        text += &format!(" Exact reading: {reading} of one, rounded once at the end.");
    }
    text
}

/// What happened, in order.
pub(super) fn timeline(record: &Record) -> Markup {
    html! {
        section {
            h2 { "What happened, in order" }
            p.soft.small { "In simulated time, UTC. No person took part." }
            ol.story {
                @for moment in &record.history {
                    li class=(moment.who) {
                        time { (text::stamp(moment.at)) } span.who { (moment.who) } span.what { (moment.what) }
                    }
                }
            }
            h3 { "What was checked" }
            (tables::checks(&record.checks))
        }
    }
}
