//! `/events/{id}`: one event, from its definition to its attestation.

use std::sync::Arc;

use axum::extract::{Path, State as Extract};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use ledger::{Grid, Report, SliceCounts};
use maud::{Markup, html};
use protocol::objection::ObjectionView;
use protocol::oracle::{EventState, EventView, Provisional};
use protocol::text::MAX_TEXT_CHARS;
use terms::EventId;

use super::answer::{self, PageError};
use super::shell::{self, Head};
use super::{audit, definition, draw, slices, words};
use crate::objections;
use crate::oracle::Oracle;
use crate::store::{Event, ServiceRow, SliceBar};
use crate::views;

/// Bars of the strip of slices.
const BARS: u64 = 120;

/// All that the page shows.
struct View {
    event: Event,
    shown: EventView,
    service: Option<ServiceRow>,
    bars: Vec<SliceBar>,
    per_bar: u64,
    objections: Vec<ObjectionView>,
    may_object: bool,
    now_s: u64,
    at: String,
}

pub(super) async fn show(
    Extract(oracle): Extract<Arc<Oracle>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let view = load(&oracle, &id, &headers).await?;
    let is_over = view.shown.state == EventState::Attested
        || (view.event.withheld.is_some() && view.shown.state == EventState::Provisional);
    let refresh_s = (!is_over).then_some(30);
    let title = format!("Event {}", short(&view.event.id));
    let head = Head { title: &title, refresh_s, now_s: Some(view.now_s) };
    Ok(answer::page(&shell::page(&head, &body(&view))))
}

/// `/events/{id}/object`: the form by itself, which no refresh wipes.
pub(super) async fn form(
    Extract(oracle): Extract<Arc<Oracle>>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let event = find(&oracle, &id).await?;
    let now_s = oracle.clock.now_s();
    let body = html! {
        p.crumb { a href=(format!("/events/{}", event.id)) { "Back to the event" } }
        h1 { "Object to an outcome" }
        @match objections::is_open(&event, now_s) {
            Err(refused) => p { "Objections are not taken: " (refused) "." },
            Ok(()) => (object_form(&event)),
        }
    };
    let head = Head { title: "Object to an outcome", refresh_s: None, now_s: Some(now_s) };
    Ok(answer::page(&shell::page(&head, &body)))
}

fn object_form(event: &Event) -> Markup {
    html! {
        p { "Say what is wrong with the outcome of " span.mono { (event.id) } ". What you write is public at once, and stays." }
        p.soft { "The outcome follows from the samples, and no objection changes it. The operator reads objections, can answer them, and "
            "can withhold the signature for good, so that contracts end by refund." }
        form.object method="post" action=(format!("/events/{}/objections", event.id)) {
            label { span { "Your objection, up to " (words::thousands(MAX_TEXT_CHARS as u64)) " characters" }
                textarea name="text" rows="7" maxlength=(MAX_TEXT_CHARS) required {} }
            button type="submit" { "Object publicly" }
        }
    }
}

async fn find(oracle: &Oracle, id: &str) -> Result<Event, PageError> {
    let missing = || PageError::Missing("There is no event of that id.");
    let id = EventId::parse(id).ok_or_else(missing)?;
    oracle.store.event(&id).await?.filter(|event| event.published).ok_or_else(missing)
}

async fn load(oracle: &Oracle, id: &str, headers: &HeaderMap) -> Result<View, PageError> {
    let event = find(oracle, id).await?;
    let per_bar = event.measurement.slice_count().div_ceil(BARS).max(1);
    let now_s = oracle.clock.now_s();
    Ok(View {
        shown: views::event(oracle, &event).await?,
        service: oracle.store.service_of_event(event.key).await?,
        bars: oracle.store.slice_bars(event.key, per_bar).await?,
        per_bar,
        objections: oracle.store.objections(event.key).await?,
        may_object: objections::is_open(&event, now_s).is_ok(),
        now_s,
        at: audit::address(headers.get(header::HOST)),
        event,
    })
}

