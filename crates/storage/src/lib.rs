//! Everything that a node remembers, in one SQLite file.
//!
//! Events, envelopes, coin reservations and the wallet's changes that belong together are written
//! through one [`Tx`] and become durable together. What the rows mean is their writers' business:
//! this crate stores text, bytes and keys, and knows no escrow, no wallet and no clock.
//!
//! Start reading at `migrations/0001_start.sql`, then [`Store`].

mod authority;
mod error;
mod facts;
mod feed;
mod listings;
mod logs;
mod negotiations;
mod open;
mod openers;
mod read;
mod receipts;
mod references;
mod rows;
mod standing;
mod transaction;
mod write;

pub use error::StoreError;
pub use facts::Fact;
pub use feed::{Feed, FeedEnds, FeedRow};
pub use listings::{ListingRow, ListingsAsked};
pub use logs::{KeptCheckpoint, StoredContradiction};
pub use negotiations::Negotiation;
pub use open::{DATABASE, Store};
pub use openers::{OpenSessions, Opener};
pub use receipts::Receipts;
pub use references::{Presented, VerifiedReference};
pub use rows::{
    Answer, ApprovalRow, CommitmentRow, KeyRequestRow, KeyRow, NewEnvelope, NewSession, NoticeRow, Outflow,
    ReceiptRow, Reservation, StoredEnvelope, StoredEvent, StoredOffer, StoredSession,
};
pub use standing::{Standing, StandingRow, StandingWindowRow};
pub use write::Tx;
