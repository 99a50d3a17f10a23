//! `/badge/{slug}.svg`: a service in a few letters, for other people's pages.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State as Extract};
use axum::response::Response;
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;

use super::answer::{self, PageError};
use super::draw::Px;
use super::words;
use crate::oracle::Oracle;
use crate::overview::{PERIODS, Period, Service, State};

/// A badge is shown again this long before it is asked for anew.
const AGE: &str = "public, max-age=60";
/// The left half has at most so many characters.
const MAX_LABEL: usize = 40;
/// Room beside each text, in tenths of a pixel.
const PADDING: u64 = 60;

/// What the badge shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Show {
    #[default]
    Uptime,
    State,
    Latency,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    show: Show,
    period: Option<String>,
}

/// What a badge says, and in which colour.
struct Badge {
    label: String,
    value: String,
    colour: &'static str,
}

pub(super) async fn show(
    Extract(oracle): Extract<Arc<Oracle>>,
    Path(file): Path<String>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(asked) = query.map_err(|_| {
        PageError::Bad("show must be uptime, state or latency, and period 24h, 7d, 30d or 90d.")
    })?;
    let period = match &asked.period {
        None => PERIODS.get(2),
        Some(name) => PERIODS.iter().find(|period| period.name == name),
    };
    let period = period.ok_or(PageError::Bad("period must be 24h, 7d, 30d or 90d."))?;
    let overview = oracle.overview.get(&oracle).await?;
    let slug = file.strip_suffix(".svg");
    let service = overview.services.iter().find(|service| Some(service.row.slug.as_str()) == slug);
    let service = service.ok_or(PageError::Missing("There is no service of that name."))?;
    let svg = draw(&badge(service, asked.show, period));
    Ok(answer::sent(&svg, "image/svg+xml", AGE))
}

fn badge(service: &Service, show: Show, period: &Period) -> Badge {
    let (value, colour) = match show {
        Show::Uptime => uptime(service, period),
        Show::State => state(service.state),
        Show::Latency => latency(service),
    };
    Badge { label: label(&service.row.title), value, colour }
}

const GREEN: &str = "#1b7a45";
const RED: &str = "#b3261e";
const GREY: &str = "#5c6470";

fn uptime(service: &Service, period: &Period) -> (String, &'static str) {
    let index = PERIODS.iter().position(|other| other == period).unwrap_or(0);
    let tally = service.spent.get(index).copied().unwrap_or_default();
    match tally.uptime() {
        Some(share) => (
            format!("{share} in {}", period.name),
            if share.is_whole() { GREEN } else { uptime_colour(share.ppm()) },
        ),
        None => (format!("unknown in {}", period.name), GREY),
    }
}

/// Three nines are green, two amber.
fn uptime_colour(ppm: u64) -> &'static str {
    match ppm {
        999_000.. => GREEN,
        990_000.. => "#8a5a00",
        _ => RED,
    }
}

fn state(state: State) -> (String, &'static str) {
    let (_, word) = answer::state_word(state);
    let colour = match state {
        State::Up => GREEN,
        State::Down => RED,
        State::Unknown | State::Idle => GREY,
    };
    (word.to_lowercase(), colour)
}

fn latency(service: &Service) -> (String, &'static str) {
    match service.latency {
        Some(latency) => (
            format!(
                "{} ms median, {} ms p95",
                words::thousands(latency.p50_ms),
                words::thousands(latency.p95_ms)
            ),
            "#2f5bb7",
        ),
        None => ("latency unknown".to_owned(), GREY),
    }
}

/// The service's name, short, and without what XML has no place for.
fn label(title: &str) -> String {
    let clean: String =
        title.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect();
    if clean.chars().count() <= MAX_LABEL {
        return clean;
    }
    clean.chars().take(MAX_LABEL - 1).chain(['…']).collect()
}

fn draw(badge: &Badge) -> Markup {
    let (label, value) = (width(&badge.label), width(&badge.value));
    let (left, right) = (label + 2 * PADDING, value + 2 * PADDING);
    let name = format!("{}: {}", badge.label, badge.value);
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(Px(left + right)) height="20" role="img" aria-label=(name) {
            title { (name) }
            (PreEscaped(format!(
                "<rect width=\"{}\" height=\"20\" rx=\"3\" fill=\"{}\"/><path d=\"M3 0H{left}V20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3\" fill=\"#3a4048\"/>",
                Px(left + right), badge.colour, left = Px(left)
            )))
            g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" {
                text x=(Px(PADDING)) y="14" textLength=(Px(label)) lengthAdjust="spacingAndGlyphs" { (badge.label) }
                text x=(Px(left + PADDING)) y="14" textLength=(Px(value)) lengthAdjust="spacingAndGlyphs" { (badge.value) }
            }
        }
    }
}

/// How wide a text is in 11 pixels of Verdana, in tenths of a pixel. `textLength` makes every other font as wide.
fn width(text: &str) -> u64 {
    text.chars().map(letter_width).sum()
}

fn letter_width(letter: char) -> u64 {
    match letter {
        'i' | 'j' | 'l' | '\'' | '|' => 31,
        ' ' | '.' | ',' | ':' | ';' | 'f' | 't' | 'I' | 'J' => 42,
        'r' | '-' | '/' | '(' | ')' | '!' => 48,
        's' | 'c' | 'z' => 58,
        'm' => 107,
        'w' | 'M' | 'W' | '@' => 96,
        '%' => 118,
        '0'..='9' => 70,
        'A'..='Z' => 76,
        '\u{20}'..='\u{7e}' => 67,
        '…' => 90,
        // Wide scripts take a whole em.
        '\u{1100}'.. => 110,
        _ => 76,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_text() {
        let badge = Badge {
            label: label("<script>alert(\"1\")</script>\u{0}\u{8}&\u{ffff}"),
            value: "100 %".to_owned(),
            colour: GREEN,
        };
        let svg = draw(&badge).into_string();
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert!(document.descendants().all(|node| node.tag_name().name() != "script"));
        assert!(svg.contains("&lt;script&gt;"), "{svg}");
    }

    #[test]
    fn long_names_are_cut_and_wide_letters_take_room() {
        assert_eq!(label(&"x".repeat(400)).chars().count(), MAX_LABEL);
        assert!(width("漢字") > width("ab") && width("iii") < width("mmm"));
        assert_eq!(width("100 %"), 3 * 70 + 42 + 118);
    }
}
