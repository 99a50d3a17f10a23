//! Spending named own outputs into a fresh own one, at a given fee: a child that pays for its parent, a cancel.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Sequence, Transaction, TxIn, TxOut};

use crate::{MAX_FEE, SignError, SignedTx, SpendError, Wallet};

impl Wallet {
    /// Spends exactly these outputs, each ours by its script, into one fresh change output, and signs. The transactions
    /// that make them need not be known to the wallet, nor to anybody: a child may leave together with its parent. It can
    /// be replaced (BIP125).
    ///
    /// # Errors
    /// [`SpendError::Dust`] when too little is left, [`SpendError::AbsurdFee`], or [`SpendError::Sign`] for an output
    /// that is not ours; nothing is signed then.
    pub fn gather(&mut self, spent: &[(OutPoint, TxOut)], fee: Amount) -> Result<SignedTx, SpendError> {
        if fee > MAX_FEE {
            return Err(SpendError::AbsurdFee { fee, limit: MAX_FEE });
        }
        if let Some((outpoint, _)) = spent.iter().find(|(_, txout)| !self.is_mine(&txout.script_pubkey)) {
            return Err(SignError::NotOurs(*outpoint).into());
        }
        let value: Amount = spent.iter().map(|(_, txout)| txout.value).sum();
        let to = self.new_change_script();
        let (amount, least) = (value.checked_sub(fee).unwrap_or(Amount::ZERO), to.minimal_non_dust());
        if amount < least {
            return Err(SpendError::Dust { amount, least });
        }
        let output = vec![TxOut { value: amount, script_pubkey: to }];
        let input = spent.iter().map(|(outpoint, _)| replaceable(*outpoint)).collect();
        let mut tx = Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input, output };
        let witnesses: Vec<_> = spent
            .iter()
            .enumerate()
            .map(|(index, (outpoint, txout))| self.own_witness(&tx, index, outpoint, txout))
            .collect::<Result<_, _>>()?;
        for (input, witness) in tx.input.iter_mut().zip(witnesses) {
            input.witness = witness;
        }
        let inputs = spent.iter().map(|(outpoint, _)| *outpoint).collect();
        Ok(SignedTx { vsize: tx.vsize() as u64, tx, fee, inputs })
    }
}

fn replaceable(previous_output: OutPoint) -> TxIn {
    TxIn { previous_output, sequence: Sequence::ENABLE_RBF_NO_LOCKTIME, ..TxIn::default() }
}
