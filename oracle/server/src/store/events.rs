//! Events: what was announced.

use ledger::Entry;
use protocol::objection::Withheld;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use terms::{EventId, Hex32, Measurement, UnixSeconds};

use super::listing::host_of;
use super::transaction::Transaction;
use super::{Store, StoreError, count_commit, log, signed, status, unsigned};

/// An event that is about to be announced.
#[derive(Debug)]
pub struct NewEvent<'a> {
    /// What will be measured.
    pub measurement: &'a Measurement,
    /// When it is attested, in unix seconds.
    pub maturity: u64,
    /// Now, in unix seconds.
    pub announced_at: u64,
    /// The announcement's TLV, hex.
    pub announcement: String,
    /// What the signing journal knows the announcement by.
    pub commitment: Hex32,
    /// The nonces, sealed.
    pub nonces: Vec<u8>,
    /// What shows that this oracle knows them: one signature for each, hex.
    pub nonce_proofs: Vec<String>,
    /// Jitters the probes.
    pub probe_seed: [u8; 32],
    /// Do the moments of the probes follow from the seed?
    pub jitter: bool,
    /// Who asked for it.
    pub requester: String,
    /// Who measures it, the oracle's own vantage first.
    pub vantages: Vec<Vantage>,
}

/// Who measures an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vantage {
    /// Its name in samples.
    pub name: String,
    /// The key that signs its batches; the oracle's own vantage has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Hex32>,
}

/// What is known of an event.
#[derive(Clone, Debug)]
pub struct Event {
    /// The database's own key of it.
    pub key: i64,
    /// Its id.
    pub id: EventId,
    /// What is measured.
    pub measurement: Measurement,
    /// When it is attested, in unix seconds.
    pub maturity: u64,
    /// When it was announced, in unix seconds.
    pub announced_at: u64,
    /// The announcement's TLV, hex.
    pub announcement: String,
    /// What the signing journal knows the announcement by.
    pub commitment: Hex32,
    /// The nonces, sealed.
    pub nonces: Vec<u8>,
    /// One signature by each nonce, hex; none for an event that an older version announced.
    pub nonce_proofs: Vec<String>,
    /// Jitters the probes; see [`Event::jitter_seed`].
    pub probe_seed: [u8; 32],
    /// Do the moments of the probes follow from the seed? Fixed when it was announced; an older version did not say.
    pub jitter: Option<bool>,
    /// Who measures it, as fixed when it was announced; none for an event that an older version announced, which is
    /// the oracle's own vantage alone.
    pub vantages: Vec<Vantage>,
    /// The journal holds the announcement, so that the world may have it.
    pub published: bool,
    /// What the closed window came to, as JSON.
    pub provisional: Option<String>,
    /// The strings that were, or will be, signed.
    pub outcome: Option<Vec<String>>,
    /// The attestation's TLV, hex.
    pub attestation: Option<String>,
    /// The signature over its evidence's root, kept where its key is retired.
    pub root_signature: Option<String>,
    /// The operator withholds the attestation for good. There is no outcome then.
    pub withheld: Option<Withheld>,
}

impl Event {
    /// The vantages elsewhere that measure it, with their keys.
    pub fn remote_vantages(&self) -> impl Iterator<Item = (&str, Hex32)> {
        self.vantages.iter().filter_map(|vantage| Some((vantage.name.as_str(), vantage.key?)))
    }

    /// Does anybody but the oracle itself measure it?
    pub fn has_remote_vantages(&self) -> bool {
        self.remote_vantages().next().is_some()
    }

    /// The seed from which the moments of the probes follow, where they are jittered: as announced, or else as today.
    pub fn jitter_seed(&self, today: bool) -> Option<[u8; 32]> {
        self.jitter.unwrap_or(today).then_some(self.probe_seed)
    }

    /// The name of the oracle's own vantage in its samples: that of the announcement, or else today's.
    pub fn own_vantage<'a>(&'a self, today: &'a str) -> &'a str {
        self.vantages.iter().find(|vantage| vantage.key.is_none()).map_or(today, |own| &own.name)
    }
}

