//! Negotiating an offer's price and bond: protocol version 2.
//!
//! What was said is in the envelopes, and the rules are `negotiation::session`'s, so a negotiation has no state of its own:
//! [`talk`] folds it from the transcript. [`step`] says what comes next, by a plan or by the owner's word, always within
//! the mandate. [`converse`] takes what the peer says, [`owner`] what the owner says.

mod converse;
mod owner;
mod plan;
mod step;
mod talk;
mod view;

pub(crate) use converse::TalkRows;
pub(crate) use owner::{Opening, Word, json};
pub(crate) use plan::for_offer;
