//! What went wrong: phases of the service, faults of everything else, and what was seen of them.

use maud::{Markup, html};
use terms::UnixSeconds;

use super::strip::letter;
use crate::record::{FaultRecord, PhaseRecord, Record};
use crate::text;

/// One row for each phase, by the letter that drawings know it by, and one for each fault, by its number.
pub(super) fn table(record: &Record) -> Markup {
    let story = &record.scenario;
    if story.phases.is_empty() && story.faults.is_empty() {
        return html! { p.soft { "Nothing was to go wrong, and nothing did." } };
    }
    html! {
        h3 { "What went wrong" }
        table.checks.trouble {
            thead { tr { th { } th { "What" } th { "Who" } th { "From" } th { "Until" } th { "What was seen of it" } } }
            tbody {
                @for (index, phase) in story.phases.iter().enumerate() { (phase_row(&letter(index), phase)) }
                @for (number, fault) in (1..).zip(&story.faults) { (fault_row(number, fault, record)) }
            }
        }
    }
}

fn phase_row(letter: &str, phase: &PhaseRecord) -> Markup {
    let seen = phase.seen.as_ref().map(crate::seen::Seen::in_words);
    html! {
        tr {
            td { b { (letter) } }
            td { (described(&phase.what, phase.note.as_deref())) }
            td data-label="who" { (phase.who) }
            td data-label="from" { (text::stamp(phase.start)) }
            td data-label="until" { (text::stamp(phase.end)) }
            td data-label="seen" { (seen.as_deref().unwrap_or("the oracle did not live to say")) }
        }
    }
}

fn fault_row(number: usize, fault: &FaultRecord, record: &Record) -> Markup {
    let stamp = |at: Option<UnixSeconds>| at.map_or_else(|| "–".to_owned(), text::stamp);
    html! {
        tr {
            td { b { (number) } }
            td { (described(&fault.what, fault.note.as_deref())) }
            td data-label="who" { (fault.who) }
            td data-label="from" { (stamp(fault.begin)) div.small.soft { (fault.when) } }
            td data-label="until" { (stamp(fault.end)) }
            td data-label="seen" { (seen(fault, record)) }
        }
    }
}

fn described(what: &str, note: Option<&str>) -> Markup {
    html! { (what) @if let Some(note) = note { span.soft { " (" (note) ")" } } }
}

/// What happened next, since a fault may show in nothing else.
fn seen(fault: &FaultRecord, record: &Record) -> Markup {
    let Some(begin) = fault.begin else {
        return html! { @if fault.end.is_none() && fault.when == WHOLE_RUN { "–" } @else { "it never began" } };
    };
    let next = record.history.iter().find(|moment| moment.at > begin);
    html! {
        @match next {
            Some(next) => { "next, at " (text::stamp(next.at)) ": " (next.who) " " (next.what) }
            None => "nothing came after it",
        }
    }
}

/// How a fault says when it is, that has no moment.
pub(crate) const WHOLE_RUN: &str = "for the whole run";
