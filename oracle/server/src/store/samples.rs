//! Samples: what was seen. Written in batches, never one by one.

use ledger::{Grid, Sample, SliceVerdict, Verdict, close_slices};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};
use terms::Decimal;

use super::aged::{Aged, aged};
use super::transaction::Transaction;
use super::{Event, Store, StoreError, count_commit, signed, unsigned};
use crate::probe::{Cause, Phases, ReferenceAnswer};

/// What one probe saw, with all that is kept of it.
#[derive(Debug)]
pub struct Seen {
    /// The probe's index in the window.
    pub probe: u64,
    /// The sample.
    pub sample: Sample,
    /// Why it is not good.
    pub cause: Option<Cause>,
    /// How long the parts of it took.
    pub phases: Phases,
    /// What the reference targets answered, when they were asked.
    pub references: Vec<ReferenceAnswer>,
}

/// What is written in one transaction.
#[derive(Debug, Default)]
pub struct Batch {
    /// Samples, in any order.
    pub seen: Vec<Seen>,
    /// Slices that have ended.
    pub slices: Vec<SliceVerdict>,
}

impl Batch {
    /// Is there nothing to write?
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty() && self.slices.is_empty()
    }
}

/// Rows of one statement: a dozen values each, far below SQLite's bound of 32,766.
const ROWS: usize = 500;

/// After every probe of a window.
const MAX_PROBE: u64 = i64::MAX.cast_unsigned();

impl Store {
    /// Writes a batch as [`Store::write`] does, and closes the slices after `before` that all that is stored before slice `until`
    /// decides: in one transaction, so that nothing can come in between. Returns the number of commits so far, and what
    /// was closed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_closing(
        &self,
        event: &Event,
        batch: &Batch,
        grid: &Grid,
        (before, until): (Option<&SliceVerdict>, u64),
    ) -> Result<(u64, Vec<SliceVerdict>), StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        let mark = count_commit(&mut tx).await?;
        insert_seen(&mut tx, event.key, &batch.seen).await?;
        super::slices::insert(&mut tx, event, &batch.slices).await?;
        let next = before.map_or(0, |slice| slice.index + 1);
        let (from, to) = (next * grid.probes_per_slice(), until * grid.probes_per_slice());
        let samples = select(&mut tx, event.key, from, to).await?;
        let closed = close_whole(grid, before, &samples, until);
        super::slices::insert(&mut tx, event, &closed).await?;
        tx.commit().await?;
        self.has_grown();
        Ok((mark, closed))
    }

    /// The samples of an event from probe index `from` to before `to`, by index and vantage.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn samples(&self, event: i64, from: u64, to: u64) -> Result<Vec<Sample>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        select(&mut connection, event, from, to).await
    }

    /// The highest probe index of an event that has a sample of this vantage.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_probe(&self, event: i64, vantage: &str) -> Result<Option<u64>, StoreError> {
        let last: Option<i64> =
            sqlx::query_scalar("SELECT max(probe) FROM samples WHERE event = ? AND vantage = ?")
                .bind(event)
                .bind(vantage)
                .fetch_one(&self.pool)
                .await?;
        last.map(|probe| unsigned(probe, "probe")).transpose()
    }

    /// Probes that were not good, as CSV with their causes: `unix_ms,vantage,ok,latency_ms,cause`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn failures_csv(&self, event: i64) -> Result<String, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let aged = aged(&mut connection, event, 0, MAX_PROBE).await?;
        let mut lines: Vec<String> =
            aged.iter().filter(|aged| aged.sample.verdict != Verdict::Good).map(failure_line).collect();
        let raw: Vec<String> = sqlx::query_scalar(
            "SELECT unix_ms || ',' || vantage || ',' || coalesce(verdict, '') || ',' || latency_ms || ',' || \
             coalesce(cause, '') FROM samples WHERE event = ? AND verdict IS NOT 1 ORDER BY probe, vantage",
        )
        .bind(event)
        .fetch_all(&mut *connection)
        .await?;
        lines.extend(raw);
        Ok(table("unix_ms,vantage,ok,latency_ms,cause", &lines))
    }

    /// How long the parts of probes took, as CSV: `unix_ms,vantage,dns_us,connect_us,tls_us,first_byte_us,total_us`. Parts
    /// that there were not are empty, and probes of which nothing was timed are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn timings_csv(&self, event: i64) -> Result<String, StoreError> {
        let lines: Vec<String> = sqlx::query_scalar(
            "SELECT unix_ms || ',' || vantage || ',' || coalesce(dns_us, '') || ',' || coalesce(connect_us, '') || ',' || \
             coalesce(tls_us, '') || ',' || coalesce(first_byte_us, '') || ',' || total_us \
             FROM samples WHERE event = ? AND total_us IS NOT NULL ORDER BY probe, vantage",
        )
        .bind(event)
        .fetch_all(&self.pool)
        .await?;
        Ok(table("unix_ms,vantage,dns_us,connect_us,tls_us,first_byte_us,total_us", &lines))
    }

    /// What the reference targets answered, as CSV: `unix_ms,reference,ok,latency_ms`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn references_csv(&self, event: i64) -> Result<String, StoreError> {
        let lines: Vec<String> = sqlx::query_scalar(
            "SELECT unix_ms || ',\"' || replace(reference, '\"', '\"\"') || '\",' || ok || ',' || latency_ms \
             FROM reference_samples WHERE event = ? ORDER BY probe, reference",
        )
        .bind(event)
        .fetch_all(&self.pool)
        .await?;
        Ok(table("unix_ms,reference,ok,latency_ms", &lines))
    }
}

