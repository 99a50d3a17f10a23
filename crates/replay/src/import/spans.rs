//! Stretches of time in which something was wrong, put on slots.

use terms::{Ppm, TimeRange, UnixSeconds, units::PPM_WHOLE};

use super::{Broken, Place};

/// The most that one timeline holds.
const MAX_SPANS: usize = 10_000;

/// A stretch of time in which something was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// When.
    pub range: TimeRange,
    /// How wrong.
    pub severity: Severity,
    /// What the file calls it, where it says more than a number.
    pub note: Option<String>,
}

/// How wrong something was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Everything failed.
    Down,
    /// This share failed.
    Share(Ppm),
}

impl Severity {
    /// Of a share that failed; `None` where nothing did.
    pub(super) fn of(ppm: u64) -> Option<Self> {
        match ppm {
            0 => None,
            PPM_WHOLE.. => Some(Self::Down),
            ppm => Some(Self::Share(Ppm(ppm))),
        }
    }
}

/// A span with its place in the file.
pub(super) struct Found {
    pub span: Span,
    pub place: Place,
}

/// Takes begin and end to the nearest slot, each span to one at least, and joins what touches and is equally wrong.
pub(super) fn on_grid(mut found: Vec<Found>, grid_s: u64) -> Result<Vec<Span>, Broken> {
    found.sort_by_key(|found| (found.span.range.start, found.span.range.end));
    let mut spans: Vec<Span> = Vec::new();
    for Found { mut span, place } in found {
        let nearest = |at: UnixSeconds| UnixSeconds((at.0 + grid_s / 2) / grid_s * grid_s);
        let start = nearest(span.range.start);
        let end = nearest(span.range.end).max(UnixSeconds(start.0 + grid_s));
        span.range = TimeRange { start, end };
        match spans.last_mut() {
            Some(last) if same(last, &span) && start <= last.range.end => {
                last.range.end = last.range.end.max(end);
                continue;
            }
            // Rounding alone may have pushed one into the next.
            Some(last) if start < last.range.end && last.range.end.0 - start.0 <= grid_s => {
                span.range.start = last.range.end;
                if span.range.start >= end {
                    continue;
                }
            }
            Some(last) if start < last.range.end => {
                return Err((Some(place), "overlaps another one of another severity".to_owned()));
            }
            _ => {}
        }
        spans.push(span);
        if spans.len() > MAX_SPANS {
            return Err((Some(place), format!("is more than the {MAX_SPANS} that a timeline holds")));
        }
    }
    Ok(spans)
}

fn same(one: &Span, other: &Span) -> bool {
    (one.severity, &one.note) == (other.severity, &other.note)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(start: u64, end: u64, severity: Severity) -> Found {
        let range = TimeRange { start: UnixSeconds(start), end: UnixSeconds(end) };
        Found { span: Span { range, severity, note: None }, place: Place::Line(start) }
    }

    fn ranges(found: Vec<Found>) -> Vec<(u64, u64)> {
        let spans = on_grid(found, 60).unwrap();
        spans.iter().map(|span| (span.range.start.0, span.range.end.0)).collect()
    }

    #[test]
    fn spans_are_taken_to_the_nearest_slots_and_joined() {
        let down = Severity::Down;
        assert_eq!(ranges(vec![found(89, 151, down), found(31, 32, down)]), [(60, 180)]);
        assert_eq!(
            ranges(vec![found(0, 60, down), found(60, 120, Severity::Share(Ppm(5)))]),
            [(0, 60), (60, 120)]
        );
    }

    #[test]
    fn what_rounding_pushes_together_keeps_its_order_and_a_real_overlap_is_refused() {
        let share = Severity::Share(Ppm(5));
        assert_eq!(ranges(vec![found(0, 95, Severity::Down), found(95, 200, share)]), [(0, 120), (120, 180)]);
        let overlap = on_grid(vec![found(0, 600, Severity::Down), found(300, 900, share)], 60);
        assert_eq!(overlap.unwrap_err().0, Some(Place::Line(300)));
    }
}
