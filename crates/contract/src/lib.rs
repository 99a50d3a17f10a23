//! An agreement and its oracles' announcements, turned into a Discreet Log Contract and back.
//!
//! The three wire messages (offer, accept, sign) are the contract; everything else is rebuilt from
//! them. A message goes through three types, each of which can only be had by passing all checks:
//!
//! ```text
//! Deal            agreement, payout table, announcements          Deal::new
//! CheckedOffer    + an offer that says exactly what the deal says  create_offer    or gate::offer
//! CheckedAccept   + an accept, every transaction compared          accept_offer    or gate::accept
//! CheckedContract + a sign, every signature verified               sign_accept     or gate::sign
//! ```
//!
//! It does not matter which side made a message: an own one is held to the same rules, so a bug of
//! ours stops here too. [`gate`] is the only door for a peer's bytes, and the DLC library behind it
//! never sees a byte that the gate has not read.
//!
//! This crate knows no clock, no network, no chain and no disk: time, randomness and what the own
//! node says about a coin arrive as arguments. It knows nothing of wallets either: own inputs are
//! signed by whoever holds their keys, through a PSBT.
//!
//! Start reading at [`deal`], then [`gate`], then [`flow`].

pub mod announcements;

pub mod close;
pub mod coins;
pub mod contract;
pub mod deal;
mod decode;
pub mod error;
pub mod fees;
pub mod flow;
pub mod gate;
pub mod info;
pub mod keys;
pub mod limits;
pub mod messages;
pub mod nonces;
pub mod rebuild;
pub mod roles;
pub mod settle;
mod wire;

pub use announcements::Announcements;
pub use close::Close;
pub use coins::{CoinReport, CoinState, ForeignCoins, FundingCoin, PartyFunding, Serials};
pub use contract::{CheckedContract, Spend};
pub use deal::Deal;
pub use error::{GateError, Message, Rule};
pub use fees::{FundingNeed, funding_need};
pub use flow::{accept_offer, create_offer, finalize, sign_accept};
pub use info::contract_info;
pub use keys::ContractKeys;
pub use messages::{CheckedAccept, CheckedOffer};
pub use rebuild::{Cet, CetOutcome, Transactions};
pub use roles::{Role, offerer_side, role_of, side_collateral, side_of};
