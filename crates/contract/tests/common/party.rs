//! A party: a seed, coins that its wallet holds, and scripts it is paid to.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::Xpriv;
use bitcoin::hashes::Hash;
use bitcoin::key::TapTweak;
use bitcoin::psbt::Psbt;
use bitcoin::sighash::{EcdsaSighashType, Prevouts, SighashCache, TapSighashType};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, CompressedPublicKey, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid,
    Witness,
};
use contract::{CoinReport, CoinState, ContractKeys, ForeignCoins, PartyFunding, Serials};
use secp256k1_zkp::{Keypair, Message, SECP256K1, SecretKey};

pub struct Party {
    pub seed: u8,
    pub coins: Vec<(Transaction, u32)>,
}

impl Party {
    pub fn with_coins(seed: u8, sats: &[u64]) -> Self {
        let party = Self { seed, coins: vec![] };
        let script = party.wallet_script();
        let coins = sats.iter().enumerate().map(|(n, sat)| (pays(&script, *sat, seed, n as u8), 0)).collect();
        Self { coins, ..party }
    }

    pub fn with_taproot_coins(seed: u8, sats: &[u64]) -> Self {
        let key = Keypair::from_secret_key(SECP256K1, &SecretKey::from_slice(&[seed; 32]).unwrap());
        let script = ScriptBuf::new_p2tr(SECP256K1, key.x_only_public_key().0, None);
        let coins = sats.iter().enumerate().map(|(n, sat)| (pays(&script, *sat, seed, n as u8), 0)).collect();
        Self { seed, coins }
    }

    fn wallet_key(&self) -> SecretKey {
        SecretKey::from_slice(&[self.seed; 32]).unwrap()
    }

    /// Where its coins lie.
    pub fn wallet_script(&self) -> ScriptBuf {
        p2wpkh(&self.wallet_key())
    }

    pub fn payout_script(&self) -> ScriptBuf {
        p2wpkh(&SecretKey::from_slice(&[self.seed + 100; 32]).unwrap())
    }

    pub fn change_script(&self) -> ScriptBuf {
        p2wpkh(&SecretKey::from_slice(&[self.seed + 150; 32]).unwrap())
    }

    pub fn contract_keys(&self) -> ContractKeys {
        ContractKeys::from_xprv(Xpriv::new_master(Network::Regtest, &[self.seed; 32]).unwrap())
    }

    pub fn contract_key(&self, temporary_id: [u8; 32]) -> SecretKey {
        self.contract_keys().secret(temporary_id).unwrap()
    }

    pub fn funding(&self, temporary_id: [u8; 32]) -> PartyFunding {
        PartyFunding::new(
            self.contract_keys().public(temporary_id).unwrap(),
            self.coins.clone(),
            self.payout_script(),
            self.change_script(),
            &mut Serials::new([self.seed; 32]),
        )
    }

    /// What the other side's node says about these coins: confirmed and unspent.
    pub fn known_coins(&self) -> ForeignCoins {
        let mut coins = ForeignCoins::new();
        for (transaction, vout) in &self.coins {
            let outpoint = OutPoint { txid: transaction.compute_txid(), vout: *vout };
            coins.insert(
                outpoint,
                CoinReport { ours: false, state: unspent(&transaction.output[*vout as usize], 6) },
            );
        }
        coins
    }

    /// Signs its own inputs, as a wallet would.
    pub fn sign_inputs(&self, psbt: &mut Psbt, indices: &[usize]) {
        for index in indices {
            let prevout = psbt.inputs[*index].witness_utxo.clone().unwrap();
            let is_taproot = prevout.script_pubkey.is_p2tr();
            let witness =
                if is_taproot { self.key_path(psbt, *index) } else { self.p2wpkh(psbt, *index, &prevout) };
            psbt.inputs[*index].final_script_witness = Some(witness);
        }
    }

    fn p2wpkh(&self, psbt: &Psbt, index: usize, prevout: &TxOut) -> Witness {
        let sighash = SighashCache::new(&psbt.unsigned_tx)
            .p2wpkh_signature_hash(index, &prevout.script_pubkey, prevout.value, EcdsaSighashType::All)
            .unwrap();
        let message = Message::from_digest(sighash.to_byte_array());
        let signature = SECP256K1.sign_ecdsa_low_r(&message, &self.wallet_key());
        let signature = bitcoin::ecdsa::Signature::sighash_all(signature);
        Witness::p2wpkh(&signature, &self.wallet_key().public_key(SECP256K1))
    }

    fn key_path(&self, psbt: &Psbt, index: usize) -> Witness {
        let prevouts: Vec<TxOut> =
            psbt.inputs.iter().map(|input| input.witness_utxo.clone().unwrap()).collect();
        let sighash_type = TapSighashType::All;
        let sighash = SighashCache::new(&psbt.unsigned_tx)
            .taproot_key_spend_signature_hash(index, &Prevouts::All(&prevouts), sighash_type)
            .unwrap();
        let key = Keypair::from_secret_key(SECP256K1, &self.wallet_key()).tap_tweak(SECP256K1, None);
        let message = Message::from_digest(sighash.to_byte_array());
        let signature = SECP256K1.sign_schnorr_no_aux_rand(&message, &key.to_keypair());
        Witness::p2tr_key_spend(&bitcoin::taproot::Signature { signature, sighash_type })
    }
}

pub fn p2wpkh(key: &SecretKey) -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&CompressedPublicKey(key.public_key(SECP256K1)).wpubkey_hash())
}

pub fn unspent(output: &TxOut, confirmations: u32) -> CoinState {
    CoinState::Unspent {
        value: output.value,
        script: output.script_pubkey.clone(),
        confirmations,
        coinbase: false,
    }
}

/// A transaction that pays a script; `seed` and `n` make it unlike others.
pub fn pays(script: &ScriptBuf, sat: u64, seed: u8, n: u8) -> Transaction {
    let mut txid = [seed; 32];
    txid[0] = n;
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint { txid: Txid::from_byte_array(txid), vout: 0 },
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: vec![TxOut { value: Amount::from_sat(sat), script_pubkey: script.clone() }],
    }
}
