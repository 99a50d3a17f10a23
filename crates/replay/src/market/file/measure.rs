//! `[market.measurement]`: how every service is measured, in every window.

use terms::presets::Preset;
use terms::{
    DocumentError, Expectations, HttpTarget, Indicator, Measurement, Method, NumericScale, Ppm, Quorum,
    Rounding, Scale, Target, TimeRange,
};

use super::aimed;
use crate::scenario::ScenarioError;
use crate::scenario::reader::Table;
use crate::scenario::words;

/// What stands for the target until a provider names its own.
const ANY_TARGET: &str = "http://service.example/";

/// The most that an oracle reads of an answer.
const BODY_MAX: u64 = 64 * 1024;

/// The field of the file behind a field of the document.
const KEYS: [(&str, &str); 4] =
    [("window", "window"), ("slice_s", "slice"), ("probe_every_ms", "probe_every"), ("target", "timeout")];

pub(super) fn read(table: Table<'_>, preset: Option<&'static Preset>) -> Result<Measurement, ScenarioError> {
    let slice_s = match (table.take("slice"), preset) {
        (Some(field), _) => field.parse(words::duration_s)?,
        (None, Some(preset)) => preset.slice_s,
        (None, None) => return Err(table.error_at("slice", "is missing")),
    };
    let probe_every_ms = table.need("probe_every")?.parse(words::duration_ms)?;
    let timeout_ms = table.read("timeout", |field| field.parse(words::duration_ms))?;
    let expect = Expectations::status(200, 299, BODY_MAX);
    let http = HttpTarget::get(ANY_TARGET, timeout_ms.unwrap_or(probe_every_ms.min(10_000)), expect);
    let probes = (slice_s * 1000).checked_div(probe_every_ms).unwrap_or(0);
    let measurement = Measurement {
        v: 1,
        target: Target::Http(http),
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
    Ok(measurement)
}

fn at_its_field(table: &Table<'_>, error: &DocumentError) -> ScenarioError {
    let key = KEYS.iter().find(|(document, _)| error.field.starts_with(document));
    match key {
        Some((_, key)) => table.error_at(key, format!("{} ({})", error.rule, error.field)),
        None => table.error(format!("{}: {}", error.field, error.rule)),
    }
}

/// The measurement of one service in one window.
pub(super) fn of(base: &Measurement, target: &str, window: TimeRange) -> Measurement {
    Measurement { target: aimed(&base.target, target), window, ..base.clone() }
}
