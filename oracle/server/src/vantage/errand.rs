//! Between a vantage and one oracle: what there is to measure, and what was seen.

use std::collections::BTreeSet;
use std::sync::Arc;

use client::{ClientError, Signer, VantageClient};
use clock::{Busy, Wake};
use protocol::vantage::{Assignment, Batch, BatchResult, MAX_BATCHES, MAX_BATCHES_BYTES};
use terms::{EventId, Hex32, UnixSeconds};

use super::assignment::{self, AssignmentError, Task};
use super::lineage::Lineage;
use super::spool::SpoolError;
use super::{Outpost, follow};

/// After a failure the oracle is asked again this much later; each time it takes twice as long, up to the longest.
const FIRST_PAUSE_MS: u64 = 5_000;
const LONGEST_PAUSE_MS: u64 = 120_000;

/// The oracle's clock and ours may differ by this much, the request's own time included.
const CLOCK_TOLERANCE_MS: u64 = 5_000;

/// What was measured is kept this long after its window, for whoever wants to look.
const KEPT_S: u64 = 30 * 86_400;

/// The most pages of assignments that are read at once.
const MAX_PAGES: usize = 100;

/// Samples of one request take at most so many bytes, which leaves room for everything around them.
const PUSH_BYTES: usize = MAX_BATCHES_BYTES / 2;

/// So many refused events are remembered, to say of each once why.
const MAX_REFUSED: usize = 10_000;

/// What became of an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// It is followed, or refused for good.
    Known,
    /// Its seed was sealed by a key that this vantage does not know as the oracle's.
    Strange,
}

#[derive(Debug, thiserror::Error)]
enum ErrandError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// One oracle, and how it stands with it.
pub(super) struct Errand {
    outpost: Arc<Outpost>,
    oracle: Hex32,
    client: VantageClient,
    /// Rung when there is a batch to hand in.
    wake: Arc<Wake>,
    /// What the oracle published of its keys; `None` until it was asked.
    lineage: Option<Lineage>,
    /// Events that have a follower.
    followed: BTreeSet<EventId>,
    /// Events that were refused, so that each is said once.
    refused: BTreeSet<EventId>,
    pause_ms: u64,
}

impl Errand {
    pub fn new(outpost: Arc<Outpost>, oracle: Hex32, client: VantageClient) -> Self {
        let wake = Arc::new(Wake::new());
        let (followed, refused) = (BTreeSet::new(), BTreeSet::new());
        Self { outpost, oracle, client, wake, lineage: None, followed, refused, pause_ms: 0 }
    }

    /// Runs this errand until the process is to stop.
    pub async fn run(mut self, mut busy: Busy) {
        if let Err(error) = self.take_up(&busy).await {
            tracing::error!(%error, "what the spool holds can't be taken up");
        }
        let (mut asks_ms, mut tries_ms) = (0, 0);
        loop {
            let now_ms = self.outpost.clock.now_ms();
            if now_ms >= tries_ms {
                let asks = now_ms >= asks_ms;
                match self.once(asks, &busy).await {
                    Ok(()) if asks => asks_ms = now_ms.saturating_add(self.poll_every_ms()),
                    Ok(()) => {}
                    Err(error) => (asks_ms, tries_ms) = (0, self.pause(&error, now_ms)),
                }
            }
            let next_ms = asks_ms.max(tries_ms);
            if self.outpost.sleep_or(&mut busy, next_ms, &self.wake).await.is_none() {
                return;
            }
        }
    }

    fn poll_every_ms(&self) -> u64 {
        self.outpost.config.poll_every_s.saturating_mul(1000)
    }

    /// When it may be tried again after a failure.
    fn pause(&mut self, error: &ErrandError, now_ms: u64) -> u64 {
        self.pause_ms = (self.pause_ms * 2).clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
        tracing::warn!(oracle = %self.oracle, %error, again_in_ms = self.pause_ms, "the oracle can't be served");
        now_ms.saturating_add(self.pause_ms)
    }

    async fn once(&mut self, asks: bool, busy: &Busy) -> Result<(), ErrandError> {
        if asks {
            self.ask(busy).await?;
        }
        self.hand_in().await?;
        self.pause_ms = 0;
        Ok(())
    }

    /// Follows what the spool knows, without a word from the oracle.
    async fn take_up(&mut self, busy: &Busy) -> Result<(), SpoolError> {
        self.outpost.spool.forget(self.outpost.clock.now_s().saturating_sub(KEPT_S)).await?;
        for task in self.outpost.spool.tasks(&self.oracle).await? {
            self.follow(task, busy);
        }
        Ok(())
    }

    fn follow(&mut self, task: Task, busy: &Busy) {
        if self.followed.insert(task.event_id()) {
            let (outpost, wake) = (Arc::clone(&self.outpost), Arc::clone(&self.wake));
            self.outpost.tasks.spawn(follow::follow(outpost, task, wake, busy.share()));
        }
    }

