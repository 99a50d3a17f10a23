//! The list of incidents.

use maud::{Markup, html};

use super::{shell, words};
use crate::status::Incident;
use crate::store::IncidentRow;

/// Incidents with start, end, duration and cause; `now_ms` says how long the open one lasts.
pub(super) fn list(open: Option<&Incident>, past: &[IncidentRow]) -> Markup {
    html! {
        @if open.is_none() && past.is_empty() {
            p.empty { "No incident is known." }
        } @else {
            table.incidents {
                thead { tr { th scope="col" { "From" } th scope="col" { "To" } th.num scope="col" { "Duration" } th scope="col" { "Cause" } } }
                tbody {
                    @if let Some(open) = open { (row(open, End::Open)) }
                    @for row_of in past { (row(&row_of.incident, end(row_of))) }
                }
            }
        }
    }
}

/// How an incident ended.
enum End {
    /// It did not.
    Open,
    /// With a good probe, at this unix millisecond.
    Good(u64),
    /// Its event's window ended first, at this unix second.
    Window(u64),
}

fn end(row: &IncidentRow) -> End {
    row.incident.end_ms.map_or(End::Window(row.window_end), End::Good)
}

fn row(incident: &Incident, end: End) -> Markup {
    let until_ms = match end {
        End::Open => None,
        End::Good(end_ms) => Some(end_ms),
        End::Window(end_s) => Some(end_s * 1000),
    };
    html! {
        tr class=(if until_ms.is_none() { "now" } else { "" }) {
            td data-label="From" { (shell::short_time(incident.start_ms / 1000)) }
            td data-label="To" {
                @match end {
                    End::Open => b { "still down" },
                    End::Good(end_ms) => (shell::short_time(end_ms / 1000)),
                    End::Window(end_s) => { (shell::short_time(end_s)) span.note { "still down when its measurement ended" } },
                }
            }
            td.num data-label="Duration" {
                @match until_ms {
                    Some(until_ms) => (words::length_ms(until_ms.saturating_sub(incident.start_ms))),
                    None => { (words::length_ms(incident.last_bad_ms.saturating_sub(incident.start_ms))) " so far" },
                }
            }
            td data-label="Cause" { (causes(incident)) span.note { (probes(incident)) } }
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
