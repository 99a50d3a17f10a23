//! The one gate: every byte of a peer or an oracle is parsed, bounded and checked here before the library sees it.
//!
//! Order matters. Sizes and counts first, then form, then every field against the deal, then every coin against our
//! own chain source, and only then the library is asked to build, and what it builds is compared with what the
//! agreement asks for ([`crate::rebuild`]). The first rule that is broken ends it, naming message, field and rule.
//!
//! What the libraries let through, and why there is one gate: `docs/adr/0002-one-gate.md`, and `tests/traps_*.rs`.

mod accept;
mod attestation;
mod conflict;
pub(crate) mod explain;
mod inputs;
mod offer;
mod party;
mod sign;

use bitcoin::{OutPoint, ScriptBuf};

pub use attestation::{CheckedAttestation, attestation, check as check_attestation, stored_outcome};
pub use conflict::{Equivocation, conflict};
use terms::UnixSeconds;

pub(crate) use accept::{accept_against_offer, accept_signatures};
pub(crate) use offer::offer_against_deal;
pub(crate) use sign::sign_against_accept;

use crate::coins::ForeignCoins;
use crate::contract::CheckedContract;
use crate::deal::Deal;
use crate::error::{GateError, Message, Rule};
use crate::messages::{CheckedAccept, CheckedOffer};
use crate::{decode, wire};

/// What an offer or accept names of the chain and of wallets. Ask the own node about each coin and the own wallet
/// about each script, and hand the answers to [`offer`] or [`accept`] as [`ForeignCoins`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The coins.
    pub inputs: Vec<OutPoint>,
    /// Payout and change script.
    pub scripts: Vec<ScriptBuf>,
}

/// Reads what an offer or accept claims; bounded, and without any trust in the rest of the message.
///
/// # Errors
/// Names the field that cannot be read.
pub fn claims(bytes: &[u8]) -> Result<Claims, GateError> {
    let (message, inputs, scripts) = wire::claimed(bytes)?;
    let inputs = decode::all(message, &inputs)?;
    Ok(Claims { inputs: inputs.into_iter().map(|input| input.outpoint).collect(), scripts: scripts.into() })
}

/// The coins of [`claims`].
///
/// # Errors
/// As [`claims`].
pub fn claimed_inputs(bytes: &[u8]) -> Result<Vec<OutPoint>, GateError> {
    Ok(claims(bytes)?.inputs)
}

/// Checks a peer's offer.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn offer(
    bytes: &[u8],
    deal: &Deal,
    coins: &ForeignCoins,
    now: UnixSeconds,
) -> Result<CheckedOffer, GateError> {
    deal.before_funding_deadline(Message::Offer, now)?;
    let offer = CheckedOffer::reload(bytes, deal)?;
    inputs::against_chain(Message::Offer, &offer.wire.funding_inputs, coins)?;
    party::not_ours(Message::Offer, [&offer.wire.payout_spk, &offer.wire.change_spk], coins)?;
    Ok(offer)
}

/// Checks a peer's accept of our own offer, and verifies every signature in it.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn accept(
    bytes: &[u8],
    offer: &CheckedOffer,
    coins: &ForeignCoins,
    now: UnixSeconds,
) -> Result<CheckedAccept, GateError> {
    offer.deal.before_funding_deadline(Message::Accept, now)?;
    let wire = wire::accept(bytes)?;
    accept_against_offer(&wire, offer)?;
    inputs::against_chain(Message::Accept, &wire.funding_inputs, coins)?;
    party::not_ours(Message::Accept, [&wire.payout_spk, &wire.change_spk], coins)?;
    CheckedAccept::check(wire, offer)
}

/// Checks a peer's sign for the accept that we gave: every adaptor signature, the refund signature, and one
/// SIGHASH_ALL witness for each of the peer's inputs.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn sign(bytes: &[u8], accepted: &CheckedAccept, now: UnixSeconds) -> Result<CheckedContract, GateError> {
    accepted.deal().before_funding_deadline(Message::Sign, now)?;
    CheckedContract::check(wire::sign(bytes)?, accepted)
}

/// One value that must be the agreed one.
pub(crate) fn same<T: PartialEq + ToString>(
    message: Message,
    field: &'static str,
    got: &T,
    expected: &T,
) -> Result<(), GateError> {
    if got == expected {
        return Ok(());
    }
    let rule = Rule::Differs { expected: expected.to_string(), got: got.to_string() };
    Err(GateError::new(message, field, rule))
}

/// As [`same`], for bytes that are shown in hex.
pub(crate) fn same_bytes(
    message: Message,
    field: &'static str,
    got: &[u8],
    expected: &[u8],
) -> Result<(), GateError> {
    same(message, field, &hex::encode(got), &hex::encode(expected))
}