    /// Asks what there is to measure, and takes up what is new.
    async fn ask(&mut self, busy: &Busy) -> Result<(), ErrandError> {
        if self.lineage.is_none() {
            self.look_at_keys(busy).await?;
        }
        let (mut after, mut strange) = (None, false);
        for _ in 0..MAX_PAGES {
            let asked_ms = self.outpost.clock.now_ms();
            let page = self.client.assignments(after, &self.signer()).await?;
            let off_ms =
                page.now_ms.abs_diff(asked_ms).min(page.now_ms.abs_diff(self.outpost.clock.now_ms()));
            self.outpost.judge_clock(off_ms <= CLOCK_TOLERANCE_MS);
            for assignment in &page.assignments {
                strange |= self.take(assignment, busy).await? == Taken::Strange;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        // Somebody else's seed may be that of a key which is newer than what is known.
        if strange { self.look_at_keys(busy).await } else { Ok(()) }
    }

    async fn take(&mut self, assignment: &Assignment, busy: &Busy) -> Result<Taken, SpoolError> {
        let id = assignment.measurement.event_id();
        if self.followed.contains(&id) || self.followed.len() as u64 >= self.outpost.config.limits.open_events
        {
            return Ok(Taken::Known);
        }
        let task = match self.check(assignment) {
            Err(error) => return Ok(self.refuse(&id, &error)),
            Ok(task) => task,
        };
        let spool = &self.outpost.spool;
        spool.assign(&self.oracle, &task).await?;
        let tasks = spool.tasks(&self.oracle).await?;
        if let Some(task) = tasks.into_iter().find(|task| task.event_id() == id) {
            tracing::info!(event = %id, target = %task.measurement.target, "measures for an oracle");
            self.follow(task, busy);
        }
        Ok(Taken::Known)
    }

    /// Checks an assignment with the key that this vantage was told, and with those that led to it.
    fn check(&self, assignment: &Assignment) -> Result<Task, AssignmentError> {
        let Outpost { config, key, .. } = &*self.outpost;
        let earlier = self.lineage.iter().flat_map(|lineage| &lineage.earlier);
        let mut checked = assignment::check(config, key, &self.oracle, assignment);
        for other in earlier {
            if !matches!(checked, Err(AssignmentError::Seed)) {
                break;
            }
            checked = assignment::check(config, key, other, assignment);
        }
        checked
    }

    /// Says once why an assignment is not taken.
    fn refuse(&mut self, id: &EventId, error: &AssignmentError) -> Taken {
        if self.refused.len() >= MAX_REFUSED {
            self.refused.clear();
        }
        if self.refused.insert(id.clone()) {
            tracing::warn!(event = %id, %error, "an assignment is not taken");
        }
        if matches!(error, AssignmentError::Seed) { Taken::Strange } else { Taken::Known }
    }

    /// Asks which keys the oracle has had. What was begun for those before the told one is this errand's from now on, and
    /// that the oracle has a newer one is said once.
    async fn look_at_keys(&mut self, busy: &Busy) -> Result<(), ErrandError> {
        let mut lineage = Lineage::of(&self.oracle, &self.client.info().await?.keys);
        // A key that has an errand of its own is that one's.
        let own_errand = |key: &Hex32| self.outpost.config.oracles.iter().any(|oracle| oracle.key == *key);
        lineage.earlier.retain(|key| !own_errand(key));
        lineage.successor = lineage.successor.filter(|key| !own_errand(key));
        let known = self.lineage.replace(lineage.clone()).unwrap_or_default();
        if known == lineage {
            return Ok(());
        }
        if let Some(new) = lineage.successor.filter(|_| known.successor != lineage.successor) {
            tracing::error!(old = %self.oracle, %new, "the oracle has a new key, as both keys say: its new events are not \
                measured from here until `key` of this `[[oracle]]` is the new one; what it announced before goes on");
        }
        for earlier in &lineage.earlier {
            self.outpost.spool.pass_on(earlier, &self.oracle).await?;
        }
        Ok(self.take_up(busy).await?)
    }

    /// Hands in what the oracle has not answered for.
    async fn hand_in(&mut self) -> Result<(), ErrandError> {
        loop {
            let limit = u32::try_from(MAX_BATCHES).unwrap_or(u32::MAX);
            let waiting = self.outpost.spool.waiting(&self.oracle, limit).await?;
            let waiting = as_one_request(waiting);
            if waiting.is_empty() {
                return Ok(());
            }
            let batches = waiting.iter().map(|(_, batch)| batch.clone()).collect();
            let results = self.client.push(batches, &self.signer()).await?;
            for ((task, batch), result) in waiting.iter().zip(&results) {
                self.note(*task, batch, *result).await?;
            }
            if results.contains(&BatchResult::Early) {
                return Ok(());
            }
        }
    }

    async fn note(&self, task: i64, batch: &Batch, result: BatchResult) -> Result<(), SpoolError> {
        match result {
            BatchResult::Early => return Ok(()),
            BatchResult::Stored | BatchResult::Already => {}
            BatchResult::Late | BatchResult::Differs | BatchResult::Unknown => {
                tracing::warn!(event = %batch.event_id, from = batch.from, ?result, "a batch does not count");
            }
        }
        self.outpost.spool.answered(task, batch.from, result).await
    }

    fn signer(&self) -> Signer<'_> {
        Signer {
            keypair: self.outpost.key.keypair(),
            server: self.oracle,
            now: UnixSeconds(self.outpost.clock.now_s()),
        }
    }
}

/// As many of these as one request carries; one always.
fn as_one_request(mut waiting: Vec<(i64, Batch)>) -> Vec<(i64, Batch)> {
    let mut bytes = 0;
    let fitting = waiting.iter().take_while(|(_, batch)| {
        let first = bytes == 0;
        bytes += batch.samples.len() + batch.causes.len() * 128;
        first || bytes <= PUSH_BYTES
    });
    let count = fitting.count();
    waiting.truncate(count);
    waiting
}
