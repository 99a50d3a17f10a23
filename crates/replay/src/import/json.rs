//! JSON: a range query of Prometheus, what Gatus' API shows of an endpoint, or Uptime Kuma's heartbeats.

use serde_json::Value;

use super::moment::{moment, ppm};
use super::samples::{self, Seen};
use super::spans::Found;
use super::{Broken, MAX_ENTRIES, Place};

/// Whether a heartbeat of Uptime Kuma says down. Pending is not down, and maintenance not either.
const KUMA_DOWN: u64 = 0;
const KUMA_UP: u64 = 1;

pub(super) fn read(text: &str) -> Result<Vec<Found>, Broken> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| (Some(Place::Line(error.line() as u64)), format!("is not JSON: {error}")))?;
    let seen = if let Some(series) = value.pointer("/data/result") {
        prometheus(only(series, "a series")?)?
    } else if let Some(results) = gatus_results(&value)? {
        each(results, gatus)?
    } else if let Some(beats) = kuma_beats(&value)? {
        each(beats, kuma)?
    } else {
        return Err((None, FORMS.to_owned()));
    };
    samples::spans(seen)
}

const FORMS: &str = "must be a range query's answer from Prometheus (data.result), an endpoint's statuses from Gatus (results), \
                     or heartbeats from Uptime Kuma (heartbeatList, or a list of them)";

/// The one entry of a list or of an object.
fn only<'a>(list: &'a Value, what: &str) -> Result<&'a Value, Broken> {
    let entries: Vec<&Value> = match list {
        Value::Array(list) => list.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    };
    match entries.as_slice() {
        [only] => Ok(only),
        others => {
            Err((None, format!("must hold {what}, not {}: one service is imported at a time", others.len())))
        }
    }
}

/// When, and the share that failed, in ppm, where the entry says it; or the rule that it breaks.
type Reading = Result<(u64, Option<u64>), String>;

fn each(list: &[Value], read: fn(&Value) -> Reading) -> Result<Vec<Seen>, Broken> {
    if list.len() > MAX_ENTRIES {
        return Err((None, format!("holds more than {MAX_ENTRIES} samples")));
    }
    let entries = (1..).map(Place::Entry).zip(list);
    entries
        .map(|(place, entry)| match read(entry) {
            Ok((at, failed_ppm)) => Ok(Seen { at, failed_ppm, place }),
            Err(rule) => Err((Some(place), rule)),
        })
        .collect()
}

fn time(value: Option<&Value>, name: &str) -> Result<u64, String> {
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    moment(&text).ok_or_else(|| format!("{name}: must be a moment, or unix seconds"))
}

fn prometheus(series: &Value) -> Result<Vec<Seen>, Broken> {
    let values = series.get("values").and_then(Value::as_array);
    let values =
        values.ok_or_else(|| (None, "data.result[0].values: is missing; ask for a range".to_owned()))?;
    each(values, |entry| {
        let at = time(entry.get(0), "values")?;
        let text =
            entry.get(1).and_then(Value::as_str).ok_or("values: must hold a time and a value in quotes")?;
        match ppm(text) {
            Some(good) => Ok((at, Some(1_000_000 - good))),
            None if text == "NaN" => Ok((at, None)),
            None => Err("values: must be from 0 (down) to 1 (up)".to_owned()),
        }
    })
}

/// Gatus shows an endpoint alone, or a list of endpoints.
fn gatus_results(value: &Value) -> Result<Option<&Vec<Value>>, Broken> {
    let endpoint = match value {
        Value::Array(list) if list.iter().any(|entry| entry.get("results").is_some()) => {
            only(value, "an endpoint")?
        }
        other => other,
    };
    Ok(endpoint.get("results").and_then(Value::as_array))
}

fn gatus(entry: &Value) -> Reading {
    let at = time(entry.get("timestamp"), "timestamp")?;
    let good = entry.get("success").and_then(Value::as_bool).ok_or("success: must be true or false")?;
    Ok((at, Some(if good { 0 } else { 1_000_000 })))
}

/// Uptime Kuma's status page shows lists by monitor; its database and its socket a list of one.
fn kuma_beats(value: &Value) -> Result<Option<&Vec<Value>>, Broken> {
    let list = match value.get("heartbeatList") {
        Some(monitors @ Value::Object(_)) => only(monitors, "a monitor")?,
        Some(list) => list,
        None => value,
    };
    Ok(list.as_array().filter(|list| list.iter().all(|entry| entry.get("status").is_some())))
}

fn kuma(entry: &Value) -> Reading {
    let at = time(entry.get("time"), "time")?;
    let status = entry.get("status").and_then(Value::as_u64).ok_or("status: must be 0, 1, 2 or 3")?;
    Ok((
        at,
        match status {
            KUMA_DOWN => Some(1_000_000),
            KUMA_UP => Some(0),
            _ => None,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Result<Vec<(u64, u64)>, String> {
        let found = read(text).map_err(|(place, rule)| format!("{place:?}: {rule}"))?;
        Ok(found.iter().map(|found| (found.span.range.start.0, found.span.range.end.0)).collect())
    }

    #[test]
    fn the_same_minute_down_is_read_from_all_three() {
        let prometheus = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"instance":"x"},
            "values":[[1623145560,"1"],[1623145620.5,"0"],[1623145680,"1"],[1623145740,"NaN"]]}]}}"#;
        let gatus = r#"{"name":"x","results":[{"success":true,"timestamp":"2021-06-08T09:46:00Z"},
            {"success":false,"timestamp":"2021-06-08T09:47:00.7Z"},{"success":true,"timestamp":"2021-06-08T09:48:00Z"}]}"#;
        let kuma = r#"{"heartbeatList":{"1":[{"status":1,"time":"2021-06-08 09:46:00.000"},
            {"status":0,"time":"2021-06-08 09:47:00.111"},{"status":2,"time":"2021-06-08 09:48:00"}]},"uptimeList":{}}"#;
        for text in [prometheus, gatus, &format!("[{gatus}]"), kuma] {
            assert_eq!(spans(text), Ok(vec![(1_623_145_620, 1_623_145_680)]), "{text}");
        }
    }

    #[test]
    fn what_is_none_of_them_is_refused_with_its_place() {
        for (text, expected) in [
            ("{\n\"data\": }", "Line(2)"),
            ("{}", "must be a range query"),
            ("[]", "fewer than two"),
            (r#"{"data":{"result":[{"values":[]},{"values":[]}]}}"#, "one service"),
            (r#"{"data":{"result":[{"values":[[1,"2"]]}]}}"#, "Entry(1)"),
            (
                r#"{"results":[{"timestamp":"2021-06-08T09:46:00Z","success":true},{"timestamp":5}]}"#,
                "Entry(2)",
            ),
            (r#"[{"status":"up"}]"#, "Entry(1)"),
        ] {
            let error = spans(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
