//! `[[timeline]]`: what goes wrong with the service, and when.

use std::fmt;

use terms::{Expectations, Indicator, Measurement, Ppm, TimeRange, UnixSeconds};

use super::cast::{Cast, Place};
use super::chain;
use super::error::ScenarioError;
use super::measure::Measured;
use super::reach::{self, CertificateFault, DnsFailure};
use super::reader::{Field, Table};
use super::words;
use crate::text;

/// A stretch of time in which something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// When; begins and ends with a probe's slot, so that its probes can be counted by hand.
    pub range: TimeRange,
    /// What.
    pub condition: Condition,
    /// From where it is seen; `None` for everywhere.
    pub seen_by: Option<Vec<Place>>,
    /// In the words of the scenario's author.
    pub note: Option<String>,
}

impl Phase {
    /// Whether it is so for whoever probes from this place.
    pub fn is_seen_by(&self, place: Place) -> bool {
        self.seen_by.as_ref().is_none_or(|places| places.contains(&place))
    }

    /// What is wrong, with the author's words.
    pub fn words(&self) -> String {
        match &self.note {
            Some(note) => format!("{}: {note}", self.condition),
            None => self.condition.to_string(),
        }
    }

    /// Whether some place sees both.
    fn meets(&self, places: Option<&[Place]>) -> bool {
        places.is_none_or(|places| places.iter().any(|place| self.is_seen_by(*place)))
    }
}

/// What is wrong in a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The target closes every connection.
    Down,
    /// This share of the requests fails, spread evenly over the phase and rounded down.
    Errors(Ppm),
    /// Every answer has this status code.
    Status(u16),
    /// Every answer takes this long, in milliseconds of simulated latency.
    Slow(u64),
    /// Every answer has this body instead of the right one.
    WrongBody(Vec<u8>),
    /// The oracle's own connection is lost: neither the target nor its reference targets answer.
    OracleOffline,
    /// The target is well, and its name can't be looked up.
    Dns(DnsFailure),
    /// The target is well, and its certificate is not.
    Certificate(CertificateFault),
}

impl Condition {
    /// Whom it hits: `service`, or `oracle`.
    pub fn who(&self) -> &'static str {
        match self {
            Self::OracleOffline => "oracle",
            _ => "service",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down => f.write_str("closes every connection"),
            Self::Errors(share) => write!(f, "{} of the requests fail", text::percent(share.0)),
            Self::Status(code) => write!(f, "answers {code} to everything"),
            Self::Slow(latency_ms) => write!(f, "takes {} to answer", text::length_ms(*latency_ms)),
            Self::WrongBody(_) => f.write_str("answers with the wrong bytes"),
            Self::OracleOffline => f.write_str("the oracle's own connection is lost"),
            Self::Dns(failure) => failure.fmt(f),
            Self::Certificate(fault) => fault.fmt(f),
        }
    }
}

/// When a delivery is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// From when on the target serves it.
    pub at: UnixSeconds,
    /// In the words of the scenario's author.
    pub note: Option<String>,
}

/// The longest note of a phase or fault, in characters.
pub(super) const MAX_NOTE: usize = 200;

/// The longest body that a target serves, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;

const ONE_CONDITION: &str = "must say what is wrong with exactly one of down, flapping, error_share_ppm, status, \
                             slow_ms, wrong_body, dns, certificate, oracle_offline, or when it arrives with \
                             delivered_at";

const ONE_OF_A_SERVICE: &str =
    "must say what is wrong with exactly one of down, flapping, error_share_ppm, status, slow_ms, wrong_body";

/// The most times that a phase flaps.
const MAX_FLAPS: u64 = 500;

pub(super) fn phases(
    root: &Table<'_>,
    measured: &Measured,
    cast: &Cast,
) -> Result<(Vec<Phase>, Option<Delivery>), ScenarioError> {
    let mut phases: Vec<Phase> = Vec::new();
    let mut delivery = None;
    for table in root.tables("timeline")? {
        if table.has("delivered_at") {
            if delivery.is_some() {
                return Err(table.error_at("delivered_at", "is given twice"));
            }
            delivery = Some(arrival(table, &measured.measurement)?);
        } else {
            let more = phase(table, measured, cast, &phases)?;
            phases.extend(more);
        }
    }
    phases.sort_by_key(|phase| phase.range.start);
    Ok((phases, delivery))
}

