//! Paying more for what waits: looking at its fee, building the child or the dearer cancel, sending it.
//!
//! What to do is decided by [`engine::fee_due`]. As everywhere a transaction is stored before it leaves, and can be sent
//! again without harm. A child spends an own output that nothing else spends and no escrow has reserved, to ourselves.

use bitcoin::{Amount, OutPoint, Transaction, TxOut, Txid};
use crashpoint::here;
use engine::{ChainView, Coin, Command, Due, Escrow, FeeView, Place, Waiting, WaitingTx, fee_due, waiting};
use terms::{Hex32, Sat};
use tokio::task::block_in_place;
use wallet::chain::MempoolEntry;
use wallet::{BroadcastError, TxStatus};

use crate::chain::{bytes, parse};
use crate::core::Core;
use crate::error::NodeError;

impl Core {
    /// What is due for the fee of the transaction that an escrow waits for.
    pub(crate) fn fee_due(
        &mut self,
        id: Hex32,
        view: &ChainView,
        now: u64,
    ) -> Result<Option<Due>, NodeError> {
        let Some(kind) = waiting(self.escrow(id)?, view, now) else { return Ok(None) };
        let Some(tx) = self.waiting_tx(id, kind, view)? else { return Ok(None) };
        let fees = self.market()?;
        let weighed = self.weigh(id, kind, &tx)?;
        Ok(fee_due(self.escrow(id)?, view, &fees, &weighed, now))
    }

    /// Children whose parents wait no more, or that another took the place of, must not hold coins: once the mempool has
    /// them not, the wallet forgets them. Whoever still has one may send it; it pays us.
    pub(crate) fn let_go_of_bumps(&mut self, id: Hex32, view: &ChainView, now: u64) -> Result<(), NodeError> {
        let escrow = self.escrow(id)?;
        let waits = waiting(escrow, view, now).is_some();
        let keeps = |bump: &engine::Bump| waits && escrow.bump_of(bump.spends) == Some(bump);
        let dropped = escrow.bumps.iter().filter(|bump| !keeps(bump)).filter_map(|bump| parse(&bump.tx));
        let txids: Vec<Txid> = dropped.map(|tx| tx.compute_txid()).collect();
        for txid in txids {
            if self.follower.tx_status(&txid) == TxStatus::Unseen && self.wallet.is_on_its_way(txid) {
                self.wallet.forget_unconfirmed(txid, now);
            }
        }
        Ok(())
    }

    /// The transaction that waits, where its fee can be the reason: the mempool has it, or refused it.
    fn waiting_tx(
        &self,
        id: Hex32,
        kind: Waiting,
        view: &ChainView,
    ) -> Result<Option<Transaction>, NodeError> {
        let escrow = self.escrow(id)?;
        let refused = |tx: &Transaction| self.refused.contains(&tx.compute_txid());
        let of = |tx: Option<&engine::Bytes>, place: Place| {
            tx.and_then(parse).filter(|tx| place == Place::Mempool || refused(tx))
        };
        Ok(match kind {
            Waiting::Funding => of(escrow.funding_tx.as_ref(), view.funding),
            Waiting::Cancel => of(escrow.cancel.as_ref(), view.cancel),
            Waiting::Closing => match view.spend.filter(|spend| spend.place.is_seen()) {
                Some(_) => of(escrow.spend.as_ref().map(|(.., tx)| tx), Place::Mempool),
                None => [&escrow.closes.tx, &escrow.cet, &escrow.refund]
                    .into_iter()
                    .find_map(|tx| of(tx.as_ref(), Place::Unknown)),
            },
        })
    }

    /// What new transactions pay now; asked once for each look.
    pub(crate) fn market(&mut self) -> Result<FeeView, NodeError> {
        if let Some(known) = self.market {
            return Ok(known);
        }
        let relay = block_in_place(|| self.chain.replacement_fee_rate())?;
        let fees = FeeView {
            going_sat_kvb: per_kvb(self.bump_rate()?),
            relay_sat_kvb: per_kvb(relay),
            patience: self.config.fees.bump_after_blocks,
        };
        self.market = Some(fees);
        Ok(fees)
    }

    fn weigh(&mut self, id: Hex32, kind: Waiting, tx: &Transaction) -> Result<WaitingTx, NodeError> {
        let txid = tx.compute_txid();
        let entry = block_in_place(|| self.chain.mempool_entry(&txid))?;
        let fee = self.fee_of(id, kind, tx, entry)?;
        let replaces = if kind == Waiting::Cancel { self.fees_replaced(id)?.1 } else { Amount::ZERO };
        let escrow = self.escrow(id)?;
        let own = self.own_output(escrow, kind, tx);
        let child = own.and_then(|own| escrow.bump_of(own.outpoint)).and_then(|bump| parse(&bump.tx));
        Ok(WaitingTx {
            fee_sat: fee.to_sat(),
            vsize: tx.vsize() as u64,
            seen_sat_kvb: entry.map(|entry| entry.seen_sat_kvb),
            refused: entry.is_none() && self.refused.contains(&txid),
            own,
            child: child.map_or(Place::Unknown, |tx| {
                crate::chain::place(self.follower.tx_status(&tx.compute_txid()))
            }),
            replaces_sat: replaces.to_sat(),
        })
    }

