//! Objections, their answers, and events that will not be attested.

use ledger::Entry;
use protocol::Hex64;
use protocol::objection::{Answer, Objection, ObjectionView};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use terms::{EventId, Hex32, UnixSeconds};

use super::transaction::Transaction;
use super::{Event, Store, StoreError, count_commit, log, signed, unsigned};

/// An objection that is about to be taken.
#[derive(Debug)]
pub struct NewObjection<'a> {
    /// The event's key.
    pub event: i64,
    /// Now, in unix seconds.
    pub at_s: u64,
    /// What is said, checked.
    pub objection: &'a Objection,
    /// Stands for the address that it came from.
    pub sender: Hex32,
}

/// How many objections there may be.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// To one event.
    pub per_event: u64,
    /// To one event from one address.
    pub per_sender: u64,
}

/// What became of an objection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It stands.
    New(ObjectionView),
    /// The same was there already.
    Known(ObjectionView),
    /// There are too many to the event.
    EventFull,
    /// There are too many from this address.
    SenderFull,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It stands.
    Now,
    /// Another one stands, and stays.
    Before,
    /// There is no such objection.
    Unknown,
}

/// An objection with its event, for the operator.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The event.
    pub event: EventId,
    /// The objection.
    pub objection: ObjectionView,
}

const COLUMNS: &str = "o.id AS id, o.at_s AS at_s, o.text AS text, o.key AS key, o.signature AS signature, \
                       o.answer AS answer, o.answered_at AS answered_at";

