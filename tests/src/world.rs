//! Everything that an escrow needs, and the time.

use std::time::Duration;

use clock::Busy;
use clock::barrier::Barrier;
use protocol::{Offer, OfferDraft};
use tempfile::TempDir;
use terms::EventId;
use testbed::{Bitcoind, FailingTarget, Service};

use crate::documents::{self, Times};
use crate::oracle::{Oracle, Vantage};
use crate::party::{POLL_S, Party, Setting, Surroundings, fresh_key};

/// When every story begins: 2026-01-01T00:00:00Z.
const BEGIN: u64 = 1_767_225_600;
/// A block comes this often.
const BLOCK_EVERY_S: u64 = 60;
/// The most simulated time that anything is waited for.
const PATIENCE_S: u64 = 3 * 3_600;
/// In real time, after which something hangs.
const HANGS: Duration = Duration::from_secs(60);

/// The host of the measured service, as its users name it; the oracle's configuration points it at the target.
const SERVICE_URL: &str = "http://service.example/health";

/// A chain, an oracle, two parties, a service that fails on command, and the time. Nothing of it outlives the value.
#[derive(Debug)]
pub struct World {
    /// The provider's node.
    pub provider: Party,
    /// The buyer's node.
    pub buyer: Party,
    /// The oracle.
    pub oracle: Oracle,
    /// Further oracles, where the setting has them: `oracle-2` and so on.
    pub more_oracles: Vec<Oracle>,
    /// The measured service.
    pub target: FailingTarget,
    /// What tells the oracle whether it is connected itself.
    pub reference: FailingTarget,
    /// The chain.
    pub bitcoind: Bitcoind,
    /// The time.
    pub barrier: Barrier,
    /// While this is awake, time stands still.
    host: Busy,
    /// When the next block comes; `None` while the test mines by itself.
    next_block: Option<u64>,
    home: TempDir,
}

impl World {
    /// The usual world, with everything running and both wallets full.
    pub async fn begin() -> Self {
        Self::with(Setting::default()).await
    }

    /// A world with something special about it.
    pub async fn with(setting: Setting) -> Self {
        let home = tempfile::Builder::new().prefix("earnest-").tempdir().expect("there is room for a folder");
        // The testbed's coins take 110 blocks, which must not lie in the story's time.
        let builder = setting.bitcoind.iter().fold(Bitcoind::builder(), |builder, arg| builder.arg(arg));
        let bitcoind = builder.mock_time(BEGIN - 7_200).start().expect("there is a bitcoind to start");
        let barrier = Barrier::bind(BEGIN * 1_000).await.expect("there are free ports");
        let host = barrier.clock().await.expect("the barrier is there").busy().await;
        let target = FailingTarget::start().await.expect("there are free ports");
        let reference = FailingTarget::start().await.expect("there are free ports");
        let place = Vantage { home: home.path(), reference: reference.addr(), more: &setting.oracle };
        let oracle = Oracle::set_up("oracle", &place, target.addr(), Times::PUBLICATION_DELAY_S);
        let mut more_oracles = Vec::new();
        for (place_in_set, delay_s) in (2..).zip(&setting.more_oracles) {
            let name = format!("oracle-{place_in_set}");
            let own = FailingTarget::start().await.expect("there are free ports");
            let addr = own.addr();
            more_oracles
                .push(Oracle { own_target: Some(own), ..Oracle::set_up(&name, &place, addr, *delay_s) });
        }
        let around = Surroundings {
            bitcoind_url: bitcoind.rpc_url(),
            cookie_file: bitcoind.cookie_file(),
            backup: setting.backup,
            confirmations: setting.confirmations,
            oracles: std::iter::once(&oracle).chain(&more_oracles).map(|o| (o.url(), o.key)).collect(),
        };
        let provider = Party::set_up("provider", home.path(), &setting.provider_mandate, around.clone());
        let buyer = Party::set_up("buyer", home.path(), &setting.buyer_mandate, around);
        let next_block = Some(BEGIN + BLOCK_EVERY_S);
        let mut world = Self {
            provider,
            buyer,
            oracle,
            more_oracles,
            target,
            reference,
            bitcoind,
            barrier,
            host,
            next_block,
            home,
        };
        world.wake_everybody(&setting).await;
        world
    }

