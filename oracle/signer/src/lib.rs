//! The oracle's key, and everything that is signed with it: announcements, attestations, roots of
//! evidence.
//!
//! An attestation is a signature whose nonce is already public. Two of them over different outcomes
//! reveal the key, so the way to [`attest`] leads through types that each exist once:
//!
//! ```text
//! decide_sign(row, journal, now) -> Cleared -> Journal::authorise -> Permit -> attest
//!   mature, outcome stored,          the journal, outside the       takes the nonces,
//!   database not an old copy         database, says so durably      verifies each signature
//! ```
//!
//! This crate does no networking, reads no clock (the moment is an argument) and knows no database:
//! the server stores what it is handed. It touches two files, the key's and the journal's. Start
//! reading at [`decide_sign`], then [`Journal`] and [`attest`].

mod announce;
mod attest;
mod audit;
mod audit_vantages;
mod check;
mod conflict;
mod decide;
mod files;
mod hash;
mod journal;
mod key;
mod keyfile;
mod lock;
mod log;
mod nonces;
mod proofs;
mod root;
mod rotation;
mod seal;
mod vantage;
pub mod wire;

pub use announce::{AnnounceError, announce, commitment, descriptor};
pub use attest::{AttestError, attest};
pub use audit::{Audit, AuditError, audit};
pub use audit_vantages::{VantageError, check_vantages};
pub use check::{CheckError, attested_outcome, check_announcement, check_attestation};
pub use conflict::{Conflict, NoConflict, prove_conflict};
pub use decide::{Cleared, EventRow, JournalView, Refusal, SignDecision, decide_sign};
pub use journal::{Journal, JournalError, Permit, TornLine};
pub use key::{Expected, KeyError, KeyOptions, OracleKey, Passphrase};
pub use lock::{InstanceLock, LockError};
pub use log::{check_log_key, log_key, read_log_key, sign_log_key, write_log_key};
pub use nonces::{MAX_NONCES, NonceError, Nonces};
pub use proofs::{ProofError, proof_message, prove_nonces};
pub use root::{check_root, sign_root};
pub use rotation::Rotation;
pub use vantage::{SeedError, VantageKey, check_batch, check_key, seal_seed};
