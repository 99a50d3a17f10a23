//! What offers, accepts and signs are made of, and what can be done to each part.

use bitcoin::hashes::Hash;
use bitcoin::{Amount, ScriptBuf, Transaction};
use dlc_messages::lightning::util::ser::Writeable;
use dlc_messages::{CetAdaptorSignature, DlcInput, FundingInput};
use secp256k1_zkp::ecdsa::Signature;
use secp256k1_zkp::{Message, PublicKey, SECP256K1, SecretKey};

use super::Random;

/// A script that nobody should be paid to, or somebody else's good one.
pub fn script(own: &ScriptBuf, foreign: &ScriptBuf, random: &mut Random) -> ScriptBuf {
    match random.below(9) {
        0 => foreign.clone(),
        1 => ScriptBuf::new(),
        2 => ScriptBuf::new_op_return([7; 20]),
        3 => ScriptBuf::new_p2pkh(&bitcoin::PubkeyHash::all_zeros()),
        4 => ScriptBuf::new_p2sh(&bitcoin::ScriptHash::all_zeros()),
        5 => own.to_p2wsh(),
        6 => ScriptBuf::from_bytes([&[0x60, 0x28][..], &[1; 40]].concat()),
        7 => ScriptBuf::from_bytes(vec![0x51; random.below(10_001)]),
        _ => ScriptBuf::from_bytes(random.bytes(64)),
    }
}

/// One input less, more, twice, in another order, somebody else's, or with a field that no coin of ours has.
pub fn inputs(inputs: &mut Vec<FundingInput>, foreign: &[FundingInput], random: &mut Random) {
    let Some(first) = inputs.first().cloned() else {
        inputs.extend_from_slice(foreign);
        return;
    };
    match random.below(8) {
        0 => inputs.clear(),
        1 => inputs.push(first),
        2 => inputs.extend_from_slice(foreign),
        3 => *inputs = foreign.to_vec(),
        4 => inputs.resize(65, first),
        5 => inputs.extend(std::iter::repeat_n(first, 1 + random.below(8)).enumerate().map(renumbered)),
        6 => inputs.reverse(),
        _ => {
            let at = random.below(inputs.len());
            input(&mut inputs[at], random);
        }
    }
}

fn renumbered((index, mut input): (usize, FundingInput)) -> FundingInput {
    input.input_serial_id = index as u64;
    input
}

fn input(input: &mut FundingInput, random: &mut Random) {
    match random.below(9) {
        0 => input.prev_tx = random.bytes(500),
        1 => input.prev_tx.clear(),
        2 => input.prev_tx.truncate(random.below(input.prev_tx.len())),
        3 => input.redeem_script = ScriptBuf::from_bytes(random.bytes(40)),
        4 => input.dlc_input = Some(splice()),
        5 => input.max_witness_len = random.wild() as u16,
        6 => input.sequence = random.wild() as u32,
        7 => input.prev_tx_vout = random.wild() as u32,
        _ => coin(input, random),
    }
}

/// Another coin: its value, its script, or how many outputs there are.
fn coin(input: &mut FundingInput, random: &mut Random) {
    let mut tx: Transaction = bitcoin::consensus::deserialize(&input.prev_tx).unwrap();
    match random.below(4) {
        0 => tx.output[0].value = Amount::from_sat(random.wild()),
        1 => tx.output[0].script_pubkey = script(&ScriptBuf::new(), &ScriptBuf::new(), random),
        2 => tx.output.clear(),
        _ => {
            let twin = tx.output[0].clone();
            tx.output.push(twin);
            input.prev_tx_vout = 1;
        }
    }
    input.prev_tx = bitcoin::consensus::serialize(&tx);
}

fn splice() -> DlcInput {
    DlcInput { local_fund_pubkey: key(5), remote_fund_pubkey: key(6), contract_id: [7; 32] }
}

/// A key that nobody in the fixtures has.
pub fn key(seed: u8) -> PublicKey {
    SecretKey::from_slice(&[seed; 32]).unwrap().public_key(SECP256K1)
}

/// A valid signature over something else.
pub fn signature(random: &mut Random) -> Signature {
    let message = Message::from_digest([random.next() as u8; 32]);
    SECP256K1.sign_ecdsa(&message, &SecretKey::from_slice(&[9; 32]).unwrap())
}

/// One signature less, more, exchanged, or another contract's.
pub fn signatures(own: &mut Vec<CetAdaptorSignature>, foreign: &[CetAdaptorSignature], random: &mut Random) {
    let at = random.below(own.len());
    match random.below(7) {
        0 => drop(own.remove(at)),
        1 => own.push(own[at].clone()),
        2 => own.swap(at, 0),
        3 => own[at] = random.one_of(foreign).clone(),
        4 => *own = foreign.to_vec(),
        5 => own.clear(),
        _ => own.reverse(),
    }
}

/// Bytes after the last field: TLV records with sound and unsound lengths, among them the one that redirects payouts, or
/// the whole message again.
pub fn tail(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let overrides = dlc_messages::PayoutScriptOverrides { overrides: vec![] };
    match random.below(6) {
        0 => bytes.extend(dlc_messages::TlvRecord::to_tlv_bytes(&overrides)),
        1 => bytes.push(0),
        2 => bytes.extend([0xfd, 0xd8, 0x29, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        3 => bytes.extend([1, 1, 1].repeat(1 + random.below(1_000))),
        4 => bytes.extend(bytes.clone()),
        _ => bytes.extend(random.bytes(200)),
    }
    bytes
}

/// Another number where a count or length stands: huge, off by one, or spelt longer than need be. `part` is encoded
/// right behind it.
pub fn length(mut bytes: Vec<u8>, part: &impl Writeable, random: &mut Random) -> Vec<u8> {
    let part = part.encode();
    let found = bytes.windows(part.len().max(1)).position(|window| window == part);
    let Some(at) = found.and_then(|at| at.checked_sub(1)) else { return bytes };
    let count = bytes[at];
    let spelt: &[u8] = match random.below(8) {
        0 => &[0],
        1 => &[count.wrapping_add(1)],
        2 => &[count.wrapping_sub(1)],
        3 => &[0xfd, 0, count],
        4 => &[0xfd, 0xff, 0xff],
        5 => &[0xfe, 0x7f, 0xff, 0xff, 0xff],
        6 => &[0xff; 9],
        _ => &[0xfe],
    };
    bytes.splice(at..=at, spelt.iter().copied());
    bytes
}

/// The option byte of an input set, with something behind it.
pub fn option(mut bytes: Vec<u8>, input: &FundingInput, random: &mut Random) -> Vec<u8> {
    let part = input.encode();
    let Some(at) = bytes.windows(part.len()).position(|window| window == part) else { return bytes };
    let at = at + part.len() - 1;
    let option = [vec![1 + random.below(255) as u8], random.bytes(120)].concat();
    bytes.splice(at..=at, option);
    bytes
}
