//! The refund transaction, put together from the three DLC messages and nothing else.
//!
//! No node gives it away before it is needed, but whoever has the messages has all of it. That
//! both signatures fit is shown here with libsecp256k1 alone.

use anyhow::Context as _;
use bitcoin::absolute::LockTime;
use bitcoin::ecdsa::Signature;
use bitcoin::opcodes::all::{OP_CHECKMULTISIG, OP_PUSHNUM_2};
use bitcoin::script::Builder;
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use dlc_messages::types::{ACCEPT_TYPE, OFFER_TYPE, SIGN_TYPE};
use dlc_messages::{AcceptDlc, OfferDlc, SignDlc};
use protocol::owner::DlcMessages;

use super::transactions::read_message;

/// Outputs below this are left out, by the library and by the specification's dust rule.
const SMALLEST_OUTPUT: Amount = Amount::from_sat(1_000);

/// The refund with both signatures.
///
/// # Errors
/// When a message is missing or can't be read, or a signature in it does not fit.
pub(super) fn assemble(messages: &DlcMessages, funding: &Transaction) -> anyhow::Result<Transaction> {
    let bytes =
        |part: &Option<protocol::HexBytes>| part.as_ref().map(|part| part.0.clone()).context("is missing");
    let offer: OfferDlc = read_message(&bytes(&messages.offer)?, OFFER_TYPE).context("the offer message")?;
    let accept: AcceptDlc =
        read_message(&bytes(&messages.accept)?, ACCEPT_TYPE).context("the accept message")?;
    let sign: SignDlc = read_message(&bytes(&messages.sign)?, SIGN_TYPE).context("the sign message")?;
    let script = two_of_two(offer.funding_pubkey, accept.funding_pubkey);
    let (contract, value) = contract_output(funding, &script)?;
    let mut refund = unsigned(&offer, &accept, contract);
    let mut signed =
        [(offer.funding_pubkey, sign.refund_signature), (accept.funding_pubkey, accept.refund_signature)];
    let digest = SighashCache::new(&refund).p2wsh_signature_hash(0, &script, value, EcdsaSighashType::All)?;
    let secp = Secp256k1::verification_only();
    for (key, signature) in &signed {
        secp.verify_ecdsa(&Message::from(digest), signature, key)
            .context("a refund signature does not fit")?;
    }
    signed.sort_by_key(|(key, _)| key.serialize());
    refund.input[0].witness = witness(signed.map(|(_, signature)| signature), &script);
    Ok(refund)
}

fn two_of_two(one: PublicKey, other: PublicKey) -> ScriptBuf {
    let (first, second) = if one.serialize() <= other.serialize() { (one, other) } else { (other, one) };
    Builder::new()
        .push_opcode(OP_PUSHNUM_2)
        .push_slice(first.serialize())
        .push_slice(second.serialize())
        .push_opcode(OP_PUSHNUM_2)
        .push_opcode(OP_CHECKMULTISIG)
        .into_script()
}

fn contract_output(funding: &Transaction, script: &ScriptBuf) -> anyhow::Result<(OutPoint, Amount)> {
    let locked = script.to_p2wsh();
    let outputs = (0u32..).zip(&funding.output);
    let (vout, output) = outputs
        .into_iter()
        .find(|(_, output)| output.script_pubkey == locked)
        .context("the funding transaction does not lock the two keys of the messages")?;
    Ok((OutPoint::new(funding.compute_txid(), vout), output.value))
}

fn unsigned(offer: &OfferDlc, accept: &AcceptDlc, contract: OutPoint) -> Transaction {
    let back = [
        TxOut { value: offer.offer_collateral, script_pubkey: offer.payout_spk.clone() },
        TxOut { value: accept.accept_collateral, script_pubkey: accept.payout_spk.clone() },
    ];
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::from_consensus(offer.refund_locktime),
        input: vec![TxIn {
            previous_output: contract,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_LOCKTIME_NO_RBF,
            witness: Witness::new(),
        }],
        output: back.into_iter().filter(|output| output.value >= SMALLEST_OUTPUT).collect(),
    }
}

fn witness(signatures: [bitcoin::secp256k1::ecdsa::Signature; 2], script: &ScriptBuf) -> Witness {
    let mut witness = Witness::new();
    // CHECKMULTISIG takes one element too many.
    witness.push([]);
    for signature in signatures {
        witness.push_ecdsa_signature(&Signature::sighash_all(signature));
    }
    witness.push(script);
    witness
}
