//! The owner's own money: addresses, sending, sweeping.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Amount, FeeRate, Transaction, Txid};
use crashpoint::here;
use protocol::owner::{Address, Withdrawal, WithdrawalAmount, WithdrawalRequest};
use storage::Outflow;
use terms::DocumentError;
use tokio::task::block_in_place;
use wallet::{BroadcastError, Payment, SpendError};

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::ticket::Ticket;
use crate::views::shown;

/// The depth at which a payment is forgotten: no reorganisation reaches further.
const BURIED: u32 = 144;

/// What a payment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The owner asked for it.
    Withdrawal,
    /// The schedule came to a moment.
    Sweep,
    /// The supply was short; only the fee leaves.
    Split,
}

impl Purpose {
    /// As it is stored and shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Withdrawal => "withdrawal",
            Self::Sweep => "sweep",
            Self::Split => "split",
        }
    }
}

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
        let tx = self.pay_sparing_supply(&to, &payment, rate)?;
        self.may_leave(&tx, now).await?;
        if ticket.is_rehearsal() {
            return Err(NodeError::Rehearsed(Box::new(self.rehearse_payment(&tx, rate, now).await?)));
        }
        let withdrawal = Withdrawal { txid: shown(tx.compute_txid()) };
        let change = Change { answer: ticket.answer(&withdrawal)?, ..Change::default() };
        let txid = self.write_off(tx, Purpose::Withdrawal, change, now).await?;
        self.broadcast_payment(txid, ticket.key(), now).await?;
        Ok(withdrawal)
    }

    /// The supply's coins are taken last: the owner's wish goes before it, but not without need.
    fn pay_sparing_supply(
        &mut self,
        to: &bitcoin::Address<NetworkUnchecked>,
        payment: &Payment,
        rate: FeeRate,
    ) -> Result<Transaction, NodeError> {
        let reserved = self.reserved_coins();
        let supply = self.supply_coins();
        if matches!(payment, Payment::Amount(_)) && !supply.is_empty() {
            let spared = reserved.union(&supply).copied().collect();
            match self.wallet.pay(to, payment, rate, &spared) {
                Err(SpendError::Insufficient { .. } | SpendError::NothingToSend) => {}
                paid => return Ok(paid?.tx),
            }
        }
        Ok(self.wallet.pay(to, payment, rate, &reserved)?.tx)
    }

    /// Stores a payment together with what belongs to it. Its coins count as spent from here on, and every look sends it
    /// until it is in the chain.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub(crate) async fn write_off(
        &mut self,
        tx: Transaction,
        purpose: Purpose,
        change: Change,
        now: u64,
    ) -> Result<Txid, NodeError> {
        let txid = tx.compute_txid();
        let sat = self.wallet.leaves(&tx).to_sat();
        let outflow = Outflow {
            txid: txid.to_string(),
            at: self.guard.time(now).0,
            kind: purpose.name().to_owned(),
            sat,
        };
        let payment = (txid.to_string(), bitcoin::consensus::serialize(&tx));
        let movements = self.payment_movements(&tx, purpose, now);
        let change = Change { payment: Some(payment), outflow: Some(outflow), movements, ..change };
        self.wallet.insert_unconfirmed(Arc::new(tx.clone()), now);
        if let Err(error) = self.commit(change, now).await {
            self.wallet.forget_unconfirmed(txid, now);
            return Err(error);
        }
        self.payments.insert(txid, tx);
        Ok(txid)
    }

    /// Broadcasts a stored payment for the first time. One that the Bitcoin node refuses is forgotten, with the answer
    /// that promised it.
    ///
    /// # Errors
    /// When it is refused, or the database fails.
    pub(crate) async fn broadcast_payment(
        &mut self,
        txid: Txid,
        answer: Option<&str>,
        now: u64,
    ) -> Result<(), NodeError> {
        let Some(tx) = self.payments.get(&txid) else { return Ok(()) };
        here!("broadcast.before:payment");
        let sent = block_in_place(|| self.chain.broadcast(tx));
        here!("broadcast.after:payment");
        match sent {
            Ok(_) => Ok(()),
            Err(error @ BroadcastError::Chain(_)) => {
                tracing::warn!(%txid, %error, "a payment waits for the Bitcoin node");
                self.payment_waits = true;
                Ok(())
            }
            Err(error) => {
                self.wallet.forget_unconfirmed(txid, now);
                self.forget_payments(vec![txid], vec![txid], answer, now).await?;
                Err(error.into())
            }
        }
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
        let (mut over, mut unsent) = (Vec::new(), Vec::new());
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
                            unsent.push(*txid);
                        }
                    }
                }
            }
        }
        if over.is_empty() { Ok(()) } else { self.forget_payments(over, unsent, None, now).await }
    }

    async fn forget_payments(
        &mut self,
        txids: Vec<Txid>,
        unsent: Vec<Txid>,
        answer: Option<&str>,
        now: u64,
    ) -> Result<(), NodeError> {
        for txid in &txids {
            self.payments.remove(txid);
        }
        let forgotten_answer = answer.map(str::to_owned);
        let movements = self.take_back(&unsent, now).await?;
        let change = Change {
            forgotten_payments: txids,
            forgotten_outflows: unsent,
            movements,
            forgotten_answer,
            ..Change::default()
        };
        self.commit(change, now).await
    }

    fn rate(&self, asked: Option<u64>) -> Result<FeeRate, NodeError> {
        if let Some(rate) = asked {
            let rate = FeeRate::from_sat_per_vb(rate);
            return rate.ok_or_else(|| DocumentError::new("fee_rate_sat_vb", "is too large").into());
        }
        self.going_rate()
    }
}
