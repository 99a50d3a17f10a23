//! Looking at the chain: what it shows of each escrow, and what follows from that.

mod act;
mod bump;
mod cancel;
mod learn;

use bitcoin::consensus::encode::deserialize;
use bitcoin::{Transaction, Txid};
use contract::Spend;
use crashpoint::here;
use engine::{Bytes, ChainView, Command, Escrow, Event, Place, SpendKind, SpendView, decide, due, status};
use terms::Hex32;
use tokio::task::block_in_place;
use wallet::TxStatus;

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::oracles::attestations::Ask;

/// How often one look may lead to another at once: each round takes at least one step of an escrow's life.
const ROUNDS: usize = 8;
/// Answers to the owner's requests, and expired offers, are kept for a week.
const ANSWERS_KEPT_S: u64 = 7 * 86_400;
/// Sessions that came to nothing are kept for a day.
const DEAD_SESSIONS_KEPT_S: u64 = 86_400;
/// Questions that the owner did not answer in time can be looked at for a week.
const UNANSWERED_KEPT_S: u64 = 7 * 86_400;
const TIDY_EVERY_S: u64 = 3_600;

impl Core {
    /// Brings wallet and watches to the node's best block, and notes the wallet's changes.
    ///
    /// # Errors
    /// When the Bitcoin node or the database fails; the next call goes on.
    pub(crate) async fn sync(&mut self, now: u64) -> Result<(), NodeError> {
        self.market = None;
        let seen = block_in_place(|| self.follower.sync(&mut self.wallet, now))?;
        if self.has_unsaved()? {
            self.commit(Change::default(), now).await?;
        }
        if seen.chain_changed || self.payment_waits {
            self.send_payments(now).await?;
        }
        if now >= self.tidy_at {
            self.tidy(now).await?;
        }
        Ok(())
    }

    /// Forgets rows that nobody will ask for.
    pub(crate) async fn tidy(&mut self, now: u64) -> Result<(), NodeError> {
        let mut tx = self.store.begin().await?;
        tx.prune(now.saturating_sub(ANSWERS_KEPT_S)).await?;
        tx.prune_sessions(now.saturating_sub(DEAD_SESSIONS_KEPT_S)).await?;
        tx.prune_acting().await?;
        tx.prune_listings(now).await?;
        tx.prune_feed(now.saturating_sub(crate::feed::KEPT_S)).await?;
        let unanswered = self.guard.time(now).0.saturating_sub(UNANSWERED_KEPT_S);
        tx.prune_questions(unanswered).await?;
        here!("tidy.within");
        tx.commit().await?;
        here!("tidy.after");
        self.forget_questions(unanswered);
        self.forget_names().await?;
        self.tidy_at = now + TIDY_EVERY_S;
        Ok(())
    }

    /// Does whatever is due about one escrow, as far as it can be done at once. Returns how its oracles are to
    /// be asked, if they are. A step that fails is logged and leaves the others to be done; the next call tries it again.
    ///
    /// # Errors
    /// When the chain cannot be read or the database fails.
    pub(crate) async fn tend(&mut self, id: Hex32, now: u64) -> Result<Option<Ask>, NodeError> {
        let mut ask = None;
        for _ in 0..ROUNDS {
            self.note_sightings(id, now).await?;
            let view = self.view(id)?;
            self.note_status(id, &view, now).await?;
            self.note_receipts(id, now).await?;
            self.let_go_of_bumps(id, &view, now)?;
            let mut progress = false;
            let mut steps = due(self.escrow(id)?, &view, now);
            steps.extend(self.fee_due(id, &view, now).unwrap_or_else(|error| {
                tracing::warn!(escrow = %id, %error, "its fee was not looked at; trying again");
                None
            }));
            for step in steps {
                match step {
                    engine::Due::FetchAttestations => ask = Some(Ask::Missing),
                    engine::Due::RecheckOracles => {
                        if self.pace.is_recheck_due(id, now) {
                            ask = Some(Ask::All);
                        }
                    }
                    step => progress |= self.try_to(id, step, now).await,
                }
            }
            if !progress {
                break;
            }
        }
        Ok(ask)
    }

    async fn try_to(&mut self, id: Hex32, step: engine::Due, now: u64) -> bool {
        match self.act(id, step, now).await {
            Ok(changed) => changed,
            Err(error) => {
                tracing::warn!(escrow = %id, ?step, %error, "a step failed; trying again");
                false
            }
        }
    }

    /// What the chain shows of an escrow now.
    pub(crate) fn view(&self, id: Hex32) -> Result<ChainView, NodeError> {
        let escrow = self.escrow(id)?;
        let place = |txid: &Txid| place(self.follower.tx_status(txid));
        let funding = escrow.funding.map_or(Place::Unknown, |funding| place(&funding.txid));
        let spend = escrow.funding.and_then(|funding| self.follower.spend(&funding));
        Ok(ChainView {
            height: self.follower.tip().map_or(0, |tip| tip.height),
            median_time_past: self.follower.tip().map_or(0, |tip| tip.median_time_s),
            depth: self.config.confirmations,
            funding,
            spend: spend.and_then(|spend| {
                let (known, kind, _) = escrow.spend.as_ref()?;
                let kind = if *known == spend.txid { *kind } else { SpendKind::Unknown };
                Some(SpendView { txid: spend.txid, kind, place: self::place(spend.status) })
            }),
            cancel: self.conflict(escrow),
        })
    }

