//! Closing a funded contract by both keys, at a split that both agree to: the cooperative close.
//!
//! The transaction follows from the contract and the split alone, so what a peer signed is never taken from the peer:
//! it is built here, and the signature must fit it. Payouts are exact, as a CET's are: the reserve that was locked for
//! the CET's fee pays this one's. (`ddk_dlc::create_collaborative_close_transaction` computes the fee anew and hands the
//! difference out in halves, so its payouts are a few satoshis off.)
//!
//! Whoever signs second holds an option until the funding output is spent: nothing takes a signature back. When to
//! sign is for the caller (`docs/adr`).

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use dlc::util::{get_raw_sig_for_tx_input, sign_multi_sig_input};
use secp256k1_zkp::ecdsa::Signature;
use secp256k1_zkp::{PublicKey, SECP256K1, SecretKey};
use terms::{Sat, Side};

use crate::contract::CheckedContract;
use crate::error::{GateError, Message, Rule};
use crate::limits::DUST_LIMIT_SAT;
use crate::roles::Role;

/// The length of a close's signature: R and S, 32 bytes each. It carries no sighash type, because there is one only.
pub const SIGNATURE_BYTES: usize = 64;

/// One close of a contract: the transaction that pays both sides this split, without witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// What the provider gets.
    pub provider_sat: Sat,
    /// What the buyer gets.
    pub buyer_sat: Sat,
    /// The transaction.
    pub transaction: Transaction,
}

/// The close of a contract at a split.
///
/// # Errors
/// When the provider would get more than there is, or either side 1 to 999 sat.
pub fn close(contract: &CheckedContract, provider_sat: Sat) -> Result<Close, GateError> {
    let total = contract.deal().agreement().total_sat();
    let refuse = |rule| Err(GateError::new(Message::Close, "provider_sat", rule));
    let Some(buyer) = total.0.checked_sub(provider_sat.0) else {
        return refuse(Rule::OutOfBounds { got: provider_sat.0, least: 0, most: total.0 });
    };
    let burnt = [provider_sat.0, buyer].into_iter().find(|sat| (1..DUST_LIMIT_SAT).contains(sat));
    if let Some(sat) = burnt {
        return refuse(Rule::Dust { sat });
    }
    let buyer_sat = Sat(buyer);
    let transaction = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: contract.transactions().funding_outpoint,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: outputs(contract, provider_sat, buyer_sat),
    };
    Ok(Close { provider_sat, buyer_sat, transaction })
}

/// The two payouts in the order of the contract's CETs; none of 0 sat.
fn outputs(contract: &CheckedContract, provider_sat: Sat, buyer_sat: Sat) -> Vec<TxOut> {
    let (offer, accept) = (&contract.accepted.offer.wire, &contract.accepted.wire);
    let of = |role| match contract.deal().side(role) {
        Side::Provider => provider_sat.0,
        Side::Buyer => buyer_sat.0,
    };
    let mut outputs = [
        (offer.payout_serial_id, of(Role::Offerer), &offer.payout_spk),
        (accept.payout_serial_id, of(Role::Accepter), &accept.payout_spk),
    ];
    outputs.sort_by_key(|(serial, ..)| *serial);
    let paid = outputs.into_iter().filter(|(_, sat, _)| *sat > 0);
    paid.map(|(_, sat, script)| TxOut { value: Amount::from_sat(sat), script_pubkey: script.clone() })
        .collect()
}

/// The own half: a signature (`SIGHASH_ALL`) over the close. Whoever gets it can broadcast the close until the funding
/// output is spent otherwise.
///
/// # Errors
/// When the key is neither side's.
pub fn sign(
    contract: &CheckedContract,
    close: &Close,
    funding_key: &SecretKey,
) -> Result<[u8; SIGNATURE_BYTES], GateError> {
    peer_key(contract, funding_key)?;
    let transactions = contract.transactions();
    let signature = get_raw_sig_for_tx_input(
        SECP256K1,
        &close.transaction,
        0,
        &transactions.funding_script,
        Amount::from_sat(transactions.funding_value.0),
        funding_key,
    )
    .map_err(library)?;
    Ok(signature.serialize_compact())
}

/// Checks the peer's half against the close that we built, and adds the own one: ready for broadcast.
///
/// # Errors
/// When the signature is malformed, has a high S, or is not the peer's over exactly this transaction.
pub fn complete(
    contract: &CheckedContract,
    close: &Close,
    funding_key: &SecretKey,
    peer_signature: &[u8],
) -> Result<Transaction, GateError> {
    let peer = peer_key(contract, funding_key)?;
    let signature = parse(peer_signature)?;
    let transactions = contract.transactions();
    let value = Amount::from_sat(transactions.funding_value.0);
    let script = &transactions.funding_script;
    dlc::verify_tx_input_sig(SECP256K1, &signature, &close.transaction, 0, script, value, &peer)
        .map_err(|_| refused(Rule::BadSignature))?;
    let mut transaction = close.transaction.clone();
    sign_multi_sig_input(SECP256K1, &mut transaction, &signature, &peer, funding_key, script, value, 0)
        .map_err(library)?;
    Ok(transaction)
}

/// A signature that every node relays: 64 bytes, S in the lower half (BIP62 rule 5).
fn parse(bytes: &[u8]) -> Result<Signature, GateError> {
    let signature = Signature::from_compact(bytes).map_err(|_| refused(Rule::Unreadable))?;
    let mut low = signature;
    low.normalize_s();
    if low == signature { Ok(signature) } else { Err(refused(Rule::NotCanonical)) }
}

fn peer_key(contract: &CheckedContract, funding_key: &SecretKey) -> Result<PublicKey, GateError> {
    let keys = [contract.accepted.offer.wire.funding_pubkey, contract.accepted.wire.funding_pubkey];
    let own = funding_key.public_key(SECP256K1);
    match keys.iter().position(|key| *key == own) {
        Some(place) => Ok(keys[1 - place]),
        None => {
            let expected = "a funding key of the contract".to_owned();
            Err(GateError::new(Message::Own, "funding_key", Rule::Differs { expected, got: own.to_string() }))
        }
    }
}

impl CheckedContract {
    /// The close that a transaction is, whoever made it; `None` when it is none of this contract.
    pub fn as_close(&self, transaction: &Transaction) -> Option<Close> {
        let role =
            if self.deal().side(Role::Offerer) == Side::Provider { Role::Offerer } else { Role::Accepter };
        let script = match role {
            Role::Offerer => &self.accepted.offer.wire.payout_spk,
            Role::Accepter => &self.accepted.wire.payout_spk,
        };
        let paid = transaction.output.iter().find(|output| output.script_pubkey == *script);
        let close = close(self, Sat(paid.map_or(0, |output| output.value.to_sat()))).ok()?;
        (close.transaction.compute_txid() == transaction.compute_txid()).then_some(close)
    }
}

fn refused(rule: Rule) -> GateError {
    GateError::new(Message::Close, "signature_hex", rule)
}

fn library(error: dlc::Error) -> GateError {
    GateError::new(Message::Own, "close", Rule::Library { reason: error.to_string() })
}
