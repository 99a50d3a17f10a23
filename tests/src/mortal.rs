//! A world in which one process kills itself, at a point named beforehand, and is started again.
//!
//! What its owner or peer asked for while it died is asked again, under the same Idempotency-Key, as a user would.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::time::Duration;

use bitcoin::Transaction;
use client::ClientError;
use protocol::owner::{EscrowView, PurchaseRequest};
use protocol::{Offer, OfferDraft};

use crate::party::POLL_S;
use crate::{Party, World};

/// The most simulated time that anything is waited for.
const PATIENCE_S: u64 = 3 * 3_600;
/// How long a process that cuts a connection off may take to be gone, in real time.
const GONE: Duration = Duration::from_secs(10);

/// A world with one process in it that is to die.
#[derive(Debug)]
pub struct Mortal {
    /// The world. What asks the victim must go through [`Mortal::insist`] instead.
    pub world: World,
    victim: &'static str,
    /// The point at which it is to die; none once it has, or where it is to live.
    fatal: Option<String>,
    /// The chain's height before anything happened.
    began: u32,
}

impl Mortal {
    /// From now on the victim appends every point that it reaches to this file.
    pub async fn recorded(world: World, victim: &'static str, log: PathBuf) -> Self {
        let mut mortal = Self::new(world, victim);
        mortal.start_with("EARNEST_CRASH_LOG", log.into()).await;
        mortal
    }

    /// From now on the victim kills itself when it reaches `point`.
    pub async fn doomed(world: World, victim: &'static str, point: &str) -> Self {
        let mut mortal = Self::new(world, victim);
        mortal.fatal = Some(point.to_owned());
        mortal.start_with("EARNEST_CRASH_AT", point.into()).await;
        mortal
    }

    fn new(world: World, victim: &'static str) -> Self {
        let began = world.bitcoind.height().expect("the node answers");
        Self { world, victim, fatal: None, began }
    }

    async fn start_with(&mut self, name: &str, value: OsString) {
        self.world.stop(self.victim).await;
        let time = self.world.barrier.addr();
        let service = self.world.service(self.victim);
        service.set_env(name, Some(value));
        service.start_unready(time).expect("it can be run");
        while let Err(error) = self.world.service(self.victim).wait_ready().await {
            assert!(self.mend().await, "{error}");
        }
        self.world.calm().await;
    }

    /// As [`Mortal::doomed`], and the points that it reaches are appended to this file.
    pub async fn doomed_and_recorded(
        mut world: World,
        victim: &'static str,
        point: &str,
        log: PathBuf,
    ) -> Self {
        world.service(victim).set_env("EARNEST_CRASH_LOG", Some(log.into()));
        Self::doomed(world, victim, point).await
    }

    /// Whether the victim still has to die.
    #[must_use]
    pub fn is_doomed(&self) -> bool {
        self.fatal.is_some()
    }

    /// Starts the victim again if it has killed itself. Returns whether it had.
    async fn mend(&mut self) -> bool {
        if self.fatal.is_none() {
            return false;
        }
        let present = self.world.barrier.attendance().iter().any(|somebody| somebody.name == self.victim);
        let process = self.world.service(self.victim).process().expect("the victim was started");
        if !present {
            // Its connections are closed a moment before it is gone.
            let _still_there = process.wait(GONE).await;
        }
        let Some(status) = process.ended().expect("the system says whether it runs") else { return false };
        assert_eq!(status.signal(), Some(9), "it killed itself, and did not fail in another way: {status}");
        self.fatal = None;
        self.world.service(self.victim).set_env("EARNEST_CRASH_AT", None);
        self.world.barrier.wait_until_gone(self.victim).await;
        self.world.start(self.victim).await;
        true
    }

    /// As [`Mortal::mend`], for when somebody noticed: the connection is closed before the process is gone.
    async fn mend_soon(&mut self) -> bool {
        if self.fatal.is_none() {
            return false;
        }
        let process = self.world.service(self.victim).process().expect("the victim was started");
        let _still_there = process.wait(GONE).await;
        self.mend().await
    }

    /// Asks until there is an answer: once more whenever the victim has died under the request.
    ///
    /// # Panics
    /// When the request fails though nobody died.
    pub async fn insist<T>(&mut self, mut ask: impl AsyncFnMut(&World) -> Result<T, ClientError>) -> T {
        loop {
            match ask(&self.world).await {
                Ok(answer) => return answer,
                Err(error) => assert!(self.mend_soon().await, "{error}"),
            }
        }
    }

    /// Lets time pass until `at`.
    pub async fn pass_until(&mut self, at: u64) {
        while self.world.now() < at {
            let next = at.min(self.world.now() + POLL_S);
            self.world.pass_until(next).await;
            self.mend().await;
        }
    }

