//! Signed checkpoints: "so many entries, under this root" (C2SP tlog-checkpoint in a C2SP signed-note).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use signed_note::{Note, StandardSigner, StandardVerifier, Verifier as _, VerifierList, key_id};
use tlog_tiles::Hash;

use crate::{Digest, MAX_LEAVES};

/// The algorithm's number in keys of signed notes.
const ED25519: u8 = 1;
/// A longer checkpoint is refused: five lines take a tenth of it.
const MAX_BYTES: usize = 4_096;

/// The key that signs a log's checkpoints. The log is named after it.
pub struct LogKey {
    origin: String,
    signer: StandardSigner,
    public: String,
}

/// What a log says of itself at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// Why a checkpoint or a key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// A log's name is not empty and has neither blanks nor `+`.
    #[error("a log's name must not be empty, and have neither blanks nor plus signs")]
    Origin,
    /// Not a verifier key of a signed note.
    #[error("is not a log's public key (`name+hash+base64`)")]
    Key,
    /// Not a signed checkpoint.
    #[error("is not a checkpoint as C2SP has them")]
    Format,
    /// The signature is not this key's over this text.
    #[error("is not signed by this log's key")]
    Signature,
    /// It is the checkpoint of another log.
    #[error("is the checkpoint of another log")]
    OtherLog,
}

impl LogKey {
    /// The key of a log of this name, from 32 secret bytes.
    ///
    /// # Errors
    /// When the name is not one.
    pub fn from_seed(origin: &str, seed: &[u8; 32]) -> Result<Self, CheckpointError> {
        let public = SigningKey::from_bytes(seed).verifying_key().to_bytes();
        let public = [&[ED25519][..], &public].concat();
        let id = key_id(origin, &public);
        let secret = STANDARD.encode([&[ED25519][..], seed].concat());
        let signer = StandardSigner::new(&format!("PRIVATE+KEY+{origin}+{id:08x}+{secret}"));
        Ok(Self {
            signer: signer.map_err(|_| CheckpointError::Origin)?,
            public: format!("{origin}+{id:08x}+{}", STANDARD.encode(public)),
            origin: origin.to_owned(),
        })
    }

    /// The public key, as verifiers of signed notes take it: `name+hash+base64`.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Signs that the log has these many entries under this root.
    ///
    /// # Errors
    /// Never for a name that [`LogKey::from_seed`] took.
    pub fn sign(&self, size: u64, root: &Digest) -> Result<String, CheckpointError> {
        let format = |_| CheckpointError::Format;
        let text =
            tlog_tiles::Checkpoint::new(&self.origin, size, Hash(*root), "").map_err(format)?.to_bytes();
        let mut note = Note::new(&text, &[]).map_err(|_| CheckpointError::Format)?;
        note.add_sigs(&[&self.signer]).map_err(|_| CheckpointError::Format)?;
        String::from_utf8(note.to_bytes()).map_err(|_| CheckpointError::Format)
    }
}

impl std::fmt::Debug for LogKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl Checkpoint {
    /// Reads a checkpoint that the log of this public key signed. Signatures of others, such as witnesses, may
    /// stand beside it.
    ///
    /// # Errors
    /// Says whether key, form or signature is wrong.
    pub fn open(public: &str, text: &str) -> Result<Self, CheckpointError> {
        if text.len() > MAX_BYTES {
            return Err(CheckpointError::Format);
        }
        let verifier = StandardVerifier::new(public).map_err(|_| CheckpointError::Key)?;
        let origin = verifier.name().to_owned();
        let note = Note::from_bytes(text.as_bytes()).map_err(|_| CheckpointError::Format)?;
        note.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(|_| CheckpointError::Signature)?;
        let said = tlog_tiles::Checkpoint::from_bytes(note.text()).map_err(|_| CheckpointError::Format)?;
        if said.origin() != origin {
            return Err(CheckpointError::OtherLog);
        }
        if said.size() > MAX_LEAVES {
            return Err(CheckpointError::Format);
        }
        Ok(Self { origin, size: said.size(), root: said.hash().0 })
    }
}
