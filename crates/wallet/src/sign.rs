//! Signing: exactly the inputs that the caller names, and only if they are ours.

use bdk_wallet::KeychainKind;
use bitcoin::bip32::ChildNumber;
use bitcoin::psbt::Psbt;
use bitcoin::secp256k1::{Message, SecretKey};
use bitcoin::sighash::SighashCache;
use bitcoin::{EcdsaSighashType, OutPoint, Transaction, TxOut, Witness};

use crate::{SignError, Wallet};

impl Wallet {
    /// Signs (`SIGHASH_ALL`) and finalizes the inputs that spend `own`, and leaves every other input alone, whoever
    /// owns it.
    ///
    /// A protocol peer can list another coin of this wallet among its own inputs; a wallet that signs whatever it
    /// knows would sign the theft (DLC-TRAPS "Signing the whole PSBT"). So the caller says which coins it put in, and
    /// value and script come from the wallet, never from the PSBT.
    ///
    /// # Errors
    /// Any of [`SignError`]; then the PSBT is unchanged.
    pub fn sign_own_inputs(&self, psbt: &mut Psbt, own: &[OutPoint]) -> Result<(), SignError> {
        let (inputs, records) = (psbt.unsigned_tx.input.len(), psbt.inputs.len());
        if inputs != records {
            return Err(SignError::Shape { inputs, records });
        }
        let mut signed = Vec::with_capacity(own.len());
        for outpoint in own {
            let index = position(psbt, outpoint)?;
            signed.push((index, self.witness(psbt, index, outpoint)?));
        }
        for (index, (txout, witness)) in signed {
            let input = &mut psbt.inputs[index];
            input.witness_utxo = Some(txout);
            input.final_script_witness = Some(witness);
            input.partial_sigs.clear();
            input.bip32_derivation.clear();
        }
        Ok(())
    }

    fn witness(&self, psbt: &Psbt, index: usize, outpoint: &OutPoint) -> Result<(TxOut, Witness), SignError> {
        let (keychain, child, txout) = self.own_txout(outpoint).ok_or(SignError::NotOurs(*outpoint))?;
        let input = &psbt.inputs[index];
        if input.witness_utxo.as_ref().is_some_and(|stated| *stated != txout) {
            return Err(SignError::Misstated(*outpoint));
        }
        let all = EcdsaSighashType::All;
        if input.sighash_type.is_some_and(|stated| stated != all.into()) {
            return Err(SignError::SighashType(*outpoint));
        }
        let key = self.key(keychain, child).ok_or(SignError::Key(*outpoint))?;
        let witness = self.signed_with(&key, &psbt.unsigned_tx, index, &txout);
        Ok((txout, witness.ok_or(SignError::NotOurs(*outpoint))?))
    }

    /// The witness for an input that spends an output of ours, which the wallet need not have seen: its script says
    /// whose it is, and the signature commits to its value.
    pub(crate) fn own_witness(
        &self,
        tx: &Transaction,
        index: usize,
        outpoint: &OutPoint,
        txout: &TxOut,
    ) -> Result<Witness, SignError> {
        let found = self.inner.spk_index().index_of_spk(txout.script_pubkey.clone());
        let (keychain, child) = *found.ok_or(SignError::NotOurs(*outpoint))?;
        let key = self.key(keychain, child).ok_or(SignError::Key(*outpoint))?;
        self.signed_with(&key, tx, index, txout).ok_or(SignError::NotOurs(*outpoint))
    }

    fn signed_with(&self, key: &SecretKey, tx: &Transaction, index: usize, txout: &TxOut) -> Option<Witness> {
        let all = EcdsaSighashType::All;
        let mut cache = SighashCache::new(tx);
        let hash = cache.p2wpkh_signature_hash(index, &txout.script_pubkey, txout.value, all).ok()?;
        let signature = bitcoin::ecdsa::Signature {
            signature: self.secp.sign_ecdsa_low_r(&Message::from(hash), key),
            sighash_type: all,
        };
        Some(Witness::p2wpkh(&signature, &key.public_key(&self.secp)))
    }

    fn key(&self, keychain: KeychainKind, index: u32) -> Option<SecretKey> {
        let branch = match keychain {
            KeychainKind::External => 0,
            KeychainKind::Internal => 1,
        };
        let path = [ChildNumber::from_normal_idx(branch).ok()?, ChildNumber::from_normal_idx(index).ok()?];
        Some(self.account.derive_priv(&self.secp, &path).ok()?.private_key)
    }
}

fn position(psbt: &Psbt, outpoint: &OutPoint) -> Result<usize, SignError> {
    let inputs = &psbt.unsigned_tx.input;
    inputs.iter().position(|input| input.previous_output == *outpoint).ok_or(SignError::NotSpent(*outpoint))
}