fn arrival(table: Table<'_>, measurement: &Measurement) -> Result<Delivery, ScenarioError> {
    if !matches!(measurement.indicator, Indicator::Lateness { .. }) {
        return Err(table.error_at("delivered_at", "needs measurement.indicator = \"lateness\""));
    }
    let at = on_grid(&table.need("delivered_at")?, measurement)?;
    let note = table.read("note", |field| field.line_of_text(MAX_NOTE))?;
    table.close()?;
    Ok(Delivery { at, note })
}

/// The phases of a market's service. They say what needs nothing but the service itself, and everybody sees them.
pub(crate) fn of_a_service(provider: &Table<'_>, measured: &Measured) -> Result<Vec<Phase>, ScenarioError> {
    let mut phases: Vec<Phase> = Vec::new();
    for table in provider.tables("timeline")? {
        let range = range(&table, &measured.measurement, phases.last().map(|last| last.range.end))?;
        let flaps = table.read("flapping", |field| flapping(field, range, &measured.measurement))?;
        let condition = one_of(&table, of_the_service(&table, measured, flaps.is_some())?, ONE_OF_A_SERVICE)?;
        phases.extend(turns(table, flaps.unwrap_or_else(|| vec![range]), condition, None)?);
    }
    Ok(phases)
}

fn phase(
    table: Table<'_>,
    measured: &Measured,
    cast: &Cast,
    before: &[Phase],
) -> Result<Vec<Phase>, ScenarioError> {
    let measurement = &measured.measurement;
    let seen_by = table.read("seen_by", |field| cast.some(field))?;
    let met = before.iter().filter(|phase| phase.meets(seen_by.as_deref()));
    let range = range(&table, measurement, met.map(|phase| phase.range.end).max())?;
    let flaps = table.read("flapping", |field| flapping(field, range, measurement))?;
    let mut said = of_the_service(&table, measured, flaps.is_some())?;
    said.extend(around_it(&table, measurement)?);
    let condition = one_of(&table, said, ONE_CONDITION)?;
    if let Some((key, rule)) = ambiguous(&condition, seen_by.as_deref(), cast) {
        return Err(table.error_at(key, rule));
    }
    turns(table, flaps.unwrap_or_else(|| vec![range]), condition, seen_by)
}

/// When it is; `last` is the end of what it must not overlap.
fn range(
    table: &Table<'_>,
    measurement: &Measurement,
    last: Option<UnixSeconds>,
) -> Result<TimeRange, ScenarioError> {
    let start = on_grid(&table.need("from")?, measurement)?;
    let end = on_grid(&table.need("until")?, measurement)?;
    if end <= start {
        return Err(table.error_at("until", "must come after from"));
    }
    if last.is_some_and(|last| start < last) {
        return Err(table.error_at("from", "must not come before the end of the phase above it"));
    }
    Ok(TimeRange { start, end })
}

/// The same condition at each of these times.
fn turns(
    table: Table<'_>,
    ranges: Vec<TimeRange>,
    condition: Condition,
    seen_by: Option<Vec<Place>>,
) -> Result<Vec<Phase>, ScenarioError> {
    let note = table.read("note", |field| field.line_of_text(MAX_NOTE))?;
    table.close()?;
    let phase =
        |range| Phase { range, condition: condition.clone(), seen_by: seen_by.clone(), note: note.clone() };
    Ok(ranges.into_iter().map(phase).collect())
}

/// What would not be the same for everybody who sees it.
fn ambiguous(
    condition: &Condition,
    seen_by: Option<&[Place]>,
    cast: &Cast,
) -> Option<(&'static str, &'static str)> {
    let sees = |place: &Place| seen_by.is_none_or(|places| places.contains(place));
    let several_words =
        cast.oracles() > 1 && (0..cast.vantages()).map(Place::Vantage).any(|place| sees(&place));
    match condition {
        Condition::OracleOffline if seen_by.is_none() && cast.places().count() > 1 => {
            Some(("oracle_offline", "needs seen_by: whose connection is lost?"))
        }
        Condition::Errors(_) if several_words => Some((
            "error_share_ppm",
            "can't be counted from a vantage that probes for several oracles; say seen_by with oracles alone",
        )),
        _ => None,
    }
}