    async fn wake_everybody(&mut self, setting: &Setting) {
        let time = self.barrier.addr();
        for oracle in std::iter::once(&mut self.oracle).chain(&mut self.more_oracles) {
            oracle.service.start(time).await.expect("the oracle starts");
        }
        // One block, so that there is a tip in the story's past.
        self.bitcoind.mine(1).expect("the node mines");
        let coins = [&setting.provider_coins, &setting.buyer_coins];
        for (party, coins) in [&mut self.provider, &mut self.buyer].into_iter().zip(coins) {
            party.service.start(time).await.expect("the node starts");
            party.receive(&self.bitcoind, coins).await;
        }
        self.look().await;
        for (party, coins) in [&self.provider, &self.buyer].into_iter().zip(coins) {
            let expected: u64 = coins.iter().map(|coin| coin.to_sat()).sum();
            assert_eq!(party.available_sat().await, expected, "the wallet has what it was paid");
        }
    }

    // --- time ------------------------------------------------------------------------------------

    /// The time in unix seconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.barrier.now_ms() / 1_000
    }

    /// Lets so many seconds pass; a block comes every minute.
    pub async fn pass(&mut self, seconds: u64) {
        self.pass_until(self.now() + seconds).await;
    }

    /// Lets time pass until `at`; a block comes every minute. What the processes do at `at` comes after this.
    pub async fn pass_until(&mut self, at: u64) {
        while self.now() < at {
            let next = self.next_block.map_or(at, |block| block.min(at));
            self.sleep_until_ms(next * 1_000).await;
            if self.next_block == Some(next) {
                self.mine(1);
                self.next_block = Some(next + BLOCK_EVERY_S);
            }
        }
    }

    /// Lets so much time pass that every node has looked at the chain, and at whom it waits for, once more.
    pub async fn look(&mut self) {
        self.pass(POLL_S + 1).await;
    }

    /// Waits until everybody has done what was to be done now.
    pub async fn calm(&mut self) {
        let now_ms = self.barrier.now_ms();
        self.sleep_until_ms(now_ms + 1).await;
    }

    async fn sleep_until_ms(&mut self, at_ms: u64) {
        let slept = tokio::time::timeout(HANGS, self.host.sleep_until_ms(at_ms)).await;
        if slept.is_err() {
            let attendance = self.barrier.attendance();
            panic!("time stands still at {}: {attendance:?}\n{}", self.now(), self.logs());
        }
    }

    /// Mines blocks with the present time.
    pub fn mine(&self, blocks: u32) {
        self.bitcoind.set_mock_time(self.now()).expect("the node takes the time");
        self.bitcoind.mine(blocks).expect("the node mines");
    }

    /// From now on blocks come only when the test mines them.
    pub fn mine_by_hand(&mut self) {
        self.next_block = None;
    }

    /// From now on a block comes every minute again.
    pub fn mine_every_minute(&mut self) {
        self.next_block = Some(self.now() + BLOCK_EVERY_S);
    }

    // --- the story's steps ----------------------------------------------------------------------------

    /// The times of an escrow that is agreed now.
    #[must_use]
    pub fn times(&self) -> Times {
        Times::from(self.now())
    }

    /// The usual offer about the service, with the times of now.
    #[must_use]
    pub fn draft(&self) -> OfferDraft {
        let times = self.times();
        let measurement = documents::measurement(SERVICE_URL, &times);
        documents::draft(measurement, &times, self.oracle.key, &format!("http://{}", self.oracle.addr))
    }

    /// The usual offer, decided by so many of all oracles.
    #[must_use]
    pub fn draft_of_several(&self, threshold: u64) -> OfferDraft {
        let mut draft = self.draft();
        let oracles = || std::iter::once(&self.oracle).chain(&self.more_oracles);
        draft.oracles.keys = oracles().map(|oracle| oracle.key).collect();
        draft.oracles.threshold = threshold;
        draft.oracle_urls = oracles().map(Oracle::url).collect();
        draft
    }

    /// The provider publishes an offer.
    pub async fn publish(&self, draft: &OfferDraft) -> Offer {
        self.provider.owner.create_offer(draft, &fresh_key()).await.expect("the offer is published")
    }

    /// The buyer takes an offer, and both are given the time to do their part; nothing is mined. Returns the escrow's id.
    pub async fn buy(&mut self, offer: &Offer) -> String {
        let url = self.provider.peer_url();
        let id = self.buyer.purchase(&url, offer.id).await.expect("the purchase works");
        self.calm().await;
        id
    }

    /// The usual offer is published and taken, and both see it funded. Returns the escrow's id and its times.
    pub async fn lock(&mut self) -> (String, Times) {
        let times = self.times();
        let draft = self.draft();
        let id = self.lock_draft(&draft).await;
        (id, times)
    }

    /// An offer is published and taken, and both see it funded. Returns the escrow's id.
    pub async fn lock_draft(&mut self, draft: &OfferDraft) -> String {
        let offer = self.publish(draft).await;
        let id = self.buy(&offer).await;
        self.both_reach(&id, "funded").await;
        id
    }

    /// Lets time pass until both sides tell this state.
    pub async fn both_reach(&mut self, id: &str, state: &str) {
        self.until(&format!("both to be {state}"), async |world| {
            let provider = world.provider.try_escrow(id).await;
            let buyer = world.buyer.try_escrow(id).await;
            [provider, buyer].iter().all(|view| view.as_ref().is_some_and(|view| view.state == state))
        })
        .await;
    }

    /// Lets time pass until the provider tells this state.
    pub async fn provider_reaches(&mut self, id: &str, state: &str) {
        self.until(&format!("the provider to be {state}"), async |world| {
            world.provider.try_escrow(id).await.is_some_and(|view| view.state == state)
        })
        .await;
    }

    /// Lets time pass until the buyer tells this state.
    pub async fn buyer_reaches(&mut self, id: &str, state: &str) {
        self.until(&format!("the buyer to be {state}"), async |world| {
            world.buyer.try_escrow(id).await.is_some_and(|view| view.state == state)
        })
        .await;
    }

    /// Lets time pass until something holds.
    ///
    /// # Panics
    /// When it does not within hours.
    pub async fn until(&mut self, what: &str, mut holds: impl AsyncFnMut(&Self) -> bool) {
        let last = self.now() + PATIENCE_S;
        while !holds(self).await {
            assert!(self.now() < last, "waited in vain for {what}\n{}", self.logs());
            self.pass(POLL_S).await;
        }
    }

    /// The oracle's event has an attestation.
    pub async fn attested(&self, event: &EventId) -> bool {
        self.oracle.client.attestation(event).await.expect("the oracle answers").is_some()
    }

    /// Kills the provider's node, the buyer's, or an oracle (`provider`, `buyer`, `oracle`, `oracle-2`, `oracle-3`), and
    /// waits until time goes on without it.
    pub async fn kill(&mut self, name: &str) {
        self.service(name).kill();
        self.barrier.wait_until_gone(name).await;
    }

    /// Starts one that was killed or stopped.
    pub async fn start(&mut self, name: &str) {
        let time = self.barrier.addr();
        self.service(name).start(time).await.expect("it starts again");
        self.calm().await;
    }

    /// A third node, with an empty wallet and these lines at the top of its configuration, running.
    pub async fn newcomer(&self, name: &str, lines: &str) -> Party {
        let mut party = self.buyer.newcomer(name, self.home.path(), lines);
        party.service.start(self.barrier.addr()).await.expect("the node starts");
        party
    }

    /// Stops one as its operator would.
    pub async fn stop(&mut self, name: &str) {
        self.service(name).stop().await.expect("it stops well");
        self.barrier.wait_until_gone(name).await;
    }

    /// Kills one, and starts it at once.
    pub async fn restart(&mut self, name: &str) {
        self.kill(name).await;
        self.start(name).await;
    }

    /// The folder of everything.
    pub(crate) fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    pub(crate) fn service(&mut self, name: &str) -> &mut Service {
        match name {
            "provider" => &mut self.provider.service,
            "buyer" => &mut self.buyer.service,
            "oracle" => &mut self.oracle.service,
            "oracle-2" => &mut self.more_oracles[0].service,
            "oracle-3" => &mut self.more_oracles[1].service,
            _ => panic!("nobody is called {name}"),
        }
    }

    pub(crate) fn logs(&self) -> String {
        let services = [&self.provider.service, &self.buyer.service, &self.oracle.service];
        let ends = services.map(|service| {
            let log = service.log();
            let lines: Vec<&str> = log.lines().collect();
            let end = lines[lines.len().saturating_sub(25)..].join("\n");
            format!("--- {}\n{end}", service.folder().display())
        });
        ends.join("\n")
    }
}
