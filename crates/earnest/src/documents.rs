//! Documents, offline.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use calendar::{Calendar, CalendarError, Maintenance, Period};
use serde_json::{Value, json};
use terms::{Agreement, Measurement, Outcome, OutcomeValue, PayoutTable, Sat, TimeRange, presets};

use crate::cli::{NamedPeriod, Terms};
use crate::exit::Failure;
use crate::forecast;
use crate::output;

/// The most lines that `--all` prints.
const MOST_OUTCOMES: u64 = 1 << 24;

/// `earnest terms ...`
pub fn run(command: Terms, json: bool) -> Result<(), Failure> {
    match command {
        Terms::Payout { agreement, outcome, all } => {
            let agreement = Agreement::parse(&read(&agreement)?)?;
            let table = agreement.compile().map_err(|error| Failure::bad_input(error.into()))?;
            match outcome {
                Some(outcome) => one(&table, &outcome, json),
                None if all => every(&table, json),
                None if json => output::json(&run_values(&table)),
                None => {
                    runs(&table);
                    Ok(())
                }
            }
        }
        Terms::Check { agreement } => check(&Agreement::parse(&read(&agreement)?)?, json),
        Terms::Outlook(arguments) => forecast::outlook(&arguments, json),
        Terms::CheckMeasurement { measurement } => {
            let measurement = Measurement::parse(&read(&measurement)?)?;
            let event_id = measurement.event_id();
            if json {
                return output::json(&json!({ "event_id": event_id }));
            }
            output::line(event_id.as_str());
            Ok(())
        }
        Terms::Window { measurement, period, zone, maintenance } => {
            let measurement = Measurement::parse(&read(&measurement)?)?;
            let window = named_window(&period, &zone)?;
            show_measurement(&with_window(measurement, window, &maintenance)?, json)
        }
        Terms::Presets => list_presets(json),
    }
}

fn named_window(period: &NamedPeriod, zone: &str) -> Result<TimeRange, Failure> {
    let named = [
        ("--day", Period::Day, &period.day),
        ("--week", Period::Week, &period.week),
        ("--month", Period::Month, &period.month),
        ("--quarter", Period::Quarter, &period.quarter),
    ];
    let given = named.into_iter().find_map(|(flag, period, name)| Some((flag, period, name.as_ref()?)));
    let (flag, period, name) = given.ok_or_else(|| Failure::bad_input(anyhow!("a period is missing")))?;
    let calendar = Calendar::new(period, zone).map_err(|error| bad("--zone", error))?;
    calendar.named(name).map_err(|error| bad(flag, error))
}

fn with_window(
    measurement: Measurement,
    window: TimeRange,
    maintenance: &[String],
) -> Result<Measurement, Failure> {
    let parse = |rule: &String| rule.parse::<Maintenance>();
    let rules: Vec<Maintenance> = maintenance
        .iter()
        .map(parse)
        .collect::<Result<_, _>>()
        .map_err(|error| bad("--maintenance", error))?;
    let exclusions = calendar::exclusions(&rules, window, measurement.slice_s)
        .map_err(|error| bad("--maintenance", error))?;
    let measurement = Measurement { window, exclusions, ..measurement };
    measurement.validate()?;
    Ok(measurement)
}

fn bad(flag: &str, error: CalendarError) -> Failure {
    Failure::bad_input(anyhow!("{flag}: {error}"))
}

fn show_measurement(measurement: &Measurement, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&json!({ "event_id": measurement.event_id(), "measurement": measurement }));
    }
    output::line(&serde_json::to_string_pretty(measurement).context("the measurement")?);
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).with_context(|| path.display().to_string()).map_err(Failure::bad_input)
}

fn check(agreement: &Agreement, json: bool) -> Result<(), Failure> {
    let table = agreement.compile().map_err(|error| Failure::bad_input(error.into()))?;
    let signatures = table.signature_estimate();
    let (terms_hash, event_id) = (agreement.terms_hash(), &agreement.event_id);
    let spread = agreement.oracles.spread(&table);
    if json {
        let length = agreement.canonical().len();
        let mut checked = json!({
            "terms_hash": terms_hash, "event_id": event_id,
            "canonical_bytes": length, "signatures_per_oracle": signatures,
        });
        if let Some(spread) = spread {
            checked["signatures"] = json!(table.signatures(&agreement.oracles));
            checked["spread"] = json!(spread);
        }
        return output::json(&checked);
    }
    output::line(&format!("terms_hash  {terms_hash}"));
    output::line(&format!("event_id    {event_id}"));
    if let Some(spread) = spread {
        let all = table.signatures(&agreement.oracles);
        output::line(&format!("signatures  {all} over all oracle combinations, with the tolerance"));
        let (sat, from, to) = (output::sat(spread.sat), spread.from, spread.to);
        output::line(&format!(
            "spread      {sat} sat at most between combinations (outcomes {from} and {to})"
        ));
    } else {
        output::line(&format!("signatures  {signatures} for each oracle combination"));
    }
    Ok(())
}

