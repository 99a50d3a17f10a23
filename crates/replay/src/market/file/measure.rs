//! `[market.measurement]`: how every service is measured, in every window.

use terms::presets::Preset;
use terms::{Indicator, Measurement, Method, NumericScale, Ppm, Quorum, Rounding, Scale, TimeRange};

use super::aimed;
use crate::scenario::ScenarioError;
use crate::scenario::measure::{Measured, at_its_field, http, slice};
use crate::scenario::reader::Table;
use crate::scenario::words;

/// What stands for the target until a provider names its own.
const ANY_TARGET: &str = "http://service.example/";

pub(super) fn read(table: Table<'_>, preset: Option<&'static Preset>) -> Result<Measured, ScenarioError> {
    let slice_s = slice(&table, preset.as_ref())?;
    let probe_every_ms = table.need("probe_every")?.parse(words::duration_ms)?;
    let (target, body) = http(&table, ANY_TARGET.to_owned(), probe_every_ms)?;
    let probes = slice_s.saturating_mul(1000).checked_div(probe_every_ms).unwrap_or(0);
    let measurement = Measurement {
        v: 1,
        target,
        indicator: Indicator::Availability {},
        window: table.need("window")?.parse(words::window)?,
        slice_s,
        probe_every_ms,
        method: preset.map_or(Method::RatioTimeslices {}, |preset| preset.method.clone()),
        confirm: None,
        quorum: Quorum { agree: 1, vantages: 1 },
        exclusions: Vec::new(),
        least_samples: probes.div_ceil(2).max(1),
        indeterminate_above_ppm: Ppm(100_000),
        rounding: preset.map_or(Rounding::Up, |preset| preset.rounding),
        outcome: Scale::Numeric(NumericScale::ppm()),
    };
    measurement.validate().map_err(|error| at_its_field(&table, &error))?;
    table.close()?;
    Ok(Measured { measurement, body })
}

/// The measurement of one service in one window.
pub(super) fn of(base: &Measurement, target: &str, window: TimeRange) -> Measurement {
    Measurement { target: aimed(&base.target, target), window, ..base.clone() }
}