    /// Where our newest cancel is; or, where a block has one, whatever else spends a coin that the funding transaction
    /// needs: an older cancel, or the peer's.
    fn conflict(&self, escrow: &Escrow) -> Place {
        if !escrow.at_stake() {
            return Place::Unknown;
        }
        let funding = escrow.funding.map(|funding| funding.txid);
        let peer = self.peer_coins.get(&escrow.id()).into_iter().flatten().copied();
        let coins = escrow.coins.iter().map(|coin| coin.outpoint).chain(peer);
        let spends = coins.filter_map(|coin| self.follower.spend(&coin));
        let rivals = spends.filter(|spend| Some(spend.txid) != funding).map(|spend| place(spend.status));
        let buried = rivals.filter(|place| matches!(place, Place::Confirmed { .. }));
        let newest = escrow.cancel.as_ref().and_then(parse);
        let newest = newest.map_or(Place::Unknown, |tx| place(self.follower.tx_status(&tx.compute_txid())));
        buried.max_by_key(|place| place.confirmations(u32::MAX - 1)).unwrap_or(newest)
    }

    async fn note_sightings(&mut self, id: Hex32, now: u64) -> Result<(), NodeError> {
        if let Some(command) = self.seen_funding(id)? {
            self.step(id, command, now).await?;
        }
        if let Some(command) = self.seen_spend(id)? {
            self.step(id, command, now).await?;
        }
        self.learn(id, now).await
    }

    /// The offerer gets the complete funding transaction from the chain, so that it can broadcast it again.
    fn seen_funding(&self, id: Hex32) -> Result<Option<Command>, NodeError> {
        let escrow = self.escrow(id)?;
        let (Some(funding), None) = (escrow.funding, &escrow.funding_tx) else { return Ok(None) };
        let tx = block_in_place(|| match self.follower.tx_status(&funding.txid) {
            TxStatus::Unseen => Ok(None),
            TxStatus::InMempool => self.chain.mempool_transaction(&funding.txid),
            TxStatus::Confirmed { block_hash, .. } => {
                let block = self.chain.block(&block_hash)?;
                Ok(block.txdata.into_iter().find(|tx| tx.compute_txid() == funding.txid))
            }
        })?;
        Ok(tx.map(|tx| Command::SeeFunding { funding_tx: bytes(&tx) }))
    }

    fn seen_spend(&mut self, id: Hex32) -> Result<Option<Command>, NodeError> {
        let escrow = self.escrow(id)?;
        let Some(spend) = escrow.funding.and_then(|funding| self.follower.spend(&funding)) else {
            return Ok(None);
        };
        if escrow.spend.as_ref().is_some_and(|(known, ..)| *known == spend.txid) {
            return Ok(None);
        }
        let kind = match self.contract(id)?.classify_spend(&spend.tx) {
            Some(Spend::Cet { provider_sat, buyer_sat, .. }) => SpendKind::Cet { provider_sat, buyer_sat },
            Some(Spend::Refund) => SpendKind::Refund,
            Some(Spend::Close { provider_sat, buyer_sat }) => SpendKind::Close { provider_sat, buyer_sat },
            Some(Spend::Unknown) | None => SpendKind::Unknown,
        };
        if kind == SpendKind::Unknown {
            tracing::error!(escrow = %id, txid = %spend.txid, "ALARM: the funding output is spent by nothing that was agreed");
        } else {
            tracing::info!(escrow = %id, txid = %spend.txid, ?kind, "the funding output is spent");
        }
        Ok(Some(Command::SeeSpend { txid: spend.txid, kind, tx: bytes(&spend.tx) }))
    }

    async fn note_status(&mut self, id: Hex32, view: &ChainView, now: u64) -> Result<(), NodeError> {
        let escrow = self.escrow(id)?;
        let status = status(escrow, view, now);
        if status == escrow.noted {
            return Ok(());
        }
        tracing::info!(escrow = %id, from = escrow.noted.name(), to = status.name(), height = view.height);
        let event = Event::Observed { status, height: view.height };
        let mut after = self.escrow(id)?.clone();
        after.apply(&event);
        let wanted = self.movements(&after);
        let movements = self.receipts_due(id, &wanted, now).await?;
        self.commit(Change { movements, ..Change::event(id, event) }, now).await
    }

    /// Takes one step of an escrow, durably. Returns whether anything changed.
    pub(crate) async fn step(&mut self, id: Hex32, command: Command, now: u64) -> Result<bool, NodeError> {
        match decide(self.escrow(id)?, command, now)? {
            None => Ok(false),
            Some(event) => {
                self.commit(Change::event(id, event), now).await?;
                Ok(true)
            }
        }
    }
}

pub(crate) fn place(status: TxStatus) -> Place {
    match status {
        TxStatus::Unseen => Place::Unknown,
        TxStatus::InMempool => Place::Mempool,
        TxStatus::Confirmed { height, .. } => Place::Confirmed { height },
    }
}

/// A stored transaction; own events hold nothing else, so `None` means a damaged disk.
pub(crate) fn parse(bytes: &Bytes) -> Option<Transaction> {
    deserialize(&bytes.0).ok()
}

/// A transaction as it is stored.
pub(crate) fn bytes(tx: &Transaction) -> Bytes {
    Bytes(bitcoin::consensus::serialize(tx))
}
