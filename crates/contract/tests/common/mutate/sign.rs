//! Broken signs.

use dlc_messages::lightning::util::ser::Writeable;
use dlc_messages::{FundingSignature, SignDlc, WitnessElement};

use super::offer::Raw;
use super::{Mutant, Random, bytes, changed, parts};
use crate::common::read;

/// A sign with something wrong in it; `foreign` is a sign of another contract, of which it may get parts.
pub fn mutant(original: &[u8], foreign: &[u8], random: &mut Random) -> Mutant {
    changed(original, || {
        let mut sign: SignDlc = read(original);
        let foreign: SignDlc = read(foreign);
        let (how, bytes) = match random.below(6) {
            0 => ("bytes", bytes(original, random)),
            1 => ("foreign field", field(&mut sign, &foreign, random)),
            2 => ("signatures", {
                let other = &foreign.cet_adaptor_signatures.ecdsa_adaptor_signatures;
                parts::signatures(&mut sign.cet_adaptor_signatures.ecdsa_adaptor_signatures, other, random);
                sign.encode()
            }),
            3 => ("witness", {
                witness(&mut sign.funding_signatures.funding_signatures, random);
                sign.encode()
            }),
            4 => ("length", lengths(original, &sign, random)),
            _ => ("tail", parts::tail(original.to_vec(), random)),
        };
        Mutant { how, bytes }
    })
}

fn field(sign: &mut SignDlc, foreign: &SignDlc, random: &mut Random) -> Vec<u8> {
    match random.below(5) {
        0 => sign.contract_id = foreign.contract_id,
        1 => sign.contract_id[random.below(32)] ^= 1,
        2 => sign.refund_signature = foreign.refund_signature,
        3 => sign.refund_signature = parts::signature(random),
        _ => sign.protocol_version = random.wild() as u32,
    }
    sign.encode()
}

/// A funding witness less, more, longer, shorter, or with another sighash byte.
fn witness(witnesses: &mut Vec<FundingSignature>, random: &mut Random) {
    let Some(last) = witnesses.pop() else {
        witnesses.push(FundingSignature { witness_elements: vec![] });
        return;
    };
    let mut elements = last.witness_elements;
    match random.below(7) {
        0 => return,
        1 => elements.clear(),
        2 => elements.reverse(),
        3 => elements.push(WitnessElement { witness: random.bytes(80) }),
        4 => elements[0].witness.push(random.next() as u8),
        5 => *elements[0].witness.last_mut().unwrap() = random.next() as u8,
        _ => elements[0].witness = random.bytes(80),
    }
    witnesses.push(FundingSignature { witness_elements: elements });
}

fn lengths(original: &[u8], sign: &SignDlc, random: &mut Random) -> Vec<u8> {
    let bytes = original.to_vec();
    let first = &sign.cet_adaptor_signatures.ecdsa_adaptor_signatures[0];
    match (sign.funding_signatures.funding_signatures.first(), random.below(3)) {
        (Some(witness), 0) => parts::length(bytes, witness, random),
        (Some(witness), 1) => {
            let element = random.one_of(&witness.witness_elements);
            parts::length(bytes, &Raw(&element.witness), random)
        }
        _ => parts::length(bytes, first, random),
    }
}
