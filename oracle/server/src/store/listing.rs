//! Lists of events: some of them, newest first.

use sqlx::{QueryBuilder, Row, Sqlite};
use terms::Target;
use url::Url;

use super::events::{event_of, head_of};
use super::{Event, EventHead, Store, StoreError, signed, unsigned};

/// How far events have come, for a list of those alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Their window has not started.
    Announced,
    /// Their window has started and is not closed.
    Measuring,
    /// Closed and not attested.
    Provisional,
    /// Attested.
    Attested,
}

/// Which events to list. Times are unix seconds; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only events with a smaller key.
    pub before: Option<i64>,
    /// Only events that have come so far.
    pub stage: Option<Stage>,
    /// Only events that measure this host.
    pub host: Option<String>,
    /// Only events whose window ends after this.
    pub from: Option<u64>,
    /// Only events whose window starts before this.
    pub to: Option<u64>,
    /// Only events that mature at this or later.
    pub maturity_from: Option<u64>,
    /// Only events that mature before this.
    pub maturity_to: Option<u64>,
}

/// How many events there are of each stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// See [`Stage::Announced`].
    pub announced: u64,
    /// See [`Stage::Measuring`].
    pub measuring: u64,
    /// Closed, not attested, and not withheld.
    pub provisional: u64,
    /// Closed, and withheld for good.
    pub withheld: u64,
    /// See [`Stage::Attested`].
    pub attested: u64,
}

impl Store {
    /// Published events that pass the filter at `now`, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn event_heads(
        &self,
        filter: &Filter,
        now: u64,
        limit: u32,
    ) -> Result<Vec<EventHead>, StoreError> {
        let mut select = QueryBuilder::<Sqlite>::new(
            "SELECT id, event_id, host, window_start, window_end, maturity, provisional IS NOT NULL AS closed, \
             attestation IS NOT NULL AS attested, withheld IS NOT NULL AS withheld FROM events WHERE published = 1",
        );
        if let Some(before) = filter.before {
            select.push(" AND id < ").push_bind(before);
        }
        if let Some(host) = &filter.host {
            select.push(" AND host = ").push_bind(host.to_ascii_lowercase());
        }
        let bounds = [
            (" AND window_end > ", filter.from),
            (" AND window_start < ", filter.to),
            (" AND maturity >= ", filter.maturity_from),
            (" AND maturity < ", filter.maturity_to),
        ];
        for (condition, bound) in bounds {
            if let Some(bound) = bound {
                select.push(condition).push_bind(signed(bound, "filter")?);
            }
        }
        if let Some(stage) = filter.stage {
            push_stage(&mut select, stage, signed(now, "now")?);
        }
        select.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
        select.build().fetch_all(&self.pool).await?.iter().map(head_of).collect()
    }

    /// The first published event that measures this host and matures then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn event_at(&self, host: &str, maturity: u64) -> Result<Option<Event>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM events WHERE host = ? AND maturity = ? AND published = 1 ORDER BY id LIMIT 1",
        )
        .bind(host.to_ascii_lowercase())
        .bind(signed(maturity, "maturity")?)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| event_of(&row)).transpose()
    }

    /// How many published events there are of each stage at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_events(&self, now: u64) -> Result<Counts, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE attestation IS NOT NULL) AS attested, \
             count(*) FILTER (WHERE attestation IS NULL AND provisional IS NOT NULL AND withheld IS NULL) AS provisional, \
             count(*) FILTER (WHERE provisional IS NOT NULL AND withheld IS NOT NULL) AS withheld, \
             count(*) FILTER (WHERE provisional IS NULL AND attestation IS NULL AND window_start > ?1) AS announced, \
             count(*) FILTER (WHERE provisional IS NULL AND attestation IS NULL AND window_start <= ?1) AS measuring \
             FROM events WHERE published = 1",
        )
        .bind(signed(now, "now")?)
        .fetch_one(&self.pool)
        .await?;
        let count = |column| unsigned(row.try_get(column)?, "count");
        Ok(Counts {
            announced: count("announced")?,
            measuring: count("measuring")?,
            provisional: count("provisional")?,
            withheld: count("withheld")?,
            attested: count("attested")?,
        })
    }

    /// Bytes of the database's pages, without its write-ahead log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn size_bytes(&self) -> Result<u64, StoreError> {
        let bytes: i64 =
            sqlx::query_scalar("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
                .fetch_one(&self.pool)
                .await?;
        unsigned(bytes, "page_count")
    }

    /// Writes down which hosts the events of an older version measure.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn fill_hosts(&self) -> Result<(), StoreError> {
        let rows = sqlx::query("SELECT id, measurement FROM events WHERE host IS NULL")
            .fetch_all(&self.pool)
            .await?;
        for row in rows {
            let measurement = terms::Measurement::parse(row.try_get("measurement")?)
                .map_err(|_| StoreError::Corrupt { column: "measurement" })?;
            sqlx::query("UPDATE events SET host = ? WHERE id = ?")
                .bind(host_of(&measurement.target))
                .bind(row.try_get::<i64, _>("id")?)
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }
}

fn push_stage(select: &mut QueryBuilder<Sqlite>, stage: Stage, now: i64) {
    match stage {
        Stage::Attested => select.push(" AND attestation IS NOT NULL"),
        Stage::Provisional => select.push(" AND attestation IS NULL AND provisional IS NOT NULL"),
        Stage::Measuring => select
            .push(" AND attestation IS NULL AND provisional IS NULL AND window_start <= ")
            .push_bind(now),
        Stage::Announced => {
            select.push(" AND attestation IS NULL AND provisional IS NULL AND window_start > ").push_bind(now)
        }
    };
}

/// The host that a target names, in lower case; for a heartbeat the service's name.
pub(super) fn host_of(target: &Target) -> String {
    let host = match target {
        Target::Http(it) => {
            let url = Url::parse(&it.url).ok();
            url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned()
        }
        Target::Tcp(it) => it.host.clone(),
        Target::Tls(it) => it.host.clone(),
        Target::Dns(it) => it.name.clone(),
        Target::Heartbeat(it) => it.name.clone(),
    };
    host.to_ascii_lowercase()
}
