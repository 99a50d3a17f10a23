//! What a monitor saw, sample by sample, as spans.

use terms::{TimeRange, UnixSeconds};

use super::spans::{Found, Severity, Span};
use super::{Broken, MAX_ENTRIES, Place};

/// A sample stands until the next one, but not for longer than this many of the usual distances: after that nobody knows.
const LONGEST_GAP: u64 = 2;

/// A sample: when, and the share that failed, in ppm; `None` where it says nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub at: u64,
    pub failed_ppm: Option<u64>,
    pub place: Place,
}

/// Each sample as the span until the next.
pub(super) fn spans(mut seen: Vec<Seen>) -> Result<Vec<Found>, Broken> {
    if seen.len() > MAX_ENTRIES {
        return Err((None, format!("holds more than {MAX_ENTRIES} samples")));
    }
    seen.sort_by_key(|sample| sample.at);
    seen.dedup_by_key(|sample| sample.at);
    let Some(usual_s) = usual_distance_s(&seen) else {
        return Err((
            None,
            "holds fewer than two samples, so nobody knows for how long each stands".to_owned(),
        ));
    };
    let ends = seen.iter().skip(1).map(|next| next.at).chain([u64::MAX]);
    let spans = seen.iter().zip(ends).filter_map(|(sample, next)| {
        let severity = Severity::of(sample.failed_ppm?)?;
        let known_until = sample.at.saturating_add(usual_s);
        let is_gap = next.saturating_sub(sample.at) > usual_s.saturating_mul(LONGEST_GAP);
        let end = if is_gap { known_until } else { next };
        let range = TimeRange { start: UnixSeconds(sample.at), end: UnixSeconds(end) };
        Some(Found { span: Span { range, severity, note: None }, place: sample.place })
    });
    Ok(spans.collect())
}

/// The median distance of two samples.
fn usual_distance_s(seen: &[Seen]) -> Option<u64> {
    let mut distances: Vec<u64> = seen.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).copied()
}
