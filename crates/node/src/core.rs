//! The node's state, and the one way to change it.
//!
//! There is one [`Core`] behind one lock. Whatever is to change goes into a [`Change`], which is
//! written in one SQLite transaction, together with what the wallet has staged; only then does it
//! become true in memory, and only then may anything leave the process.

mod change;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{OutPoint, Transaction, Txid};
use contract::CheckedContract;
use crashpoint::here;
use engine::{Coin, Escrow, Event, Hold, hold};
use storage::{Reservation, Store, StoredEvent};
use terms::Hex32;
use tokio::sync::watch;
use wallet::{Bitcoind, ChangeSet, Follower, Wallet};

use crate::book::Book;
use crate::config::Config;
use crate::directory::Standings;
use crate::error::NodeError;
use crate::guard::Guard;
use crate::keeper::Keeper;
use crate::keys::Keys;
use crate::money::supply::Supply;
use crate::money::sweep::Sweep;
use crate::oracles::attestations::Pace;
use crate::standing::{Order, StandingOffer};

pub(crate) use change::Change;

/// The node's state.
pub struct Core {
    pub(crate) config: Config,
    pub(crate) keys: Keys,
    pub(crate) store: Store,
    pub(crate) wallet: Wallet,
    pub(crate) chain: Bitcoind,
    pub(crate) follower: Follower,
    pub(crate) escrows: BTreeMap<Hex32, Escrow>,
    /// Escrows that ended so long before the start that the chain is not watched for them.
    pub(crate) archived: BTreeSet<Hex32>,
    /// Contracts whose messages were checked in this run.
    pub(crate) contracts: BTreeMap<Hex32, CheckedContract>,
    pub(crate) reserved: BTreeMap<OutPoint, Hex32>,
    /// The owner's payments that are not buried in the chain.
    pub(crate) payments: BTreeMap<Txid, Transaction>,
    /// Transactions that the Bitcoin node would not take for their fee when it was last asked.
    pub(crate) refused: BTreeSet<Txid>,
    /// What fees are, as of the last look.
    pub(crate) market: Option<engine::FeeView>,
    /// The peer's coins in the funding transactions, by escrow.
    pub(crate) peer_coins: BTreeMap<Hex32, Vec<OutPoint>>,
    /// Whether one of them may not have reached the Bitcoin node.
    pub(crate) payment_waits: bool,
    /// What the owner allows, and what is counted against it.
    pub(crate) guard: Guard,
    /// Where the chain of receipts ends.
    pub(crate) book: Book,
    /// A buyer's standing orders.
    pub(crate) orders: BTreeMap<Hex32, Order>,
    /// A provider's standing offers.
    pub(crate) standing_offers: BTreeMap<Hex32, StandingOffer>,
    /// The supply of coins for escrows.
    pub(crate) supply: Supply,
    /// The scheduled sweep.
    pub(crate) sweep: Sweep,
    /// Agreed escrows for which coins are missing, of which the owner was told.
    pub(crate) short_of_coins: BTreeSet<Hex32>,
    /// Changes of the wallet that no transaction has made durable yet.
    pub(crate) unsaved: Vec<String>,
    /// What is kept at the backup target, where there is one.
    pub(crate) keeper: Option<Keeper>,
    /// CETs from which an escrow learned, or had nothing to learn; only so that it is not tried again in this run.
    pub(crate) studied: BTreeSet<(Hex32, Txid)>,
    /// How peers and oracles are paced, in memory alone.
    pub(crate) pace: Pace,
    /// How the directories that list us stand.
    pub(crate) standings: Standings,
    /// Changes whenever there is something new to tell the owner.
    pub(crate) news: watch::Sender<u64>,
    /// How many offers were published in this run.
    pub(crate) published: watch::Sender<u64>,
    /// When old rows are next forgotten, in unix seconds.
    pub(crate) tidy_at: u64,
}

impl Core {
    /// The coins that escrows have set aside.
    pub(crate) fn reserved_coins(&self) -> BTreeSet<OutPoint> {
        self.reserved.keys().copied().collect()
    }

