//! What the owner is told as it happens: a numbered row for each event of an escrow, each word of a negotiation, each
//! question, alarm and payment, written in the transaction of what it tells of. So nothing is told that did not happen,
//! and nothing happens untold.

use std::collections::BTreeMap;

use engine::Event;
use protocol::Envelope;
use protocol::owner::{NodeEvent, NodeEventKind as Kind};
use serde::Serialize;
use storage::{Fact, FeedRow};
use terms::{Hex32, UnixSeconds};

use crate::alarms::alarming;
use crate::core::{Change, Core};
use crate::error::NodeError;

/// Rows are kept for a month.
pub(crate) const KEPT_S: u64 = 31 * 86_400;

/// A row before it is stored.
struct Told {
    kind: Kind,
    subject: String,
    event: String,
    seq: Option<u64>,
    detail: String,
}

impl Told {
    fn new(kind: Kind, subject: impl ToString, event: impl Into<String>) -> Self {
        Self { kind, subject: subject.to_string(), event: event.into(), seq: None, detail: String::new() }
    }

    fn row(self, at: u64) -> FeedRow {
        let Self { kind, subject, event, seq, detail } = self;
        FeedRow { id: 0, at, kind: kind.name().to_owned(), subject, event, seq, detail }
    }
}

impl Core {
    /// What the owner is told of a change, in the order in which it is stored.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn told_of(&self, change: &Change, now: u64) -> Result<Vec<FeedRow>, NodeError> {
        let mut told = self.of_escrows(change);
        self.of_talks(change, &mut told).await?;
        self.of_approvals(change, &mut told)?;
        of_alarms(change, &mut told);
        of_the_rest(change, &mut told);
        Ok(told.into_iter().map(|told| told.row(now)).collect())
    }

    fn of_escrows(&self, change: &Change) -> Vec<Told> {
        let (mut told, mut numbers) = (Vec::new(), BTreeMap::new());
        for (id, event) in &change.events {
            let next = numbers.entry(*id).or_insert_with(|| self.escrows.get(id).map_or(0, |e| e.events));
            let detail = match event {
                Event::Observed { status, .. } => status.name().to_owned(),
                _ => String::new(),
            };
            told.push(Told { seq: Some(*next), detail, ..Told::new(Kind::Escrow, id, event.name()) });
            *next += 1;
            let alarm = self.escrows.get(id).and_then(|escrow| alarming(escrow, event));
            told.extend(alarm.map(|(kind, ..)| Told::new(Kind::Alarm, id, word(&kind))));
        }
        told
    }

    /// What is said before there is an escrow.
    async fn of_talks(&self, change: &Change, told: &mut Vec<Told>) -> Result<(), NodeError> {
        for new in &change.envelopes {
            if !self.negotiates(new.session, change).await? {
                continue;
            }
            let Ok(envelope) = Envelope::verify(&new.bytes) else { continue };
            let detail = if new.ours { "said by us" } else { "said by the peer" }.to_owned();
            let kind = envelope.body().kind();
            told.push(Told { seq: Some(new.seq), detail, ..Told::new(Kind::Negotiation, new.session, kind) });
        }
        if let Some((session, why)) = &change.talks.ended {
            told.push(Told { detail: why.clone(), ..Told::new(Kind::Negotiation, session, "ended") });
        }
        Ok(())
    }

    async fn negotiates(&self, session: Hex32, change: &Change) -> Result<bool, NodeError> {
        if self.escrows.contains_key(&session) {
            return Ok(false);
        }
        let begins = change.talks.begun.as_ref().is_some_and(|begun| begun.session == session);
        Ok(begins || self.store.negotiation(session).await?.is_some())
    }

    fn of_approvals(&self, change: &Change, told: &mut Vec<Told>) -> Result<(), NodeError> {
        let used = self.used_approvals(change)?;
        let approvals = change.approval.iter().chain(&used);
        told.extend(approvals.map(|row| Told::new(Kind::Approval, row.terms_hash, &row.state)));
        Ok(())
    }
}

fn of_alarms(change: &Change, told: &mut Vec<Told>) {
    let notices = change.notices.iter();
    told.extend(
        notices.map(|row| Told { detail: row.detail.clone(), ..Told::new(Kind::Alarm, "", &row.kind) }),
    );
    let forked = change.contradiction.iter();
    told.extend(forked.map(|found| Told::new(Kind::Alarm, found.oracle, "forked_log")));
}

fn of_the_rest(change: &Change, told: &mut Vec<Told>) {
    if let Some(paid) = &change.outflow {
        let detail = format!("{} sat left the wallet", paid.sat);
        told.push(Told { detail, ..Told::new(Kind::Payment, &paid.txid, &paid.kind) });
    }
    let switched = change.facts.iter().filter(|(fact, _)| *fact == Fact::Paused);
    told.extend(
        switched
            .map(|(_, value)| Told::new(Kind::Node, "", if value == "yes" { "paused" } else { "resumed" })),
    );
}

/// A unit variant's name, as it is written.
fn word<T: Serialize>(kind: &T) -> String {
    let value = serde_json::to_value(kind).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// A row as the owner sees it.
///
/// # Errors
/// When its kind is none.
pub(crate) fn view(row: FeedRow) -> Result<NodeEvent, NodeError> {
    let kind = serde_json::from_value(row.kind.into()).map_err(|_| NodeError::Damaged { what: "event" })?;
    Ok(NodeEvent {
        id: row.id,
        at: UnixSeconds(row.at),
        kind,
        subject: row.subject,
        event: row.event,
        seq: row.seq,
        detail: row.detail,
    })
}
