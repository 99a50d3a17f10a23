//! The records: one for each escrow, one for the node.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use terms::Hex32;

use crate::{BackupError, BackupKey, open, seal};

const VERSION: u32 = 1;

/// Everything that a node needs to finish one escrow. It is written whole, in place of the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscrowRecord {
    /// 1.
    pub v: u32,
    /// The network.
    pub network: String,
    /// The escrow's id, which is its session's.
    pub escrow: Hex32,
    /// The peer's identity key.
    pub counterparty: Hex32,
    /// Where to send to; none at the side that only answers.
    pub peer_url: Option<String>,
    /// The offer that it is about.
    pub offer_id: Option<Hex32>,
    /// Or the escrow that it renews.
    #[serde(default)]
    pub renews: Option<Hex32>,
    /// The announcements of a renewal, in hex.
    #[serde(default)]
    pub announcements: Vec<String>,
    /// The session's envelopes, both ways, in order.
    pub envelopes: Vec<EnvelopeRecord>,
    /// What happened, in order.
    pub events: Vec<EventRecord>,
}

/// One envelope of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeRecord {
    /// Its place in the session, from 1.
    pub seq: u64,
    /// Its id.
    pub id: Hex32,
    /// Whether the node made it.
    pub ours: bool,
    /// Whether nothing is left to do about it.
    pub delivered: bool,
    /// It, as it travels.
    pub text: String,
}

/// One event of an escrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRecord {
    /// Its number, from 0.
    pub seq: u64,
    /// When it was stored, in unix seconds.
    pub at: u64,
    /// Its name.
    pub name: String,
    /// It, as it is stored.
    pub json: String,
}

/// What of a node is not in its escrows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeRecord {
    /// 1.
    pub v: u32,
    /// The network.
    pub network: String,
    /// The identity key.
    pub key: Hex32,
    /// Its index on its branch of the seed.
    #[serde(default)]
    pub identity_index: u32,
    /// Where the wallet looks for its coins.
    pub wallet: WalletPlace,
    /// The escrows that live, so that an older copy of a record, or a missing one, is noticed.
    pub escrows: Vec<Live>,
    /// The promises that providers broke to others, as far as it has verified them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaches: Vec<BreachRecord>,
}

/// A reference of somebody else's about a broken promise. No provider presents it, so it cannot be had again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreachRecord {
    /// The provider that it is about.
    pub provider: Hex32,
    /// The funding transaction, as explorers show it.
    pub funding_txid: Hex32,
    /// The reference's hash.
    pub hash: Hex32,
    /// The block that had the funding transaction.
    pub funding_block: Hex32,
    /// The block that had the closing transaction.
    pub closing_block: Hex32,
    /// When it was verified, in unix seconds.
    pub at: u64,
    /// What it shows, as it is stored.
    pub json: String,
}

/// Where a wallet looks for its coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletPlace {
    /// No coin of the wallet is in this block or an earlier one.
    pub birth_height: u32,
    /// The last receive address that was handed out.
    pub receive_index: Option<u32>,
    /// The last change address that was used.
    pub change_index: Option<u32>,
}

/// An escrow and the revision of its record that was kept last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// The escrow.
    pub escrow: Hex32,
    /// See [`EscrowRecord::revision`].
    pub revision: u64,
}

impl EscrowRecord {
    /// The version of the records that this program writes.
    pub const VERSION: u32 = VERSION;

    /// The number of events: it grows with everything that happens to the escrow, and never shrinks.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.events.len() as u64
    }

    /// The record as it leaves, for the file [`BackupKey::escrow_file`].
    ///
    /// # Errors
    /// [`BackupError::Randomness`].
    pub fn seal(&self, key: &BackupKey) -> Result<Vec<u8>, BackupError> {
        seal_json(self, key, &key.escrow_file(self.escrow))
    }

    /// Opens a record, and checks that it stands under its own name and belongs to a network.
    ///
    /// # Errors
    /// Names the file, and what is wrong with it.
    pub fn open(key: &BackupKey, file: &str, sealed: &[u8], network: &str) -> Result<Self, BackupError> {
        let record: Self = open_json(key, file, sealed)?;
        let field = |field| BackupError::Field { name: file.to_owned(), field };
        same_network(file, &record.network, network)?;
        if record.v != VERSION {
            return Err(field("v"));
        }
        if key.escrow_file(record.escrow) != file {
            return Err(field("escrow"));
        }
        if record.events.is_empty() || !counts_from(0, record.events.iter().map(|event| event.seq)) {
            return Err(field("events"));
        }
        if !counts_from(1, record.envelopes.iter().map(|envelope| envelope.seq)) {
            return Err(field("envelopes"));
        }
        Ok(record)
    }
}

impl NodeRecord {
    /// The version of the records that this program writes.
    pub const VERSION: u32 = VERSION;

    /// The record as it leaves, for the file [`BackupKey::node_file`].
    ///
    /// # Errors
    /// [`BackupError::Randomness`].
    pub fn seal(&self, key: &BackupKey) -> Result<Vec<u8>, BackupError> {
        seal_json(self, key, &key.node_file())
    }

    /// Opens the node's own record.
    ///
    /// # Errors
    /// Names the file, and what is wrong with it.
    pub fn open(key: &BackupKey, sealed: &[u8], network: &str) -> Result<Self, BackupError> {
        let file = key.node_file();
        let record: Self = open_json(key, &file, sealed)?;
        same_network(&file, &record.network, network)?;
        if record.v != VERSION {
            return Err(BackupError::Field { name: file, field: "v" });
        }
        Ok(record)
    }

    /// The revision of an escrow's record that was kept last, where the escrow lived then.
    #[must_use]
    pub fn listed(&self, escrow: Hex32) -> Option<u64> {
        self.escrows.iter().find(|live| live.escrow == escrow).map(|live| live.revision)
    }
}

fn counts_from(first: u64, mut numbers: impl Iterator<Item = u64>) -> bool {
    let mut expected = first..;
    numbers.all(|number| expected.next() == Some(number))
}

fn same_network(file: &str, stored: &str, asked: &str) -> Result<(), BackupError> {
    if stored == asked {
        return Ok(());
    }
    let (stored, asked) = (stored.to_owned(), asked.to_owned());
    Err(BackupError::OtherNetwork { name: file.to_owned(), stored, asked })
}

fn seal_json<T: Serialize>(value: &T, key: &BackupKey, file: &str) -> Result<Vec<u8>, BackupError> {
    let json = serde_json::to_vec(value)
        .map_err(|_| BackupError::Field { name: file.to_owned(), field: "record" })?;
    let mut sealed = Vec::with_capacity(json.len() + 128);
    seal(key, file, &mut json.as_slice(), &mut sealed)?;
    Ok(sealed)
}

fn open_json<T: DeserializeOwned>(key: &BackupKey, file: &str, sealed: &[u8]) -> Result<T, BackupError> {
    let mut json = Vec::with_capacity(sealed.len());
    open(key, file, &mut &*sealed, &mut json)?;
    serde_json::from_slice(&json).map_err(|_| BackupError::Field { name: file.to_owned(), field: "record" })
}
