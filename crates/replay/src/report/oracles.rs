//! Who measured: what each of several oracles said, and what each of several places saw.

use maud::{Markup, html};

use crate::record::{OracleWord, Record, VantageRecord};
use crate::text;

/// Nothing where one oracle measured from its own place alone.
pub(super) fn section(record: &Record) -> Markup {
    let places: Vec<(&OracleWord, &VantageRecord)> = record
        .oracles
        .iter()
        .flat_map(|oracle| oracle.vantages.iter().map(move |place| (oracle, place)))
        .collect();
    html! {
        @if record.oracles.len() > 1 || !places.is_empty() {
            section {
                h2 { "Who measured" }
                @if record.oracles.len() > 1 { (oracles(record)) }
                @if !places.is_empty() { (vantages(record, &places)) }
            }
        }
    }
}

fn oracles(record: &Record) -> Markup {
    let agreeing = record.oracles.iter().filter(|oracle| oracle.agrees).count();
    let scale = &record.measurement.outcome;
    html! {
        p.soft {
            "Of " (record.oracles.len()) " oracles " (record.agreement.oracles.threshold) " had to agree, and " (agreeing) " did. "
            "Each is a process of its own, with a key of its own, that knows nothing of the others."
        }
        table {
            thead { tr { th { "Oracle" } th { "Signed" } th { "What became of it" } } }
            tbody {
                @for oracle in &record.oracles {
                    tr {
                        td { b { (oracle.name) } div.mono.small.soft { (oracle.key) } }
                        td.nowrap { @match &oracle.attested { Some(said) => (text::outcome(said, scale)), None => "nothing" } }
                        td { (standing(record, oracle)) @if !oracle.contradiction.is_empty() { div { (CONTRADICTED) } } }
                    }
                }
            }
        }
    }
}

/// What both nodes hold against an oracle that equivocated.
const CONTRADICTED: &str =
    "It signed two outcomes of one event. Both are kept, and prove it; its key is out.";

/// What became of an oracle's word.
fn standing(record: &Record, oracle: &OracleWord) -> &'static str {
    match (&oracle.attested, &record.outcome) {
        (None, _) => "It was not heard.",
        (Some(_), None) => "Too few others said the same.",
        (Some(_), Some(_)) if oracle.agrees => "It agrees with the outcome that was paid.",
        (Some(_), Some(_)) => "It does not agree, and is not heard.",
    }
}

fn vantages(record: &Record, places: &[(&OracleWord, &VantageRecord)]) -> Markup {
    let quorum = record.measurement.quorum;
    let several = record.oracles.len() > 1;
    html! {
        p.soft {
            "Every probe was made from several places, and " (quorum.agree) " of " (quorum.vantages)
            " places had to see the same for it to count. These are the probes as each saw them:"
        }
        table {
            thead { tr {
                @if several { th { "For" } }
                th { "Place" } th.num { "Good" } th.num { "Failed" } th.num { "Undecided" } th.num { "Reports that came too late" }
            } }
            tbody {
                @for (oracle, place) in places {
                    tr {
                        @if several { td { (oracle.name) } }
                        td { b { (place.name) } }
                        td.num { (text::thousands(place.good)) }
                        td.num { (text::thousands(place.bad)) }
                        td.num { (text::thousands(place.undecided)) }
                        td.num { (text::thousands(place.late_batches)) }
                    }
                }
            }
        }
    }
}
