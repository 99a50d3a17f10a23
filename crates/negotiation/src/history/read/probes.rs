//! Histories from an oracle's probes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ledger::{Grid, Sample, Verdict, probe_verdicts};
use terms::{DocumentError, Measurement, TimeRange, UnixSeconds};

use super::rows::Rows;
use super::{History, tells_latency};

/// The history in all samples of a service, decided by the measurement's quorum. Time runs only while probes are decided.
pub(super) fn samples(text: &str, measurement: &Measurement) -> Result<History, DocumentError> {
    let samples = ledger::csv::read(text.as_bytes())
        .map_err(|error| DocumentError::new("history", error.to_string()))?;
    let grid = Grid::new(&around(&samples, measurement)?).map_err(|error| {
        DocumentError::new("history", format!("cannot be cut into the measurement's slices: {error}"))
    })?;
    let every = measurement.probe_every_ms;
    let decided = probe_verdicts(&grid, &samples);
    let decided = decided.iter().filter(|(_, verdict)| *verdict != Verdict::Unknown);
    let (mut outages, mut slots) = (Vec::<Range<u64>>::new(), 0);
    for (_, verdict) in decided {
        if *verdict == Verdict::Bad {
            outages.push(slots * every..(slots + 1) * every);
        }
        slots += 1;
    }
    History::new(outages, slots * every)
}

/// The measurement over the time of the samples, in whole slices and without maintenance.
fn around(samples: &[Sample], measurement: &Measurement) -> Result<Measurement, DocumentError> {
    let moments = || samples.iter().map(|sample| sample.unix_ms / 1000);
    let (Some(first), Some(last)) = (moments().min(), moments().max()) else {
        return Err(DocumentError::new("history", "must hold a sample"));
    };
    let slice_s = measurement.slice_s.max(1);
    let start = first - first % slice_s;
    let window = TimeRange {
        start: UnixSeconds(start),
        end: UnixSeconds((last + 1).saturating_sub(start).div_ceil(slice_s).saturating_mul(slice_s) + start),
    };
    Ok(Measurement { window, exclusions: Vec::new(), ..measurement.clone() })
}

/// The history in what an oracle publishes of failures: slots in which as many vantages failed as must agree.
pub(super) fn failures(
    text: &str,
    measurement: &Measurement,
    over_ms: u64,
) -> Result<History, DocumentError> {
    if tells_latency(measurement) {
        let rule = "does not tell of slow answers: give the samples instead";
        return Err(DocumentError::new("history", rule));
    }
    let every = measurement.probe_every_ms.max(1);
    let mut failed: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for row in Rows::new(text, 5) {
        let row = row?;
        let unix_ms: u64 = row.cell(0).parse().map_err(|_| row.error("unix_ms must be a number"))?;
        if row.cell(2) == "0" {
            failed.entry(unix_ms / every).or_default().insert(row.cell(1).to_owned());
        }
    }
    let agree = measurement.quorum.agree;
    let slots = failed.into_iter().filter(|(_, vantages)| vantages.len() as u64 >= agree);
    let ms = |slot: u64| slot.saturating_mul(every);
    History::new(slots.map(|(slot, _)| ms(slot)..ms(slot.saturating_add(1))).collect(), over_ms)
}
