//! Closing a funded contract: with the oracles' attestations, or after their silence.
//!
//! Either needs only the own key and what the messages carry; the peer may be offline for ever.

use std::collections::BTreeMap;

use bitcoin::Transaction;
use secp256k1_zkp::SecretKey;
use terms::Sat;

use crate::contract::CheckedContract;
use crate::error::{GateError, Message, Rule};
use crate::gate::CheckedAttestation;
use crate::rebuild::Cet;

/// A signed CET, ready for broadcast once median time past has reached its locktime.
#[derive(Clone, Debug)]
pub struct SettledCet {
    /// The transaction with its witness.
    pub transaction: Transaction,
    /// The strings that the oracles signed.
    pub signed: Vec<String>,
    /// What the provider gets.
    pub provider_sat: Sat,
    /// What the buyer gets.
    pub buyer_sat: Sat,
}

/// Signs the CET that the attestations unlock; `None` while fewer than t oracles agree.
///
/// Of each oracle the first attestation counts. Oracles agree when they signed the same outcome.
///
/// # Errors
/// When the key is neither side's. (That a peer's signatures unlock was checked when the contract was made.)
pub fn cet(
    contract: &CheckedContract,
    funding_key: &SecretKey,
    attestations: &[CheckedAttestation],
) -> Result<Option<SettledCet>, GateError> {
    let Some(agreeing) = agreeing(contract, attestations) else {
        return Ok(None);
    };
    let signed = agreeing[0].signed().to_vec();
    let Some(Cet { provider_sat, buyer_sat, transaction, .. }) = contract.cet_of_signed(&signed) else {
        return Ok(None);
    };
    // The library wants ascending indices, and fails as a whole over one attestation too many.
    let attestations: Vec<_> = agreeing.iter().map(|a| (a.oracle, a.attestation.clone())).collect();
    let accepted = &contract.accepted;
    let cet = ddk::contract::sign_cet(
        &accepted.offer.wire,
        &accepted.wire,
        &contract.sign,
        funding_key,
        &attestations,
    )
    .map_err(library("cet"))?;
    if cet.compute_txid() != transaction.compute_txid() {
        return Err(GateError::new(Message::Own, "cet", Rule::TransactionDiffers));
    }
    Ok(Some(SettledCet { transaction: cet, signed, provider_sat: *provider_sat, buyer_sat: *buyer_sat }))
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

/// t attestations of the same outcome, by ascending oracle index. Since t is more than half, there is at most one
/// such outcome.
fn agreeing<'a>(
    contract: &CheckedContract,
    attestations: &'a [CheckedAttestation],
) -> Option<Vec<&'a CheckedAttestation>> {
    let threshold = usize::try_from(contract.deal().agreement().oracles.threshold).ok()?;
    let mut by_oracle: BTreeMap<usize, &CheckedAttestation> = BTreeMap::new();
    for attestation in attestations {
        by_oracle.entry(attestation.oracle).or_insert(attestation);
    }
    by_oracle.values().find_map(|candidate| {
        let same: Vec<_> = by_oracle.values().copied().filter(|a| a.signed() == candidate.signed()).collect();
        (same.len() >= threshold).then(|| same.into_iter().take(threshold).collect())
    })
}
