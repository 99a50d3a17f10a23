//! The window cut into slices, and the slices into slots.

use std::ops::Range;

use terms::{DocumentError, Indicator, Measurement, Method, TimeRange};

/// A window of more slices than this is refused: two years of one-minute slices fit in.
pub const MAX_SLICES: u64 = 1 << 20;

/// A slice of more probes than this is refused: a day of one-second probes fits in.
pub const MAX_PROBES_PER_SLICE: u64 = 100_000;

/// A measurement's window as a grid of slots, one for each probe index.
///
/// Slot `i` is `[start + i * probe_every, start + (i + 1) * probe_every)`. Every vantage probes once
/// in every slot. A grid exists only for a measurement that passed all checks, so its arithmetic
/// cannot overflow.
#[derive(Clone, Debug)]
pub struct Grid {
    measurement: Measurement,
    start_ms: u64,
    slices: u64,
    probes_per_slice: u64,
    /// Slots that an exclusion touches, ascending, disjoint.
    excluded: Vec<Range<u64>>,
}

impl Grid {
    /// Checks a measurement and cuts its window.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn new(measurement: &Measurement) -> Result<Self, DocumentError> {
        measurement.validate()?;
        supported(measurement)?;
        let start_ms = milliseconds(measurement.window.start.0, "window.start")?;
        milliseconds(measurement.window.end.0, "window.end")?;
        let slices = (measurement.window.end.0 - measurement.window.start.0) / measurement.slice_s;
        let probes_per_slice =
            milliseconds(measurement.slice_s, "slice_s")? / measurement.probe_every_ms;
        bounded(slices, MAX_SLICES, "slice_s", "slices")?;
        bounded(
            probes_per_slice,
            MAX_PROBES_PER_SLICE,
            "probe_every_ms",
            "probes a slice",
        )?;
        let excluded = excluded_slots(measurement);
        Ok(Self {
            measurement: measurement.clone(),
            start_ms,
            slices,
            probes_per_slice,
            excluded,
        })
    }

    /// The measurement.
    pub fn measurement(&self) -> &Measurement {
        &self.measurement
    }

    /// The number of slices.
    pub fn slices(&self) -> u64 {
        self.slices
    }

    /// The number of slots in a slice.
    pub fn probes_per_slice(&self) -> u64 {
        self.probes_per_slice
    }

    /// The number of slots in the window.
    pub fn probes(&self) -> u64 {
        self.slices * self.probes_per_slice
    }

    /// The slot in which this moment lies; `None` outside the window.
    pub fn probe_of(&self, unix_ms: u64) -> Option<u64> {
        let index = unix_ms.checked_sub(self.start_ms)? / self.measurement.probe_every_ms;
        (index < self.probes()).then_some(index)
    }

    /// The slice in which this moment lies; `None` outside the window.
    pub fn slice_of(&self, unix_ms: u64) -> Option<u64> {
        self.probe_of(unix_ms)
            .map(|probe| self.slice_of_probe(probe))
    }

    /// The slice to which a slot belongs.
    pub fn slice_of_probe(&self, probe: u64) -> u64 {
        probe / self.probes_per_slice
    }

    /// The slots of a slice.
    pub fn probes_of(&self, slice: u64) -> Range<u64> {
        slice * self.probes_per_slice..(slice + 1) * self.probes_per_slice
    }

    /// When a slot begins, in unix milliseconds.
    pub fn probe_start_ms(&self, probe: u64) -> u64 {
        self.start_ms + probe * self.measurement.probe_every_ms
    }

    /// When a slice begins, in unix milliseconds.
    pub fn slice_start_ms(&self, slice: u64) -> u64 {
        self.probe_start_ms(slice * self.probes_per_slice)
    }

    /// When a slice ends, in unix milliseconds.
    pub fn slice_end_ms(&self, slice: u64) -> u64 {
        self.slice_start_ms(slice + 1)
    }

    /// Whether a probe does not count because an exclusion touches its slot. The whole slot counts as
    /// excluded, so that vantages which probe at different moments of it agree.
    pub fn is_excluded(&self, probe: u64) -> bool {
        let next = self.excluded.partition_point(|slots| slots.end <= probe);
        self.excluded
            .get(next)
            .is_some_and(|slots| slots.contains(&probe))
    }

    /// How many of a slice's probes do not count.
    pub(crate) fn excluded_in(&self, slice: u64) -> u64 {
        let probes = self.probes_of(slice);
        let first = self
            .excluded
            .partition_point(|slots| slots.end <= probes.start);
        let touching = self.excluded[first..]
            .iter()
            .take_while(|slots| slots.start < probes.end);
        touching
            .map(|slots| slots.end.min(probes.end) - slots.start.max(probes.start))
            .sum()
    }
}

fn milliseconds(seconds: u64, field: &str) -> Result<u64, DocumentError> {
    let ms = seconds
        .checked_mul(1000)
        .filter(|ms| *ms <= terms::units::MAX_NUMBER);
    ms.ok_or_else(|| DocumentError::new(field, "is too large to be counted in milliseconds"))
}

fn bounded(count: u64, max: u64, field: &str, what: &str) -> Result<(), DocumentError> {
    if (1..=max).contains(&count) {
        return Ok(());
    }
    Err(DocumentError::new(
        field,
        format!("gives {count} {what}; from 1 to {max} are supported"),
    ))
}

fn supported(measurement: &Measurement) -> Result<(), DocumentError> {
    let timeslices = matches!(measurement.method, Method::Timeslices { .. });
    match measurement.indicator {
        Indicator::Metric { .. } => Err(DocumentError::new(
            "indicator.metric",
            "is not supported yet",
        )),
        Indicator::Latency {
            percentile_ppm: Some(_),
            ..
        } if !timeslices => {
            let rule = "needs the method timeslices: a percentile is taken slice by slice";
            Err(DocumentError::new("indicator.latency.percentile_ppm", rule))
        }
        Indicator::Lateness { deadline, unit_s } => {
            milliseconds(deadline.0, "indicator.lateness.deadline")?;
            milliseconds(unit_s, "indicator.lateness.unit_s").map(|_| ())
        }
        _ => Ok(()),
    }
}

/// The slots that each exclusion touches; neighbours that touch one slot are merged.
fn excluded_slots(measurement: &Measurement) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for exclusion in &measurement.exclusions {
        let slots = slots_of(measurement, exclusion);
        match merged.last_mut() {
            Some(last) if slots.start <= last.end => last.end = last.end.max(slots.end),
            _ => merged.push(slots),
        }
    }
    merged
}

fn slots_of(measurement: &Measurement, range: &TimeRange) -> Range<u64> {
    let since_start_ms = |moment: u64| moment.saturating_sub(measurement.window.start.0) * 1000;
    let every = measurement.probe_every_ms;
    since_start_ms(range.start.0) / every..since_start_ms(range.end.0).div_ceil(every)
}