impl Store {
    /// Takes an objection, unless there are too many. The same text by the same key again changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn object(&self, new: NewObjection<'_>, bounds: Bounds) -> Result<Taken, StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        if let Some(no) = refusal(&of_event(&mut tx, new.event).await?, &new, bounds) {
            tx.commit().await?;
            return Ok(no);
        }
        let id = insert(&mut tx, &new).await?;
        count_commit(&mut tx).await?;
        tx.commit().await?;
        let at = UnixSeconds(new.at_s);
        Ok(Taken::New(ObjectionView { id, at, objection: new.objection.clone(), answer: None }))
    }

    /// The objections to an event, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn objections(&self, event: i64) -> Result<Vec<ObjectionView>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        Ok(of_event(&mut connection, event).await?.into_iter().map(|(_, view)| view).collect())
    }

    /// The newest objections to all events, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_objections(&self, unanswered: bool, limit: u32) -> Result<Vec<Listed>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT e.event_id AS event_id, {COLUMNS} FROM objections o JOIN events e ON e.id = o.event \
             WHERE o.answer IS NULL OR NOT ? ORDER BY o.id DESC LIMIT ?"
        )))
        .bind(unanswered)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let event = EventId::parse(row.try_get("event_id")?);
                let event = event.ok_or(StoreError::Corrupt { column: "event_id" })?;
                Ok(Listed { event, objection: view_of(row)? })
            })
            .collect()
    }

    /// How many objections to events that can still be signed have no answer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_unanswered_objections(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM objections o JOIN events e ON e.id = o.event \
             WHERE o.answer IS NULL AND e.attestation IS NULL AND e.withheld IS NULL",
        )
        .fetch_one(&self.pool)
        .await?;
        unsigned(count, "count")
    }

    /// Answers an objection, once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn answer_objection(&self, id: i64, at_s: u64, text: &str) -> Result<Answered, StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        let known: Option<bool> =
            sqlx::query_scalar("SELECT answer IS NOT NULL FROM objections WHERE id = ?")
                .bind(id)
                .fetch_optional(&mut *tx)
                .await?;
        match known {
            None => return Ok(Answered::Unknown),
            Some(true) => return Ok(Answered::Before),
            Some(false) => {}
        }
        sqlx::query("UPDATE objections SET answer = ?, answered_at = ? WHERE id = ?")
            .bind(text)
            .bind(signed(at_s, "answered_at")?)
            .bind(id)
            .execute(&mut *tx)
            .await?;
        count_commit(&mut tx).await?;
        tx.commit().await?;
        Ok(Answered::Now)
    }

    /// Withholds an event's attestation for good, and says so in the log. False when it is too late: what will be signed
    /// is written down already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn withhold(&self, event: &Event, at_s: u64, reason: &str) -> Result<bool, StoreError> {
        let mut tx = Transaction::begin(&self.pool).await?;
        let withheld = sqlx::query(
            "UPDATE events SET withheld = ?, withheld_at = ? WHERE id = ? AND published = 1 AND withheld IS NULL \
             AND outcome IS NULL AND attestation IS NULL",
        )
        .bind(reason)
        .bind(signed(at_s, "withheld_at")?)
        .bind(event.key)
        .execute(&mut *tx)
        .await?;
        if withheld.rows_affected() == 0 {
            return Ok(false);
        }
        let entry =
            Entry::Withheld { event_id: event.id.clone(), at: UnixSeconds(at_s), reason: reason.to_owned() };
        log::append(&mut tx, event.key, &[entry]).await?;
        count_commit(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// What speaks against one more objection beside those that are there.
fn refusal(there: &[(Hex32, ObjectionView)], new: &NewObjection<'_>, bounds: Bounds) -> Option<Taken> {
    let of_sender = there.iter().filter(|(sender, _)| *sender == new.sender).count() as u64;
    if let Some((_, known)) = there.iter().find(|(_, view)| view.objection == *new.objection) {
        Some(Taken::Known(known.clone()))
    } else if there.len() as u64 >= bounds.per_event {
        Some(Taken::EventFull)
    } else {
        (of_sender >= bounds.per_sender).then_some(Taken::SenderFull)
    }
}

async fn insert(tx: &mut Transaction, new: &NewObjection<'_>) -> Result<i64, StoreError> {
    let objection = new.objection;
    let done = sqlx::query(
        "INSERT INTO objections (event, at_s, text, key, signature, sender) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(new.event)
    .bind(signed(new.at_s, "at_s")?)
    .bind(&objection.text)
    .bind(objection.key.map(|key| key.0.to_vec()))
    .bind(objection.signature.map(|signature| signature.0.to_vec()))
    .bind(new.sender.0.to_vec())
    .execute(&mut **tx)
    .await?;
    Ok(done.last_insert_rowid())
}

async fn of_event(
    connection: &mut sqlx::SqliteConnection,
    event: i64,
) -> Result<Vec<(Hex32, ObjectionView)>, StoreError> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT o.sender AS sender, {COLUMNS} FROM objections o WHERE o.event = ? ORDER BY o.id"
    )))
    .bind(event)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let sender = bytes(row.try_get("sender")?, "sender")?.map(Hex32);
            Ok((sender.ok_or(StoreError::Corrupt { column: "sender" })?, view_of(row)?))
        })
        .collect()
}

fn view_of(row: &SqliteRow) -> Result<ObjectionView, StoreError> {
    let (answer, answered_at): (Option<String>, Option<i64>) =
        (row.try_get("answer")?, row.try_get("answered_at")?);
    let answer = answer
        .zip(answered_at)
        .map(|(text, at)| unsigned(at, "answered_at").map(|at| Answer { at: UnixSeconds(at), text }));
    Ok(ObjectionView {
        id: row.try_get("id")?,
        at: UnixSeconds(unsigned(row.try_get("at_s")?, "at_s")?),
        objection: Objection {
            text: row.try_get("text")?,
            key: bytes(row.try_get("key")?, "key")?.map(Hex32),
            signature: bytes(row.try_get("signature")?, "signature")?.map(Hex64),
        },
        answer: answer.transpose()?,
    })
}

fn bytes<const N: usize>(stored: Option<&[u8]>, column: &'static str) -> Result<Option<[u8; N]>, StoreError> {
    stored.map(|bytes| bytes.try_into().map_err(|_| StoreError::Corrupt { column })).transpose()
}
