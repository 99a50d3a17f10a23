//! `/`: all services.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Extract};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::answer::{self, PageError};
use super::days::Links;
use super::shell::{self, Head};
use super::{days, words};
use crate::oracle::Oracle;
use crate::overview::{Overview, PERIODS, Service, State};
use crate::status::{DAY_S, Tally};

/// Services on one page.
const A_PAGE: usize = 50;
/// Days in a strip.
const DAYS: u64 = 90;
/// Longer searches find nothing.
const MAX_SEARCH: usize = 100;

/// What of the services is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    page: Option<usize>,
}

/// The part of the services that is shown.
struct Shown<'a> {
    services: Vec<(&'a Service, BTreeMap<u64, Tally>)>,
    found: usize,
    page: usize,
}

pub(super) async fn show(
    Extract(oracle): Extract<Arc<Oracle>>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(asked) = query.map_err(|_| PageError::Bad("page must be a number."))?;
    if asked.q.len() > MAX_SEARCH {
        return Err(PageError::Bad("A search has at most 100 characters."));
    }
    let overview = oracle.overview.get(&oracle).await?;
    let now_s = oracle.clock.now_s();
    let shown = choose(&oracle, &overview, &asked, now_s).await?;
    let body = body(&overview, &asked, &shown, now_s);
    let head = Head { title: "Services", refresh_s: Some(60), now_s: Some(now_s) };
    Ok(answer::page(&shell::page(&head, &body)))
}

async fn choose<'a>(
    oracle: &Oracle,
    overview: &'a Overview,
    asked: &Asked,
    now_s: u64,
) -> Result<Shown<'a>, PageError> {
    let found: Vec<&Service> = overview.services.iter().filter(|service| fits(service, asked)).collect();
    let page = asked.page.unwrap_or(1).clamp(1, found.len().div_ceil(A_PAGE).max(1));
    let mut services = Vec::new();
    for service in found.iter().skip((page - 1) * A_PAGE).take(A_PAGE) {
        let days = oracle.store.spans(service.row.key, DAY_S, first_day(now_s)).await?;
        services.push((*service, days));
    }
    Ok(Shown { services, found: found.len(), page })
}

/// Where a strip of days begins.
pub(super) fn first_day(now_s: u64) -> u64 {
    (now_s / DAY_S).saturating_sub(DAYS - 1) * DAY_S
}

fn fits(service: &Service, asked: &Asked) -> bool {
    let search = asked.q.trim().to_lowercase();
    let named = service.row.title.to_lowercase().contains(&search) || service.row.slug.contains(&search);
    let (state, _) = answer::state_word(service.state);
    named && (asked.state.is_empty() || asked.state == state)
}

fn body(overview: &Overview, asked: &Asked, shown: &Shown<'_>, now_s: u64) -> Markup {
    html! {
        h1 { "Services" }
        (summary(overview))
        @if overview.services.is_empty() {
            p.empty { "Nothing is measured yet. A service appears here when a measurement of it is announced." }
        } @else {
            (filter(asked))
            @if shown.found == 0 { p.empty { "No service fits." } }
            ul.services { @for (service, days) in &shown.services { (item(service, days, now_s)) } }
            (pager(asked, shown))
        }
    }
}

fn summary(overview: &Overview) -> Markup {
    let count =
        |state: State| overview.services.iter().filter(|service| service.state == state).count() as u64;
    let (down, unknown, up) = (count(State::Down), count(State::Unknown), count(State::Up));
    let class = if down > 0 { "summary bad" } else { "summary" };
    html! {
        p class=(class) {
            @if down > 0 { b { (words::counted(down, "service is", "services are")) " down." } " " }
            @else if up > 0 { b { "No service is known to be down." } " " }
            (words::thousands(up)) " up, " (words::thousands(unknown)) " unknown, " (words::thousands(count(State::Idle)))
            " not measured now."
        }
    }
}

fn filter(asked: &Asked) -> Markup {
    let states = [
        ("", "Any state"),
        ("down", "Down"),
        ("unknown", "Unknown"),
        ("up", "Up"),
        ("idle", "Not measured now"),
    ];
    html! {
        form.filter method="get" action="/" {
            label { span { "Name" } input type="search" name="q" value=(asked.q) maxlength=(MAX_SEARCH); }
            label {
                span { "State" }
                select name="state" {
                    @for (value, name) in states { option value=(value) selected[asked.state == value] { (name) } }
                }
            }
            button type="submit" { "Show" }
        }
    }
}

fn item(service: &Service, days: &BTreeMap<u64, Tally>, now_s: u64) -> Markup {
    let path = format!("/services/{}", service.row.slug);
    html! {
        li {
            div.line {
                (shell::state(service.state))
                a.name href=(path) { (service.row.title) }
            }
            @if let Some(incident) = &service.incident {
                p.open {
                    "Down for " (words::length_ms((now_s * 1000).saturating_sub(incident.start_ms))) ", since "
                    (shell::short_time(incident.start_ms / 1000))
                    @if let Some(cause) = incident.causes.first() { ": " (words::cause(cause)) }
                }
            }
            (days::strip(days, first_day(now_s), DAYS, Links { path: &path, troubled_alone: true }))
            (figures(&service.spent))
        }
    }
}

/// Uptime and coverage by period, side by side.
pub(super) fn figures(spent: &[Tally; 4]) -> Markup {
    html! {
        dl.figures {
            @for (period, tally) in PERIODS.iter().zip(spent) {
                div {
                    dt { (period.title) }
                    dd {
                        @match tally.uptime() {
                            Some(share) => b class=(if share.is_whole() { "" } else { "less" }) { (share) },
                            None => b.unknown { "unknown" },
                        }
                        span { (coverage(tally)) }
                    }
                }
            }
        }
    }
}

fn coverage(tally: &Tally) -> String {
    match tally.coverage() {
        None => "nothing measured".to_owned(),
        Some(share) if share.is_whole() => format!("{} measured", words::length_ms(tally.measured_ms())),
        Some(_) => format!(
            "{} measured, {} not",
            words::length_ms(tally.measured_ms()),
            words::length_ms(tally.unknown_ms)
        ),
    }
}

fn pager(asked: &Asked, shown: &Shown<'_>) -> Markup {
    let pages = shown.found.div_ceil(A_PAGE).max(1);
    let link = |page: usize| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("q", &asked.q).append_pair("state", &asked.state);
        format!("/?{}", query.append_pair("page", &page.to_string()).finish())
    };
    html! {
        @if pages > 1 {
            nav.pager aria-label="Pages" {
                @if shown.page > 1 { a rel="prev" href=(link(shown.page - 1)) { "Previous" } }
                span { "Page " (shown.page) " of " (pages) ", " (words::thousands(shown.found as u64)) " services" }
                @if shown.page < pages { a rel="next" href=(link(shown.page + 1)) { "Next" } }
            }
        }
    }
}