/// The little of an event that lists show.
#[derive(Clone, Debug)]
pub struct EventHead {
    /// The database's own key of it; ascending.
    pub key: i64,
    /// Its id.
    pub id: EventId,
    /// The host that it measures.
    pub host: String,
    /// First second of its window.
    pub window_start: u64,
    /// The second after its window's last.
    pub window_end: u64,
    /// When it is attested, in unix seconds.
    pub maturity: u64,
    /// Its window has been closed.
    pub provisional: bool,
    /// It has been attested.
    pub attested: bool,
    /// Its attestation is withheld for good.
    pub withheld: bool,
}

impl Store {
    /// Writes an event down, not yet published. One that is there already stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prepare_event(&self, event: NewEvent<'_>) -> Result<(), StoreError> {
        let measurement = event.measurement;
        let proofs = strings_json(&event.nonce_proofs, "nonce_proofs")?;
        let vantages =
            serde_json::to_string(&event.vantages).map_err(|_| StoreError::Corrupt { column: "vantages" })?;
        let mut tx = Transaction::begin(&self.pool).await?;
        let service = status::id_of_target(&mut tx, &measurement.target).await?;
        sqlx::query(
            "INSERT INTO events (service, event_id, measurement, window_start, window_end, maturity, announced_at, \
             announcement, commitment, nonces, nonce_proofs, probe_seed, jitter, requester, host, vantages) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (event_id) DO NOTHING",
        )
        .bind(service)
        .bind(measurement.event_id().as_str())
        .bind(measurement.canonical())
        .bind(signed(measurement.window.start.0, "window_start")?)
        .bind(signed(measurement.window.end.0, "window_end")?)
        .bind(signed(event.maturity, "maturity")?)
        .bind(signed(event.announced_at, "announced_at")?)
        .bind(event.announcement)
        .bind(event.commitment.0.as_slice())
        .bind(event.nonces)
        .bind(proofs)
        .bind(event.probe_seed.as_slice())
        .bind(event.jitter)
        .bind(event.requester)
        .bind(host_of(&measurement.target))
        .bind(vantages)
        .execute(&mut *tx)
        .await?;
        count_commit(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Notes that the journal holds the event's announcement, and appends the log's word of it, once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn publish_event(&self, key: i64, entry: &Entry) -> Result<(), StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        let published = sqlx::query("UPDATE events SET published = 1 WHERE id = ? AND published = 0")
            .bind(key)
            .execute(&mut *tx)
            .await?;
        count_commit(&mut tx).await?;
        if published.rows_affected() == 1 {
            log::append(&mut tx, key, std::slice::from_ref(entry)).await?;
        }
        tx.commit().await?;
        self.has_grown();
        Ok(())
    }

    /// The event of this id, published or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn event(&self, id: &EventId) -> Result<Option<Event>, StoreError> {
        let row = sqlx::query("SELECT * FROM events WHERE event_id = ?")
            .bind(id.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| event_of(&row)).transpose()
    }

    /// Published events without an attestation, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_events(&self) -> Result<Vec<Event>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM events WHERE attestation IS NULL AND published = 1 ORDER BY id")
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(event_of).collect()
    }

    /// How many events have no attestation yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_open_events(&self) -> Result<u64, StoreError> {
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM events WHERE attestation IS NULL AND withheld IS NULL")
                .fetch_one(&self.pool)
                .await?;
        unsigned(count, "count")
    }

    /// Announcements and attestations of published events, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn signed_texts(&self, limit: u32) -> Result<Vec<(String, Option<String>)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT announcement, attestation FROM events WHERE published = 1 ORDER BY id DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?)
    }

    /// The ids of all events, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_event_ids(&self) -> Result<Vec<EventId>, StoreError> {
        Ok(self.commitments().await?.into_iter().map(|(id, _)| id).collect())
    }

    /// Keeps the signature over the root of an event's evidence, whose key is about to be retired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_root_signature(&self, event: i64, signature: &str) -> Result<(), StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        sqlx::query("UPDATE events SET root_signature = ? WHERE id = ? AND root_signature IS NULL")
            .bind(signature)
            .bind(event)
            .execute(&mut *tx)
            .await?;
        count_commit(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Every event with what the journal should know its announcement by.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commitments(&self) -> Result<Vec<(EventId, Hex32)>, StoreError> {
        commitments(&self.pool).await
    }
}

