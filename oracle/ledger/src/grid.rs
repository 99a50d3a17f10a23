//! The window cut into slices, and the slices into slots.

use std::ops::Range;

use terms::{DocumentError, Measurement, UnixSeconds};

/// A window of more slices than this is refused, whatever `terms` allows: each slice is kept in memory.
/// Two years of one-minute slices fit in.
pub const MAX_SLICES: u64 = 1 << 20;

/// A measurement's window as a grid of slots, one for each probe index.
///
/// Slot `i` is `[start + i * probe_every, start + (i + 1) * probe_every)`. Every vantage probes once
/// in every slot. A grid exists only for a measurement that passed all checks, so its arithmetic
/// cannot overflow.
#[derive(Clone, Debug)]
pub struct Grid {
    measurement: Measurement,
    slices: u64,
    probes_per_slice: u64,
}

impl Grid {
    /// Checks a measurement and cuts its window.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn new(measurement: &Measurement) -> Result<Self, DocumentError> {
        measurement.validate()?;
        let slices = measurement.slice_count();
        if slices > MAX_SLICES {
            let rule = format!("gives {slices} slices; at most {MAX_SLICES} are supported");
            return Err(DocumentError::new("slice_s", rule));
        }
        let probes_per_slice = measurement.probes_per_slice();
        Ok(Self { measurement: measurement.clone(), slices, probes_per_slice })
    }

    /// The measurement.
    pub fn measurement(&self) -> &Measurement {
        &self.measurement
    }

    /// The number of slices, those in exclusions included.
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
        let since_start = unix_ms.checked_sub(self.start_ms())?;
        let index = since_start / self.measurement.probe_every_ms;
        (index < self.probes()).then_some(index)
    }

    /// The slice in which this moment lies; `None` outside the window.
    pub fn slice_of(&self, unix_ms: u64) -> Option<u64> {
        self.probe_of(unix_ms).map(|probe| self.slice_of_probe(probe))
    }

    /// The slice to which a slot belongs.
    pub fn slice_of_probe(&self, probe: u64) -> u64 {
        probe / self.probes_per_slice
    }

    /// The slots of a slice of the window.
    pub fn probes_of(&self, slice: u64) -> Range<u64> {
        slice * self.probes_per_slice..(slice + 1) * self.probes_per_slice
    }

    /// When a slot of the window begins, in unix milliseconds.
    pub fn probe_start_ms(&self, probe: u64) -> u64 {
        self.start_ms() + probe * self.measurement.probe_every_ms
    }

    /// When a slice of the window begins, in unix milliseconds.
    pub fn slice_start_ms(&self, slice: u64) -> u64 {
        self.probe_start_ms(slice * self.probes_per_slice)
    }

    /// When a slice of the window ends, in unix milliseconds.
    pub fn slice_end_ms(&self, slice: u64) -> u64 {
        self.slice_start_ms(slice + 1)
    }

    /// Whether a slice lies in an exclusion. Exclusions are made of whole slices.
    pub fn is_excluded(&self, slice: u64) -> bool {
        let start = UnixSeconds(self.slice_start_ms(slice) / 1000);
        let exclusions = &self.measurement.exclusions;
        let next = exclusions.partition_point(|exclusion| exclusion.end <= start);
        exclusions.get(next).is_some_and(|exclusion| exclusion.contains(start))
    }

    fn start_ms(&self) -> u64 {
        self.measurement.window.start.0 * 1000
    }
}
