//! Signing once: outcome first, journal second, signature third, each durable before the next.
//!
//! What may be signed when is the signer's decision; here stands only the order of the writes. A
//! process that is killed between any two of them finishes the rest the next time.

use std::sync::Arc;

use crashpoint::here;
use protocol::oracle::Provisional;
use signer::{AttestError, EventRow, Journal, JournalError, NonceError, Nonces, Refusal, SignDecision, wire};
use terms::EventId;

use crate::oracle::{Oracle, OracleError};
use crate::public_log::PublicLogError;
use crate::store::{Event, StoreError};

/// Whether an event has its attestation now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// It has; perhaps it had before.
    Attested,
    /// It has not matured.
    NotYet,
    /// It was given up for good.
    Abandoned,
}

/// Why an event was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Signing would risk a second outcome, or reveal the key.
    #[error("refused to sign: {0}")]
    Refused(Refusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log's checkpoint could not be put where it is held.
    #[error(transparent)]
    Log(#[from] PublicLogError),
    /// The stored nonces can't be opened.
    #[error(transparent)]
    Nonces(#[from] NonceError),
    /// A signature could not be made, or did not verify.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// The event's key was retired.
    #[error("the key that announced the event is retired")]
    Retired,
    /// The journal's task broke down.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// There is no such event, its window is not closed, or its stored announcement is unreadable.
    #[error("the database lacks {what}")]
    Lacks {
        /// What is missing.
        what: &'static str,
    },
}

impl SignError {
    /// Trying again would come to the same.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Store(_) | Self::Journal(_) | Self::Oracle(_) | Self::Log(_))
    }
}

/// Brings an event as far as it may go: its outcome decided, and the attestation stored and public.
///
/// # Errors
/// When the signer refuses, or a write fails. Calling it again is safe at any point.
pub async fn sign(oracle: &Arc<Oracle>, id: &EventId) -> Result<Signed, SignError> {
    let _one_at_a_time = oracle.signing.lock().await;
    here!("sign.before");
    let mut event = load(oracle, id).await?;
    let mut decision = decide(oracle, &event).await?;
    if decision == SignDecision::StoreOutcome {
        store_outcome(oracle, &event).await?;
        here!("sign.outcome_stored");
        event = load(oracle, id).await?;
        decision = decide(oracle, &event).await?;
    }
    match decision {
        SignDecision::NotYet { .. } => Ok(Signed::NotYet),
        SignDecision::AlreadySigned => Ok(Signed::Attested),
        SignDecision::StoreOutcome => Err(SignError::Lacks { what: "the outcome that was just stored" }),
        SignDecision::Refuse(Refusal::Abandoned) => Ok(Signed::Abandoned),
        SignDecision::Refuse(refusal) => Err(SignError::Refused(refusal)),
        SignDecision::Sign(cleared) => {
            oracle.log.hold(&oracle.store).await?;
            here!("sign.held");
            let permit = oracle.with_journal(move |journal| journal.authorise(cleared)).await??;
            here!("sign.authorised");
            attest(oracle, &event, permit).await?;
            Ok(Signed::Attested)
        }
    }
}

async fn load(oracle: &Oracle, id: &EventId) -> Result<Event, SignError> {
    oracle.store.event(id).await?.ok_or(SignError::Lacks { what: "the event" })
}

async fn store_outcome(oracle: &Arc<Oracle>, event: &Event) -> Result<(), SignError> {
    let lacks = SignError::Lacks { what: "the closed window's result" };
    let provisional: Option<Provisional> =
        event.provisional.as_deref().and_then(|json| serde_json::from_str(json).ok());
    let outcome = provisional.and_then(|closed| event.measurement.outcome.encode(&closed.outcome));
    let mark = oracle.store.decide_outcome(event.key, &outcome.ok_or(lacks)?).await?;
    oracle.mark_now(mark).await;
    Ok(())
}

async fn decide(oracle: &Arc<Oracle>, event: &Event) -> Result<SignDecision, SignError> {
    let row = EventRow {
        event_id: event.id.clone(),
        maturity_s: event.maturity,
        commitment: event.commitment,
        outcome: event.outcome.clone(),
        attested: event.attestation.is_some(),
        database_mark: oracle.store.mark().await?,
    };
    let (now_s, withheld) = (oracle.clock.now_s(), event.withheld.is_some());
    let decide = move |journal: &mut Journal| {
        // From here on not even an older copy of the database can have it signed.
        if withheld {
            journal.abandon(&row.event_id)?;
        }
        Ok::<_, JournalError>(signer::decide_sign(&row, &journal.view(&row.event_id), now_s))
    };
    Ok(oracle.with_journal(decide).await??)
}

async fn attest(oracle: &Arc<Oracle>, event: &Event, permit: signer::Permit) -> Result<(), SignError> {
    let announcement = wire::parse_announcement(&event.announcement)
        .map_err(|_| SignError::Lacks { what: "a readable announcement" })?;
    let key = oracle.keys.of(&announcement.oracle_public_key).ok_or(SignError::Retired)?;
    let nonces = Nonces::open(key, &event.id, &event.nonces)?;
    let attestation = signer::attest(key, permit, nonces, &announcement)?;
    here!("sign.signed");
    let mark = oracle.store.attest(event, &wire::attestation_hex(&attestation)).await?;
    here!("sign.stored");
    oracle.mark_now(mark).await;
    here!("sign.marked");
    oracle.metrics.signed();
    tracing::info!(event = %event.id, outcome = ?attestation.outcomes.concat(), "attested");
    Ok(())
}
