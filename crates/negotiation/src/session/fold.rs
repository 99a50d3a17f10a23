//! The state of a negotiation from its envelopes.

use protocol::{Body, Envelope};
use terms::Side;

use super::{Move, Negotiation, Refusal, Stage};

/// The first envelope that breaks the rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// The first envelope opens no negotiation.
    #[error("a {kind} opens no negotiation")]
    NotAsked {
        /// What it is.
        kind: &'static str,
    },
    /// There is no first envelope.
    #[error("there are no envelopes")]
    Empty,
    /// One may not be said.
    #[error("{refusal}")]
    Refused {
        /// Its place, from 0.
        at: usize,
        /// Why not.
        refusal: Refusal,
    },
    /// One has no place in a negotiation.
    #[error("a {kind} has no place here")]
    Foreign {
        /// Its place, from 0.
        at: usize,
        /// What it is.
        kind: &'static str,
    },
}

impl FoldError {
    /// The place of the envelope that it is about, from 0.
    pub fn at(&self) -> usize {
        match self {
            Self::NotAsked { .. } | Self::Empty => 0,
            Self::Refused { at, .. } | Self::Foreign { at, .. } => *at,
        }
    }
}

impl Negotiation {
    /// Where a session stands whose envelopes are these, in their order, and chained already
    /// ([`protocol::verify_transcript`]); each side may make so many counters. What follows an agreement (the contract's
    /// messages, an end) is not looked at.
    ///
    /// # Errors
    /// Names the first envelope that may not be said.
    pub fn of(envelopes: &[Envelope], rounds: u64) -> Result<Self, FoldError> {
        let first = envelopes.first().ok_or(FoldError::Empty)?;
        let rounds = match first.body() {
            Body::Rfq { .. } => rounds,
            Body::Renew { .. } => 0,
            other => return Err(FoldError::NotAsked { kind: other.kind() }),
        };
        let buyer = first.from();
        let mut negotiation = Self::asked(rounds);
        for (at, envelope) in envelopes.iter().enumerate().skip(1) {
            if matches!(negotiation.stage(), Stage::Agreed(_)) {
                break;
            }
            let by = if envelope.from() == buyer { Side::Buyer } else { Side::Provider };
            negotiation.hear(by, envelope).map_err(|refusal| match refusal {
                Some(refusal) => FoldError::Refused { at, refusal },
                None => FoldError::Foreign { at, kind: envelope.body().kind() },
            })?;
        }
        Ok(negotiation)
    }

    /// Takes an envelope by one side.
    ///
    /// # Errors
    /// Says why it may not be said; nothing where its body has no place in a negotiation.
    pub fn hear(&mut self, by: Side, envelope: &Envelope) -> Result<(), Option<Refusal>> {
        let said = Move::of(envelope.body()).ok_or(None)?;
        self.say(by, said, envelope.at(), envelope.expires()).map_err(Some)
    }
}

impl Move {
    /// What a body says; nothing where it has no place in a negotiation.
    pub fn of(body: &Body) -> Option<Self> {
        Some(match body {
            Body::Quote { agreement } => Self::Quote { terms_hash: agreement.terms_hash() },
            Body::Counter { agreement } => Self::Counter { terms_hash: agreement.terms_hash() },
            Body::Accept { terms_hash } => Self::Accept { terms_hash: *terms_hash },
            Body::Reject { is_final, .. } => Self::Reject { is_final: *is_final },
            Body::Withdraw { .. } => Self::Withdraw,
            Body::Cancel { .. } | Body::Error { .. } => Self::Cancel,
            _ => return None,
        })
    }
}
