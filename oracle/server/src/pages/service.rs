//! `/services/{slug}`: one service.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State as Extract};
use axum::response::Response;
use ledger::Grid;
use maud::{Markup, html};
use serde::Deserialize;

use super::answer::{self, PageError};
use super::days::Links;
use super::latency::{self, Point};
use super::minutes::{self, Day};
use super::services::{figures, first_day};
use super::shell::{self, Head};
use super::{days, draw, incidents, words};
use crate::oracle::Oracle;
use crate::overview::{Service, State, probes_between};
use crate::status::{DAY_S, Tally};
use crate::store::{EventHead, IncidentRow, StoreError, Watched};
use crate::views;

/// Incidents on one page, and events.
const A_PAGE: u32 = 25;
/// Events of one day that are drawn; more would only repeat each other.
const EVENTS_A_DAY: u32 = 8;

/// What of a service is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    day: String,
    /// Incidents that began before this unix millisecond.
    before: Option<u64>,
    /// Events older than this key.
    events: Option<i64>,
}

/// All that the page shows.
struct View {
    service: Service,
    now_s: u64,
    days: BTreeMap<u64, Tally>,
    day_s: u64,
    day: Day,
    points: Vec<Point>,
    incidents: Vec<IncidentRow>,
    events: Vec<EventHead>,
}

pub(super) async fn show(
    Extract(oracle): Extract<Arc<Oracle>>,
    Path(slug): Path<String>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(asked) = query.map_err(|_| PageError::Bad("A number was expected."))?;
    let view = load(&oracle, &slug, &asked).await?;
    // Somebody who looks at an older day wants it to stay.
    let refresh_s = asked.day.is_empty().then_some(60);
    let head = Head { title: &view.service.row.title, refresh_s, now_s: Some(view.now_s) };
    Ok(answer::page(&shell::page(&head, &body(&view))))
}

async fn load(oracle: &Oracle, slug: &str, asked: &Asked) -> Result<View, PageError> {
    let overview = oracle.overview.get(oracle).await?;
    let service = overview.services.iter().find(|service| service.row.slug == slug);
    let service = service.ok_or(PageError::Missing("There is no service of that name."))?.clone();
    let (key, now_s) = (service.row.key, oracle.clock.now_s());
    let day_s = match asked.day.as_str() {
        "" => now_s / DAY_S * DAY_S,
        day => words::parse_date(day).ok_or(PageError::Bad("day must be like 2026-11-21."))?,
    };
    let (day, points) = load_day(oracle, key, day_s, now_s).await?;
    let before_ms = asked.before.unwrap_or(u64::MAX).min(i64::MAX.cast_unsigned());
    Ok(View {
        now_s,
        days: oracle.store.spans(key, DAY_S, first_day(now_s)).await?,
        day_s,
        day,
        points,
        incidents: oracle.store.incidents(key, before_ms, A_PAGE).await?,
        events: oracle.store.events_of_service(key, asked.events, A_PAGE).await?,
        service,
    })
}

/// A day's minutes from its samples, and its slices' latencies.
async fn load_day(
    oracle: &Oracle,
    service: i64,
    day_s: u64,
    now_s: u64,
) -> Result<(Day, Vec<Point>), StoreError> {
    let (mut day, mut points) = (Day::new(day_s), Vec::new());
    let _place = oracle.heavy.acquire().await;
    for event in oracle.store.watched_between(service, day_s, day_s + DAY_S, EVENTS_A_DAY).await? {
        let grid =
            Grid::new(&event.measurement).map_err(|_| StoreError::Corrupt { column: "measurement" })?;
        let (from, to) = minutes::slots(&grid, day_s);
        let probes = probes_between(oracle, event.key, &grid, from..to).await?;
        day.add(&grid, |slot| probes.get(&slot), written_s(oracle, &grid, now_s));
        points.extend(latencies(oracle, &event, &grid, day_s).await?);
    }
    points.sort_by_key(|point| point.start_s);
    Ok((day, points))
}

/// Samples of slots that ended before this are in the database, if there are any.
fn written_s(oracle: &Oracle, grid: &Grid, now_s: u64) -> u64 {
    let every_ms = grid.measurement().probe_every_ms;
    now_s.saturating_sub((2 * oracle.flush_every_ms + 2 * every_ms).div_ceil(1000))
}

async fn latencies(
    oracle: &Oracle,
    event: &Watched,
    grid: &Grid,
    day_s: u64,
) -> Result<Vec<Point>, StoreError> {
    let (start_s, length_s) = (event.measurement.window.start.0, event.measurement.slice_s);
    let index = |at_s: u64| at_s.saturating_sub(start_s).div_ceil(length_s).min(grid.slices());
    let slices =
        oracle.store.slice_latencies(event.key, index(day_s), index(day_s.saturating_add(DAY_S))).await?;
    let point = |slice: crate::store::SliceLatency| Point {
        start_s: start_s + slice.slice * length_s,
        length_s,
        p50_ms: slice.p50_ms,
        p95_ms: slice.p95_ms,
    };
    Ok(slices.into_iter().map(point).collect())
}

