//! Each service over all windows: a strip of its slices, and what was attested.
#![allow(clippy::float_arithmetic, reason = "pixels, not money")]

use maud::{Markup, html};
use terms::{Outcome, TimeRange};

use crate::market::record::{MarketRecord, ServiceRecord, WindowRecord};
use crate::record::PhaseRecord;
use crate::report::both;
use crate::report::buckets::{Bucket, gather};
use crate::report::draw::{Canvas, Linear, Px, float};
use crate::report::strip::{pointer, time_axis};
use crate::text;

const TOP: f64 = 14.0;
const HEIGHT: f64 = 30.0;
/// What a bar with any failure shows of them at least.
const LEAST_BAD: f64 = 7.0;

pub(super) fn section(record: &MarketRecord) -> Markup {
    html! {
        section {
            h2 { "What the oracle measured" }
            p.soft {
                "A strip for each service over " (text::counted(record.windows.len() as u64, "window", "windows"))
                "; what failed is dark, and marked from above."
            }
            @for service in &record.services { (strip(record, service)) }
        }
    }
}

fn strip(record: &MarketRecord, service: &ServiceRecord) -> Markup {
    html! {
        div.service {
            h3 { (service.provider) " " span.mono.soft { (service.target) } }
            (both(|canvas| draw(record, service, canvas)))
            p.small {
                @for (index, window) in service.windows.iter().enumerate() {
                    @if index > 0 { " · " }
                    (text::time_of_day(window.window.start)) ": " b { (outcome(window)) }
                    span.soft { ", " (text::counted(window.escrows, "escrow", "escrows")) }
                }
                @for outage in &service.outages { br; span.soft { (in_words(outage)) } }
            }
        }
    }
}

fn outcome(window: &WindowRecord) -> String {
    match &window.outcome {
        Some(Outcome::Value(value)) => {
            let good = text::percent(1_000_000u64.saturating_sub(value.0));
            format!("{} ppm failed, {good} up", text::thousands(value.0))
        }
        Some(_) => "could not be measured".to_owned(),
        None => "nothing attested".to_owned(),
    }
}

fn in_words(outage: &PhaseRecord) -> String {
    let note = outage.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
    format!("{} {}{note}", text::span(outage.range()), outage.what)
}

fn draw(record: &MarketRecord, service: &ServiceRecord, canvas: Canvas) -> Markup {
    let (Some(first), Some(last)) = (record.windows.first(), record.windows.last()) else { return html! {} };
    let span = TimeRange { start: first.start, end: last.end };
    let slices: Vec<_> = service.windows.iter().flat_map(|window| window.slices.iter().cloned()).collect();
    let slice_s = match slices.as_slice() {
        [one, two, ..] => two.start.0.saturating_sub(one.start.0).max(1),
        _ => span.seconds().max(1),
    };
    let bars = gather(&slices, span, slice_s, if canvas == Canvas::Wide { 120 } else { 60 });
    let x = Linear { from: span.start.0, to: span.end.0, left: 0.0, right: canvas.width() };
    html! {
        svg class=(format!("chart {}", canvas.class())) viewBox=(format!("0 0 {} {}", canvas.width(), TOP + HEIGHT + 22.0))
            role="img" aria-label=(format!("uptime of {}", service.provider)) {
            @for bar in &bars { (one(bar, &x)) }
            @for window in record.windows.iter().skip(1) {
                @let at = Px(x.at(window.start.0));
                line class="mark" x1=(at) x2=(at) y1="4" y2=(Px(TOP + HEIGHT + 4.0)) {}
            }
            (time_axis(span, &x, TOP + HEIGHT + 18.0, canvas))
        }
    }
}

fn one(bar: &Bucket, x: &Linear) -> Markup {
    let left = x.at(bar.start.0);
    let slot = x.at(bar.end.0) - left;
    let width = (slot - if slot > 4.0 { 1.6 } else { 0.5 }).max(0.8);
    let all = float((bar.good + bar.bad + bar.undecided).max(1));
    let bad = if bar.bad == 0 { 0.0 } else { (HEIGHT * float(bar.bad) / all).max(LEAST_BAD) };
    let class = if bar.good + bar.bad == 0 { "unknown" } else { "good" };
    html! {
        g {
            title { (text::stamp(bar.start)) ": " (bar.good) " good, " (bar.bad) " failed, " (bar.undecided) " undecided" }
            rect class=(class) x=(Px(left)) y=(Px(TOP)) width=(Px(width)) height=(Px(HEIGHT)) rx="1.5" {}
            @if bad > 0.0 {
                rect class="bad" x=(Px(left)) y=(Px(TOP)) width=(Px(width)) height=(Px(bad)) rx="1.5" {}
                (pointer(left + width / 2.0))
            }
        }
    }
}
