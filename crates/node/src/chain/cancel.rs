//! Taking our coins back from a funding transaction that missed its deadline.

use bitcoin::{Amount, OutPoint, TxOut};
use engine::{Command, cancel_fee};
use terms::Hex32;
use tokio::task::block_in_place;

use crate::chain::bytes;
use crate::core::Core;
use crate::error::NodeError;

/// A transaction with one P2WPKH input and one P2WPKH output, in vB, and what another input adds.
const CANCEL_VB: u64 = 110;
const INPUT_VB: u64 = 68;

impl Core {
    /// Spends our coins to ourselves, at a fee that replaces the funding transaction should it be in the mempool
    /// (BIP125 rules 3 and 4: more than all that it replaces pays, and its own relay on top).
    pub(crate) async fn build_cancel(&mut self, id: Hex32, now: u64) -> Result<bool, NodeError> {
        let (alone, replaced) = self.fees_replaced(id)?;
        let mut fees = self.market()?;
        let escrow = self.escrow(id)?;
        // Twice the rate of the agreement at least, so that it is not bumped by the first that comes along.
        let agreed = escrow.agreement().fee_rate_sat_vb.saturating_mul(2_000);
        fees.going_sat_kvb = fees.going_sat_kvb.max(agreed);
        let total: u64 = escrow.coins.iter().map(|coin| coin.value_sat.0).sum();
        let vsize = CANCEL_VB + INPUT_VB * (escrow.coins.len() as u64).saturating_sub(1);
        let Some(fee) = cancel_fee(total, vsize, replaced.to_sat(), alone.to_sat(), &fees) else {
            tracing::warn!(escrow = %id, total, %replaced, "the coins are not worth taking back");
            return Ok(false);
        };
        let cancel = self.wallet.gather(&self.own_coins(id)?, Amount::from_sat(fee))?;
        self.step(id, Command::UseCancel { tx: bytes(&cancel.tx) }, now).await
    }

    /// The same once more, at a higher fee.
    pub(crate) async fn raise_cancel(
        &mut self,
        id: Hex32,
        fee_sat: u64,
        now: u64,
    ) -> Result<bool, NodeError> {
        let cancel = self.wallet.gather(&self.own_coins(id)?, Amount::from_sat(fee_sat))?;
        tracing::info!(escrow = %id, txid = %cancel.tx.compute_txid(), fee_sat, "taking the coins back at a higher fee");
        let height = self.follower.tip().map_or(0, |tip| tip.height);
        self.step(id, Command::RaiseCancel { tx: bytes(&cancel.tx), height }, now).await
    }

    /// Our coins in the funding transaction.
    fn own_coins(&self, id: Hex32) -> Result<Vec<(OutPoint, TxOut)>, NodeError> {
        let known = |outpoint: OutPoint| self.wallet.own_output(&outpoint).map(|output| (outpoint, output));
        let coins: Option<_> = self.escrow(id)?.coins.iter().map(|coin| known(coin.outpoint)).collect();
        coins.ok_or(NodeError::Damaged { what: "cancel" })
    }

    /// What the funding transaction pays, and what it pays with everything that hangs on it in the mempool.
    pub(crate) fn fees_replaced(&mut self, id: Hex32) -> Result<(Amount, Amount), NodeError> {
        let contract = self.contract(id)?;
        let own = contract.accepted().funding_psbt()?.fee().unwrap_or(Amount::ZERO);
        let txid = contract.transactions().funding_outpoint.txid;
        let entry = block_in_place(|| self.chain.mempool_entry(&txid))?;
        Ok((own, own.max(entry.map_or(Amount::ZERO, |entry| entry.with_descendants))))
    }
}
