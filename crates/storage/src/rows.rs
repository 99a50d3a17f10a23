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
    /// From which address it was opened at our door; none where we opened it, and for the machine itself.
    pub address: Option<String>,
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

/// Something that was committed at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentRow {
    /// When, in unix seconds that never run backwards.
    pub at: u64,
    /// What led to it, such as `opened`.
    pub kind: String,
    /// The escrow;
    pub escrow: Option<Hex32>,
    /// or the payment's transaction, as explorers show it.
    pub txid: Option<Hex32>,
    /// How much.
    pub sat: u64,
    /// The delegated key that did it.
    pub key: Option<String>,
}

/// A delegated key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Its name.
    pub name: String,
    /// SHA-256 of its token.
    pub token_hash: Hex32,
    /// What it may do: words with spaces between.
    pub scopes: String,
    /// Its limits; none where it may only read.
    pub limits: Option<String>,
    /// How long each of its tokens lives, in seconds.
    pub life_s: u64,
    /// When it was made, in unix seconds.
    pub created_at: u64,
    /// When its token expires, in unix seconds.
    pub expires_at: u64,
    /// When it was revoked, in unix seconds.
    pub revoked_at: Option<u64>,
}

/// What a delegated key asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequestRow {
    /// When, in unix seconds.
    pub at: u64,
    /// The key's name.
    pub key: String,
    /// Such as `POST`.
    pub method: String,
    /// The address.
    pub path: String,
    /// The answer's HTTP status.
    pub status: u16,
}

/// What a human is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRow {
    /// The hash of the terms.
    pub terms_hash: Hex32,
    /// When it was asked, in unix seconds.
    pub at: u64,
    /// Until when the word is waited for, in unix seconds.
    pub expires_at: u64,
    /// Where it stands.
    pub state: String,
    /// What is asked.
    pub json: String,
}

/// Something that the owner should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// When, in unix seconds.
    pub at: u64,
    /// Its kind.
    pub kind: String,
    /// What it is about, in words.
    pub detail: String,
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    /// Its number.
    pub seq: u64,
    /// The escrow that it belongs to.
    pub escrow: Option<Hex32>,
    /// The transaction that it is about, as explorers show it.
    pub txid: Option<Hex32>,
    /// It.
    pub json: String,
}