    /// An escrow.
    pub(crate) fn escrow(&self, id: Hex32) -> Result<&Escrow, NodeError> {
        self.escrows.get(&id).ok_or(NodeError::NotFound { what: "escrow" })
    }

    /// The escrow that is another one's next window, unless it came to nothing.
    pub(crate) fn renewal_of(&self, id: Hex32) -> Option<Hex32> {
        let mut renewals = self.escrows.values().filter(|escrow| escrow.opened.renews == Some(id));
        renewals.find(|escrow| escrow.noted != engine::Status::Cancelled).map(Escrow::id)
    }

    /// Writes a change, then makes it true in memory.
    ///
    /// # Errors
    /// When the database refuses; then nothing has changed.
    pub(crate) async fn commit(&mut self, change: Change, now: u64) -> Result<(), NodeError> {
        self.collect_wallet_changes()?;
        let told = self.told_of(&change, now).await?;
        let mut tx = self.store.begin().await?;
        for json in &self.unsaved {
            tx.append_wallet_change(json).await?;
        }
        self.write_events(&mut tx, &change, now).await?;
        let counted = self.write_guard(&mut tx, &change, now).await?;
        let written = self.write_receipts(&mut tx, &change).await?;
        change.write_rest(&mut tx, now).await?;
        for row in &told {
            tx.append_feed(row).await?;
        }
        here!("commit.within:{}", change.name());
        tx.commit().await?;
        here!("commit.after:{}", change.name());
        self.unsaved.clear();
        if !told.is_empty() {
            self.news.send_modify(|count| *count = count.wrapping_add(1));
        }
        if change.offer.is_some() {
            self.published.send_modify(|count| *count = count.wrapping_add(1));
        }
        for (id, event) in &change.events {
            self.apply(*id, event);
        }
        self.count(counted, &change.forgotten_outflows);
        self.follow_receipts(written, change.batch.clone());
        self.note_for_backup(&change);
        Ok(())
    }

    /// Each escrow that the change touched is to be backed up anew. Sessions that are not escrows yet have nothing
    /// worth it.
    fn note_for_backup(&mut self, change: &Change) {
        let Some(keeper) = &mut self.keeper else { return };
        if change.references.is_breach() {
            keeper.introduce_again();
        }
        let events = change.events.iter().map(|(id, _)| *id);
        let touched: BTreeSet<Hex32> = events.chain(change.envelopes.iter().map(|new| new.session)).collect();
        touched.into_iter().filter(|id| self.escrows.contains_key(id)).for_each(|id| keeper.note(id));
    }

    async fn write_events(
        &self,
        tx: &mut storage::Tx<'_>,
        change: &Change,
        now: u64,
    ) -> Result<(), NodeError> {
        let mut numbers = BTreeMap::new();
        for (id, event) in &change.events {
            let next = numbers.entry(*id).or_insert_with(|| self.escrows.get(id).map_or(0, |e| e.events));
            let stored = stored_event(*next, now, event)?;
            *next += 1;
            tx.append_event(*id, &stored).await?;
            self.write_reservations(tx, *id, event, self.deadline(*id, change)).await?;
        }
        Ok(())
    }

    /// The funding deadline of an escrow that exists, or that begins with this change.
    pub(crate) fn deadline(&self, id: Hex32, change: &Change) -> u64 {
        let begins = change.events.iter().find_map(|(new, event)| match event {
            Event::Opened(opened) if *new == id => Some(&opened.agreement),
            _ => None,
        });
        let agreement = begins.or_else(|| self.escrows.get(&id).map(Escrow::agreement));
        agreement.map_or(0, |agreement| agreement.funding_deadline.0)
    }

    /// Takes what the wallet has staged; it stays in `unsaved` until a transaction has made it durable.
    fn collect_wallet_changes(&mut self) -> Result<(), NodeError> {
        if let Some(changes) = self.wallet.take_staged() {
            self.unsaved.push(to_json(&changes)?);
        }
        Ok(())
    }

