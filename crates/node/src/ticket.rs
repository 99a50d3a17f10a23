//! What makes a repeated request of the owner harmless: its answer is written with what it did.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use storage::Answer;
use terms::Hex32;
use tokio::sync::OwnedMutexGuard;

use crate::error::NodeError;

/// A request: under an Idempotency-Key or without one, in the owner's name or in a delegated key's.
#[derive(Clone, Debug, Default)]
pub struct Ticket {
    once: Option<(String, Hex32)>,
    by: Option<String>,
    rehearsal: bool,
}

impl Ticket {
    /// A request under a key; the hash is that of the request.
    pub fn new(key: String, request_hash: Hex32) -> Self {
        Self { once: Some((key, request_hash)), ..Self::default() }
    }

    /// A dry run: nothing is to be stored, sent or signed (see `rehearsal.rs`).
    pub fn rehearsal() -> Self {
        Self { rehearsal: true, ..Self::default() }
    }

    /// Whether it is a dry run.
    pub fn is_rehearsal(&self) -> bool {
        self.rehearsal
    }

    /// The same request, in a delegated key's name; `None` is the owner's.
    #[must_use]
    pub fn by(self, by: Option<String>) -> Self {
        Self { by, ..self }
    }

    /// The delegated key in whose name it is.
    pub fn name(&self) -> Option<&str> {
        self.by.as_deref()
    }

    /// The key, with the hash of the request.
    pub fn once(&self) -> Option<&(String, Hex32)> {
        self.once.as_ref()
    }

    /// The key.
    pub fn key(&self) -> Option<&str> {
        self.once.as_ref().map(|(key, _)| key.as_str())
    }

    /// The row to write in the same transaction as what the request did: found again, it is the answer.
    pub fn answer<T: Serialize>(&self, value: &T) -> Result<Option<(String, Answer)>, NodeError> {
        let Some((key, request_hash)) = &self.once else { return Ok(None) };
        let body = serde_json::to_string(value).map_err(|_| NodeError::Damaged { what: "answer" })?;
        Ok(Some((key.clone(), Answer { request_hash: *request_hash, status: 200, body })))
    }
}

/// One request at a time under each key: the second waits, and finds the first one's answer.
#[derive(Debug, Default)]
pub struct Turns(Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for the turn. It ends when the guard is dropped.
    pub async fn take(&self, key: &str) -> OwnedMutexGuard<()> {
        self.turn(key).lock_owned().await
    }

    /// The turn, if nobody has it.
    pub fn try_take(&self, key: &str) -> Option<OwnedMutexGuard<()>> {
        self.turn(key).try_lock_owned().ok()
    }

    /// Whether somebody waits for a turn that somebody else has.
    #[cfg(test)]
    pub fn is_awaited(&self, key: &str) -> bool {
        let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The map, the holder, the waiter.
        turns.get(key).is_some_and(|turn| Arc::strong_count(turn) > 2)
    }

    fn turn(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever holds or awaits a turn has a share of it.
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(key.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_request_under_a_key_waits_for_the_first_and_others_do_not() {
        let turns = Turns::default();
        let first = turns.take("a").await;
        let _other = turns.take("b").await;
        let mut second = Box::pin(turns.take("a"));
        let waits = std::future::poll_fn(|cx| std::task::Poll::Ready(second.as_mut().poll(cx).is_pending()));
        assert!(waits.await);
        assert!(turns.try_take("a").is_none() && turns.try_take("c").is_some());
        drop(first);
        drop(second.await);
    }

    #[tokio::test]
    async fn turns_that_nobody_holds_are_forgotten() {
        let turns = Turns::default();
        for key in 0..1_000 {
            drop(turns.take(&key.to_string()).await);
        }
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_request_without_a_key_has_no_answer_to_store() {
        assert_eq!(Ticket::default().answer(&1).unwrap(), None);
        let (key, answer) = Ticket::new("k".into(), Hex32([1; 32])).answer(&[1, 2]).unwrap().unwrap();
        assert_eq!((key.as_str(), answer.status, answer.body.as_str()), ("k", 200, "[1,2]"));
    }
}
