//! The owner's own money: addresses, sending, sweeping.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Amount, FeeRate, Txid};
use crashpoint::here;
use protocol::owner::{Address, Withdrawal, WithdrawalAmount, WithdrawalRequest};
use terms::DocumentError;
use tokio::task::block_in_place;
use wallet::{BroadcastError, Payment};

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::ticket::Ticket;
use crate::views::shown;

/// The depth at which a payment is forgotten: no reorganisation reaches further.
const BURIED: u32 = 144;

impl Core {
    /// An address that was not given out before; it is stored before it is shown.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn address(&mut self, ticket: &Ticket, now: u64) -> Result<Address, NodeError> {
        let address = Address { address: self.wallet.new_address().to_string() };
        let change = Change { answer: ticket.answer(&address)?, ..Change::default() };
        self.commit(change, now).await?;
        Ok(address)
    }

    /// Pays from free coins: stored first, then broadcast. A payment about which the Bitcoin node gives no answer is
    /// kept, and sent again until it is in the chain.
    ///
    /// # Errors
    /// When the request breaks a rule, the coins do not suffice, or the Bitcoin node refuses.
    pub(crate) async fn withdraw(
        &mut self,
        request: &WithdrawalRequest,
        ticket: &Ticket,
        now: u64,
    ) -> Result<Withdrawal, NodeError> {
        let payment = match request.amount()? {
            WithdrawalAmount::Exactly(amount) => Payment::Amount(Amount::from_sat(amount.0)),
            WithdrawalAmount::Sweep => Payment::Sweep,
        };
        let to = bitcoin::Address::<NetworkUnchecked>::from_str(&request.address)
            .map_err(|_| DocumentError::new("address", "must be a Bitcoin address"))?;
        let rate = self.rate(request.fee_rate_sat_vb)?;
        let tx = self.wallet.pay(&to, &payment, rate, &self.reserved_coins())?.tx;
        let txid = tx.compute_txid();
        let withdrawal = Withdrawal { txid: shown(txid) };
        let answer = ticket.answer(&withdrawal)?;
        let stored = Some((txid.to_string(), bitcoin::consensus::serialize(&tx)));
        self.wallet.insert_unconfirmed(Arc::new(tx.clone()), now);
        if let Err(error) = self.commit(Change { payment: stored, answer, ..Change::default() }, now).await {
            self.wallet.forget_unconfirmed(txid, now);
            return Err(error);
        }
        here!("broadcast.before:payment");
        let sent = block_in_place(|| self.chain.broadcast(&tx));
        here!("broadcast.after:payment");
        self.payments.insert(txid, tx);
        match sent {
            Ok(_) => {}
            Err(error @ BroadcastError::Chain(_)) => {
                tracing::warn!(%txid, %error, "a payment waits for the Bitcoin node");
                self.payment_waits = true;
            }
            Err(error) => {
                self.wallet.forget_unconfirmed(txid, now);
                self.forget_payments(vec![txid], ticket.key(), now).await?;
                return Err(error.into());
            }
        }
        Ok(withdrawal)
    }

    /// Broadcasts again what is not in the chain yet, and forgets what is buried in it or will never be.
    pub(crate) async fn send_payments(&mut self, now: u64) -> Result<(), NodeError> {
        self.payment_waits = false;
        if self.payments.is_empty() {
            return Ok(());
        }
        let tip = self.wallet.height();
        let known: BTreeMap<Txid, Option<u32>> =
            self.wallet.transactions().iter().map(|tx| (tx.txid, tx.height)).collect();
        let mut over = Vec::new();
        for (txid, tx) in &self.payments {
            match known.get(txid) {
                // The wallet has seen it replaced, or it was refused when it was made.
                None => over.push(*txid),
                Some(Some(height)) if height.saturating_add(BURIED) <= tip => over.push(*txid),
                Some(Some(_)) => {}
                Some(None) => {
                    here!("broadcast.before:payment again");
                    let sent = block_in_place(|| self.chain.broadcast(tx));
                    here!("broadcast.after:payment again");
                    if let Err(error) = sent {
                        tracing::warn!(%txid, %error, "a payment is not in the chain yet");
                        self.payment_waits |= matches!(error, BroadcastError::Chain(_));
                        if matches!(error, BroadcastError::Refused(_)) {
                            self.wallet.forget_unconfirmed(*txid, now);
                            over.push(*txid);
                        }
                    }
                }
            }
        }
        if over.is_empty() { Ok(()) } else { self.forget_payments(over, None, now).await }
    }

    async fn forget_payments(
        &mut self,
        txids: Vec<Txid>,
        answer: Option<&str>,
        now: u64,
    ) -> Result<(), NodeError> {
        for txid in &txids {
            self.payments.remove(txid);
        }
        let forgotten_answer = answer.map(str::to_owned);
        self.commit(Change { forgotten_payments: txids, forgotten_answer, ..Change::default() }, now).await
    }

    fn rate(&self, asked: Option<u64>) -> Result<FeeRate, NodeError> {
        if let Some(rate) = asked {
            let rate = FeeRate::from_sat_per_vb(rate);
            return rate.ok_or_else(|| DocumentError::new("fee_rate_sat_vb", "is too large").into());
        }
        self.going_rate()
    }
}
