//! Passing oracles' attestations from one party of an escrow to the other.
//!
//! An attestation proves itself, so there is no envelope and no signature around it. The escrow's id is the session's, 32
//! random bytes that only its two parties know: who knows none can make a node check nothing.

use serde::{Deserialize, Serialize};
use terms::{DocumentError, Hex32, canonical};

use crate::bytes::HexBytes;

/// Where a node takes them.
pub const PATH: &str = "/v1/attestations";

/// The largest request or answer, in bytes.
pub const MAX_BYTES: usize = 512 * 1024;

/// The most attestations in a request or an answer: fifteen oracles, four words of each.
pub const MAX_ATTESTATIONS: usize = 60;

/// `POST /v1/attestations`: what the caller has of an escrow's event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationExchange {
    /// The escrow's id, which is the session's.
    pub escrow_id: Hex32,
    /// Attestations: TLVs with type and length.
    pub attestations: Vec<HexBytes>,
}

/// The answer: all that the other side has, with what was just brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestationAnswer {
    /// Attestations: TLVs with type and length.
    pub attestations: Vec<HexBytes>,
}

impl AttestationExchange {
    /// Reads a request.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let request: Self = canonical::parse_within(bytes, MAX_BYTES)?;
        if request.attestations.len() > MAX_ATTESTATIONS {
            return Err(DocumentError::new("attestations", "must be at most 60"));
        }
        Ok(request)
    }
}
