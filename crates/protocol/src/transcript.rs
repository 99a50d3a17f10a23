//! The file that shows to a third party what was said, locked, attested and paid: a dispute bundle.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::{DocumentError, canonical};

use crate::bytes::HexBytes;
use crate::offer::Offer;
use crate::session::MAX_ENVELOPES;

/// The file's version.
pub const VERSION: u64 = 1;

/// The largest file that is read, in bytes: three of the largest DLC messages as hex, and the rest.
pub const MAX_BYTES: usize = 48 * 1024 * 1024;

/// The most announcements: one for each oracle of an agreement.
const MAX_ANNOUNCEMENTS: usize = 15;

/// The most attestations.
const MAX_ATTESTATIONS: usize = 60;

/// Everything about one session that can be checked offline. All of it proves itself or is compared with what does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TranscriptFile {
    /// [`VERSION`].
    pub v: u64,
    /// The offer that it is about; its id is its hash, and the first envelope names it. A renewal has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// The session's envelopes, in order.
    pub envelopes: Vec<Value>,
    /// The oracles' announcements (TLV), in the agreement's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub announcements: Vec<HexBytes>,
    /// The funding transaction without witnesses: its txid is the hash of exactly this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding_tx: Option<HexBytes>,
    /// The oracles' attestations (TLV).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attestations: Vec<HexBytes>,
    /// The transaction that spends the funding output, without witnesses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing_tx: Option<HexBytes>,
}

impl TranscriptFile {
    /// Reads a file, strictly and within bounds. Nothing in it is checked yet.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let file: Self = canonical::parse_within(bytes, MAX_BYTES)?;
        file.check_bounds()?;
        Ok(file)
    }

    /// Checks what the types alone do not: the version, and how much there is of everything.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check_bounds(&self) -> Result<(), DocumentError> {
        let refuse = |field: &str, rule: &str| Err(DocumentError::new(field, rule));
        if self.v != VERSION {
            return refuse("v", "must be 1, the only version there is");
        }
        if self.envelopes.is_empty() || self.envelopes.len() as u64 > MAX_ENVELOPES {
            return refuse("envelopes", "must be 1 to 200");
        }
        if self.announcements.len() > MAX_ANNOUNCEMENTS {
            return refuse("announcements", "must be at most 15");
        }
        if self.attestations.len() > MAX_ATTESTATIONS {
            return refuse("attestations", "must be at most 60");
        }
        Ok(())
    }
}
