//! Every shape that crosses a process: signed envelopes and what they carry, the card and its
//! offers, the owner's and the oracle's HTTP APIs, and the problems that all of them answer with.
//!
//! Whatever arrives is parsed here, once, strictly and within bounds, into types that the rest of
//! the program need not doubt; what a node sends is made here too, so that both ends share one
//! definition. Time and keys arrive as arguments.
//!
//! This crate deliberately knows nothing of sockets, files, clocks and wallets, and nothing of
//! DLCs: their messages are opaque bytes ([`HexBytes`]). Whether a message makes sense for an
//! escrow is the engine's business; whether it may be signed is the gate's and the mandate's.
//! Start reading at [`envelope`], then [`session`].

pub mod attestations;
pub mod beat;
pub mod body;
pub mod bytes;
pub mod card;
pub mod envelope;
pub mod listing;
pub mod negotiable;
pub mod objection;
pub mod offer;
pub mod oracle;
pub mod owner;
pub mod problem;
pub mod reference;
pub mod request;
pub mod schema;
pub mod session;
mod signing;
mod succession;
pub mod text;
pub mod transcript;
pub mod vantage;
pub mod waiting;

pub use body::Body;
pub use bytes::{Hex64, HexBytes};
pub use card::{Card, CardDraft, CardError};
pub use envelope::{Draft, Envelope, EnvelopeError};
pub use listing::{Listing, ListingDraft, ListingError};
pub use negotiable::{BuyerStrategy, Concession, Negotiable, ProviderStrategy, SatRange};
pub use offer::{Offer, OfferDraft, OfferError};
pub use problem::{Problem, ProblemType};
pub use session::{Session, SessionError, verify_transcript};
pub use signing::public_key;
pub use succession::{MAX_SUCCESSIONS, Succession, check_successions};
