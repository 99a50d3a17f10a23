//! What the owner sees of negotiations.

use negotiation::session::{Proposal, Stage};
use protocol::owner::{NegotiationState, NegotiationView, Role, SaidView, StandingView};
use protocol::{Body, Envelope};
use terms::{Hex32, Side};

use super::talk::{Talk, agreement_in};
use crate::core::Core;
use crate::error::NodeError;
use crate::outlook::announced;

impl Core {
    /// One negotiation.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub(crate) async fn negotiation_view(&self, id: Hex32, now: u64) -> Result<NegotiationView, NodeError> {
        let talk = self.any_talk(id).await?.ok_or(NodeError::NotFound { what: "negotiation" })?;
        Ok(view(&talk, now))
    }

    /// The newest negotiations.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn negotiation_list(&self) -> Result<Vec<NegotiationView>, NodeError> {
        let mut views = Vec::new();
        for id in self.store.negotiations().await? {
            views.extend(self.any_talk(id).await?.as_ref().map(outline));
        }
        Ok(views)
    }
}

/// A negotiation as its owner sees it, with what its terms may pay.
pub(super) fn view(talk: &Talk, now: u64) -> NegotiationView {
    let listed = || talk.terms(talk.offer.price_sat, talk.offer.bond_sat);
    let terms = talk.proposed().map(|(_, terms)| terms).or_else(|| talk.last_terms(None)).cloned();
    // Once it is decided, the lock is counted from where it begins at the latest.
    let now = talk.state.turn().filter(|_| talk.ended.is_none()).map(|_| now);
    let outlook = announced(&terms.unwrap_or_else(listed), &talk.announcements, now);
    NegotiationView { outlook, ..outline(talk) }
}

/// The same without it.
fn outline(talk: &Talk) -> NegotiationView {
    let standing = talk.state.proposal().filter(|_| talk.ended.is_none());
    NegotiationView {
        id: talk.id,
        role: role(talk.side),
        counterparty: talk.counterparty(),
        offer_id: talk.offer.id,
        version: talk.session.v(),
        state: state(talk),
        automatic: talk.plan.is_some(),
        standing: standing.map(|Proposal { by, terms_hash, until, .. }| StandingView {
            by: role(by),
            terms_hash,
            until,
        }),
        counters_left: talk.state.counters_left(talk.side),
        ended: talk.ended.clone(),
        ended_in_own_words: talk.ended_in_own_words(),
        said: talk.envelopes.iter().map(|envelope| said(talk, envelope)).collect(),
        outlook: None,
    }
}

fn state(talk: &Talk) -> NegotiationState {
    match talk.state.stage() {
        Stage::Agreed(_) => NegotiationState::Agreed,
        _ if talk.ended.is_some() => NegotiationState::Ended,
        _ if talk.state.turn() == Some(talk.side) => NegotiationState::OurTurn,
        _ => NegotiationState::TheirTurn,
    }
}

fn said(talk: &Talk, envelope: &Envelope) -> SaidView {
    let terms = agreement_in(envelope.body());
    SaidView {
        seq: envelope.seq(),
        by: role(if envelope.from() == talk.session.opener() { Side::Buyer } else { Side::Provider }),
        kind: envelope.body().kind().to_owned(),
        at: envelope.at(),
        price_sat: terms.map(|terms| terms.price_sat),
        bond_sat: terms.map(|terms| terms.bond_sat),
        reason: reason(envelope.body()).to_owned(),
    }
}

fn reason(body: &Body) -> &str {
    match body {
        Body::Reject { reason, .. } | Body::Withdraw { reason } | Body::Cancel { reason } => reason,
        Body::Error { detail, .. } => detail,
        _ => "",
    }
}

fn role(side: Side) -> Role {
    match side {
        Side::Provider => Role::Provider,
        Side::Buyer => Role::Buyer,
    }
}
