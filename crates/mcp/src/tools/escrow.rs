//! An escrow as an agent sees it.

use protocol::owner::{CloseView, EscrowView, ProposalView};
use protocol::schema::Bytes32;
use schemars::JsonSchema;
use serde::Serialize;
use terms::{Hex32, Outcome};

use crate::peer_text::{PeerText, peer_text};
use crate::words::{moment, name_of};

/// A proposal to close an escrow.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Proposal {
    /// Its id: what answer_close takes.
    #[schemars(with = "Bytes32")]
    pub proposal: Hex32,
    /// What the provider would get, in satoshis.
    pub provider_sat: u64,
    /// What the buyer would get, in satoshis.
    pub buyer_sat: u64,
    /// Until when it stands.
    pub until: String,
    /// `open`, `expired`, `signed` or `dropped`.
    pub state: String,
}

/// What is proposed about closing an escrow.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Proposals {
    /// Our last proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own: Option<Proposal>,
    /// The other side's last proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<Proposal>,
}

impl Proposals {
    /// What the node tells, and what of it others wrote.
    pub fn of(close: &CloseView) -> (Self, Vec<PeerText>) {
        let reason = |about: &str, view: &Option<ProposalView>| {
            view.as_ref().and_then(|view| peer_text(about, &view.reason))
        };
        let own = reason("what became of our proposal to close", &close.own);
        let peer = reason("reason of the other side's proposal to close", &close.peer);
        let proposals =
            Self { own: close.own.as_ref().map(Proposal::of), peer: close.peer.as_ref().map(Proposal::of) };
        (proposals, own.into_iter().chain(peer).collect())
    }

    fn is_empty(&self) -> bool {
        self.own.is_none() && self.peer.is_none()
    }
}

impl Proposal {
    fn of(view: &ProposalView) -> Self {
        Self {
            proposal: view.proposal,
            provider_sat: view.provider_sat.0,
            buyer_sat: view.buyer_sat.0,
            until: moment(view.until),
            state: name_of(&view.state),
        }
    }
}

/// An escrow.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Escrow {
    /// Its id.
    pub escrow_id: String,
    /// Our side: `provider` or `buyer`.
    pub role: String,
    /// The state's name.
    pub state: String,
    /// What that means, and what leaves it.
    pub meaning: &'static str,
    /// The other party's identity key.
    #[schemars(with = "Bytes32")]
    pub counterparty: Hex32,
    /// The hash of the terms.
    #[schemars(with = "Bytes32")]
    pub terms_hash: Hex32,
    /// What the buyer locks, in satoshis.
    pub price_sat: u64,
    /// What the provider locks, in satoshis.
    pub bond_sat: u64,
    /// Until when the funding transaction must be on the chain.
    pub funding_deadline: String,
    /// When the measured window begins.
    pub window_starts_at: String,
    /// When it ends.
    pub window_ends_at: String,
    /// What was attested: a number in the unit of the measurement, the name of a level, or `indeterminate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What the transaction that ended it pays the provider, in satoshis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_sat: Option<u64>,
    /// What the transaction that ended it pays the buyer, in satoshis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer_sat: Option<u64>,
    /// The funding transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Bytes32>")]
    pub funding_txid: Option<Hex32>,
    /// The transaction that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Bytes32>")]
    pub closing_txid: Option<Hex32>,
    /// What is proposed about closing it early.
    #[serde(skip_serializing_if = "Proposals::is_empty")]
    pub close: Proposals,
    /// The delegated key that began it; left out: the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What its oracles did that honest ones do not: tell the owner.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
}

impl Escrow {
    /// What the node tells, and what of it others wrote.
    pub fn of(view: EscrowView) -> (Self, Vec<PeerText>) {
        let (close, mut texts) = Proposals::of(&view.close);
        let target = view.agreement.measurement.target.to_string();
        texts.extend(peer_text(format!("service that escrow {} is about", view.id), &target));
        let window = view.agreement.measurement.window;
        let escrow = Self {
            meaning: meaning(&view.state),
            role: name_of(&view.role),
            state: view.state,
            counterparty: view.counterparty,
            terms_hash: view.terms_hash,
            price_sat: view.agreement.price_sat.0,
            bond_sat: view.agreement.bond_sat.0,
            funding_deadline: moment(view.agreement.funding_deadline),
            window_starts_at: moment(window.start),
            window_ends_at: moment(window.end),
            outcome: view.outcome.as_ref().map(outcome),
            provider_sat: view.provider_sat.map(|sat| sat.0),
            buyer_sat: view.buyer_sat.map(|sat| sat.0),
            funding_txid: view.funding_txid,
            closing_txid: view.closing_txid,
            close,
            key: view.key,
            alarms: view.alarms.iter().map(|alarm| name_of(&alarm.kind)).collect(),
            escrow_id: view.id,
        };
        (escrow, texts)
    }
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(value) => value.to_string(),
        Outcome::Level(name) => name.clone(),
        Outcome::Indeterminate => "indeterminate".to_owned(),
    }
}

/// What a state means; `docs/node.md` has the whole table.
fn meaning(state: &str) -> &'static str {
    match state {
        "agreed" | "offered" | "accepted" => "It is being locked: both nodes exchange signatures.",
        "signed" => "Signed by us; the funding transaction is awaited.",
        "funding_broadcast" => "The funding transaction waits for its confirmations.",
        "cancelling" => "It was not funded in time; our coins are on their way back.",
        "funded" => "Locked. The window has not begun.",
        "measuring" => "Locked. The oracle measures, or its attestation is awaited.",
        "attested" => "The outcome is known; the payout follows as soon as the chain allows.",
        "cet_broadcast" => "The payout waits for its confirmations.",
        "refund_broadcast" => "Nothing was attested; the refund waits for its confirmations.",
        "close_broadcast" => "Closed by agreement; the payout waits for its confirmations.",
        "settled" => "Paid out as attested. Nothing follows.",
        "refunded" => "Both sides have their coins back. Nothing follows.",
        "closed" => "Paid out as both agreed. Nothing follows.",
        "cancelled" => "It came to nothing; our coins are free again.",
        _ => "Something that nobody agreed to: tell the owner.",
    }
}
