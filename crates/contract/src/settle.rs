//! Closing a funded contract: with the oracles' attestations, with what a peer's CET gave away of them, or after their
//! silence.
//!
//! Either needs only the own key and what the messages carry; the peer may be offline for ever.

mod agreeing;
mod learned;
mod points;
mod unlock;

pub use learned::{Learned, cet_with_secret, learn, recognise};

use bitcoin::{Amount, Transaction, ecdsa};
use secp256k1_zkp::{EcdsaAdaptorSignature, PublicKey, SECP256K1, SecretKey};
use terms::Sat;

use crate::contract::CheckedContract;
use crate::error::{GateError, Message, Rule};
use crate::gate::CheckedAttestation;
use agreeing::Said;
use unlock::{Found, Lookup};

/// A signed CET, ready for broadcast once median time past has reached its locktime.
#[derive(Clone, Debug)]
pub struct SettledCet {
    /// The transaction with its witness.
    pub transaction: Transaction,
    /// The oracles whose attestations unlock it, ascending.
    pub oracles: Vec<usize>,
    /// The strings that the first of them signed, which set the level; of a learned secret only the block's prefix. The
    /// others' may differ: without tolerance within one block of values that pay the same, with it also beyond.
    pub signed: Vec<String>,
    /// What the provider gets.
    pub provider_sat: Sat,
    /// What the buyer gets.
    pub buyer_sat: Sat,
}

/// Signs the CET that the attestations unlock; `None` while fewer than t oracles agree.
///
/// Oracles agree when they signed the same level, or numbers that one CET's digit prefix covers, or numbers within the
/// agreement's tolerance. Neither order nor repetition of the attestations matters: combinations are tried by ascending
/// oracle index, first of oracles that said one thing only. One that said several counts with each of them, as it
/// does for the peer. An attestation that was checked against another contract's announcements counts for nothing.
///
/// # Errors
/// When the key is neither side's. (That a peer's signatures unlock was checked when the contract was made.)
pub fn cet(
    contract: &CheckedContract,
    funding_key: &SecretKey,
    attestations: &[CheckedAttestation],
) -> Result<Option<SettledCet>, GateError> {
    let peer = Peer::of(contract, funding_key)?;
    match found(contract, attestations)? {
        Some(found) => sign(contract, funding_key, &peer, &found).map(Some),
        None => Ok(None),
    }
}

/// What attestations unlock, for whoever has neither key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlocked {
    /// The CET's place among the contract's transactions.
    pub cet: usize,
    /// The oracles whose attestations unlock it, ascending.
    pub oracles: Vec<usize>,
    /// The strings that the first of them signed, which set the level.
    pub signed: Vec<String>,
}

/// The CET that the attestations unlock, by the same rules as [`cet`]; `None` while fewer than t oracles agree.
///
/// # Errors
/// None for a checked contract.
pub fn unlocked(
    contract: &CheckedContract,
    attestations: &[CheckedAttestation],
) -> Result<Option<Unlocked>, GateError> {
    let found = found(contract, attestations)?;
    Ok(found.map(|found| Unlocked {
        cet: found.cet,
        oracles: found.oracles(),
        signed: found.signed().to_vec(),
    }))
}

fn found<'a>(
    contract: &CheckedContract,
    attestations: &'a [CheckedAttestation],
) -> Result<Option<Found<'a>>, GateError> {
    let threshold =
        usize::from(u16::try_from(contract.deal().agreement().oracles.threshold).unwrap_or(u16::MAX));
    let announced = contract.deal().announcements();
    let said = Said::of(attestations.iter().filter(|attestation| attestation.answers(announced)));
    if said.oracles() < threshold {
        return Ok(None);
    }
    let lookup = Lookup::new(contract)?;
    Ok(said.first(threshold, |combination| lookup.unlocked_by(combination)))
}

/// The other side: whose adaptor signature is decrypted.
struct Peer<'a> {
    key: PublicKey,
    signatures: &'a dlc_messages::CetAdaptorSignatures,
}

impl<'a> Peer<'a> {
    fn of(contract: &'a CheckedContract, funding_key: &SecretKey) -> Result<Self, GateError> {
        let (offer, accept) = (&contract.accepted.offer.wire, &contract.accepted.wire);
        let own = funding_key.public_key(SECP256K1);
        if own == offer.funding_pubkey {
            return Ok(Self { key: accept.funding_pubkey, signatures: &accept.cet_adaptor_signatures });
        }
        if own == accept.funding_pubkey {
            return Ok(Self { key: offer.funding_pubkey, signatures: &contract.sign.cet_adaptor_signatures });
        }
        let rule =
            Rule::Differs { expected: "a funding key of the contract".to_owned(), got: own.to_string() };
        Err(GateError::new(Message::Own, "funding_key", rule))
    }

