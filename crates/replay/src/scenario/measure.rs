//! `[measurement]`: what the oracle measures.

use terms::presets::Preset;
use terms::{
    DocumentError, Expectations, Hex32, HttpTarget, Indicator, Measurement, Method, NumericScale, Ppm,
    Quorum, Rounding, Scale, Target, TimeRange,
};

use super::cast::Cast;
use super::error::ScenarioError;
use super::phases::MAX_BODY;
use super::reader::{Field, Table};
use super::words;

/// A measurement, and the body with which the target meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    pub measurement: Measurement,
    pub body: Vec<u8>,
}

/// What the target answers where the scenario doesn't care.
const BODY: &str = "ok\n";

/// The most that an oracle reads of an answer: what a target may serve, and a byte that shows there was more.
const BODY_MAX: u64 = 64 * 1024 + 1;

/// The field of the scenario behind a field of the document, for errors about the document.
const KEYS: [(&str, &str); 10] = [
    ("window", "window"),
    ("slice_s", "slice"),
    ("probe_every_ms", "probe_every"),
    ("target.url", "target"),
    ("target.timeout_ms", "timeout"),
    ("indicator", "indicator"),
    ("method", "method"),
    ("least_samples", "least_samples"),
    ("exclusions", "maintenance"),
    ("quorum", "quorum"),
];

pub(super) fn read(
    table: Table<'_>,
    preset: Option<&&'static Preset>,
    cast: &Cast,
) -> Result<Measured, ScenarioError> {
    let window = table.need("window")?.parse(words::window)?;
    let slice_s = slice(&table, preset)?;
    let probe_every_ms = table.need("probe_every")?.parse(words::duration_ms)?;
    let (indicator, scale) = indicator(&table)?;
    let (target, body) = target(&table, &indicator, probe_every_ms)?;
    let method = method(&table, &indicator, preset)?;
    let measurement = Measurement {
        v: 1,
        target,
        indicator,
        window,
        slice_s,
        probe_every_ms,
        method,
        confirm: None,
        quorum: quorum(&table, cast)?,
        exclusions: maintenance(&table)?,
        least_samples: least_samples(&table, slice_s, probe_every_ms)?,
        indeterminate_above_ppm: table.read("indeterminate_above", share)?.unwrap_or(Ppm(100_000)),
        rounding: rounding(&table, preset)?,
        outcome: Scale::Numeric(scale),
    };
    measurement.validate().map_err(|error| at_its_field(&table, &error))?;
    table.close()?;
    Ok(Measured { measurement, body })
}

/// `quorum = "2 of 3"`: so many of an oracle's own place and the vantages must see the same.
fn quorum(table: &Table<'_>, cast: &Cast) -> Result<Quorum, ScenarioError> {
    let count = 1 + cast.vantages() as u64;
    match table.read("quorum", |field| field.parse(words::some_of))? {
        Some((agree, vantages)) if vantages == count => Ok(Quorum { agree, vantages }),
        Some(_) => Err(table.error_at("quorum", format!("must be of the oracle and its vantages: {count}"))),
        None if count == 1 => Ok(Quorum { agree: 1, vantages: 1 }),
        None => Err(table.error_at("quorum", "is missing: how many of the places must see the same")),
    }
}

fn share(field: &Field<'_>) -> Result<Ppm, ScenarioError> {
    field.parse(words::share)
}

pub(crate) fn at_its_field(table: &Table<'_>, error: &DocumentError) -> ScenarioError {
    let key = KEYS.iter().find(|(document, _)| error.field.starts_with(document));
    match key {
        Some((_, key)) => table.error_at(key, format!("{} ({})", error.rule, error.field)),
        None => table.error(format!("{}: {}", error.field, error.rule)),
    }
}

pub(crate) fn slice(table: &Table<'_>, preset: Option<&&'static Preset>) -> Result<u64, ScenarioError> {
    match (table.take("slice"), preset) {
        (Some(field), _) => field.parse(words::duration_s),
        (None, Some(preset)) => Ok(preset.slice_s),
        (None, None) => table.need("slice").map(|_| 0),
    }
}

fn least_samples(table: &Table<'_>, slice_s: u64, probe_every_ms: u64) -> Result<u64, ScenarioError> {
    let given = table.read("least_samples", |field| field.number(1..=1_000_000))?;
    let probes = slice_s.saturating_mul(1000).checked_div(probe_every_ms).unwrap_or(0);
    Ok(given.unwrap_or(probes.div_ceil(2).max(1)))
}

fn rounding(table: &Table<'_>, preset: Option<&&'static Preset>) -> Result<Rounding, ScenarioError> {
    let sides = [("up", Rounding::Up), ("down", Rounding::Down)];
    let given = table.read("rounding", |field| field.one_of(&sides))?;
    Ok(given.unwrap_or(preset.map_or(Rounding::Up, |preset| preset.rounding)))
}

#[derive(Clone, Copy)]
enum MethodName {
    Timeslices,
    RatioTimeslices,
    Occurrences,
}

