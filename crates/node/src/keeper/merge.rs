//! Bringing records into a database: what it has not, and what it has less of.

use backup::{EnvelopeRecord, EscrowRecord};
use engine::{Escrow, Event, Hold};
use storage::{NewEnvelope, NewSession, Reservation, Store, StoredEvent, Tx};
use terms::Hex32;

use super::keep::record_of;
use super::restore::RestoreError;
use crate::core::stored_event;
use crate::error::NodeError;

/// Why an escrow of a snapshot was ended: what happened after the snapshot is forgotten.
const FORGOTTEN: &str = "restored from a snapshot, which does not know what was said after it";

/// An escrow as it was brought back.
pub(crate) struct Brought {
    pub escrow: Escrow,
    reservations: Vec<Reservation>,
}

/// Adds to the database what a record from the target has beyond it. Both tell one story, or one of them is not ours.
pub(crate) async fn merge(store: &Store, record: &EscrowRecord, file: &str) -> Result<Brought, RestoreError> {
    let contradicts = || RestoreError::Contradicts { name: file.to_owned() };
    let have = record_of(store, &record.network, record.escrow).await?;
    if have.as_ref().is_some_and(|have| contradict(have, record)) {
        return Err(contradicts());
    }
    let newer = have.as_ref().filter(|have| have.events.len() > record.events.len());
    let brought = read(newer.unwrap_or(record)).ok_or_else(contradicts)?;
    let mut tx = store.begin().await?;
    match (&have, newer) {
        (Some(have), None) => add(&mut tx, record, have.events.len(), &have.envelopes).await?,
        (None, _) => {
            let opened_at = record.events.first().map_or(0, |event| event.at);
            tx.open_session(&session(record).ok_or_else(contradicts)?, opened_at).await?;
            add(&mut tx, record, 0, &[]).await?;
        }
        // The database, which a snapshot brought, knows more.
        (Some(_), Some(_)) => {}
    }
    tx.release(record.escrow).await?;
    if brought.escrow.sign.is_some() {
        tx.note_backed_up(record.escrow).await?;
    }
    tx.commit().await?;
    Ok(brought)
}

/// Events are only ever added. The last envelopes of a session may have been replaced, by one that ends it.
async fn add(
    tx: &mut Tx<'_>,
    record: &EscrowRecord,
    had_events: usize,
    had: &[EnvelopeRecord],
) -> Result<(), RestoreError> {
    for event in record.events.iter().skip(had_events) {
        let (name, json) = (event.name.clone(), event.json.clone());
        tx.append_event(record.escrow, &StoredEvent { seq: event.seq, at: event.at, name, json }).await?;
    }
    let same = had.iter().zip(&record.envelopes).take_while(|(one, two)| one.id == two.id).count();
    for envelope in &had[same..] {
        tx.forget_envelope(envelope.id).await?;
    }
    for envelope in record.envelopes.iter().take(same).filter(|envelope| envelope.delivered) {
        tx.mark_delivered(envelope.id).await?;
    }
    for envelope in record.envelopes.iter().skip(same) {
        tx.put_envelope(&NewEnvelope {
            session: record.escrow,
            seq: envelope.seq,
            id: envelope.id,
            ours: envelope.ours,
            delivered: envelope.delivered,
            bytes: envelope.text.clone().into_bytes(),
        })
        .await?;
    }
    Ok(())
}

/// Sets the coins of all that was brought back aside again, once every record has let go of its own.
pub(crate) async fn reserve(store: &Store, brought: &[Brought]) -> Result<(), RestoreError> {
    let mut tx = store.begin().await?;
    for reservation in brought.iter().flat_map(|brought| &brought.reservations) {
        tx.reserve(reservation).await?;
    }
    Ok(tx.commit().await?)
}

/// Ends the escrows of a snapshot in which our signature over the funding is not known: what was said since is
/// forgotten, so nothing more is said. Returns which.
pub(crate) async fn end_open(store: &Store, network: &str) -> Result<Vec<Hex32>, RestoreError> {
    let mut ended = Vec::new();
    for id in store.escrows().await? {
        let record = record_of(store, network, id).await?;
        let record = record.ok_or(NodeError::Damaged { what: "session" })?;
        let escrow = read(&record).ok_or(NodeError::Damaged { what: "event" })?.escrow;
        if escrow.noted.is_final() || escrow.sign.is_some() || escrow.abandoned.is_some() {
            continue;
        }
        let at = record.events.last().map_or(0, |event| event.at);
        let event = stored_event(escrow.events, at, &Event::Abandoned { reason: FORGOTTEN.to_owned() })?;
        let mut tx = store.begin().await?;
        tx.append_event(id, &event).await?;
        tx.release(id).await?;
        for envelope in record.envelopes.iter().filter(|envelope| !envelope.delivered) {
            tx.mark_delivered(envelope.id).await?;
        }
        tx.commit().await?;
        ended.push(id);
    }
    Ok(ended)
}

/// All escrows of a database.
pub(crate) async fn escrows(store: &Store, network: &str) -> Result<Vec<Escrow>, RestoreError> {
    let mut escrows = Vec::new();
    for id in store.escrows().await? {
        let record = record_of(store, network, id).await?;
        let read = record.as_ref().and_then(read);
        escrows.push(read.ok_or(NodeError::Damaged { what: "event" })?.escrow);
    }
    Ok(escrows)
}

/// Whether two records of one escrow differ in what happened, as far as both know it.
fn contradict(one: &EscrowRecord, two: &EscrowRecord) -> bool {
    one.events.iter().zip(&two.events).any(|(one, two)| one != two)
}

/// The escrow that a record tells of, with the coins that it holds.
fn read(record: &EscrowRecord) -> Option<Brought> {
    let mut escrow: Option<Escrow> = None;
    let mut coins = Vec::new();
    for stored in &record.events {
        let event: Event = serde_json::from_str(&stored.json).ok()?;
        match engine::hold(escrow.as_ref(), &event) {
            Hold::Take(taken) | Hold::TakeAgain(taken) => coins = taken.to_vec(),
            Hold::LetGo => coins.clear(),
            Hold::Leave => {}
        }
        match &mut escrow {
            Some(escrow) => escrow.apply(&event),
            None => escrow = Escrow::replay([&event]),
        }
    }
    let escrow = escrow.filter(|escrow| escrow.id() == record.escrow)?;
    let expires_at = escrow.agreement().funding_deadline.0;
    let reservation = |coin: &engine::Coin| Reservation {
        outpoint: coin.outpoint.to_string(),
        escrow: record.escrow,
        expires_at,
    };
    Some(Brought { reservations: coins.iter().map(reservation).collect(), escrow })
}

fn session(record: &EscrowRecord) -> Option<NewSession> {
    Some(NewSession {
        id: record.escrow,
        counterparty: record.counterparty,
        peer_url: record.peer_url.clone(),
        offer_id: record.offer_id,
        escrow: record.renews,
        announcements: record.announcements.iter().map(hex::decode).collect::<Result<_, _>>().ok()?,
        address: None,
    })
}