fn body(view: &View) -> Markup {
    let (service, path) = (&view.service, format!("/services/{}", view.service.row.slug));
    html! {
        p.crumb { a href="/" { "All services" } }
        h1 { (service.row.title) }
        (standing(view))
        (figures(&service.spent))
        section {
            h2 { "Day by day" }
            p.soft { "The last 90 days, by UTC. Failures hang from above, in proportion, and are never too small to be seen." }
            (days::strip(&view.days, first_day(view.now_s), 90, Links { path: &path, troubled_alone: false }))
            (legend())
        }
        section #day { (day(view, &path)) }
        section #incidents {
            h2 { "Incidents" }
            p.soft { "From the first bad probe to the first good one after it." }
            (incidents::list(service.incident.as_ref(), &past(view), view.now_s * 1000))
            (older(&path, "before", view.incidents.last().map(|row| row.incident.start_ms.to_string()), view.incidents.len(), "incidents"))
        }
        section #events {
            h2 { "Measurements of it" }
            (events(&view.events, view.now_s))
            (older(&path, "events", view.events.last().map(|head| head.key.to_string()), view.events.len(), "events"))
        }
        (embed(&path, service))
    }
}

/// Incidents less the one that is open and stands above them.
fn past(view: &View) -> Vec<IncidentRow> {
    let open_ms = view.service.incident.as_ref().map(|incident| incident.start_ms);
    view.incidents.iter().filter(|row| Some(row.incident.start_ms) != open_ms).cloned().collect()
}

fn standing(view: &View) -> Markup {
    let service = &view.service;
    html! {
        p.standing {
            (shell::state(service.state))
            @match (&service.incident, service.state) {
                (Some(incident), _) => {
                    span { "since " (shell::time(incident.start_ms / 1000)) ", for "
                        (words::length_ms((view.now_s * 1000).saturating_sub(incident.start_ms))) }
                }
                (None, State::Up) => span { "by the newest probe that could be decided" },
                (None, State::Unknown) => span { "no probe could be decided for a while: neither up nor down" },
                (None, State::Idle) => span { "no measurement of it is running" },
                (None, State::Down) => {}
            }
            @if let Some(latency) = service.latency {
                span { "Median " (words::thousands(latency.p50_ms)) " ms, 95th percentile " (words::thousands(latency.p95_ms)) " ms in the last whole slice" }
            }
        }
    }
}

fn legend() -> Markup {
    let sample = |class: &str| html! { svg viewBox="0 0 15 13" aria-hidden="true" { rect class=(class) width="15" height="13" {} } };
    html! {
        ul.legend {
            li { (sample("good")) "up" }
            li { svg viewBox="0 0 15 13" aria-hidden="true" { rect.bad width="15" height="6" {} rect.good y="7.5" width="15" height="5.5" {} } "down for a part" }
            li { (sample("unknown")) "could not be measured" }
            li { (sample("excluded")) "excluded by agreement" }
            li { svg viewBox="0 0 15 13" aria-hidden="true" { rect.none y="10" width="15" height="3" {} } "nothing was to be measured" }
        }
    }
}

fn day(view: &View, path: &str) -> Markup {
    let link = |day_s: u64| format!("{path}?day={}#day", words::date(day_s));
    let is_last = view.day_s + DAY_S > view.now_s;
    html! {
        h2 { (words::day(view.day_s)) }
        nav.pager aria-label="Days" {
            a rel="prev" href=(link(view.day_s.saturating_sub(DAY_S))) { "The day before" }
            @if !is_last { a rel="next" href=(link(view.day_s + DAY_S)) { "The day after" } }
        }
        p.soft {
            "Minute by minute, UTC: " (words::counted(view.day.count(minutes::Minute::Good), "minute", "minutes")) " up, "
            (words::thousands(view.day.count(minutes::Minute::Bad))) " with a failure, "
            (words::thousands(view.day.count(minutes::Minute::Unknown))) " unmeasured."
        }
        (draw::both(|canvas| view.day.draw(canvas)))
        h3 { "How fast it answered" }
        @if view.points.is_empty() {
            p.empty { "No slice of this day has an answer and has ended." }
        } @else {
            p.legend { span.key50 { "median" } " " span.key95 { "95th percentile" } " of the answers in each slice" }
            (draw::both(|canvas| latency::draw(&view.points, view.day_s, canvas)))
        }
    }
}

fn older(path: &str, name: &str, from: Option<String>, shown: usize, anchor: &str) -> Markup {
    html! {
        @if let Some(from) = from.filter(|_| shown == A_PAGE as usize) {
            nav.pager { a rel="next" href=(format!("{path}?{name}={from}#{anchor}")) { "Older" } }
        }
    }
}

/// Events in a table.
pub(super) fn events(events: &[EventHead], now_s: u64) -> Markup {
    html! {
        table.events {
            thead { tr { th scope="col" { "Window" } th scope="col" { "State" } th scope="col" { "Event" } } }
            tbody {
                @for head in events {
                    tr {
                        td data-label="Window" { (shell::short_time(head.window_start)) " to " (shell::short_time(head.window_end)) }
                        td data-label="State" { (views::state_word(&views::summary(head, now_s))) }
                        td data-label="Event" { a.id href=(format!("/events/{}", head.id)) { (head.id.as_str().get(..17).unwrap_or("")) "…" } }
                    }
                }
            }
        }
    }
}

fn embed(path: &str, service: &Service) -> Markup {
    let badge = format!("/badge/{}.svg", service.row.slug);
    html! {
        section {
            h2 { "Badge" }
            p { img src=(badge) alt=(format!("Uptime badge of {}", service.row.title)) height="20"; }
            p.soft { "Its address takes " code { "?show=uptime" } ", " code { "state" } " or " code { "latency" } ", and "
                code { "&period=24h" } ", " code { "7d" } ", " code { "30d" } " or " code { "90d" } ":" }
            pre { "<a href=\"" (path) "\"><img src=\"" (badge) "?show=uptime&period=30d\" alt=\"uptime\"></a>" }
        }
    }
}
