//! The shapes of a node's owner API: JSON over loopback, with the owner's bearer token.
//!
//! Requests refuse unknown fields; answers may gain fields, so readers ignore what they do not know.

mod authority;
mod deals;
mod dry_run;
mod escrow;
mod events;
mod info;
mod listing;
mod money;
mod negotiation;
mod orders;
mod outlook;
mod reputation;
mod standing;

pub use authority::*;
pub use deals::*;
pub use dry_run::*;
pub use escrow::*;
pub use events::*;
pub use info::*;
pub use listing::*;
pub use money::*;
pub use negotiation::*;
pub use orders::*;
pub use outlook::*;
pub use reputation::*;
pub use standing::*;

/// The header that makes a repeated POST harmless: the same key and body give the same answer.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The largest request body that the owner API reads, in bytes.
pub const MAX_REQUEST_BYTES: usize = terms::canonical::MAX_DOCUMENT_BYTES;
