//! The strip of an event's slices.

use ledger::SliceCounts;
use maud::{Markup, html};
use terms::Measurement;

use super::draw::{Canvas, Px, scaled};
use super::words;
use crate::store::SliceBar;

const HEIGHT: u64 = 460;
/// What is there at all is seen at all.
const LEAST: u64 = 80;
/// So much is left free beside what is all of one kind.
const SHORT: u64 = 60;

/// Sums of counts.
pub(super) fn add(sum: SliceCounts, more: SliceCounts) -> SliceCounts {
    SliceCounts {
        total: sum.total + more.total,
        good: sum.good + more.good,
        bad: sum.bad + more.bad,
        unmeasured: sum.unmeasured + more.unmeasured,
        excluded: sum.excluded + more.excluded,
    }
}

/// A bar for some slices each, over the whole window; those that have not ended are a line.
pub(super) fn draw(measurement: &Measurement, bars: &[SliceBar], per_bar: u64, canvas: Canvas) -> Markup {
    let width = canvas.either(8_800, 3_400);
    let count = measurement.slice_count().div_ceil(per_bar).max(1);
    let start_s = measurement.window.start.0;
    html! {
        svg class=(canvas.class()) viewBox=(format!("0 0 {} {}", Px(width), Px(HEIGHT + 220))) role="img" aria-label="the window's slices" {
            @for bar in bars {
                @let left = scaled(bar.bar, count, width);
                @let gap = if count > 60 && canvas == Canvas::Narrow { 6 } else { 14 };
                @let room = scaled(bar.bar + 1, count, width) - left;
                (draw_bar(bar, left, room.saturating_sub(gap).max(6), start_s + bar.bar * per_bar * measurement.slice_s))
            }
            @let ended = scaled(bars.last().map_or(0, |bar| bar.bar + 1), count, width);
            @if ended < width { rect.none x=(Px(ended)) y=(Px(HEIGHT - 30)) width=(Px(width - ended)) height="3" {} }
            text.soft.tiny x="0" y=(Px(HEIGHT + 190)) { (words::stamp(start_s)) }
            text.soft.tiny x=(Px(width)) y=(Px(HEIGHT + 190)) text-anchor="end" { (words::stamp(measurement.window.end.0)) }
        }
    }
}

fn draw_bar(bar: &SliceBar, left: u64, width: u64, start_s: u64) -> Markup {
    let counts = bar.counts;
    let share = |part: u64| if part == 0 { 0 } else { scaled(part, counts.total, HEIGHT).max(LEAST) };
    let bad = share(counts.bad);
    let unknown = share(counts.unmeasured).min(HEIGHT - bad);
    let excluded = share(counts.excluded).min(HEIGHT - bad - unknown);
    let rest = HEIGHT - bad - unknown - excluded;
    // What is all good stands on the ground, what is all bad hangs: no colour is needed to tell.
    let (bad, rest) = (bad.min(HEIGHT - SHORT), rest.min(HEIGHT - SHORT));
    let pieces = [
        ("bad", 0, bad),
        ("unknown", bad, unknown),
        ("excluded", bad + unknown, excluded),
        ("good", HEIGHT - rest, if counts.good > 0 { rest } else { 0 }),
    ];
    html! {
        g {
            title { (words::stamp(start_s)) ": " (counts.good) " good, " (counts.bad) " bad, " (counts.unmeasured) " unmeasured, " (counts.excluded) " excluded" }
            @for (class, top, height) in pieces.into_iter().filter(|(_, _, height)| *height > 15) {
                @let gap = if top > 0 { 15 } else { 0 };
                rect class=(class) x=(Px(left)) y=(Px(top + gap)) width=(Px(width)) height=(Px(height - gap)) {}
            }
        }
    }
}

/// What the bars mean.
pub(super) fn legend() -> Markup {
    let sample = |class: &str| html! { svg viewBox="0 0 15 13" aria-hidden="true" { rect class=(class) width="15" height="13" {} } };
    html! {
        ul.legend {
            li { (sample("good")) "good" }
            li { svg viewBox="0 0 15 13" aria-hidden="true" { rect.bad width="15" height="6" {} rect.good y="7.5" width="15" height="5.5" {} } "bad, from above" }
            li { (sample("unknown")) "unmeasured" }
            li { (sample("excluded")) "excluded" }
            li { svg viewBox="0 0 15 13" aria-hidden="true" { rect.none y="10" width="15" height="3" {} } "still to come" }
        }
    }
}
