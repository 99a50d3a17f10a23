//! Only own inputs are signed, and of those only the ones that the caller put in.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::constants::genesis_block;
use bitcoin::hashes::Hash;
use bitcoin::psbt::Psbt;
use bitcoin::secp256k1::{Message, Secp256k1};
use bitcoin::sighash::SighashCache;
use bitcoin::transaction::Version;
use bitcoin::{CompressedPublicKey, EcdsaSighashType, OutPoint, Transaction, TxIn, TxOut, Txid, ecdsa};
use common::{REGTEST, sat, spend};
use wallet::{Birth, Seed, SignError, Wallet};

/// A wallet with two coins, without a chain.
fn wallet_with_two_coins() -> (Wallet, [OutPoint; 2]) {
    let seed = Seed::generate().unwrap();
    let genesis = genesis_block(REGTEST).block_hash();
    let mut wallet = Wallet::create(&seed, REGTEST, Birth { height: 0, hash: genesis }).unwrap();
    let scripts = [wallet.new_payout_script(), wallet.new_change_script()];
    let funding = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn { previous_output: stranger(), ..TxIn::default() }],
        output: scripts.map(|script_pubkey| TxOut { value: sat(50_000), script_pubkey }).to_vec(),
    };
    let coins = [0, 1].map(|vout| OutPoint::new(funding.compute_txid(), vout));
    wallet.insert_unconfirmed(Arc::new(funding), 0);
    (wallet, coins)
}

fn stranger() -> OutPoint {
    OutPoint::new(Txid::from_byte_array([7; 32]), 0)
}

fn psbt(wallet: &mut Wallet, coins: &[OutPoint]) -> Psbt {
    spend(coins, wallet.new_change_script(), sat(40_000), LockTime::ZERO)
}

#[test]
fn signing_the_whole_psbt_another_own_coin_that_a_peer_lists_stays_unsigned() {
    let (mut wallet, [mine, stolen]) = wallet_with_two_coins();
    let mut psbt = psbt(&mut wallet, &[stolen, mine, stranger()]);
    wallet.sign_own_inputs(&mut psbt, &[mine]).unwrap();
    let signed: Vec<bool> = psbt.inputs.iter().map(|input| input.final_script_witness.is_some()).collect();
    assert_eq!(signed, [false, true, false]);
    assert!(psbt.inputs.iter().all(|input| input.partial_sigs.is_empty()));
}

#[test]
fn the_signature_is_for_all_inputs_and_outputs_and_the_wallets_own_value() {
    let (mut wallet, [external, internal]) = wallet_with_two_coins();
    let mut psbt = psbt(&mut wallet, &[external, internal]);
    wallet.sign_own_inputs(&mut psbt, &[internal, external]).unwrap();
    let secp = Secp256k1::new();
    for (index, input) in psbt.inputs.iter().enumerate() {
        let witness = input.final_script_witness.as_ref().unwrap();
        let signature = ecdsa::Signature::from_slice(witness.nth(0).unwrap()).unwrap();
        let key = CompressedPublicKey::from_slice(witness.nth(1).unwrap()).unwrap();
        assert_eq!(signature.sighash_type, EcdsaSighashType::All);
        let script = bitcoin::ScriptBuf::new_p2wpkh(&key.wpubkey_hash());
        let hash = SighashCache::new(&psbt.unsigned_tx)
            .p2wpkh_signature_hash(index, &script, sat(50_000), EcdsaSighashType::All)
            .unwrap();
        secp.verify_ecdsa(&Message::from(hash), &signature.signature, &key.0).unwrap();
    }
}

#[test]
fn what_is_not_ours_not_spent_or_misstated_is_refused_and_nothing_is_signed() {
    let (mut wallet, [mine, other]) = wallet_with_two_coins();
    let fresh = psbt(&mut wallet, &[mine, stranger()]);
    let lie = TxOut { value: sat(49_999), script_pubkey: wallet.new_change_script() };
    let refuse = |change: &dyn Fn(&mut Psbt), own: &[OutPoint]| {
        let mut psbt = fresh.clone();
        change(&mut psbt);
        let before = psbt.clone();
        let error = wallet.sign_own_inputs(&mut psbt, own).unwrap_err();
        assert_eq!(psbt, before, "nothing is signed when anything is wrong");
        error
    };
    assert!(matches!(refuse(&|_| {}, &[mine, stranger()]), SignError::NotOurs(_)));
    assert!(matches!(refuse(&|_| {}, &[mine, other]), SignError::NotSpent(_)));
    let misstated = refuse(&|psbt| psbt.inputs[0].witness_utxo = Some(lie.clone()), &[mine]);
    assert!(matches!(misstated, SignError::Misstated(_)));
    let single = EcdsaSighashType::Single.into();
    let single = refuse(&|psbt| psbt.inputs[0].sighash_type = Some(single), &[mine]);
    assert!(matches!(single, SignError::SighashType(_)));
    let short = refuse(&|psbt| drop(psbt.inputs.pop()), &[mine]);
    assert!(matches!(short, SignError::Shape { inputs: 2, records: 1 }));
}
