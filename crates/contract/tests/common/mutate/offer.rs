//! Broken offers.

use bitcoin::Amount;
use dlc_messages::lightning::util::ser::Writeable;
use dlc_messages::{AcceptDlc, OfferDlc};

use super::{Mutant, Random, bytes, changed, parts};
use crate::common::read;

/// Where the contract info begins: behind type, version, flags, chain hash and temporary id.
const INFO: usize = 2 + 4 + 1 + 32 + 32;

/// An offer with something wrong in it. It may get parts of `foreign`, an offer of another contract, and coins of
/// `accept`, which are those of whom it is sent to.
pub fn mutant(original: &[u8], foreign: &[u8], accept: &[u8], random: &mut Random) -> Mutant {
    changed(original, || {
        let mut offer: OfferDlc = read(original);
        let foreign: OfferDlc = read(foreign);
        let (how, bytes) = match random.below(9) {
            0 => ("bytes", bytes(original, random)),
            1 => ("number", number(&mut offer, random)),
            2 => ("foreign field", field(&mut offer, foreign, random)),
            3 => ("inputs", {
                parts::inputs(&mut offer.funding_inputs, &foreign.funding_inputs, random);
                offer.encode()
            }),
            4 => ("contract info", info(original, &offer, random)),
            5 => ("length", lengths(original, &offer, random)),
            6 => ("tail", parts::tail(original.to_vec(), random)),
            7 => ("stolen coin", stolen(&mut offer, accept, random)),
            _ => ("script", script(&mut offer, &foreign, random)),
        };
        Mutant { how, bytes }
    })
}

fn number(offer: &mut OfferDlc, random: &mut Random) -> Vec<u8> {
    let number = random.wild();
    match random.below(9) {
        0 => offer.offer_collateral = Amount::from_sat(number),
        1 => offer.fee_rate_per_vb = number,
        2 => offer.cet_locktime = number as u32,
        3 => offer.refund_locktime = number as u32,
        4 => offer.payout_serial_id = number,
        5 => offer.change_serial_id = number,
        6 => offer.fund_output_serial_id = number,
        7 => offer.protocol_version = number as u32,
        _ => offer.contract_flags = number as u8,
    }
    offer.encode()
}

fn field(offer: &mut OfferDlc, foreign: OfferDlc, random: &mut Random) -> Vec<u8> {
    match random.below(6) {
        0 => offer.contract_info = foreign.contract_info,
        1 => offer.funding_pubkey = parts::key(7),
        2 => offer.temporary_contract_id = [random.next() as u8; 32],
        3 => offer.chain_hash = [random.next() as u8; 32],
        4 => offer.change_serial_id = offer.fund_output_serial_id,
        _ => std::mem::swap(&mut offer.payout_spk, &mut offer.change_spk),
    }
    offer.encode()
}

fn script(offer: &mut OfferDlc, foreign: &OfferDlc, random: &mut Random) -> Vec<u8> {
    let script = parts::script(&offer.payout_spk, &foreign.change_spk, random);
    let which = if random.below(2) == 0 { &mut offer.payout_spk } else { &mut offer.change_spk };
    *which = script;
    offer.encode()
}

/// The receiver's own coin among the sender's inputs, or instead of them.
fn stolen(offer: &mut OfferDlc, accept: &[u8], random: &mut Random) -> Vec<u8> {
    let accept: AcceptDlc = read(accept);
    if random.below(2) == 0 {
        offer.funding_inputs.clear();
    }
    offer.funding_inputs.extend(accept.funding_inputs);
    offer.encode()
}

/// Hostile numbers anywhere in the contract info: thresholds, points, payouts, digits, counts.
fn info(original: &[u8], offer: &OfferDlc, random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    let length = offer.contract_info.encode().len();
    let at = INFO + random.below(length);
    let number = random.wild().to_be_bytes();
    let width = *random.one_of(&[1, 2, 4, 8]);
    for (byte, value) in bytes[at..INFO + length].iter_mut().zip(&number[8 - width..]) {
        *byte = *value;
    }
    bytes
}

fn lengths(original: &[u8], offer: &OfferDlc, random: &mut Random) -> Vec<u8> {
    let bytes = original.to_vec();
    let Some(input) = offer.funding_inputs.first() else {
        return parts::length(bytes, &offer.change_spk, random);
    };
    match random.below(4) {
        0 => parts::length(bytes, input, random),
        1 => parts::length(bytes, &Raw(&input.prev_tx), random),
        2 => parts::length(bytes, &Raw(offer.payout_spk.as_bytes()), random),
        _ => parts::option(bytes, input, random),
    }
}

/// Bytes as they are.
pub struct Raw<'a>(pub &'a [u8]);

impl Writeable for Raw<'_> {
    fn write<W: dlc_messages::lightning::util::ser::Writer>(
        &self,
        writer: &mut W,
    ) -> Result<(), dlc_messages::lightning::io::Error> {
        writer.write_all(self.0)
    }
}
