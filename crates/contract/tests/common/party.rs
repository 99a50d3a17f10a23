//! A party: a seed, coins that its wallet holds, and scripts it is paid to.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::Xpriv;
use bitcoin::hashes::Hash;
use bitcoin::psbt::Psbt;
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, CompressedPublicKey, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid,
    Witness,
};
use contract::{CoinReport, CoinState, ContractKeys, ForeignCoins, PartyFunding, Serials};
use secp256k1_zkp::{Message, SECP256K1, SecretKey};

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
        p2wpkh(&SecretKey::from_slice(&[self.seed + 101; 32]).unwrap())
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
            let sighash = SighashCache::new(&psbt.unsigned_tx)
                .p2wpkh_signature_hash(*index, &prevout.script_pubkey, prevout.value, EcdsaSighashType::All)
                .unwrap();
            let message = Message::from_digest(sighash.to_byte_array());
            let signature = SECP256K1.sign_ecdsa_low_r(&message, &self.wallet_key());
            let signature = bitcoin::ecdsa::Signature::sighash_all(signature);
            let witness = Witness::p2wpkh(&signature, &self.wallet_key().public_key(SECP256K1));
            psbt.inputs[*index].final_script_witness = Some(witness);
        }
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
