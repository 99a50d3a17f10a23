//! The owner's own money: addresses, sending, sweeping.

use std::str::FromStr;
use std::sync::Arc;

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Amount, FeeRate};
use protocol::owner::{Withdrawal, WithdrawalAmount, WithdrawalRequest};
use terms::DocumentError;
use tokio::task::block_in_place;
use wallet::Payment;

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::views::shown;

/// How many blocks a payment may wait when the owner names no fee rate.
const TARGET_BLOCKS: u16 = 6;

impl Core {
    /// An address that was not given out before; it is stored before it is shown.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn address(&mut self, now: u64) -> Result<String, NodeError> {
        let address = self.wallet.new_address();
        self.commit(Change::default(), now).await?;
        Ok(address.to_string())
    }

    /// Pays from free coins: stored first, then broadcast.
    ///
    /// # Errors
    /// When the request breaks a rule, the coins do not suffice, or the Bitcoin node refuses.
    pub(crate) async fn withdraw(
        &mut self,
        request: &WithdrawalRequest,
        now: u64,
    ) -> Result<Withdrawal, NodeError> {
        let payment = match request.amount()? {
            WithdrawalAmount::Exactly(amount) => Payment::Amount(Amount::from_sat(amount.0)),
            WithdrawalAmount::Sweep => Payment::Sweep,
        };
        let to = Address::<NetworkUnchecked>::from_str(&request.address)
            .map_err(|_| DocumentError::new("address", "must be a Bitcoin address"))?;
        let rate = self.rate(request.fee_rate_sat_vb)?;
        let signed = self.wallet.pay(&to, &payment, rate, &self.reserved_coins())?;
        let txid = signed.tx.compute_txid();
        let raw = bitcoin::consensus::serialize(&signed.tx);
        self.wallet.insert_unconfirmed(Arc::new(signed.tx.clone()), now);
        self.commit(Change { payment: Some((txid.to_string(), raw)), ..Change::default() }, now).await?;
        if let Err(error) = block_in_place(|| self.chain.broadcast(&signed.tx)) {
            self.wallet.forget_unconfirmed(txid, now);
            self.commit(Change::default(), now).await?;
            return Err(error.into());
        }
        Ok(Withdrawal { txid: shown(txid) })
    }

    fn rate(&self, asked: Option<u64>) -> Result<FeeRate, NodeError> {
        if let Some(rate) = asked {
            let rate = FeeRate::from_sat_per_vb(rate);
            return rate.ok_or_else(|| DocumentError::new("fee_rate_sat_vb", "is too large").into());
        }
        let fallback = FeeRate::from_sat_per_vb_u32(2);
        Ok(block_in_place(|| self.chain.fee_rate(TARGET_BLOCKS, fallback))?)
    }
}
