//! What a walk leaves for the next one: the file of `audit --log URL --keep FILE`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use evidence::log::LogError;
use evidence::{Checkpoint, CheckpointError, Log};
use serde::{Deserialize, Serialize};
use terms::{EventId, Hex32};

use super::said::Events;
use super::walk::Walk;
use crate::operating::durable;

/// The file's version.
const VERSION: u64 = 1;

/// Everything that is needed to go on: the newest checkpoint that was found good, the hashes of its edge, and what the log
/// said so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The file's version: 1.
    pub v: u64,
    /// The oracle's key.
    pub oracle: Hex32,
    /// Its log's key, as C2SP's signed-note has it.
    pub log_key: String,
    /// The checkpoint, with its signature.
    pub checkpoint: String,
    /// Hashes of the log by their positions.
    pub hashes: BTreeMap<u64, Hex32>,
    /// What the log said of events.
    pub events: Events,
    /// Every nonce of the events that are over, with its event.
    pub nonces: BTreeMap<Hex32, EventId>,
}

/// Why a kept file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// It can't be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is none.
    #[error("is not what `audit --log` keeps: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of another version.
    #[error("v: must be {VERSION}, is {got}")]
    Version {
        /// Which one.
        got: u64,
    },
    /// Its checkpoint is not signed by its log's key.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A hash is missing.
    #[error("hashes: {0}")]
    Log(#[from] LogError),
    /// Its hashes are not those of its checkpoint.
    #[error("hashes: do not give the checkpoint's root")]
    Root,
    /// It is about another oracle, or log.
    #[error("{field}: is not the one at this address, which is {now}; keep a file for each oracle")]
    Other {
        /// `oracle` or `log_key`.
        field: &'static str,
        /// What the server says.
        now: String,
    },
}

impl Kept {
    /// Reads a file; `None` where there is none.
    ///
    /// # Errors
    /// When it can't be read, or contradicts itself.
    pub fn read(path: &Path) -> Result<Option<Self>, KeptError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let kept: Self = serde_json::from_slice(&bytes)?;
        if kept.v != VERSION {
            return Err(KeptError::Version { got: kept.v });
        }
        let (walk, checkpoint) = (kept.walk()?, kept.checkpoint()?);
        if walk.log.root() == checkpoint.root { Ok(Some(kept)) } else { Err(KeptError::Root) }
    }

    /// What is to be kept of a walk.
    pub fn of(walk: &Walk, oracle: Hex32, log_key: &str, checkpoint: &str) -> Self {
        Self {
            v: VERSION,
            oracle,
            log_key: log_key.to_owned(),
            checkpoint: checkpoint.to_owned(),
            hashes: walk.hashes.iter().map(|(position, hash)| (*position, Hex32(*hash))).collect(),
            events: walk.events.clone(),
            nonces: BTreeMap::new(),
        }
    }

    /// Refuses what is about another oracle or log.
    ///
    /// # Errors
    /// Names the field.
    pub fn is_of(&self, oracle: Hex32, log_key: &str) -> Result<(), KeptError> {
        if self.oracle != oracle {
            return Err(KeptError::Other { field: "oracle", now: oracle.to_string() });
        }
        if self.log_key != log_key {
            return Err(KeptError::Other { field: "log_key", now: log_key.to_owned() });
        }
        Ok(())
    }

    /// Where the walk stood.
    ///
    /// # Errors
    /// When a hash is missing.
    pub fn walk(&self) -> Result<Walk, KeptError> {
        let hashes = self.hashes.iter().map(|(position, hash)| (*position, hash.0)).collect();
        let log = Log::resume(self.checkpoint()?.size, &hashes)?;
        Ok(Walk { log, hashes, events: self.events.clone() })
    }

    /// The checkpoint.
    ///
    /// # Errors
    /// When the log's key did not sign it.
    pub fn checkpoint(&self) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::open(&self.log_key, &self.checkpoint)
    }

    /// Replaces the file: whoever reads it finds the old or the new.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, path: &Path) -> Result<(), KeptError> {
        Ok(durable::replace(path, &serde_json::to_vec(self)?)?)
    }
}