/// When a flapping service is down: it begins with that, and each turn is as long as the one before.
fn flapping(
    field: &Field<'_>,
    range: TimeRange,
    measurement: &Measurement,
) -> Result<Vec<TimeRange>, ScenarioError> {
    let table = field.table()?;
    let turn = |key| {
        let field = table.need(key)?;
        let seconds = chain::bounded(&field, 1, 30 * 86_400)?;
        match (seconds * 1000).is_multiple_of(measurement.probe_every_ms) {
            true => Ok(seconds),
            false => Err(field.error("must be a whole number of probes long")),
        }
    };
    let (down_s, up_s) = (turn("down")?, turn("up")?);
    if range.seconds().div_ceil(down_s + up_s) > MAX_FLAPS {
        return Err(field.error(format!("must not flap more than {MAX_FLAPS} times")));
    }
    table.close()?;
    let starts = (range.start.0..range.end.0).step_by(usize::try_from(down_s + up_s).unwrap_or(usize::MAX));
    let down =
        |start| TimeRange { start: UnixSeconds(start), end: UnixSeconds(range.end.0.min(start + down_s)) };
    Ok(starts.map(down).collect())
}

/// What is said to be wrong with the service itself.
fn of_the_service(
    table: &Table<'_>,
    measured: &Measured,
    flaps: bool,
) -> Result<Vec<Condition>, ScenarioError> {
    let down = table.read("down", |field| field.boolean())?.filter(|yes| *yes);
    let said = [
        down.map(|_| Condition::Down),
        flaps.then_some(Condition::Down),
        table
            .read("error_share_ppm", |field| field.number(1..=terms::units::PPM_WHOLE))?
            .map(Ppm)
            .map(Condition::Errors),
        table
            .read("status", |field| field.number(200..=599))?
            .and_then(|code| u16::try_from(code).ok())
            .map(Condition::Status),
        table.read("slow_ms", |field| field.number(1..=600_000))?.map(Condition::Slow),
        table.read("wrong_body", |field| wrong_body(field, measured))?.map(Condition::WrongBody),
    ];
    Ok(said.into_iter().flatten().collect())
}

/// What is said to be wrong with the way to it.
fn around_it(table: &Table<'_>, measurement: &Measurement) -> Result<Vec<Condition>, ScenarioError> {
    let offline = table.read("oracle_offline", |field| field.boolean())?.filter(|yes| *yes);
    let said = [
        table.read("dns", |field| reach::dns(field, measurement))?.map(Condition::Dns),
        table
            .read("certificate", |field| reach::certificate(field, measurement))?
            .map(Condition::Certificate),
        offline.map(|_| Condition::OracleOffline),
    ];
    Ok(said.into_iter().flatten().collect())
}

fn one_of(table: &Table<'_>, said: Vec<Condition>, rule: &str) -> Result<Condition, ScenarioError> {
    match <[Condition; 1]>::try_from(said) {
        Ok([condition]) => Ok(condition),
        Err(_) => Err(table.error(rule)),
    }
}

fn wrong_body(field: &Field<'_>, measured: &Measured) -> Result<Vec<u8>, ScenarioError> {
    let body = field.text()?.as_bytes().to_vec();
    let expect = measured.measurement.target.http().map(|http| &http.expect);
    if body.len() > MAX_BODY {
        return Err(field.error(format!("must be at most {MAX_BODY} bytes")));
    }
    if body == measured.body {
        return Err(field.error("is the right body"));
    }
    if !expect.is_some_and(Expectations::looks_at_body) {
        return Err(
            field.error("changes nothing: the measurement checks no body (measurement.body, body_contains)")
        );
    }
    Ok(body)
}

/// A moment inside the window at which a probe's slot begins.
fn on_grid(field: &Field<'_>, measurement: &Measurement) -> Result<UnixSeconds, ScenarioError> {
    let at = field.parse(words::moment)?;
    let window = measurement.window;
    if at < window.start || at > window.end {
        return Err(field.error("must lie inside measurement.window"));
    }
    let offset_ms = (at.0 - window.start.0) * 1000;
    if !offset_ms.is_multiple_of(measurement.probe_every_ms) {
        let every = measurement.probe_every_ms;
        return Err(field.error(format!(
            "must lie a whole number of probes ({every} ms) after the window's start, so that the phase's probes can be counted"
        )));
    }
    Ok(at)
}
