//! Rows as they are read and written.

use terms::Hex32;

/// One event of an escrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number in the escrow, from 0.
    pub seq: u64,
    /// When it was stored, in unix seconds.
    pub at: u64,
    /// Its name.
    pub name: String,
    /// The event.
    pub json: String,
}

/// A coin set aside for an escrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The coin, as `txid:vout`.
    pub outpoint: String,
    /// The escrow.
    pub escrow: Hex32,
    /// When the owner may have it back whatever happened, in unix seconds.
    pub expires_at: u64,
}

/// A published offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOffer {
    /// Its id.
    pub id: Hex32,
    /// The offer.
    pub json: String,
    /// The oracles' announcements, in the order of the offer's oracle keys.
    pub announcements: Vec<Vec<u8>>,
    /// When it expires, in unix seconds.
    pub expires_at: u64,
}

/// A session to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Its id, which becomes the escrow's where it leads to one.
    pub id: Hex32,
    /// The peer's identity key.
    pub counterparty: Hex32,
    /// Where to send to; none at the side that only answers.
    pub peer_url: Option<String>,
    /// The offer that it is about.
    pub offer_id: Option<Hex32>,
    /// Or the escrow: to close it, or to renew it.
    pub escrow: Option<Hex32>,
    /// The announcements of a renewal.
    pub announcements: Vec<Vec<u8>>,
}

/// A session as it is stored.
pub type StoredSession = NewSession;

/// An envelope to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnvelope {
    /// Its session.
    pub session: Hex32,
    /// Its place there.
    pub seq: u64,
    /// Its id.
    pub id: Hex32,
    /// Whether we made it.
    pub ours: bool,
    /// Whether nothing is left to do about it; one of ours that waits for its answer is not.
    pub delivered: bool,
    /// It.
    pub bytes: Vec<u8>,
}

/// An envelope as it is stored.
pub type StoredEnvelope = NewEnvelope;

/// A stored answer to one of the owner's requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The hash of the request that it answers.
    pub request_hash: Hex32,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// A payment that took money out of the wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outflow {
    /// Its transaction.
    pub txid: String,
    /// When it was stored, in unix seconds.
    pub at: u64,
    /// What it was for.
    pub kind: String,
    /// What left, the fee included.
    pub sat: u64,
}