    fn fee_of(
        &mut self,
        id: Hex32,
        kind: Waiting,
        tx: &Transaction,
        entry: Option<MempoolEntry>,
    ) -> Result<Amount, NodeError> {
        if let Some(entry) = entry {
            return Ok(entry.fee);
        }
        let paid: Amount = tx.output.iter().map(|output| output.value).sum();
        let escrow = self.escrow(id)?;
        let brought = match kind {
            Waiting::Funding => return Ok(self.fees_replaced(id)?.0),
            Waiting::Cancel => escrow.coins.iter().map(|coin| Amount::from_sat(coin.value_sat.0)).sum(),
            Waiting::Closing => funding_value(escrow).unwrap_or(paid),
        };
        Ok(brought.checked_sub(paid).unwrap_or(Amount::ZERO))
    }

    /// An output of ours that is free for a child: no escrow has reserved it, and nothing spends it but an earlier child.
    fn own_output(&self, escrow: &Escrow, kind: Waiting, tx: &Transaction) -> Option<Coin> {
        if kind == Waiting::Cancel {
            return None;
        }
        let txid = tx.compute_txid();
        let (vout, output) =
            tx.output.iter().enumerate().find(|(_, output)| self.wallet.is_mine(&output.script_pubkey))?;
        let outpoint = OutPoint::new(txid, u32::try_from(vout).ok()?);
        let ours = |spender: Txid| {
            escrow.bumps.iter().filter_map(|bump| parse(&bump.tx)).any(|tx| tx.compute_txid() == spender)
        };
        let free =
            !self.reserved.contains_key(&outpoint) && self.wallet.spender_of(&outpoint).is_none_or(ours);
        free.then_some(Coin { outpoint, value_sat: Sat(output.value.to_sat()) })
    }

    pub(crate) async fn build_bump(
        &mut self,
        id: Hex32,
        spends: OutPoint,
        fee_sat: u64,
        now: u64,
    ) -> Result<bool, NodeError> {
        let (_, output) = self.parent(id, spends)?;
        let child = self.wallet.gather(&[(spends, output)], Amount::from_sat(fee_sat))?;
        tracing::info!(escrow = %id, parent = %spends.txid, child = %child.tx.compute_txid(), fee_sat, "paying more");
        let height = self.follower.tip().map_or(0, |tip| tip.height);
        let (tx, fee_sat) = (bytes(&child.tx), Sat(fee_sat));
        self.step(id, Command::UseBump { spends, tx, fee_sat, height }, now).await
    }

    /// Sends the newest child, together with its parent where the mempool has not taken that alone.
    pub(crate) fn broadcast_bump(&mut self, id: Hex32, spends: OutPoint) -> Result<bool, NodeError> {
        let (parent, _) = self.parent(id, spends)?;
        let Some(bump) = self.escrow(id)?.bump_of(spends) else { return Ok(false) };
        let child = parse(&bump.tx).ok_or(NodeError::Damaged { what: "bump" })?;
        here!("broadcast.before:bump");
        let sent = block_in_place(|| match self.chain.broadcast(&child) {
            Err(BroadcastError::MissingInputs(_)) => {
                self.chain.submit_package(&[parent.clone(), child.clone()]).map(|answer| answer.message)
            }
            Ok(_) => Ok("success".to_owned()),
            Err(BroadcastError::Chain(error)) => Err(error),
            Err(refused) => Ok(refused.to_string()),
        })?;
        here!("broadcast.after:bump");
        let child = child.compute_txid();
        if sent == "success" {
            self.refused.remove(&parent.compute_txid());
            tracing::info!(escrow = %id, %child, parent = %spends.txid, "bump broadcast");
        } else {
            tracing::warn!(escrow = %id, %child, parent = %spends.txid, answer = sent, "bump not taken");
        }
        Ok(false)
    }

    /// The transaction of an escrow that makes an output, and the output.
    fn parent(&self, id: Hex32, spends: OutPoint) -> Result<(Transaction, TxOut), NodeError> {
        let escrow = self.escrow(id)?;
        let seen = escrow.spend.as_ref().map(|(.., tx)| tx);
        let own = [&escrow.funding_tx, &escrow.closes.tx, &escrow.cet, &escrow.refund];
        let parent = seen
            .into_iter()
            .chain(own.into_iter().flatten())
            .filter_map(parse)
            .find(|tx| tx.compute_txid() == spends.txid);
        let missing = || NodeError::Damaged { what: "bump" };
        let parent = parent.ok_or_else(missing)?;
        let output = parent.output.get(spends.vout as usize).cloned().ok_or_else(missing)?;
        Ok((parent, output))
    }
}

/// What the funding output holds.
fn funding_value(escrow: &Escrow) -> Option<Amount> {
    let funding = escrow.funding_tx.as_ref().and_then(parse)?;
    Some(funding.output.get(escrow.funding?.vout as usize)?.value)
}

fn per_kvb(rate: bitcoin::FeeRate) -> u64 {
    rate.to_sat_per_kwu().saturating_mul(4)
}