fn body(view: &View) -> Markup {
    let measurement = &view.event.measurement;
    html! {
        @if let Some(service) = &view.service {
            p.crumb { a href=(format!("/services/{}", service.slug)) { (service.title) } }
        }
        h1 { "Event " span.mono { (short(&view.event.id)) } }
        p.standing { b { (standing(view)) } }
        (steps(view))
        section { h2 { "What is measured" } (definition::facts(measurement))
            p.note { "The event's id is the hash of this definition: " span.mono { (view.event.id) } } }
        (measured(view))
        (outcome(view))
        (objections_section(view))
        (attestation(view))
        (audit::section(view.shown.state, &view.event.id, &view.at))
    }
}

/// The first letters of an id.
pub(super) fn short(id: &EventId) -> &str {
    id.as_str().get(..17).unwrap_or(id.as_str())
}

fn standing(view: &View) -> String {
    let window = view.event.measurement.window;
    let left = |until_s: u64| words::length_s(until_s.saturating_sub(view.now_s));
    if view.event.withheld.is_some() && view.shown.state != EventState::Attested {
        return "Withheld: it will not be attested".to_owned();
    }
    match view.shown.state {
        EventState::Announced => format!("Announced: its window starts in {}", left(window.start.0)),
        EventState::Measuring if view.now_s < window.end.0 => {
            format!("Being measured: its window ends in {}", left(window.end.0))
        }
        EventState::Measuring => "Being closed: its window has ended".to_owned(),
        EventState::Provisional if view.now_s < view.event.maturity => {
            format!("Closed and open to objection: it is signed in {}", left(view.event.maturity))
        }
        EventState::Provisional => "Mature, and about to be signed".to_owned(),
        EventState::Attested => "Attested".to_owned(),
    }
}

fn steps(view: &View) -> Markup {
    let window = view.event.measurement.window;
    let last = match &view.event.withheld {
        _ if view.shown.state == EventState::Attested => ("Signed, not before", view.event.maturity, true),
        Some(withheld) => ("Withheld for good", withheld.at.0, true),
        None => ("Signed at the earliest", view.event.maturity, false),
    };
    let moments = [
        ("Announced", view.event.announced_at, true),
        ("Window starts", window.start.0, view.now_s >= window.start.0),
        ("Window ends", window.end.0, view.now_s >= window.end.0),
        last,
    ];
    let here = moments.iter().position(|(_, _, done)| !done);
    html! {
        ol.steps {
            @for (index, (name, at_s, done)) in moments.iter().enumerate() {
                li class=(if *done { "done" } else if here == Some(index) { "here" } else { "" }) {
                    b { (name) } (shell::time(*at_s)) (relative(*at_s, view.now_s))
                }
            }
        }
    }
}

fn relative(at_s: u64, now_s: u64) -> String {
    if at_s > now_s {
        format!("in {}", words::length_s(at_s - now_s))
    } else {
        format!("{} ago", words::length_s(now_s - at_s))
    }
}

fn measured(view: &View) -> Markup {
    let total = view.bars.iter().fold(SliceCounts::default(), |sum, bar| slices::add(sum, bar.counts));
    let all = view.event.measurement.slice_count();
    html! {
        section {
            h2 { "What was measured" }
            @if total.total == 0 {
                p.empty { "No slice of " (words::thousands(all)) " has ended yet." }
            } @else {
                p { (words::thousands(total.total)) " of " (words::thousands(all)) " slices have ended: " (words::thousands(total.good)) " good, "
                    (words::thousands(total.bad)) " bad, " (words::thousands(total.unmeasured)) " unmeasured, " (words::thousands(total.excluded)) " excluded." }
                (draw::both(|canvas| slices::draw(&view.event.measurement, &view.bars, view.per_bar, canvas)))
                (slices::legend())
                p.soft { "All of it: " a href=(api(view, "/slices")) { "verdicts" } ", " a href=(api(view, "/samples")) { "samples" } ", "
                    a href=(api(view, "/failures")) { "failures with their causes" } ", " a href=(api(view, "/references")) { "what the references said" } "." }
            }
        }
    }
}