fn method(
    table: &Table<'_>,
    indicator: &Indicator,
    preset: Option<&&'static Preset>,
) -> Result<Method, ScenarioError> {
    let names = [
        ("timeslices", MethodName::Timeslices),
        ("ratio_timeslices", MethodName::RatioTimeslices),
        ("occurrences", MethodName::Occurrences),
    ];
    let name = table.read("method", |field| field.one_of(&names))?;
    let bad_above = table.read("bad_above", share)?;
    if bad_above.is_some() && !matches!(name, Some(MethodName::Timeslices)) {
        return Err(table.error_at("bad_above", "needs method = \"timeslices\""));
    }
    Ok(match name {
        Some(MethodName::Timeslices) => Method::Timeslices { bad_above_ppm: bad_above.unwrap_or_default() },
        Some(MethodName::RatioTimeslices) => Method::RatioTimeslices {},
        Some(MethodName::Occurrences) => Method::Occurrences {},
        // Lateness adds up no slices.
        None if matches!(indicator, Indicator::Lateness { .. }) => Method::Occurrences {},
        None => preset.map_or(Method::RatioTimeslices {}, |preset| preset.method.clone()),
    })
}

fn maintenance(table: &Table<'_>) -> Result<Vec<TimeRange>, ScenarioError> {
    let mut ranges = Vec::new();
    for entry in table.tables("maintenance")? {
        let start = entry.need("from")?.parse(words::moment)?;
        let end = entry.need("until")?.parse(words::moment)?;
        entry.close()?;
        ranges.push(TimeRange { start, end });
    }
    Ok(ranges)
}

#[derive(Clone, Copy)]
enum IndicatorName {
    Availability,
    Latency,
    Lateness,
}

fn indicator(table: &Table<'_>) -> Result<(Indicator, NumericScale), ScenarioError> {
    let names = [
        ("availability", IndicatorName::Availability),
        ("latency", IndicatorName::Latency),
        ("lateness", IndicatorName::Lateness),
    ];
    match table.read("indicator", |field| field.one_of(&names))?.unwrap_or(IndicatorName::Availability) {
        IndicatorName::Availability => Ok((Indicator::Availability {}, NumericScale::ppm())),
        IndicatorName::Latency => Ok((latency(table)?, NumericScale::ppm())),
        IndicatorName::Lateness => lateness(table),
    }
}

fn latency(table: &Table<'_>) -> Result<Indicator, ScenarioError> {
    Ok(Indicator::Latency {
        threshold_ms: table.need("threshold")?.parse(words::duration_ms)?,
        percentile_ppm: table.read("percentile", share)?,
    })
}

fn lateness(table: &Table<'_>) -> Result<(Indicator, NumericScale), ScenarioError> {
    let deadline = table.need("deadline")?.parse(words::moment)?;
    let units = [("minute", ("min", 60)), ("hour", ("h", 3600)), ("day", ("d", 86_400))];
    let (unit, unit_s) = table.need("late_unit")?.one_of(&units)?;
    let most = table.need("late_max")?;
    let scale = NumericScale::count(unit, most.number(1..=1_000_000)?);
    let scale = scale.ok_or_else(|| most.error("is too large"))?;
    Ok((Indicator::Lateness { deadline, unit_s }, scale))
}

fn target(
    table: &Table<'_>,
    indicator: &Indicator,
    probe_every_ms: u64,
) -> Result<(Target, Vec<u8>), ScenarioError> {
    let url = table.need("target")?.line_of_text(2_000)?;
    if matches!(indicator, Indicator::Lateness { .. }) && !table.has("body") {
        return Err(table.error_at("body", "is missing: a delivery is checked by its hash"));
    }
    http(table, url, probe_every_ms)
}

/// How a service is asked and what a good answer is, with the body that it serves.
pub(crate) fn http(
    table: &Table<'_>,
    url: String,
    probe_every_ms: u64,
) -> Result<(Target, Vec<u8>), ScenarioError> {
    let given = table.read("body", body)?;
    let contains = table.read("body_contains", |field| field.line_of_text(1_000))?;
    let served =
        given.clone().or_else(|| contains.clone().map(String::into_bytes)).unwrap_or_else(|| BODY.into());
    let (status_from, status_to) =
        table.read("status", |field| field.parse(words::status_range))?.unwrap_or((200, 299));
    let expect = Expectations {
        body_sha256: given.map(|body| Hex32(terms::canonical::sha256(&body))),
        body_contains: contains,
        ..Expectations::status(status_from, status_to, BODY_MAX)
    };
    let timeout_ms =
        table.read("timeout", |field| field.parse(words::duration_ms))?.unwrap_or(probe_every_ms.min(10_000));
    Ok((Target::Http(HttpTarget::get(url, timeout_ms, expect)), served))
}

fn body(field: &Field<'_>) -> Result<Vec<u8>, ScenarioError> {
    let body = field.text()?.as_bytes();
    if body.len() > MAX_BODY {
        return Err(field.error(format!("must be at most {MAX_BODY} bytes")));
    }
    Ok(body.to_vec())
}
