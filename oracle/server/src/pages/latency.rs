//! How fast answers came over a day: the median and the 95th percentile of each slice.

use maud::{Markup, html};

use super::draw::{Canvas, Px, scaled};
use super::words;
use crate::status::DAY_S;

/// A slice's latency on the time axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub start_s: u64,
    pub length_s: u64,
    pub p50_ms: u64,
    pub p95_ms: u64,
}

/// Where the plot lies, in tenths of a pixel.
struct Frame {
    left: u64,
    right: u64,
    bottom: u64,
    day_s: u64,
    top_ms: u64,
}

const TOP: u64 = 120;
const HEIGHT: u64 = 1_500;

impl Frame {
    fn x(&self, at_s: u64) -> Px {
        Px(self.left + scaled(at_s.saturating_sub(self.day_s), DAY_S, self.right - self.left))
    }

    fn y(&self, value_ms: u64) -> Px {
        Px(self.bottom - scaled(value_ms, self.top_ms, HEIGHT))
    }
}

/// The plot of a day; points ascend by time.
pub(super) fn draw(points: &[Point], day_s: u64, canvas: Canvas) -> Markup {
    let highest = points.iter().map(|point| point.p95_ms).max().unwrap_or(0);
    let step = step_ms(highest);
    let frame = Frame {
        left: canvas.either(620, 560),
        right: canvas.either(8_700, 3_360),
        bottom: TOP + HEIGHT,
        day_s,
        top_ms: highest.div_ceil(step).max(1) * step,
    };
    html! {
        svg class=(canvas.class()) viewBox=(format!("0 0 {} {}", Px(canvas.either(8_800, 3_400)), Px(frame.bottom + 260)))
            role="img" aria-label=(caption(points)) {
            @for line in 0..=frame.top_ms / step {
                line class=(if line == 0 { "axis" } else { "grid" }) x1=(Px(frame.left)) x2=(Px(frame.right)) y1=(frame.y(line * step)) y2=(frame.y(line * step)) {}
                text.soft.tiny x=(Px(frame.left - 80)) y=(Px(frame.y(line * step).0 + 40)) text-anchor="end" { (words::thousands(line * step)) " ms" }
            }
            @for hour in (0..=24).step_by(canvas.either(3, 6)) {
                text.soft.tiny x=(frame.x(day_s + hour * 3_600)) y=(Px(frame.bottom + 200)) text-anchor=(if hour == 24 { "end" } else { "middle" }) { (format!("{hour:02}:00")) }
            }
            path.p95 d=(path(points, &frame, |point| point.p95_ms)) {}
            path.p50 d=(path(points, &frame, |point| point.p50_ms)) {}
        }
    }
}

/// A line through the points, broken where slices without an answer lie between.
fn path(points: &[Point], frame: &Frame, value: impl Fn(&Point) -> u64) -> String {
    let mut path = String::new();
    let mut expected_s = None;
    for point in points {
        let (x, y) = (frame.x(point.start_s + point.length_s / 2), frame.y(value(point)));
        if expected_s == Some(point.start_s) {
            path.push_str(&format!("L{x} {y}"));
        } else {
            // The short stroke makes a point visible that stands alone.
            path.push_str(&format!("M{x} {y}h.1"));
        }
        expected_s = Some(point.start_s + point.length_s);
    }
    path
}

/// A step of 1, 2 or 5 with zeros, so that at most five lines reach the highest value.
fn step_ms(highest: u64) -> u64 {
    let decades = (0..10).map(|power| 10_u64.pow(power));
    let mut steps = decades.flat_map(|decade| [decade, 2 * decade, 5 * decade]);
    steps.find(|step| highest <= step * 4).unwrap_or(u64::from(u32::MAX))
}

fn caption(points: &[Point]) -> String {
    let range = |value: fn(&Point) -> u64| {
        let values = points.iter().map(value);
        (values.clone().min().unwrap_or(0), values.max().unwrap_or(0))
    };
    let ((low, high), (low95, high95)) = (range(|point| point.p50_ms), range(|point| point.p95_ms));
    format!("median of the slices {low} to {high} ms, 95th percentile {low95} to {high95} ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_round_steps() {
        assert_eq!([0, 4, 5, 38, 401, 90_000].map(step_ms), [1, 1, 2, 10, 200, 50_000]);
    }

    #[test]
    fn the_line_breaks_where_nothing_answered() {
        let point = |start_s: u64| Point { start_s, length_s: 300, p50_ms: 20, p95_ms: 40 };
        let svg = draw(&[point(0), point(300), point(1_200)], 0, Canvas::Wide).into_string();
        assert_eq!(svg.matches('M').count(), 4, "two for each line: {svg}");
        assert_eq!(svg.matches('L').count(), 2, "{svg}");
    }
}