async fn commitments(pool: &SqlitePool) -> Result<Vec<(EventId, Hex32)>, StoreError> {
    let rows = sqlx::query("SELECT event_id, commitment FROM events ORDER BY id").fetch_all(pool).await?;
    rows.iter().map(|row| Ok((id_of(row)?, Hex32(bytes_of(row, "commitment")?)))).collect()
}

pub(super) fn event_of(row: &SqliteRow) -> Result<Event, StoreError> {
    let outcome: Option<String> = row.try_get("outcome")?;
    let proofs: Option<String> = row.try_get("nonce_proofs")?;
    let vantages: Option<String> = row.try_get("vantages")?;
    Ok(Event {
        key: row.try_get("id")?,
        id: id_of(row)?,
        measurement: Measurement::parse(row.try_get("measurement")?)
            .map_err(|_| StoreError::Corrupt { column: "measurement" })?,
        maturity: unsigned(row.try_get("maturity")?, "maturity")?,
        announced_at: unsigned(row.try_get("announced_at")?, "announced_at")?,
        announcement: row.try_get("announcement")?,
        commitment: Hex32(bytes_of(row, "commitment")?),
        nonces: row.try_get("nonces")?,
        nonce_proofs: proofs.map_or(Ok(Vec::new()), |json| strings_of(&json, "nonce_proofs"))?,
        probe_seed: bytes_of(row, "probe_seed")?,
        jitter: row.try_get("jitter")?,
        vantages: vantages.map_or(Ok(Vec::new()), |json| {
            serde_json::from_str(&json).map_err(|_| StoreError::Corrupt { column: "vantages" })
        })?,
        published: row.try_get("published")?,
        provisional: row.try_get("provisional")?,
        outcome: outcome.map(|json| strings_of(&json, "outcome")).transpose()?,
        attestation: row.try_get("attestation")?,
        root_signature: row.try_get("root_signature")?,
        withheld: withheld_of(row)?,
    })
}

fn withheld_of(row: &SqliteRow) -> Result<Option<Withheld>, StoreError> {
    let (reason, at): (Option<String>, Option<i64>) = (row.try_get("withheld")?, row.try_get("withheld_at")?);
    let withheld = reason.zip(at).map(|(reason, at)| {
        Ok::<_, StoreError>(Withheld { at: UnixSeconds(unsigned(at, "withheld_at")?), reason })
    });
    withheld.transpose()
}

/// The little of an event that lists show.
pub(super) fn head_of(row: &SqliteRow) -> Result<EventHead, StoreError> {
    Ok(EventHead {
        key: row.try_get("id")?,
        id: id_of(row)?,
        host: row.try_get::<Option<String>, _>("host")?.unwrap_or_default(),
        window_start: unsigned(row.try_get("window_start")?, "window_start")?,
        window_end: unsigned(row.try_get("window_end")?, "window_end")?,
        maturity: unsigned(row.try_get("maturity")?, "maturity")?,
        provisional: row.try_get("closed")?,
        attested: row.try_get("attested")?,
        withheld: row.try_get("withheld")?,
    })
}

fn id_of(row: &SqliteRow) -> Result<EventId, StoreError> {
    EventId::parse(row.try_get("event_id")?).ok_or(StoreError::Corrupt { column: "event_id" })
}

fn bytes_of(row: &SqliteRow, column: &'static str) -> Result<[u8; 32], StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|_| StoreError::Corrupt { column })
}

/// Strings as they are read.
pub(super) fn strings_of(json: &str, column: &'static str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::Corrupt { column })
}

/// Strings as they are stored.
pub(super) fn strings_json(strings: &[String], column: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(strings).map_err(|_| StoreError::Corrupt { column })
}
