//! Histories as files: outages, an oracle's samples or failures, deliveries. The first line says which.

mod probes;
mod rows;

use terms::{DocumentError, Indicator, Measurement};

use super::History;
use crate::simulate::{Delivery, Renewal, Service};
use rows::{Rows, moment_ms};

/// What a file of measured history says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The service that it tells of.
    pub service: Service,
    /// Rows that were left out, since their severity is not that of an outage.
    pub left_out: u64,
}

/// The severities that are an outage; none at all is one too.
const OUTAGE: [&str; 5] = ["", "down", "outage", "major", "critical"];

/// Reads a history as CSV. Its first line is one of
///
/// - `start,end` or `start,end,severity`: outages. Moments are unix seconds or as in RFC 3339;
/// - `unix_ms,vantage,ok,latency_ms`, with or without `value`: an oracle's samples, decided by the measurement's quorum;
/// - `unix_ms,vantage,ok,latency_ms,cause`: an oracle's failures, decided likewise;
/// - `deadline,delivered`: deliveries, for lateness.
///
/// Outages and failures don't tell for how long somebody watched: `over_ms` does. Samples do, and it must be absent.
///
/// # Errors
/// Names `history`, with the line, or `over`.
pub fn read(text: &str, measurement: &Measurement, over_ms: Option<u64>) -> Result<Reading, DocumentError> {
    let header = text.lines().next().unwrap_or_default().trim_end();
    let over = |what: &str| {
        over_ms.ok_or_else(|| {
            DocumentError::new(
                "over",
                format!("must be given: {what} don't tell for how long somebody watched"),
            )
        })
    };
    let (history, left_out) = match header {
        "start,end" | "start,end,severity" => outages(text, over("outages")?)?,
        "unix_ms,vantage,ok,latency_ms,cause" => (probes::failures(text, measurement, over("failures")?)?, 0),
        "deadline,delivered" => {
            not_over(over_ms, "deliveries")?;
            let service = Service::Delivery(Delivery::Measured(deliveries(text)?));
            return Ok(Reading { service, left_out: 0 });
        }
        ledger::csv::HEADER | ledger::csv::HEADER_WITH_VALUE => {
            not_over(over_ms, "samples")?;
            (probes::samples(text, measurement)?, 0)
        }
        _ => {
            let rule = "must begin with start,end or start,end,severity (outages), unix_ms,vantage,ok,latency_ms (an \
                        oracle's samples; with ,cause its failures), or deadline,delivered (deliveries)";
            return Err(DocumentError::new("history", rule));
        }
    };
    Ok(Reading { service: Service::Renewal(Renewal::Measured(history)), left_out })
}

fn not_over(over_ms: Option<u64>, what: &str) -> Result<(), DocumentError> {
    match over_ms {
        None => Ok(()),
        Some(_) => Err(DocumentError::new("over", format!("must be left out: {what} say it themselves"))),
    }
}

fn outages(text: &str, over_ms: u64) -> Result<(History, u64), DocumentError> {
    let mut outages = Vec::new();
    let mut left_out = 0;
    for row in Rows::new(text, 3) {
        let row = row?;
        let (start, end) = (row.moment_ms(0)?, row.moment_ms(1)?);
        if end <= start {
            return Err(row.error("end must come after start"));
        }
        if OUTAGE.contains(&row.cell(2).to_ascii_lowercase().as_str()) {
            outages.push(start..end);
        } else {
            left_out += 1;
        }
    }
    Ok((History::new(outages, over_ms)?, left_out))
}

/// How late each was; one without a moment of delivery never came, which is later than any deadline asks.
fn deliveries(text: &str) -> Result<Vec<i64>, DocumentError> {
    const NEVER_MS: i64 = 3_653 * 86_400_000;
    let late = |row: Result<rows::Row, DocumentError>| {
        let row = row?;
        let deadline_ms = row.moment_ms(0)?;
        if row.cell(1).is_empty() {
            return Ok(NEVER_MS);
        }
        let delivered_ms = moment_ms(row.cell(1)).ok_or_else(|| row.error(rows::MOMENT))?;
        Ok(i64::try_from(i128::from(delivered_ms) - i128::from(deadline_ms)).unwrap_or(NEVER_MS))
    };
    Rows::new(text, 2).map(late).collect()
}

/// Slow answers are not among an oracle's failures.
fn tells_latency(measurement: &Measurement) -> bool {
    matches!(measurement.indicator, Indicator::Latency { .. })
}
