//! CSV: incidents with begin, end and severity; or a range of a query with time and value.

use csv::{ReaderBuilder, StringRecord, Trim};
use terms::{Ppm, TimeRange, UnixSeconds};

use super::moment::{moment, ppm};
use super::samples::{self, Seen};
use super::spans::{Found, Severity, Span};
use super::{Broken, MAX_ENTRIES, Place};

/// What an incident of an unnamed share counts as; its note says so.
const PARTIAL: Ppm = Ppm(500_000);

/// The columns of a file, by their names.
struct Columns {
    start: Option<usize>,
    end: Option<usize>,
    severity: Option<usize>,
    time: Option<usize>,
    value: Option<usize>,
}

pub(super) fn read(text: &str) -> Result<Vec<Found>, Broken> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_bytes());
    let columns = columns(reader.headers().map_err(broken)?);
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(broken)?;
        let line = Place::Line(row.position().map_or(0, csv::Position::line));
        if rows.len() >= MAX_ENTRIES {
            return Err((Some(line), format!("is more than the {MAX_ENTRIES} lines that are read")));
        }
        rows.push((line, row));
    }
    match columns {
        Columns { start: Some(start), end: Some(end), severity, .. } => {
            rows.iter().map(|(line, row)| incident(*line, row, [start, end], severity)).collect()
        }
        Columns { time: Some(time), value: Some(value), .. } => {
            let seen = rows.iter().map(|(line, row)| sample(*line, row, time, value));
            samples::spans(seen.collect::<Result<_, _>>()?)
        }
        _ => Err((Some(Place::Line(1)), COLUMNS.to_owned())),
    }
}

const COLUMNS: &str =
    "must name the columns start, end and severity (incidents), or time and value (samples)";

fn broken(error: csv::Error) -> Broken {
    let line = error.position().map(|position| Place::Line(position.line()));
    (line, format!("is not CSV: {error}"))
}

fn columns(header: &StringRecord) -> Columns {
    let find = |names: &[&str]| {
        header.iter().position(|name| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
    };
    Columns {
        start: find(&["start", "begin", "from"]),
        end: find(&["end", "until", "to"]),
        severity: find(&["severity"]),
        time: find(&["time", "timestamp"]),
        value: find(&["value", "probe_success"]),
    }
}

fn incident(
    line: Place,
    row: &StringRecord,
    [start, end]: [usize; 2],
    severity: Option<usize>,
) -> Result<Found, Broken> {
    let at = |column: usize, name: &str| {
        let found = row.get(column).and_then(moment);
        found.map(UnixSeconds).ok_or_else(|| {
            (Some(line), format!("{name}: must be a moment such as 2021-06-08T09:47:00Z, or unix seconds"))
        })
    };
    let range = TimeRange { start: at(start, "start")?, end: at(end, "end")? };
    if range.end <= range.start {
        return Err((Some(line), "end: must come after start".to_owned()));
    }
    let word = severity.and_then(|column| row.get(column)).unwrap_or("down");
    let (severity, note) = how_wrong(word).ok_or_else(|| (Some(line), SEVERITY.to_owned()))?;
    Ok(Found { span: Span { range, severity, note }, place: line })
}

const SEVERITY: &str = "severity: must be down, critical or major; partial, degraded or minor; or a share such as \"85 %\" or 0.85";

fn how_wrong(word: &str) -> Option<(Severity, Option<String>)> {
    match word.to_ascii_lowercase().as_str() {
        "" | "down" | "critical" | "major" | "outage" => Some((Severity::Down, None)),
        "partial" | "degraded" | "minor" | "warning" => {
            Some((Severity::Share(PARTIAL), Some(format!("{word}: half of the requests is an estimate"))))
        }
        share => Some((Severity::of(share_ppm(share)?)?, None)),
    }
}

fn share_ppm(text: &str) -> Option<u64> {
    let Some(percent) = text.strip_suffix('%') else { return ppm(text) };
    let (whole, fraction) = percent.trim().split_once('.').unwrap_or((percent.trim(), ""));
    let digits = whole.len().checked_sub(2).map_or_else(
        || format!("0.{whole:0>2}{fraction}"),
        |at| format!("{}.{}{fraction}", if at == 0 { "0" } else { &whole[..at] }, &whole[at..]),
    );
    ppm(&digits)
}

fn sample(line: Place, row: &StringRecord, time: usize, value: usize) -> Result<Seen, Broken> {
    let at = row
        .get(time)
        .and_then(moment)
        .ok_or_else(|| (Some(line), "time: must be a moment, or unix seconds".to_owned()))?;
    let value = row.get(value).unwrap_or_default();
    let good = ppm(value);
    if good.is_none() && !value.is_empty() && !value.eq_ignore_ascii_case("nan") {
        return Err((Some(line), "value: must be from 0 (down) to 1 (up)".to_owned()));
    }
    Ok(Seen { at, failed_ppm: good.map(|good| 1_000_000 - good), place: line })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Result<Severity, String> {
        let found = read(text).map_err(|(place, rule)| format!("{place:?}: {rule}"))?;
        Ok(found[0].span.severity)
    }

    #[test]
    fn severities_are_words_or_shares() {
        let of = |word: &str| first(&format!("start,end,severity\n100,200,{word}\n"));
        for (word, ppm) in
            [("85 %", 850_000), ("5%", 50_000), ("0.25 %", 2_500), ("0.85", 850_000), ("partial", 500_000)]
        {
            assert_eq!(of(word), Ok(Severity::Share(Ppm(ppm))), "{word}");
        }
        for word in ["down", "Major", "100 %", "1", ""] {
            assert_eq!(of(word), Ok(Severity::Down), "{word}");
        }
        for word in ["101 %", "-1", "bad", "%", "é%"] {
            assert!(of(word).unwrap_err().contains("Line(2)"), "{word}");
        }
    }

    #[test]
    fn errors_name_the_line() {
        for (text, expected) in [
            ("when,what\n1,2\n", "Line(1)"),
            ("start,end\n100,200\n300,250\n", "Line(3)): end"),
            ("start,end\n100\n", "Line(2)"),
            ("start,end,severity\nsoon,200,down\n", "Line(2)): start"),
            ("time,value\n100,1\n160,up\n", "Line(3)): value"),
        ] {
            let error = first(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn samples_stand_until_the_next_and_a_gap_is_unknown() {
        let text = "time,value\n0060,1\n120,0\n180,0\n240,1\n300,0\n900,1\n960,1\n1020,1\n";
        let spans: Vec<_> = read(text)
            .unwrap()
            .iter()
            .map(|found| (found.span.range.start.0, found.span.range.end.0))
            .collect();
        assert_eq!(spans, [(120, 180), (180, 240), (300, 360)]);
    }
}
