//! The list of incidents.

use maud::{Markup, html};

use terms::EventId;

use super::event::short;
use super::{shell, words};
use crate::status::Incident;
use crate::store::IncidentRow;

/// Incidents with start, end, duration and cause; `now_ms` says how long the open one lasts.
pub(super) fn list(open: Option<&Incident>, past: &[IncidentRow], now_ms: u64) -> Markup {
    html! {
        @if open.is_none() && past.is_empty() {
            p.empty { "No incident is known." }
        } @else {
            table.incidents {
                thead { tr { th scope="col" { "From" } th scope="col" { "To" } th.num scope="col" { "Duration" } th scope="col" { "Cause" } } }
                tbody {
                    @if let Some(open) = open { (row(open, End::Open(now_ms), None)) }
                    @for row_of in past { (row(&row_of.incident, end(row_of), Some(&row_of.event))) }
                }
            }
        }
    }
}

/// How an incident ended.
enum End {
    /// It did not, up to this unix millisecond.
    Open(u64),
    /// With a good probe, at this unix millisecond.
    Good(u64),
    /// Its event's window ended first, at this unix second.
    Window(u64),
}

fn end(row: &IncidentRow) -> End {
    row.incident.end_ms.map_or(End::Window(row.window_end), End::Good)
}

fn row(incident: &Incident, end: End, event: Option<&EventId>) -> Markup {
    let until_ms = match end {
        End::Open(now_ms) => now_ms,
        End::Good(end_ms) => end_ms,
        End::Window(end_s) => end_s * 1000,
    };
    let is_open = matches!(end, End::Open(_));
    html! {
        tr class=(if is_open { "now" } else { "" }) {
            td data-label="From" { (shell::short_time(incident.start_ms / 1000)) }
            td data-label="To" {
                @match end {
                    End::Open(_) => b { "still down" },
                    End::Good(end_ms) => (shell::short_time(end_ms / 1000)),
                    End::Window(end_s) => { (shell::short_time(end_s)) span.note { "still down when its measurement ended" } },
                }
            }
            td.num data-label="Duration" {
                (words::length_ms(until_ms.saturating_sub(incident.start_ms)))
                @if is_open { " so far" }
            }
            td data-label="Cause" { (causes(incident)) span.note { (probes(incident))
                @if let Some(event) = event { ", seen by " a href=(format!("/events/{event}")) { (short(event)) } } } }
        }
    }
}

fn causes(incident: &Incident) -> String {
    if incident.causes.is_empty() {
        return "not recorded".to_owned();
    }
    let words: Vec<String> = incident.causes.iter().map(|cause| words::cause(cause)).collect();
    words.join("; then ")
}

fn probes(incident: &Incident) -> String {
    let bad = words::counted(incident.bad, "bad probe", "bad probes");
    match incident.undecided {
        0 => bad,
        undecided => format!("{bad}, and {} without a verdict", words::thousands(undecided)),
    }
}
