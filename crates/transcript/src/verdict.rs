//! What a verified file shows.

use protocol::{Envelope, Session};
use serde::Serialize;
use terms::{Agreement, Hex32, Outcome, Sat, TermsHash, UnixSeconds};

use crate::bargain::Bargain;

/// What a verified transcript shows to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The session's id, and the escrow's.
    pub session: Hex32,
    /// The protocol's version that it speaks.
    pub version: u64,
    /// The key that spoke as the provider.
    pub provider: Hex32,
    /// The key that spoke as the buyer.
    pub buyer: Hex32,
    /// The offer that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<Hex32>,
    /// How many envelopes there are.
    pub envelopes: usize,
    /// How many of them are counters.
    pub counters: usize,
    /// What both took; none where they did not agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Agreed>,
    /// The funding transaction that follows from the DLC messages, once all three are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub funding_txid: Option<Hex32>,
    /// The two keys that its output asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub funding_keys: Option<FundingKeys>,
    /// What the attestations settle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
    /// How the funding output was spent, where the file has that transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
}

/// The terms that both took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Agreed {
    /// Their hash, which both accepted.
    pub terms_hash: TermsHash,
    /// When the buyer accepted them, as it says.
    pub at: UnixSeconds,
    /// The terms.
    pub agreement: Agreement,
}

/// The contract keys of both sides, x-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FundingKeys {
    /// The provider's.
    pub provider: Hex32,
    /// The buyer's.
    pub buyer: Hex32,
}

/// What attestations pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settlement {
    /// The outcome that the first of the oracles signed.
    pub outcome: Outcome,
    /// The keys of the oracles whose attestations unlock it.
    pub oracles: Vec<Hex32>,
    /// The CET that they unlock.
    pub cet_txid: Hex32,
    /// What it pays the provider.
    pub provider_sat: Sat,
    /// What it pays the buyer.
    pub buyer_sat: Sat,
}

/// The transaction that spends the funding output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Closing {
    /// `cet`, `refund` or `close`.
    pub kind: &'static str,
    /// Its txid.
    pub txid: Hex32,
    /// What it pays the provider.
    pub provider_sat: Sat,
    /// What it pays the buyer.
    pub buyer_sat: Sat,
}

impl Verdict {
    pub(crate) fn new(session: &Session, envelopes: &[Envelope], bargain: &Bargain) -> Self {
        let agreed = bargain.agreement.clone().map(|agreement| Agreed {
            terms_hash: agreement.terms_hash(),
            at: envelopes.get(bargain.agreed_at).map_or(UnixSeconds(0), Envelope::at),
            agreement,
        });
        Self {
            session: session.id(),
            version: session.v(),
            provider: session.responder(),
            buyer: session.opener(),
            offer_id: bargain.offer_id,
            envelopes: envelopes.len(),
            counters: bargain.counters,
            agreed,
            funding_txid: None,
            funding_keys: None,
            settlement: None,
            closing: None,
        }
    }
}