    /// Lets so many seconds pass.
    pub async fn pass(&mut self, seconds: u64) {
        self.pass_until(self.world.now() + seconds).await;
    }

    /// The provider publishes an offer.
    pub async fn publish(&mut self, draft: &OfferDraft) -> Offer {
        self.insist(async |world| world.provider.owner.create_offer(draft, "the-offer").await).await
    }

    /// The buyer takes it. Returns the escrow's id.
    pub async fn buy(&mut self, offer: &Offer) -> String {
        let request = PurchaseRequest { provider_url: self.world.provider.peer_url(), offer_id: offer.id };
        let bought =
            self.insist(async |world| world.buyer.owner.purchase(&request, "the-purchase").await).await;
        self.world.calm().await;
        bought.escrow_id
    }

    /// What both sides say the state of an escrow is: the provider, then the buyer.
    async fn states(&mut self, id: &str) -> [Option<String>; 2] {
        let state = |all: Vec<EscrowView>| all.into_iter().find(|view| view.id == id).map(|view| view.state);
        let provider = self.insist(async |world| world.provider.owner.escrows().await).await;
        let buyer = self.insist(async |world| world.buyer.owner.escrows().await).await;
        [state(provider), state(buyer)]
    }

    /// Lets time pass until both sides tell this state.
    ///
    /// # Panics
    /// When they do not within hours.
    pub async fn both_reach(&mut self, id: &str, state: &str) {
        let last = self.world.now() + PATIENCE_S;
        loop {
            let states = self.states(id).await;
            if states.iter().all(|told| told.as_deref() == Some(state)) {
                return;
            }
            assert!(self.world.now() < last, "waited in vain for {state}: {states:?}\n{}", self.world.logs());
            self.pass(POLL_S).await;
        }
    }

    /// Lets time pass until one side shows an escrow as it is waited for. Returns that.
    ///
    /// # Panics
    /// When it does not within hours.
    pub async fn shown<T>(
        &mut self,
        party: fn(&World) -> &Party,
        id: &str,
        what: impl Fn(&EscrowView) -> Option<T>,
    ) -> T {
        let last = self.world.now() + PATIENCE_S;
        loop {
            let view = self.insist(async |world| party(world).owner.escrow(id).await).await;
            if let Some(found) = view.as_ref().and_then(&what) {
                return found;
            }
            assert!(self.world.now() < last, "waited in vain: {view:?}\n{}", self.world.logs());
            self.pass(POLL_S).await;
        }
    }

    /// Every transaction that is in a block since the beginning, without the coinbases.
    #[must_use]
    pub fn on_chain(&self) -> Vec<Transaction> {
        let tip = self.world.bitcoind.height().expect("the node answers");
        (self.began + 1..=tip).flat_map(|height| transactions(&self.world, height)).collect()
    }

    /// Insists on what must hold at the end of every life, however often anybody died: nothing hangs in the mempool,
    /// no coin is set aside or locked, there are no other escrows, and nothing happened twice.
    pub async fn is_over(&mut self, expected: &[&str]) {
        assert!(self.world.bitcoind.mempool().expect("the node answers").is_empty(), "the mempool is empty");
        for party in [&self.world.provider, &self.world.buyer] {
            let balance = party.owner.balance().await.expect("the node answers");
            let bound = [balance.reserved_sat, balance.locked_sat, balance.pending_sat].map(|sat| sat.0);
            assert_eq!(bound, [0, 0, 0], "everything is free: {balance:?}");
            let escrows = party.owner.escrows().await.expect("the node answers");
            let ids: BTreeSet<&str> = escrows.iter().map(|view| view.id.as_str()).collect();
            assert_eq!(ids, expected.iter().copied().collect(), "one purchase is one escrow");
            assert_eq!(escrows.len(), expected.len(), "each of them once");
            for id in expected {
                happened_once(party, id).await;
            }
        }
    }
}

/// All that can happen to an escrow happens once, except that its state changes.
async fn happened_once(party: &Party, id: &str) {
    let history = party.history(id).await;
    let mut counts = BTreeMap::<&str, usize>::new();
    for event in history.iter().filter(|event| *event != "observed") {
        *counts.entry(event).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count == 1), "{history:?}");
}

fn transactions(world: &World, height: u32) -> Vec<Transaction> {
    let hash: String = world.bitcoind.call("getblockhash", &[height.into()]).expect("the node answers");
    let block: String = world.bitcoind.call("getblock", &[hash.into(), 0.into()]).expect("the node answers");
    let block: bitcoin::Block = bitcoin::consensus::encode::deserialize_hex(&block).expect("is a block");
    block.txdata.into_iter().skip(1).collect()
}
