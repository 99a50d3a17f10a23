//! Typed HTTP clients for everything that Earnest talks to: the owner's own node
//! ([`OwnerClient`]), a peer's node ([`PeerClient`]) and an oracle ([`OracleClient`]).
//!
//! Whoever answers may be hostile. Every answer has a bound on size and time, redirects are not
//! followed, and an answer that is not what was asked for is an error that names the field. What an
//! oracle signed is handed on as raw bytes, because judging them is the gate's business.
//!
//! This crate deliberately knows nothing of retries, schedules and storage: each call is one
//! request, and [`ClientError::may_pass`] tells whether asking again can help. Proxies of the
//! environment are ignored: a bearer token or an envelope goes to whom it is meant for, or nowhere.
//!
//! Over `https` the authorities of the machine are believed, or those in the file that `SSL_CERT_FILE` names.
//! A machine without any can't make a client of an `https` server.
//!
//! Start reading at [`ClientError`], then [`PeerClient`].

mod authority;
mod directory;
mod error;
mod events;
mod http;
mod oracle;
mod owner;
mod peer;
mod reputation;
mod resolve;
mod signer;
mod standing;
mod tls;
mod vantage;

pub use directory::DirectoryClient;
pub use error::ClientError;
pub use events::EventStream;
pub use oracle::{EventWords, OracleClient};
pub use owner::{OwnerClient, Rehearsed};
pub use peer::PeerClient;
pub use resolve::{Resolved, Resolver, innermost};
pub use signer::{Asker, Signer};
pub use vantage::VantageClient;
