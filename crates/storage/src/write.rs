//! Writing, always inside one transaction.

use terms::Hex32;
use tokio::sync::MutexGuard;

use crate::error::{StoreError, exists};
use crate::read::stored;
use crate::rows::{Answer, NewEnvelope, NewSession, Reservation, StoredEvent, StoredOffer};
use crate::transaction::Transaction;

/// A transaction: dropped without [`Tx::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Tx<'a> {
    inner: Transaction,
    /// Held so that there is one writer at a time.
    _turn: MutexGuard<'a, ()>,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(inner: Transaction, turn: MutexGuard<'a, ()>) -> Self {
        Self { inner, _turn: turn }
    }

    pub(crate) fn connection(&mut self) -> &mut sqlx::SqliteConnection {
        self.inner.connection()
    }

    /// Makes everything written durable.
    ///
    /// # Errors
    /// When SQLite fails; then nothing was written.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.inner.commit().await?)
    }

    /// Notes that the backup target has acknowledged an escrow's messages.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn note_backed_up(&mut self, escrow: Hex32) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO backed_up (escrow) VALUES (?) ON CONFLICT DO NOTHING")
            .bind(escrow.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Appends an event to an escrow.
    ///
    /// # Errors
    /// When the escrow has an event of this number already.
    pub async fn append_event(&mut self, escrow: Hex32, event: &StoredEvent) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO escrow_events (escrow, seq, at, name, json) VALUES (?, ?, ?, ?, ?)")
            .bind(escrow.to_string())
            .bind(stored(event.seq))
            .bind(stored(event.at))
            .bind(&event.name)
            .bind(&event.json)
            .execute(self.connection())
            .await
            .map_err(exists("event"))?;
        Ok(())
    }

    /// Appends a change of the wallet.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn append_wallet_change(&mut self, json: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO wallet_changes (json) VALUES (?)")
            .bind(json)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Replaces all changes of the wallet by one that says the same.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn replace_wallet_changes(&mut self, json: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM wallet_changes").execute(self.connection()).await?;
        self.append_wallet_change(json).await
    }

    /// Sets a coin aside for an escrow.
    ///
    /// # Errors
    /// [`StoreError::Reserved`] when it is set aside already.
    pub async fn reserve(&mut self, reservation: &Reservation) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO reservations (outpoint, escrow, expires_at) VALUES (?, ?, ?)")
            .bind(&reservation.outpoint)
            .bind(reservation.escrow.to_string())
            .bind(stored(reservation.expires_at))
            .execute(self.connection())
            .await
            .map_err(|error| match exists("reservation")(error) {
                StoreError::Exists { .. } => StoreError::Reserved { outpoint: reservation.outpoint.clone() },
                other => other,
            })?;
        Ok(())
    }

    /// Lets an escrow's coins go.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn release(&mut self, escrow: Hex32) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM reservations WHERE escrow = ?")
            .bind(escrow.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Publishes an offer; the same offer again changes nothing.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn put_offer(&mut self, offer: &StoredOffer) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO offers (id, json, announcements, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(offer.id.to_string())
            .bind(&offer.json)
            .bind(lines(&offer.announcements))
            .bind(stored(offer.expires_at))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Begins a session.
    ///
    /// # Errors
    /// When a session of this id exists.
    pub async fn open_session(&mut self, session: &NewSession, at: u64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO sessions (id, counterparty, peer_url, offer_id, escrow, announcements, address, opened_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(session.id.to_string())
        .bind(session.counterparty.to_string())
        .bind(&session.peer_url)
        .bind(session.offer_id.map(|id| id.to_string()))
        .bind(session.escrow.map(|id| id.to_string()))
        .bind(lines(&session.announcements))
        .bind(&session.address)
        .bind(stored(at))
        .execute(self.connection())
        .await
        .map_err(exists("session"))?;
        Ok(())
    }

    /// Stores an envelope.
    ///
    /// # Errors
    /// When its id, or its place in the session, is taken.
    pub async fn put_envelope(&mut self, envelope: &NewEnvelope) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO envelopes (session, seq, id, ours, delivered, bytes) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(envelope.session.to_string())
        .bind(stored(envelope.seq))
        .bind(envelope.id.to_string())
        .bind(envelope.ours)
        .bind(envelope.delivered)
        .bind(&envelope.bytes)
        .execute(self.connection())
        .await
        .map_err(exists("envelope"))?;
        Ok(())
    }

    /// Notes that nothing is left to do about an envelope of ours.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn mark_delivered(&mut self, id: Hex32) -> Result<(), StoreError> {
        sqlx::query("UPDATE envelopes SET delivered = 1 WHERE id = ?")
            .bind(id.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets an envelope of ours that its receiver refused: it was never part of the session.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn forget_envelope(&mut self, id: Hex32) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM envelopes WHERE id = ? AND ours = 1")
            .bind(id.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Stores a payment of the owner before it is broadcast.
    ///
    /// # Errors
    /// When it is stored already.
    pub async fn put_payment(&mut self, txid: &str, at: u64, tx: &[u8]) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO payments (txid, at, tx) VALUES (?, ?, ?)")
            .bind(txid)
            .bind(stored(at))
            .bind(tx)
            .execute(self.connection())
            .await
            .map_err(exists("payment"))?;
        Ok(())
    }

    /// Forgets a payment: it is buried in the chain, or will never be sent again.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn forget_payment(&mut self, txid: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM payments WHERE txid = ?").bind(txid).execute(self.connection()).await?;
        Ok(())
    }

    /// Stores the answer to a request of the owner.
    ///
    /// # Errors
    /// When the key has an answer already.
    pub async fn put_answer(
        &mut self,
        idempotency_key: &str,
        answer: &Answer,
        at: u64,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO answers (key, request_hash, status, body, at) VALUES (?, ?, ?, ?, ?)")
            .bind(idempotency_key)
            .bind(answer.request_hash.to_string())
            .bind(i64::from(answer.status))
            .bind(&answer.body)
            .bind(stored(at))
            .execute(self.connection())
            .await
            .map_err(exists("answer"))?;
        Ok(())
    }

    /// Forgets an answer: what it said turned out not to be true.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn forget_answer(&mut self, idempotency_key: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM answers WHERE key = ?")
            .bind(idempotency_key)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets answers to the owner that are older than `before`, and offers that expired before it. Returns how many.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn prune(&mut self, before: u64) -> Result<u64, StoreError> {
        let statements = [
            "DELETE FROM answers WHERE at < ?",
            "DELETE FROM offer_plans WHERE offer IN (SELECT id FROM offers WHERE expires_at < ?)",
            "DELETE FROM offers WHERE expires_at < ?",
        ];
        self.delete(&statements, before).await
    }

    /// Forgets sessions that were opened before a moment to begin an escrow, by an offer or a renewal, and never did, with
    /// their envelopes. An escrow's transcripts stay: they are evidence. Returns how many rows went.
    ///
    /// # Errors
    /// When SQLite fails.
    pub async fn prune_sessions(&mut self, before: u64) -> Result<u64, StoreError> {
        self.delete(&DEAD_SESSIONS, before).await
    }

    async fn delete(&mut self, statements: &[&'static str], before: u64) -> Result<u64, StoreError> {
        let mut gone = 0;
        for sql in statements {
            gone += sqlx::query(*sql).bind(stored(before)).execute(self.connection()).await?.rows_affected();
        }
        Ok(gone)
    }
}

/// Announcements as they are stored: hex, one a line.
fn lines(announcements: &[Vec<u8>]) -> String {
    let lines: Vec<String> = announcements.iter().map(hex::encode).collect();
    lines.join("\n")
}

const DEAD_SESSIONS: [&str; 3] = [
    "DELETE FROM negotiations WHERE session IN (SELECT id FROM sessions WHERE opened_at < ?
        AND id NOT IN (SELECT escrow FROM escrow_events WHERE seq = 0))",
    "DELETE FROM envelopes WHERE session IN (SELECT id FROM sessions WHERE opened_at < ?
        AND (escrow IS NULL OR announcements <> '') AND id NOT IN (SELECT escrow FROM escrow_events WHERE seq = 0))",
    "DELETE FROM sessions WHERE opened_at < ? AND (escrow IS NULL OR announcements <> '')
        AND id NOT IN (SELECT escrow FROM escrow_events WHERE seq = 0)",
];
