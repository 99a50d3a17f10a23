//! Broken accepts.

use bitcoin::Amount;
use dlc_messages::AcceptDlc;
use dlc_messages::lightning::util::ser::Writeable;

use super::offer::Raw;
use super::{Mutant, Random, bytes, changed, parts};
use crate::common::read;

/// An accept with something wrong in it; `foreign` is an accept of another contract, of which it may get parts.
pub fn mutant(original: &[u8], foreign: &[u8], random: &mut Random) -> Mutant {
    changed(original, || {
        let mut accept: AcceptDlc = read(original);
        let foreign: AcceptDlc = read(foreign);
        let (how, bytes) = match random.below(9) {
            0 => ("bytes", bytes(original, random)),
            1 => ("number", number(&mut accept, random)),
            2 => ("foreign field", field(&mut accept, &foreign, random)),
            3 => ("inputs", {
                parts::inputs(&mut accept.funding_inputs, &foreign.funding_inputs, random);
                accept.encode()
            }),
            4 => ("signatures", signatures(&mut accept, &foreign, random)),
            5 => ("length", lengths(original, &accept, random)),
            6 => ("tail", parts::tail(original.to_vec(), random)),
            7 => ("negotiation fields", negotiation(original, random)),
            _ => ("script", script(&mut accept, &foreign, random)),
        };
        Mutant { how, bytes }
    })
}

fn number(accept: &mut AcceptDlc, random: &mut Random) -> Vec<u8> {
    let number = random.wild();
    match random.below(4) {
        0 => accept.accept_collateral = Amount::from_sat(number),
        1 => accept.payout_serial_id = number,
        2 => accept.change_serial_id = number,
        _ => accept.protocol_version = number as u32,
    }
    accept.encode()
}

fn field(accept: &mut AcceptDlc, foreign: &AcceptDlc, random: &mut Random) -> Vec<u8> {
    match random.below(5) {
        0 => accept.funding_pubkey = parts::key(7),
        1 => accept.temporary_contract_id = [random.next() as u8; 32],
        2 => accept.refund_signature = foreign.refund_signature,
        3 => accept.payout_serial_id = accept.change_serial_id,
        _ => std::mem::swap(&mut accept.payout_spk, &mut accept.change_spk),
    }
    accept.encode()
}

fn script(accept: &mut AcceptDlc, foreign: &AcceptDlc, random: &mut Random) -> Vec<u8> {
    let script = parts::script(&accept.payout_spk, &foreign.change_spk, random);
    let which = if random.below(2) == 0 { &mut accept.payout_spk } else { &mut accept.change_spk };
    *which = script;
    accept.encode()
}

fn signatures(accept: &mut AcceptDlc, foreign: &AcceptDlc, random: &mut Random) -> Vec<u8> {
    if random.below(4) == 0 {
        accept.refund_signature = parts::signature(random);
    } else {
        let foreign = &foreign.cet_adaptor_signatures.ecdsa_adaptor_signatures;
        parts::signatures(&mut accept.cet_adaptor_signatures.ecdsa_adaptor_signatures, foreign, random);
    }
    accept.encode()
}

fn lengths(original: &[u8], accept: &AcceptDlc, random: &mut Random) -> Vec<u8> {
    let bytes = original.to_vec();
    let first = &accept.cet_adaptor_signatures.ecdsa_adaptor_signatures[0];
    match (accept.funding_inputs.first(), random.below(4)) {
        (Some(input), 0) => parts::length(bytes, input, random),
        (Some(input), 1) => parts::option(bytes, input, random),
        (_, 2) => parts::length(bytes, &Raw(accept.payout_spk.as_bytes()), random),
        _ => parts::length(bytes, first, random),
    }
}

/// Negotiation fields that hold negotiation fields, as deep as the bytes last: two bytes a level.
fn negotiation(original: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    let option = bytes.len() - 1;
    bytes[option] = 1 + random.below(3) as u8;
    bytes.extend([1, 1].repeat(random.below(100_000)));
    bytes
}
