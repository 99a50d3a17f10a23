//! What an owner allows their agents to commit, checked in one place before anything is signed.
//!
//! [`Authority`] is that place: the owner's [`Mandate`], the delegated key that asks, if one does, and the switch that
//! pauses everything. [`Authority::commit`] is a pure function of these, of what is asked ([`Commitment`]) and of what is
//! committed already ([`History`]). It says yes, or that a human has to say so ([`Verdict`]), or names the limit, what was
//! asked, what is allowed and what is used ([`Refusal`]). [`Authority::withdraw`] asks the same about money that leaves the
//! wallet for good. [`Ledger`] keeps what was committed in the last 24 hours, under a time that never runs backwards.
//!
//! This crate deliberately knows nothing of storage, clocks, secrets and messages: whoever calls it brings the stored
//! history, and must store an accepted commitment before acting on it, in the same transaction in which the history was
//! read. Start reading at [`Mandate`].

mod authority;
mod check;
mod commitment;
mod history;
mod ledger;
mod limits;
mod refusal;
mod usage;

pub use authority::{Authority, Delegation, Verdict};
pub use commitment::{Commitment, Stake, error_budget_ppm};
pub use history::{History, Live, Source, Spent};
pub use ledger::{DAY_S, HOUR_S, Ledger};
pub use limits::{Allowed, Mandate};
pub use refusal::{Limit, Refusal};
pub use usage::Usage;