fn one(table: &PayoutTable, outcome: &str, json: bool) -> Result<(), Failure> {
    let provider = provider_sat(table, outcome).ok_or_else(|| {
        Failure::bad_input(anyhow!("--outcome {outcome}: is no outcome of this agreement's scale"))
    })?;
    let line = pair(table, provider);
    if json {
        return output::json(&with_outcome(Value::from(outcome), line));
    }
    output::line(&format!("provider_sat {}\nbuyer_sat {}", line.0.0, line.1.0));
    Ok(())
}

fn provider_sat(table: &PayoutTable, outcome: &str) -> Option<Sat> {
    if outcome == "indeterminate" {
        return table.at(&Outcome::Indeterminate);
    }
    match outcome.parse::<u64>() {
        Ok(value) => table.at_value(OutcomeValue(value)),
        Err(_) => table.at(&Outcome::Level(outcome.to_owned())),
    }
}

fn every(table: &PayoutTable, json: bool) -> Result<(), Failure> {
    let lines: Box<dyn Iterator<Item = (String, Sat)> + '_> = match table {
        PayoutTable::Numeric { digits, .. } => Box::new(
            (0..outcomes(*digits)?)
                .filter_map(|value| Some((value.to_string(), table.at_value(OutcomeValue(value))?))),
        ),
        PayoutTable::Levels { levels, .. } => Box::new(levels.iter().cloned()),
    };
    if !json {
        output::line("outcome provider_sat buyer_sat");
    }
    for (outcome, provider) in lines {
        let line = pair(table, provider);
        if json {
            output::line(&with_outcome(Value::from(outcome), line).to_string());
        } else {
            output::line(&format!("{outcome} {} {}", line.0.0, line.1.0));
        }
    }
    Ok(())
}

/// How many outcomes so many digits have, unless nobody would read them.
fn outcomes(digits: u64) -> Result<u64, Failure> {
    let count = u32::try_from(digits).ok().and_then(|digits| 1u64.checked_shl(digits));
    count.filter(|count| *count <= MOST_OUTCOMES).ok_or_else(|| {
        let reason = "--all: prints at most 2^24 outcomes; without it the runs that pay the same are listed";
        Failure::bad_input(anyhow!("{reason}, and this scale has 2^{digits}"))
    })
}

fn pair(table: &PayoutTable, provider: Sat) -> (Sat, Sat) {
    (provider, Sat(table.total_sat().0.saturating_sub(provider.0)))
}

fn with_outcome(outcome: Value, (provider_sat, buyer_sat): (Sat, Sat)) -> Value {
    json!({ "outcome": outcome, "provider_sat": provider_sat, "buyer_sat": buyer_sat })
}

/// Prints the runs of outcomes that pay the same.
fn runs(table: &PayoutTable) {
    let mut text = output::table(&["outcome", "provider gets", "buyer gets"]);
    match table {
        PayoutTable::Numeric { segments, .. } => {
            for segment in segments {
                let (provider, buyer) = pair(table, segment.provider_sat);
                let range = format!("{} to {}", segment.start, segment.end);
                text.add_row([range, output::sat(provider), output::sat(buyer)]);
            }
        }
        PayoutTable::Levels { levels, .. } => {
            for (level, provider) in levels {
                let (provider, buyer) = pair(table, *provider);
                text.add_row([level.clone(), output::sat(provider), output::sat(buyer)]);
            }
        }
    }
    output::line(&text.to_string());
}

fn run_values(table: &PayoutTable) -> Value {
    match table {
        PayoutTable::Numeric { segments, .. } => segments
            .iter()
            .map(|segment| {
                let (provider_sat, buyer_sat) = pair(table, segment.provider_sat);
                json!({
                    "from": segment.start, "to": segment.end,
                    "provider_sat": provider_sat, "buyer_sat": buyer_sat,
                })
            })
            .collect(),
        PayoutTable::Levels { levels, .. } => levels
            .iter()
            .map(|(level, provider)| with_outcome(Value::from(level.as_str()), pair(table, *provider)))
            .collect(),
    }
}

fn list_presets(json: bool) -> Result<(), Failure> {
    if json {
        let all: Vec<Value> = presets::all()
            .iter()
            .map(|preset| json!({ "name": preset.name, "source": preset.source, "counting": preset.counting, "doubt": preset.doubt }))
            .collect();
        return output::json(&all);
    }
    let mut table = output::table(&["preset", "source", "in doubt"]);
    for preset in presets::all() {
        table.add_row([preset.name, preset.source, preset.doubt.unwrap_or_default()]);
    }
    output::line(&table.to_string());
    Ok(())
}