fn api(view: &View, rest: &str) -> String {
    format!("/v1/events/{}{rest}", view.event.id)
}

fn outcome(view: &View) -> Markup {
    html! {
        @if let Some(provisional) = &view.shown.provisional {
            section {
                h2 { (outcome_title(view)) }
                p.outcome { (definition::outcome(&provisional.outcome, &view.event.measurement.outcome)) }
                @if let Some(words) = explained(view, provisional) { p { (words) } }
                dl.facts {
                    dt { "Closed at" } dd { (shell::time(provisional.closed_at.0)) }
                    dt { "Root of the evidence" } dd.mono { (provisional.root) }
                }
            }
        }
    }
}

fn outcome_title(view: &View) -> &'static str {
    match &view.event.withheld {
        _ if view.shown.state == EventState::Attested => "Outcome",
        Some(_) => "What the samples give, and nobody signs",
        None => "Provisional outcome",
    }
}

/// Why the outcome is what it is. `None` for a report that an older version wrote otherwise.
fn explained(view: &View, provisional: &Provisional) -> Option<String> {
    let report: Report = serde_json::from_value(provisional.report.clone()).ok()?;
    Grid::new(&view.event.measurement).ok().map(|grid| report.explain(grid.measurement()))
}

fn objections_section(view: &View) -> Markup {
    html! {
        @if view.may_object || !view.objections.is_empty() || view.event.withheld.is_some() {
            section #objections {
                h2 { "Objections" }
                p.soft { "What anybody says about this outcome between the window's end and maturity. Nobody has checked it, and nothing follows "
                    "from it by itself: what is signed follows from the samples." }
                @if let Some(withheld) = &view.event.withheld {
                    p.warning { "On " (shell::time(withheld.at.0)) " the operator withheld the signature for good: " q { (withheld.reason) }
                        " Contracts on this event end by refund." }
                }
                @if view.objections.is_empty() { p.empty { "There is none." } }
                @for objection in &view.objections { (objection_of(objection)) }
                @if view.may_object {
                    p { a href=(format!("/events/{}/object", view.event.id)) { "Object to this outcome" } " until " (shell::time(view.event.maturity)) }
                }
            }
        }
    }
}

fn objection_of(view: &ObjectionView) -> Markup {
    html! {
        article.objection {
            p.note { "No. " (view.id) ", " (shell::time(view.at.0)) ", "
                @match view.objection.key { Some(key) => { "signed by " span.mono { (key) } }, None => "unsigned" } }
            blockquote { (view.objection.text) }
            @if let Some(answer) = &view.answer {
                div.answer { p.note { "The operator answered on " (shell::time(answer.at.0)) } blockquote { (answer.text) } }
            }
        }
    }
}

fn attestation(view: &View) -> Markup {
    html! {
        section {
            h2 { "Announcement and attestation" }
            dl.facts {
                dt { "Announcement" } dd { a href=(format!("/announcement/{}", view.event.id)) { "JSON" } ", " a href=(format!("/announcement/{}?format=tlv", view.event.id)) { "TLV" } }
                dt { "Attestation" } dd {
                    @match &view.shown.attestation_hex {
                        None if view.event.withheld.is_some() => "withheld for good",
                        None => "not yet",
                        Some(_) => { a href=(format!("/attestation/{}", view.event.id)) { "JSON" } ", " a href=(format!("/attestation/{}?format=tlv", view.event.id)) { "TLV" } },
                    }
                }
                @if let Some(commitment) = &view.shown.seed_commitment { dt { "Commitment to the probes' moments" } dd.mono { (commitment) } }
            }
        }
    }
}
