//! The life of one escrow: pure decisions over an append-only list of events.
//!
//! [`Escrow`] is what the events add up to. [`decide`] says whether a step is allowed now and which
//! event records it. [`due`] says what must be done next, given what the chain shows at this
//! moment. [`status`] names the state that an owner sees.
//!
//! Confirmation is never stored: whether something is on the chain, and how deep, arrives with each
//! call as a [`ChainView`], so that a reorganisation needs no undoing. The crate knows no clock, no
//! network, no keys and no files; contract messages pass through it as bytes that
//! `contract::gate` has already checked. Start reading at [`due`].

mod bump;
mod bytes;
mod close;
mod decide;
mod due;
mod escrow;
mod event;
mod hold;
mod oracles;
mod view;

pub use bump::{CHILD_VB, DUST_SAT, FeeView, Waiting, WaitingTx, cancel_fee, child_limit, fee_due, waiting};
pub use bytes::Bytes;
pub use close::{CloseAnswer, CloseStep, Closes, OwnProposal, PeerProposal};
pub use decide::{Command, Refusal, decide};
pub use due::{Due, due};
pub use escrow::{Bump, Escrow};
pub use event::{Coin, DlcRole, Event, Opened, SpendKind};
pub use hold::{Hold, hold};
pub use oracles::{MOST_CHANGED, MOST_CONTRADICTIONS, OracleStep, Oracles, Secret};
pub use view::{ChainView, Place, SpendView, Status, status, told};
