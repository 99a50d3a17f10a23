//! The owner's own payments: send and sweep.

use std::collections::BTreeSet;

use bdk_wallet::coin_selection::{CoinSelectionAlgorithm, LargestFirstCoinSelection};
use bdk_wallet::error::CreateTxError;
use bdk_wallet::{PsbtUtils, TxBuilder, TxOrdering};
use bitcoin::address::NetworkUnchecked;
use bitcoin::psbt::Psbt;
use bitcoin::{Address, Amount, FeeRate, OutPoint, ScriptBuf, Transaction};

use crate::{SpendError, Wallet};

/// The highest fee rate that anybody can mean, in sat/vB.
pub const MAX_FEE_RATE_SAT_VB: u32 = 1_000;

/// The highest whole fee of one payment.
pub const MAX_FEE: Amount = Amount::from_sat(10_000_000);

/// What the owner wants to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payment {
    /// An amount, the fee on top.
    Amount(Amount),
    /// Everything that is confirmed and not reserved, the fee taken out of it.
    Sweep,
}

/// A signed transaction, ready to be stored and then broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTx {
    /// The transaction.
    pub tx: Transaction,
    /// Its fee.
    pub fee: Amount,
    /// Its virtual size in vB.
    pub vsize: u64,
    /// The coins it spends.
    pub inputs: Vec<OutPoint>,
}

impl Wallet {
    /// Builds and signs a payment from confirmed coins that are not reserved. Its coins do not count as spent until
    /// [`Wallet::insert_unconfirmed`]; the change address is staged.
    ///
    /// # Errors
    /// Any of [`SpendError`]; nothing is signed then.
    pub fn pay(
        &mut self,
        to: &Address<NetworkUnchecked>,
        payment: &Payment,
        rate: FeeRate,
        reserved: &BTreeSet<OutPoint>,
    ) -> Result<SignedTx, SpendError> {
        let script = self.script_on_our_network(to)?;
        check_rate(rate)?;
        if let Payment::Amount(amount) = *payment {
            let least = script.minimal_non_dust();
            if amount < least {
                return Err(SpendError::Dust { amount, least });
            }
        }
        let psbt = self.build(script, payment, rate, reserved)?;
        self.finish(psbt)
    }

    pub(crate) fn script_on_our_network(
        &self,
        to: &Address<NetworkUnchecked>,
    ) -> Result<ScriptBuf, SpendError> {
        let address = to.clone().require_network(self.network()).map_err(|_| SpendError::WrongNetwork)?;
        Ok(address.script_pubkey())
    }

    fn build(
        &mut self,
        script: ScriptBuf,
        payment: &Payment,
        rate: FeeRate,
        reserved: &BTreeSet<OutPoint>,
    ) -> Result<Psbt, SpendError> {
        let mut builder = self.inner.build_tx().coin_selection(LargestFirstCoinSelection);
        builder
            .fee_rate(for_whole_vbytes(rate))
            .ordering(TxOrdering::Untouched)
            .exclude_unconfirmed()
            .unspendable(reserved.iter().copied().collect());
        match *payment {
            Payment::Amount(amount) => builder.add_recipient(script, amount),
            Payment::Sweep => builder.drain_wallet().drain_to(script),
        };
        finish(builder)
    }

    pub(crate) fn finish(&self, mut psbt: Psbt) -> Result<SignedTx, SpendError> {
        let fee = psbt.fee_amount().unwrap_or(Amount::MAX_MONEY);
        if fee > MAX_FEE {
            return Err(SpendError::AbsurdFee { fee, limit: MAX_FEE });
        }
        let inputs: Vec<_> = psbt.unsigned_tx.input.iter().map(|input| input.previous_output).collect();
        self.sign_own_inputs(&mut psbt, &inputs)?;
        let tx = psbt.extract_tx_unchecked_fee_rate();
        Ok(SignedTx { vsize: tx.vsize() as u64, tx, fee, inputs })
    }
}

pub(crate) fn finish<C: CoinSelectionAlgorithm>(builder: TxBuilder<'_, C>) -> Result<Psbt, SpendError> {
    builder.finish().map_err(|error| match error {
        CreateTxError::CoinSelection(short) => {
            SpendError::Insufficient { needed: short.needed, available: short.available }
        }
        CreateTxError::NoUtxosSelected => SpendError::NothingToSend,
        other => SpendError::Build(Box::new(other)),
    })
}

/// Nodes round a transaction's size up to whole virtual bytes, bdk does not: up to 3 weight units on at least 437. Without
/// them a payment at exactly the least rate that a node takes is refused for a satoshi.
pub(crate) fn for_whole_vbytes(rate: FeeRate) -> FeeRate {
    let kwu = rate.to_sat_per_kwu();
    FeeRate::from_sat_per_kwu(kwu.saturating_add(kwu.div_ceil(128)))
}

pub(crate) fn check_rate(rate: FeeRate) -> Result<(), SpendError> {
    let limit = MAX_FEE_RATE_SAT_VB;
    let bounds = FeeRate::BROADCAST_MIN..=FeeRate::from_sat_per_vb_u32(limit);
    if bounds.contains(&rate) { Ok(()) } else { Err(SpendError::AbsurdFeeRate { rate, limit }) }
}