async fn select(
    connection: &mut SqliteConnection,
    event: i64,
    from: u64,
    to: u64,
) -> Result<Vec<Sample>, StoreError> {
    let aged = aged(connection, event, from, to).await?;
    let rows = sqlx::query(
        "SELECT unix_ms, vantage, verdict, latency_ms, value FROM samples \
         WHERE event = ? AND probe >= ? AND probe < ? ORDER BY probe, vantage",
    )
    .bind(event)
    .bind(signed(from, "probe")?)
    .bind(signed(to, "probe")?)
    .fetch_all(connection)
    .await?;
    aged.into_iter().map(|aged| Ok(aged.sample)).chain(rows.iter().map(sample_of)).collect()
}

/// A line of the list of failures.
fn failure_line(aged: &Aged) -> String {
    let Sample { unix_ms, vantage, verdict, latency_ms, .. } = &aged.sample;
    let ok = stored(*verdict).map_or("", |good| if good { "1" } else { "0" });
    let cause = aged.cause.as_deref().unwrap_or_default();
    format!("{unix_ms},{vantage},{ok},{latency_ms},{cause}")
}

/// Writes down what was seen, with what the references said.
pub(super) async fn insert_seen(tx: &mut Transaction, event: i64, seen: &[Seen]) -> Result<(), StoreError> {
    let rows: Vec<Row<'_>> = seen.iter().map(Row::from).collect();
    insert(tx, event, &rows).await?;
    insert_references(tx, event, seen).await
}

/// Closes slices together with all that their verdicts looked at. A verdict that looked at an open slice could turn out
/// otherwise when a vantage reports late.
fn close_whole(
    grid: &Grid,
    before: Option<&SliceVerdict>,
    samples: &[Sample],
    until: u64,
) -> Vec<SliceVerdict> {
    let next = before.map_or(0, |slice| slice.index + 1);
    let ends = (next + 1..=until).rev();
    let mut closed =
        ends.map(|end| (end, close_slices(grid, before, samples, end * grid.probes_per_slice())));
    let whole = closed.find(|(end, closed)| closed.last().is_some_and(|last| last.index + 1 == *end));
    whole.map_or_else(Vec::new, |(_, closed)| closed)
}

fn table(header: &str, lines: &[String]) -> String {
    let mut csv =
        String::with_capacity(header.len() + 1 + lines.iter().map(|line| line.len() + 1).sum::<usize>());
    csv.push_str(header);
    csv.push('\n');
    for line in lines {
        csv.push_str(line);
        csv.push('\n');
    }
    csv
}

/// A sample as it is stored.
pub(super) struct Row<'a> {
    pub probe: u64,
    pub sample: &'a Sample,
    pub cause: Option<String>,
    pub phases: Phases,
}

impl<'a> From<&'a Seen> for Row<'a> {
    fn from(seen: &'a Seen) -> Self {
        let cause = seen.cause.map(|cause| cause.to_string());
        Self { probe: seen.probe, sample: &seen.sample, cause, phases: seen.phases }
    }
}

/// Writes samples down; one that is there already stays as it is.
pub(super) async fn insert(tx: &mut Transaction, event: i64, all: &[Row<'_>]) -> Result<(), StoreError> {
    for rows in all.chunks(ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO samples (event, probe, vantage, unix_ms, verdict, latency_ms, value, cause, \
             dns_us, connect_us, tls_us, first_byte_us, total_us) ",
        );
        insert.push_values(rows, |mut row, new| {
            row.push_bind(event)
                .push_bind(new.probe.cast_signed())
                .push_bind(&new.sample.vantage)
                .push_bind(new.sample.unix_ms.cast_signed())
                .push_bind(stored(new.sample.verdict))
                .push_bind(new.sample.latency_ms)
                .push_bind(new.sample.value.map(|value| value.to_string()))
                .push_bind(new.cause.as_deref())
                .push_bind(new.phases.dns_us)
                .push_bind(new.phases.connect_us)
                .push_bind(new.phases.tls_us)
                .push_bind(new.phases.first_byte_us)
                .push_bind(new.phases.total_us);
        });
        insert.push(" ON CONFLICT DO NOTHING").build().execute(&mut **tx).await?;
    }
    Ok(())
}

async fn insert_references(tx: &mut Transaction, event: i64, seen: &[Seen]) -> Result<(), StoreError> {
    let answers: Vec<_> =
        seen.iter().flat_map(|seen| seen.references.iter().map(move |answer| (seen, answer))).collect();
    for rows in answers.chunks(ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO reference_samples (event, probe, reference, unix_ms, ok, latency_ms) ",
        );
        insert.push_values(rows, |mut row, (seen, answer)| {
            row.push_bind(event)
                .push_bind(seen.probe.cast_signed())
                .push_bind(&answer.reference)
                .push_bind(seen.sample.unix_ms.cast_signed())
                .push_bind(answer.ok)
                .push_bind(answer.latency_ms);
        });
        insert.push(" ON CONFLICT DO NOTHING").build().execute(&mut **tx).await?;
    }
    Ok(())
}

fn stored(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Good => Some(true),
        Verdict::Bad => Some(false),
        Verdict::Unknown => None,
    }
}

/// A sample as it is stored.
pub(super) fn sample_of(row: &SqliteRow) -> Result<Sample, StoreError> {
    let verdict: Option<bool> = row.try_get("verdict")?;
    let value: Option<String> = row.try_get("value")?;
    Ok(Sample {
        unix_ms: unsigned(row.try_get("unix_ms")?, "unix_ms")?,
        vantage: row.try_get("vantage")?,
        verdict: match verdict {
            Some(true) => Verdict::Good,
            Some(false) => Verdict::Bad,
            None => Verdict::Unknown,
        },
        latency_ms: row.try_get("latency_ms")?,
        value: value
            .map(|text| Decimal::parse(&text).ok_or(StoreError::Corrupt { column: "value" }))
            .transpose()?,
    })
}
