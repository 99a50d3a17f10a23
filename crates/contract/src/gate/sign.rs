//! The sign against offer and accept.

use dlc_messages::lightning::util::ser::Writeable;
use dlc_messages::{FundingSignature, SignDlc};
use secp256k1_zkp::ecdsa::Signature;

use super::{same, same_bytes};
use crate::error::{GateError, Message, Rule};
use crate::messages::CheckedAccept;

const SIGN: Message = Message::Sign;

/// Every signature of the offerer: adaptor signatures, refund, and one witness for each of its inputs.
pub(crate) fn sign_against_accept(sign: &SignDlc, accepted: &CheckedAccept) -> Result<(), GateError> {
    let offer = &accepted.offer.wire;
    same(SIGN, "protocol_version", &sign.protocol_version, &offer.protocol_version)?;
    // The library would also take the id that an older fee rule gives, with other transactions behind it.
    same_bytes(SIGN, "contract_id", &sign.contract_id, &accepted.contract_id())?;
    if !sign.tlvs.is_empty() {
        return Err(GateError::new(SIGN, "tlvs", Rule::TrailingBytes { bytes: sign.tlvs.encode().len() }));
    }
    let (got, expected) = (sign.funding_signatures.funding_signatures.len(), offer.funding_inputs.len());
    if got != expected {
        return Err(GateError::new(SIGN, "funding_signatures", Rule::WrongCount { expected, got }));
    }
    for (index, signature) in sign.funding_signatures.funding_signatures.iter().enumerate() {
        if !is_tidy(signature) {
            return Err(GateError::new(SIGN, format!("funding_signatures[{index}]"), Rule::BadWitness));
        }
    }
    let verified = ddk::contract::verify_signed_contract(offer, &accepted.wire, sign)
        .map_err(|error| GateError::new(SIGN, "signatures", Rule::Library { reason: error.to_string() }))?;
    if verified.transactions().fund != accepted.transactions.funding {
        return Err(GateError::new(SIGN, "funding", Rule::TransactionDiffers));
    }
    Ok(())
}

/// A P2WPKH witness (strict DER with SIGHASH_ALL, compressed key) or a Taproot key path one. Whether it is valid is
/// the library's question; that nobody else can respell it is ours.
fn is_tidy(signature: &FundingSignature) -> bool {
    let elements: Vec<&[u8]> = signature.witness_elements.iter().map(|e| e.witness.as_slice()).collect();
    match elements[..] {
        [signature] => matches!(signature.len(), 64 | 65),
        [signature, key] => key.len() == 33 && is_strict_der(signature),
        _ => false,
    }
}

fn is_strict_der(element: &[u8]) -> bool {
    let Some((1, der)) = element.split_last() else {
        return false;
    };
    Signature::from_der(der).is_ok_and(|signature| {
        let mut normalized = signature;
        normalized.normalize_s();
        normalized == signature && signature.serialize_der().as_ref() == der
    })
}
