//! What one transaction writes.

use bitcoin::Txid;
use engine::Event;
use receipts::{Batch, Movement};
use storage::{
    Answer, ApprovalRow, Fact, KeptCheckpoint, KeyRequestRow, KeyRow, NewEnvelope, NewSession, NoticeRow,
    Outflow, StoredContradiction, StoredOffer,
};
use terms::Hex32;

use crate::error::NodeError;

/// What is to be written together.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Events, each with its escrow. The first of a new escrow is [`Event::Opened`].
    pub events: Vec<(Hex32, Event)>,
    /// A session that begins.
    pub session: Option<NewSession>,
    /// Envelopes, both ways.
    pub envelopes: Vec<NewEnvelope>,
    /// Own envelopes that have their answers.
    pub delivered: Vec<Hex32>,
    /// An own envelope that the peer refused, so that it was never said.
    pub forgotten_envelope: Option<Hex32>,
    /// An offer that is published.
    pub offer: Option<StoredOffer>,
    /// A payment: its txid and bytes.
    pub payment: Option<(String, Vec<u8>)>,
    /// What a payment takes out of the wallet.
    pub outflow: Option<Outflow>,
    /// Payments that took nothing out after all.
    pub forgotten_outflows: Vec<Txid>,
    /// A checkpoint of an oracle's log, to be kept.
    pub checkpoint: Option<KeptCheckpoint>,
    /// What contradicts one that was kept.
    pub contradiction: Option<StoredContradiction>,
    /// Facts about the whole node.
    pub facts: Vec<(Fact, String)>,
    /// A delegated key that is made; one that is rotated or revoked.
    pub new_key: Option<KeyRow>,
    pub changed_key: Option<KeyRow>,
    /// What a delegated key asked.
    pub key_request: Option<KeyRequestRow>,
    /// A question to the owner, or the word about one.
    pub approval: Option<ApprovalRow>,
    /// What the owner should look at.
    pub notices: Vec<NoticeRow>,
    /// Money that is moved: a line of the receipts for each.
    pub movements: Vec<Movement>,
    /// A signed root over lines.
    pub batch: Option<Batch>,
    /// Payments of which nothing is left to do.
    pub forgotten_payments: Vec<Txid>,
    /// The answer to the owner's request that led to this, by its Idempotency-Key.
    pub answer: Option<(String, Answer)>,
    /// An answer that turned out not to be true.
    pub forgotten_answer: Option<String>,
    /// What becomes of negotiations.
    pub talks: crate::peers::negotiate::TalkRows,
    /// Escrows that are presented, and references that were verified.
    pub references: crate::reputation::ReferenceRows,
    /// What becomes of standing orders and standing offers.
    pub standing: crate::standing::StandingRows,
}

impl Change {
    /// One event of one escrow.
    pub fn event(escrow: Hex32, event: Event) -> Self {
        Self { events: vec![(escrow, event)], ..Self::default() }
    }

    /// What it is made of, such as `offer_taken+envelopes`; a change of the wallet alone is `wallet`. Names its crash points.
    pub(super) fn name(&self) -> String {
        let events = self.events.iter().map(|(_, event)| match event {
            Event::Observed { status, .. } => status.name(),
            other => other.name(),
        });
        let rest = [
            ("session", self.session.is_some()),
            ("envelopes", !self.envelopes.is_empty()),
            ("delivered", !self.delivered.is_empty()),
            ("forgotten_envelope", self.forgotten_envelope.is_some()),
            ("offer", self.offer.is_some()),
            ("payment", self.payment.is_some()),
            ("checkpoint", self.checkpoint.is_some()),
            ("contradiction", self.contradiction.is_some()),
            ("facts", !self.facts.is_empty()),
            ("key", self.new_key.is_some() || self.changed_key.is_some()),
            ("key_request", self.key_request.is_some()),
            ("approval", self.approval.is_some()),
            ("batch", self.batch.is_some()),
            ("forgotten_payments", !self.forgotten_payments.is_empty()),
            ("answer", self.answer.is_some()),
            ("reference", self.references.any()),
            ("negotiation_ended", self.talks.ended.is_some()),
            ("standing", self.standing.begun.is_some()),
            ("standing_window", self.standing.window.is_some()),
            ("standing_ended", self.standing.ended.is_some()),
        ];
        let rest = rest.into_iter().filter(|(_, there)| *there).map(|(name, _)| name);
        let parts: Vec<&str> = events.chain(rest).collect();
        match parts.is_empty() {
            true if self.movements.is_empty() => "wallet".to_owned(),
            true => "receipts".to_owned(),
            false => parts.join("+"),
        }
    }

    /// Writes what is not an event, a count or a receipt.
    pub(super) async fn write_rest(&self, tx: &mut storage::Tx<'_>, now: u64) -> Result<(), NodeError> {
        if let Some(session) = &self.session {
            tx.open_session(session, now).await?;
        }
        if let Some(id) = self.forgotten_envelope {
            tx.forget_envelope(id).await?;
        }
        for envelope in &self.envelopes {
            tx.put_envelope(envelope).await?;
        }
        for id in &self.delivered {
            tx.mark_delivered(*id).await?;
        }
        if let Some(offer) = &self.offer {
            tx.put_offer(offer).await?;
        }
        if let Some((txid, bytes)) = &self.payment {
            tx.put_payment(txid, now, bytes).await?;
        }
        if let Some(outflow) = &self.outflow {
            tx.put_outflow(outflow).await?;
        }
        for txid in &self.forgotten_outflows {
            tx.forget_outflow(&txid.to_string()).await?;
        }
        if let Some(kept) = &self.checkpoint {
            tx.keep_checkpoint(kept, now).await?;
        }
        if let Some(found) = &self.contradiction {
            tx.note_contradiction(found).await?;
        }
        for (fact, value) in &self.facts {
            tx.put_fact(*fact, value).await?;
        }
        for txid in &self.forgotten_payments {
            tx.forget_payment(&txid.to_string()).await?;
        }
        self.talks.write(tx).await?;
        self.references.write(tx, now).await?;
        self.standing.write(tx).await?;
        if let Some((key, answer)) = &self.answer {
            tx.put_answer(key, answer, now).await?;
        }
        if let Some(key) = &self.forgotten_answer {
            tx.forget_answer(key).await?;
        }
        Ok(())
    }
}
