//! The uptime strip over the window, and the failures slice by slice where there were any.
#![allow(clippy::float_arithmetic, reason = "pixels, not money")]

use ledger::{SliceState, SliceVerdict};
use maud::{Markup, html};
use terms::{Hex32, TimeRange, UnixSeconds};

use super::buckets::{Bucket, gather, tick_s};
use super::draw::{Canvas, Linear, Px, float};
use crate::record::{PhaseRecord, Record};
use crate::text;

const BAR_TOP: f64 = 16.0;
const BAR_HEIGHT: f64 = 54.0;
/// What a bar with any failure shows of them at least.
const LEAST_BAD: f64 = 9.0;
const PLOT_HEIGHT: f64 = 130.0;
const GUTTER: f64 = 46.0;

/// The strip over the whole window.
pub(super) fn uptime(record: &Record, canvas: Canvas) -> Markup {
    let window = record.measurement.window;
    let most = if canvas == Canvas::Wide { 120 } else { 60 };
    let bars = gather(&whole_window(record), window, record.measurement.slice_s, most);
    let x = Linear { from: window.start.0, to: window.end.0, left: 0.0, right: canvas.width() };
    let height = BAR_TOP + BAR_HEIGHT + 24.0;
    html! {
        svg class=(format!("chart {}", canvas.class())) viewBox=(format!("0 0 {} {height}", canvas.width()))
            role="img" aria-label=(caption(record)) {
            (hatch(canvas, "strip"))
            @for bar in &bars { (strip_bar(bar, &x, canvas)) }
            (time_axis(window, &x, BAR_TOP + BAR_HEIGHT + 18.0, canvas))
        }
    }
}

/// The slices, and for those that the oracle never published that it measured nothing.
fn whole_window(record: &Record) -> Vec<SliceVerdict> {
    let measurement = &record.measurement;
    let missing = record.slices.len() as u64..measurement.slice_count();
    let unmeasured = |index: u64| SliceVerdict {
        index,
        start: UnixSeconds(measurement.window.start.0 + index * measurement.slice_s),
        state: SliceState::Unmeasured,
        good: 0,
        bad: 0,
        undecided: measurement.probes_per_slice(),
        first_good: None,
        last_bad: None,
        reading: None,
        confirmed: None,
        samples_sha256: Hex32([0; 32]),
    };
    record.slices.iter().cloned().chain(missing.map(unmeasured)).collect()
}

fn caption(record: &Record) -> String {
    match &record.reading {
        Some(report) => format!(
            "{} probes good, {} failed, {} undecided over the window",
            report.probes.good, report.probes.bad, report.probes.undecided
        ),
        None => "no finished measurement".to_owned(),
    }
}

fn strip_bar(bar: &Bucket, x: &Linear, canvas: Canvas) -> Markup {
    let left = x.at(bar.start.0);
    let slot = x.at(bar.end.0) - left;
    let width = (slot - if slot > 4.0 { 1.6 } else { 0.5 }).max(0.8);
    let all = float((bar.good + bar.bad + bar.undecided).max(1));
    let share =
        |part: u64, least: f64| if part == 0 { 0.0 } else { (BAR_HEIGHT * float(part) / all).max(least) };
    let bad = share(bar.bad, LEAST_BAD);
    let unknown = share(bar.undecided, LEAST_BAD).min(BAR_HEIGHT - bad);
    let excluded = bar.excluded == bar.slices;
    html! {
        g {
            title { (bar_title(bar)) }
            rect class=(if excluded { "excluded" } else { "good" }) x=(Px(left)) y=(Px(BAR_TOP)) width=(Px(width)) height=(Px(BAR_HEIGHT)) rx="1.5" {}
            @if unknown > 0.0 {
                rect class="unknown" x=(Px(left)) y=(Px(BAR_TOP)) width=(Px(width)) height=(Px(bad + unknown)) {}
                rect fill=(format!("url(#strip-{})", canvas.class())) x=(Px(left)) y=(Px(BAR_TOP)) width=(Px(width)) height=(Px(bad + unknown)) {}
            }
            @if bad > 0.0 {
                rect class="bad" x=(Px(left)) y=(Px(BAR_TOP)) width=(Px(width)) height=(Px(bad)) rx="1.5" {}
                (pointer(left + width / 2.0))
            }
        }
    }
}

/// Points from above at what failed, so that colour is not needed to see it.
pub(crate) fn pointer(centre: f64) -> Markup {
    html! { path class="bad" d=(format!("M{} 3h9l-4.5 8z", Px(centre - 4.5))) {} }
}

fn bar_title(bar: &Bucket) -> String {
    format!(
        "{} to {}: {} good, {} failed, {} undecided",
        text::stamp(bar.start),
        text::stamp(bar.end),
        bar.good,
        bar.bad,
        bar.undecided
    )
}

/// Diagonal lines for what nobody could decide, so that colour is not needed to see it.
fn hatch(canvas: Canvas, name: &str) -> Markup {
    html! {
        defs {
            pattern id=(format!("{name}-{}", canvas.class())) width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                line x1="0" y1="0" x2="0" y2="5" stroke="#8a6fc9" stroke-width="2" {}
            }
        }
    }
}

