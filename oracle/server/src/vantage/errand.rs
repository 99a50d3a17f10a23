//! Between a vantage and one oracle: what there is to measure, and what was seen.

use std::collections::BTreeSet;
use std::sync::Arc;

use client::{ClientError, Signer, VantageClient};
use clock::{Busy, Wake};
use protocol::vantage::{Assignment, Batch, BatchResult, MAX_BATCHES, MAX_BATCHES_BYTES};
use terms::{EventId, Hex32, UnixSeconds};

use super::assignment::{self, Task};
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
    /// Events that have a follower.
    followed: BTreeSet<EventId>,
    pause_ms: u64,
}

impl Errand {
    pub fn new(outpost: Arc<Outpost>, oracle: Hex32, client: VantageClient) -> Self {
        let wake = Arc::new(Wake::new());
        Self { outpost, oracle, client, wake, followed: BTreeSet::new(), pause_ms: 0 }
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
        let mut after = None;
        for _ in 0..MAX_PAGES {
            let asked_ms = self.outpost.clock.now_ms();
            let page = self.client.assignments(after, &self.signer()).await?;
            let off_ms =
                page.now_ms.abs_diff(asked_ms).min(page.now_ms.abs_diff(self.outpost.clock.now_ms()));
            self.outpost.judge_clock(off_ms <= CLOCK_TOLERANCE_MS);
            for assignment in &page.assignments {
                self.take(assignment, busy).await?;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn take(&mut self, assignment: &Assignment, busy: &Busy) -> Result<(), SpoolError> {
        let id = assignment.measurement.event_id();
        if self.followed.contains(&id) || self.followed.len() as u64 >= self.outpost.config.limits.open_events
        {
            return Ok(());
        }
        let outpost = &self.outpost;
        match assignment::check(&outpost.config, &outpost.key, &self.oracle, assignment) {
            Err(error) => tracing::warn!(event = %id, %error, "an assignment is not taken"),
            Ok(task) => {
                outpost.spool.assign(&self.oracle, &task).await?;
                let tasks = outpost.spool.tasks(&self.oracle).await?;
                if let Some(task) = tasks.into_iter().find(|task| task.event_id() == id) {
                    tracing::info!(event = %id, target = %task.measurement.target, "measures for an oracle");
                    self.follow(task, busy);
                }
            }
        }
        Ok(())
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
