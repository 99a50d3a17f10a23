//! What follows when a peer says no for good: an honest one is told that it is over, so that it frees its coins.

use protocol::{Body, Envelope};
use storage::NewEnvelope;
use terms::Hex32;

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::peers::exchange::{plain, record};

impl Core {
    /// The peer has taken an envelope of ours, and its answer is none: the escrow ends, unless its coins are at stake.
    pub(crate) async fn refused(&mut self, sent: &Envelope, why: &str, now: u64) -> Result<(), NodeError> {
        if let Some(escrow) = self.closed_by(sent.session()).await? {
            return self.close_refused(escrow, sent, why, now).await;
        }
        if let Some(talk) = self.talk(sent.session()).await? {
            return self.talk_refused(&talk, sent, why, false, now).await;
        }
        let mut change = Change { delivered: vec![sent.id()], ..Change::default() };
        self.abandon(sent.session(), format!("the peer refused: {why}"), &mut change, now)?;
        self.commit(change, now).await
    }

    /// The peer refuses an envelope of ours, which leaves the session as it was: the escrow ends, unless its coins are
    /// at stake, and a `cancel` takes the envelope's place, so that the peer need not wait for a deadline. `crossed` says
    /// that it may have met another envelope on its way.
    pub(crate) async fn turned_away(
        &mut self,
        sent: &Envelope,
        why: &str,
        crossed: bool,
        now: u64,
    ) -> Result<(), NodeError> {
        if let Some(talk) = self.talk(sent.session()).await? {
            return self.talk_refused(&talk, sent, why, crossed, now).await;
        }
        if !begun_with(sent.body()) {
            return self.refused(sent, why, now).await;
        }
        let mut change = Change { forgotten_envelope: Some(sent.id()), ..Change::default() };
        self.abandon(sent.session(), format!("the peer refused: {why}"), &mut change, now)?;
        change.envelopes.push(self.instead_of(sent, now).await?);
        self.commit(change, now).await
    }

    /// A `cancel` at the place that a refused envelope had in its session.
    async fn instead_of(&self, refused: &Envelope, now: u64) -> Result<NewEnvelope, NodeError> {
        let id: Hex32 = refused.session();
        let mut envelopes = self.envelopes(id).await?;
        envelopes.retain(|envelope| envelope.seq() < refused.seq());
        let mut session = protocol::verify_transcript(&envelopes).map_err(|(_, error)| error)?;
        let reason = plain("you refused my last message");
        let until = self.deadline(id, &Change::default());
        let cancel = self.seal(&mut session, refused.to(), Body::Cancel { reason }, until, now)?;
        Ok(record(&cancel, true, false))
    }
}

/// Whether a peer that refuses this body has an escrow that it could let go.
fn begun_with(body: &Body) -> bool {
    matches!(body, Body::DlcOffer { .. } | Body::DlcAccept { .. } | Body::DlcSign { .. })
}
