//! The other party: offers, the conversation, the steps that lock money, renewing and closing by agreement.
//!
//! Start reading at `exchange.rs` (what an envelope leads to), then `lock.rs`.

pub(crate) mod card;
pub(crate) mod close;
pub(crate) mod exchange;
pub(crate) mod lock;
pub(crate) mod locking;
pub(crate) mod negotiate;
pub(crate) mod offers;
pub(crate) mod purchase;
pub(crate) mod refusals;
pub(crate) mod renewal;