/// Moments below a drawing.
pub(crate) fn time_axis(range: TimeRange, x: &Linear, baseline: f64, canvas: Canvas) -> Markup {
    let most = if canvas == Canvas::Wide { 10 } else { 4 };
    let step = tick_s(range.seconds(), most);
    let first = range.start.0.div_ceil(step) * step;
    let label = |at: u64| {
        if step >= 86_400 { text::day(UnixSeconds(at)) } else { text::time_of_day(UnixSeconds(at)) }
    };
    let ticks: Vec<u64> =
        (0..=most + 1).map(|index| first + index * step).filter(|at| *at <= range.end.0).collect();
    html! {
        @for at in ticks {
            @let left = x.at(at);
            @let anchor = if left - x.left < 20.0 { "start" } else if x.right - left < 24.0 { "end" } else { "middle" };
            line class="axis" x1=(Px(left)) x2=(Px(left)) y1=(Px(baseline - 16.0)) y2=(Px(baseline - 12.0)) {}
            text class="soft tiny" x=(Px(left)) y=(Px(baseline)) text-anchor=(anchor) { (label(at)) }
        }
    }
}

/// The stretch that is worth a closer look: around all that was planned, or was bad or unmeasured. `None` where all
/// was well.
pub(super) fn closer(record: &Record) -> Option<TimeRange> {
    let window = record.measurement.window;
    let slice_s = record.measurement.slice_s;
    let troubled = record.slices.iter().filter(|slice| slice.bad > 0 || slice.undecided > 0);
    let phases = record.scenario.phases.iter().map(|phase| (phase.start.0, phase.end.0));
    let all: Vec<_> = troubled.map(|slice| (slice.start.0, slice.start.0 + slice_s)).chain(phases).collect();
    let first = all.iter().map(|(start, _)| *start).min()?;
    let last = all.iter().map(|(_, end)| *end).max()?;
    // To whole slices of the window, with some air around them.
    let margin = (last - first) / 10 + slice_s;
    let before = first.saturating_sub(margin).max(window.start.0) - window.start.0;
    let after = last.saturating_add(margin).min(window.end.0) - window.start.0;
    let start = UnixSeconds(window.start.0 + before / slice_s * slice_s);
    let end = UnixSeconds(window.start.0 + after.div_ceil(slice_s) * slice_s);
    Some(TimeRange { start, end: end.min(window.end) })
}

/// The share of failed probes, slice by slice.
pub(super) fn failures(record: &Record, range: TimeRange, canvas: Canvas) -> Markup {
    let most = if canvas == Canvas::Wide { 160 } else { 60 };
    let bars = gather(&record.slices, range, record.measurement.slice_s, most);
    let x = Linear { from: range.start.0, to: range.end.0, left: GUTTER, right: canvas.width() };
    let bottom = 10.0 + PLOT_HEIGHT;
    html! {
        svg class=(format!("chart {}", canvas.class())) viewBox=(format!("0 0 {} {}", canvas.width(), bottom + 50.0))
            role="img" aria-label="share of failed probes, slice by slice" {
            (hatch(canvas, "fail"))
            @for share in [0u64, 50, 100] {
                @let y = bottom - PLOT_HEIGHT * float(share) / 100.0;
                line class=(if share == 0 { "axis" } else { "grid" }) x1=(Px(GUTTER)) x2=(Px(canvas.width())) y1=(Px(y)) y2=(Px(y)) {}
                text class="soft tiny" x=(Px(GUTTER - 8.0)) y=(Px(y + 4.0)) text-anchor="end" { (share) " %" }
            }
            @for bar in &bars { (failure_bar(bar, &x, bottom, canvas)) }
            (time_axis(range, &x, bottom + 20.0, canvas))
            (brackets(&record.scenario.phases, range, &x, bottom + 30.0))
        }
    }
}

fn failure_bar(bar: &Bucket, x: &Linear, bottom: f64, canvas: Canvas) -> Markup {
    let left = x.at(bar.start.0);
    let width = (x.at(bar.end.0) - left - 1.0).max(0.8);
    let decided = float((bar.good + bar.bad).max(1));
    let height = PLOT_HEIGHT * float(bar.bad) / decided;
    let dark = bar.unmeasured > 0;
    html! {
        g {
            title { (bar_title(bar)) }
            @if dark {
                rect class="unknown" x=(Px(left)) y=(Px(bottom - PLOT_HEIGHT)) width=(Px(width)) height=(Px(PLOT_HEIGHT)) {}
                rect fill=(format!("url(#fail-{})", canvas.class())) x=(Px(left)) y=(Px(bottom - PLOT_HEIGHT)) width=(Px(width)) height=(Px(PLOT_HEIGHT)) {}
            } @else if bar.bad > 0 {
                rect class="bad" x=(Px(left)) y=(Px(bottom - height.max(2.0))) width=(Px(width)) height=(Px(height.max(2.0))) rx="1" {}
            } @else {
                rect class="good" x=(Px(left)) y=(Px(bottom - 2.0)) width=(Px(width)) height="2" {}
            }
        }
    }
}

/// The planned phases below the axis, by letter; the list below the drawing explains the letters.
pub(super) fn brackets(phases: &[PhaseRecord], range: TimeRange, x: &Linear, top: f64) -> Markup {
    html! {
        @for (index, phase) in phases.iter().enumerate() {
            @let (left, right) = (x.at(phase.start.0), x.at(phase.end.0));
            @if phase.end > range.start && phase.start < range.end {
                path class="phase" d=(format!("M{} {top}v4H{}v-4", Px(left + 1.0), Px(right - 1.0))) {}
                text class="tiny strong" x=(Px(f64::midpoint(left, right))) y=(Px(top + 18.0)) text-anchor="middle" { (letter(index)) }
            }
        }
    }
}

/// A, B, ... Z, and numbers from there.
pub(super) fn letter(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index @ 0..26) => char::from(b'A' + index).to_string(),
        _ => (index + 1).to_string(),
    }
}
