//! What waits at a provider for its buyer.
//!
//! A provider cannot reach a buyer's node: the buyer's is always the client. So what it has to say unasked about an
//! escrow waits at a door of its own, until the buyer's node looks: `GET /v1/escrows/{id}/waiting`, where the id is that
//! of the session that negotiated the escrow, and the answer is one canonical envelope a line. Looking changes
//! nothing, and each envelope is signed and for the buyer alone to use. In a negotiation, which may become an escrow of its
//! session's id, what the provider's owner says waits there too.

use terms::Hex32;

use crate::envelope::{Envelope, EnvelopeError};

/// The most envelopes that wait at once: a proposal, its withdrawal, and the answer to one.
pub const MAX_WAITING: usize = 4;

/// The largest answer that is read, in bytes. A proposal to close takes some thousand, a counter has a whole agreement.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Where the envelopes about an escrow wait.
pub fn path(escrow: Hex32) -> String {
    format!("/v1/escrows/{escrow}/waiting")
}

/// Envelopes as they stand in the answer: one a line. (Canonical JSON has no line feed in it.)
pub fn write(envelopes: &[Vec<u8>]) -> Vec<u8> {
    envelopes.iter().flat_map(|envelope| envelope.iter().copied().chain([b'\n'])).collect()
}

/// Reads an answer, and opens each envelope as one that arrived now. Lines beyond [`MAX_WAITING`] are left unread.
///
/// # Errors
/// As [`Envelope::open`].
pub fn read(answer: &[u8], now_s: u64, to: Hex32) -> Result<Vec<Envelope>, EnvelopeError> {
    let lines = answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.take(MAX_WAITING).map(|line| Envelope::open(line, now_s, to)).collect()
}