    /// The own adaptor signatures, which the other side decrypts.
    fn own_signatures(&self, contract: &'a CheckedContract) -> &'a [dlc_messages::CetAdaptorSignature] {
        let (accept, sign) = (&contract.accepted.wire, &contract.sign);
        let offerer_is_peer = self.key == contract.accepted.offer.wire.funding_pubkey;
        let own = if offerer_is_peer { &accept.cet_adaptor_signatures } else { &sign.cet_adaptor_signatures };
        &own.ecdsa_adaptor_signatures
    }

    fn signature(&self, index: usize) -> Option<&EcdsaAdaptorSignature> {
        self.signatures.ecdsa_adaptor_signatures.get(index).map(|signature| &signature.signature)
    }
}

/// Decrypts the peer's signature with the oracles', adds the own one, and verifies both on the finished transaction.
fn sign(
    contract: &CheckedContract,
    funding_key: &SecretKey,
    peer: &Peer<'_>,
    found: &Found<'_>,
) -> Result<SettledCet, GateError> {
    let transactions = contract.transactions();
    let cet = transactions.cets.get(found.cet).ok_or_else(|| differs("cet"))?;
    let adaptor = peer.signature(found.signature).ok_or_else(|| differs("cet_adaptor_signatures"))?;
    let mut transaction = cet.transaction.clone();
    dlc::sign_cet(
        SECP256K1,
        &mut transaction,
        adaptor,
        &found.oracle_signatures(),
        funding_key,
        &peer.key,
        &transactions.funding_script,
        Amount::from_sat(transactions.funding_value.0),
    )
    .map_err(|error| GateError::new(Message::Own, "cet", Rule::Library { reason: error.to_string() }))?;
    verify(contract, &transaction)?;
    Ok(SettledCet {
        transaction,
        oracles: found.oracles(),
        signed: found.signed().to_vec(),
        provider_sat: cet.provider_sat,
        buyer_sat: cet.buyer_sat,
    })
}

/// Both signatures of the 2-of-2, in the script's order of keys: nothing leaves that the chain would refuse.
fn verify(contract: &CheckedContract, transaction: &Transaction) -> Result<(), GateError> {
    let transactions = contract.transactions();
    let (offer, accept) = (&contract.accepted.offer.wire, &contract.accepted.wire);
    let mut keys = [offer.funding_pubkey, accept.funding_pubkey];
    keys.sort_unstable();
    let witness = transaction.input.first().map(|input| &input.witness);
    for (place, key) in keys.iter().enumerate() {
        let element = witness.and_then(|witness| witness.nth(place + 1)).unwrap_or_default();
        let signature = ecdsa::Signature::from_slice(element).map_err(|_| differs("cet"))?;
        dlc::verify_tx_input_sig(
            SECP256K1,
            &signature.signature,
            transaction,
            0,
            &transactions.funding_script,
            Amount::from_sat(transactions.funding_value.0),
            key,
        )
        .map_err(|_| GateError::new(Message::Own, "cet", Rule::BadSignature))?;
    }
    Ok(())
}

fn differs(field: &'static str) -> GateError {
    GateError::new(Message::Own, field, Rule::TransactionDiffers)
}

/// Signs the refund, which is valid once median time past has reached its locktime.
///
/// # Errors
/// When the key is neither side's.
pub fn refund(contract: &CheckedContract, funding_key: &SecretKey) -> Result<Transaction, GateError> {
    let accepted = &contract.accepted;
    let refund =
        ddk::contract::sign_refund(&accepted.offer.wire, &accepted.wire, &contract.sign, funding_key)
            .map_err(library("refund"))?;
    if refund.compute_txid() != contract.transactions().refund.compute_txid() {
        return Err(GateError::new(Message::Own, "refund", Rule::TransactionDiffers));
    }
    Ok(refund)
}

fn library(field: &'static str) -> impl Fn(ddk::contract::ContractError) -> GateError {
    move |error| GateError::new(Message::Own, field, Rule::Library { reason: error.to_string() })
}
