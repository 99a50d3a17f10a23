//! What a peer's CET gives away, and what can be done with it.
//!
//! Whoever broadcasts a CET decrypts the other side's adaptor signature. The finished signature stands in the witness,
//! and from both together follows the secret that decrypted it: the sum of what t oracles signed about one block of
//! outcomes. Whoever never heard from the oracles learns it there, and can settle every other contract that has the
//! same adaptor point. It is no oracle's key, and unlocks nothing else.

use bitcoin::{Amount, Transaction, ecdsa};
use secp256k1_zkp::{PublicKey, SECP256K1, SecretKey};
use terms::{Outcome, Scale};

use super::points::{Points, Unlock, unlocks};
use super::{Peer, SettledCet, differs, verify};
use crate::contract::CheckedContract;
use crate::error::{GateError, Message, Rule};

/// The secret of one adaptor point of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    secret: SecretKey,
    unlock: Unlock,
    signature: usize,
}

impl Learned {
    /// The secret, as it is stored; [`recognise`] reads it again.
    pub fn secret(&self) -> [u8; 32] {
        self.secret.secret_bytes()
    }

    /// The oracles whose signatures it is the sum of, ascending.
    pub fn oracles(&self) -> &[usize] {
        &self.unlock.oracles
    }

    /// What the first of them signed, as far as it is known: the digits of a block's prefix, or a level.
    pub fn words(&self) -> &[String] {
        self.unlock.words.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// The first and the last outcome that the first of them can have signed.
    pub fn outcomes(&self, scale: &Scale) -> Option<(Outcome, Outcome)> {
        scale.covered(self.words())
    }
}

/// Recovers the secret from a CET that the peer made; `None` when the transaction is no CET of the contract with our
/// signature in it.
///
/// # Errors
/// When the key is neither side's, or the library fails on a contract that was checked.
pub fn learn(
    contract: &CheckedContract,
    funding_key: &SecretKey,
    spend: &Transaction,
) -> Result<Option<Learned>, GateError> {
    let Some(signature) = own_signature(contract, funding_key, spend) else { return Ok(None) };
    let own = Peer::of(contract, funding_key)?.own_signatures(contract);
    let txid = spend.compute_txid();
    let cets = &contract.transactions().cets;
    let same: Vec<bool> = cets.iter().map(|cet| cet.transaction.compute_txid() == txid).collect();
    let mut points = Points::of(contract);
    for (place, unlock) in unlocks(contract)?.into_iter().enumerate() {
        if !same.get(unlock.cet).copied().unwrap_or_default() {
            continue;
        }
        let (Some(adaptor), Some(point)) = (own.get(place), points.sum(&unlock)) else { continue };
        let Ok(secret) = adaptor.signature.recover(SECP256K1, &signature, &point) else { continue };
        if secret.public_key(SECP256K1) == point {
            return Ok(Some(Learned { secret, unlock, signature: place }));
        }
    }
    Ok(None)
}

/// What a secret that was learned elsewhere unlocks in this contract; `None` when it has no such adaptor point.
///
/// # Errors
/// When the library fails on a contract that was checked.
pub fn recognise(contract: &CheckedContract, secret: &[u8; 32]) -> Result<Option<Learned>, GateError> {
    let Ok(secret) = SecretKey::from_slice(secret) else { return Ok(None) };
    let wanted: PublicKey = secret.public_key(SECP256K1);
    let mut points = Points::of(contract);
    let mut all = unlocks(contract)?.into_iter().enumerate();
    let found = all.find(|(_, unlock)| points.sum(unlock) == Some(wanted));
    Ok(found.map(|(signature, unlock)| Learned { secret, unlock, signature }))
}

/// Signs the CET that a learned secret unlocks.
///
/// # Errors
/// When the key is neither side's, or the secret is another contract's.
pub fn cet_with_secret(
    contract: &CheckedContract,
    funding_key: &SecretKey,
    learned: &Learned,
) -> Result<SettledCet, GateError> {
    let peer = Peer::of(contract, funding_key)?;
    let transactions = contract.transactions();
    let cet = transactions.cets.get(learned.unlock.cet).ok_or_else(|| differs("cet"))?;
    let adaptor = peer.signature(learned.signature).ok_or_else(|| differs("cet_adaptor_signatures"))?;
    let refuse = |reason: String| GateError::new(Message::Own, "cet", Rule::Library { reason });
    let signature = adaptor.decrypt(&learned.secret).map_err(|error| refuse(error.to_string()))?;
    let mut transaction = cet.transaction.clone();
    dlc::util::sign_multi_sig_input(
        SECP256K1,
        &mut transaction,
        &signature,
        &peer.key,
        funding_key,
        &transactions.funding_script,
        Amount::from_sat(transactions.funding_value.0),
        0,
    )
    .map_err(|error| refuse(error.to_string()))?;
    verify(contract, &transaction)?;
    Ok(SettledCet {
        transaction,
        oracles: learned.oracles().to_vec(),
        signed: learned.words().to_vec(),
        provider_sat: cet.provider_sat,
        buyer_sat: cet.buyer_sat,
    })
}

/// Our signature in the witness of a spend of the funding output: the 2-of-2's, in the script's order of keys.
fn own_signature(
    contract: &CheckedContract,
    funding_key: &SecretKey,
    spend: &Transaction,
) -> Option<secp256k1_zkp::ecdsa::Signature> {
    let (offer, accept) = (&contract.accepted.offer.wire, &contract.accepted.wire);
    let mut keys = [offer.funding_pubkey, accept.funding_pubkey];
    keys.sort_unstable();
    let own = funding_key.public_key(SECP256K1);
    let place = keys.iter().position(|key| *key == own)?;
    let outpoint = contract.transactions().funding_outpoint;
    let input = spend.input.iter().find(|input| input.previous_output == outpoint)?;
    let element = input.witness.nth(place + 1)?;
    Some(ecdsa::Signature::from_slice(element).ok()?.signature)
}