    /// Whether the wallet has changes that no transaction has made durable yet.
    pub(crate) fn has_unsaved(&mut self) -> Result<bool, NodeError> {
        self.collect_wallet_changes()?;
        Ok(!self.unsaved.is_empty())
    }

    /// Makes a stored event true in memory.
    pub(crate) fn apply(&mut self, id: Hex32, event: &Event) {
        self.follow_reservations(id, event);
        match self.escrows.get_mut(&id) {
            Some(escrow) => escrow.apply(event),
            None => {
                if let Some(escrow) = Escrow::replay([event]) {
                    self.escrows.insert(id, escrow);
                }
            }
        }
        if matches!(event, Event::Observed { status, .. } if status.is_final()) {
            self.contracts.remove(&id);
        }
        if let Some(escrow) = self.escrows.get(&id) {
            self.watch(id, escrow.opened.height);
        }
    }

    async fn write_reservations(
        &self,
        tx: &mut storage::Tx<'_>,
        id: Hex32,
        event: &Event,
        expires_at: u64,
    ) -> Result<(), NodeError> {
        let coins: Vec<OutPoint> = match hold(self.escrows.get(&id), event) {
            Hold::Take(coins) => coins.iter().map(|coin| coin.outpoint).collect(),
            Hold::TakeAgain(coins) => self.not_held(coins),
            Hold::LetGo => return Ok(tx.release(id).await?),
            Hold::Leave => return Ok(()),
        };
        for coin in coins {
            tx.reserve(&Reservation { outpoint: coin.to_string(), escrow: id, expires_at }).await?;
        }
        Ok(())
    }

    /// Those of some coins that no escrow holds.
    fn not_held(&self, coins: &[Coin]) -> Vec<OutPoint> {
        let coins = coins.iter().map(|coin| coin.outpoint);
        coins.filter(|coin| !self.reserved.contains_key(coin)).collect()
    }

    fn follow_reservations(&mut self, id: Hex32, event: &Event) {
        let coins = match hold(self.escrows.get(&id), event) {
            Hold::Take(coins) => coins.iter().map(|coin| coin.outpoint).collect(),
            Hold::TakeAgain(coins) => self.not_held(coins),
            Hold::LetGo => return self.reserved.retain(|_, holder| *holder != id),
            Hold::Leave => return,
        };
        self.reserved.extend(coins.into_iter().map(|coin| (coin, id)));
    }

    /// Watches whatever of an escrow can appear on the chain, from a height on.
    pub(crate) fn watch(&mut self, id: Hex32, from: u32) {
        let Some(escrow) = self.escrows.get(&id) else { return };
        if let Some(funding) = escrow.funding {
            self.follower.watch_tx(funding.txid, from);
            self.follower.watch_outpoint(funding, from);
            let peer = self.peer_coins.entry(id).or_insert_with(|| crate::peers::lock::peer_coins(escrow));
            for outpoint in escrow.coins.iter().map(|coin| coin.outpoint).chain(peer.iter().copied()) {
                self.follower.watch_outpoint(outpoint, from);
            }
        }
        for child in escrow.bumps.iter().filter_map(|bump| crate::chain::parse(&bump.tx)) {
            self.follower.watch_tx(child.compute_txid(), from);
        }
        if let Some(cancel) = escrow.cancel.as_ref().and_then(crate::chain::parse) {
            self.follower.watch_tx(cancel.compute_txid(), from);
        }
    }
}

pub(crate) fn stored_event(seq: u64, at: u64, event: &Event) -> Result<StoredEvent, NodeError> {
    let json = serde_json::to_string(event).map_err(|_| NodeError::Damaged { what: "event" })?;
    Ok(StoredEvent { seq, at, name: event.name().to_owned(), json })
}

/// A change of the wallet as it is stored.
pub(crate) fn to_json(changes: &ChangeSet) -> Result<String, NodeError> {
    serde_json::to_string(changes).map_err(|_| NodeError::Damaged { what: "wallet change" })
}
