//! The life of a delivery on one line: due, late, there.
#![allow(clippy::float_arithmetic, reason = "pixels, not money")]

use maud::{Markup, html};
use terms::{Indicator, UnixSeconds};

use super::draw::{Canvas, Linear, Px};
use crate::record::Record;
use crate::text;

const TOP: f64 = 34.0;
const HEIGHT: f64 = 40.0;

/// The deadline of a lateness; `None` for another indicator.
pub(super) fn deadline(record: &Record) -> Option<UnixSeconds> {
    match record.measurement.indicator {
        Indicator::Lateness { deadline, .. } => Some(deadline),
        _ => None,
    }
}

/// When the delivery was there, to the probe, as the slices tell it.
pub(super) fn arrived(record: &Record) -> Option<UnixSeconds> {
    let first_good = record.slices.iter().filter_map(|slice| slice.first_good).min()?;
    let before = record.slices.iter().filter_map(|slice| slice.last_bad).filter(|probe| *probe < first_good);
    let probe = before.max().map_or(first_good, |last_bad| last_bad + 1);
    let start = record.measurement.window.start.0;
    Some(UnixSeconds(start + probe * record.measurement.probe_every_ms / 1000))
}

/// The window with deadline and arrival.
pub(super) fn line(record: &Record, deadline: UnixSeconds, canvas: Canvas) -> Markup {
    let window = record.measurement.window;
    let x = Linear { from: window.start.0, to: window.end.0, left: 0.0, right: canvas.width() };
    let arrived = arrived(record);
    let until = arrived.unwrap_or(window.end);
    let height = TOP + HEIGHT + 44.0;
    html! {
        svg class=(format!("chart {}", canvas.class())) viewBox=(format!("0 0 {} {height}", canvas.width()))
            role="img" aria-label="when the delivery was due and when it was there" {
            (stretch("excluded", &x, window.start, until.min(deadline), "not due yet"))
            (stretch("bad", &x, deadline, until, "late"))
            @if let Some(arrived) = arrived { (stretch("good", &x, arrived, window.end, "delivered")) }
            (mark(&x, deadline, "due", TOP - 12.0))
            @if let Some(arrived) = arrived { (mark(&x, arrived, "arrived", TOP - 12.0)) }
            (super::strip::time_axis(window, &x, TOP + HEIGHT + 20.0, canvas))
            (super::strip::brackets(&record.scenario.phases, window, &x, TOP + HEIGHT + 28.0))
        }
    }
}

fn stretch(class: &str, x: &Linear, from: UnixSeconds, until: UnixSeconds, label: &str) -> Markup {
    if until <= from {
        return html! {};
    }
    let (left, right) = (x.at(from.0), x.at(until.0));
    let ink = if class == "excluded" { "soft" } else { "on strong" };
    html! {
        rect class=(class) x=(Px(left)) y=(Px(TOP)) width=(Px(right - left - 1.0)) height=(Px(HEIGHT)) rx="3" {}
        @if right - left > 46.0 {
            text class=(ink) x=(Px(f64::midpoint(left, right))) y=(Px(TOP + HEIGHT / 2.0 + 4.5)) text-anchor="middle" { (label) }
        }
    }
}

fn mark(x: &Linear, at: UnixSeconds, label: &str, top: f64) -> Markup {
    let left = x.at(at.0);
    let anchor = if left < 60.0 {
        "start"
    } else if x.right - left < 60.0 {
        "end"
    } else {
        "middle"
    };
    html! {
        line class="mark" x1=(Px(left)) x2=(Px(left)) y1=(Px(top + 5.0)) y2=(Px(TOP + HEIGHT + 4.0)) {}
        text class="strong tiny" x=(Px(left)) y=(Px(top)) text-anchor=(anchor) { (label) " " (text::time_of_day(at)) }
    }
}
