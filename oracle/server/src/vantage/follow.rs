//! One event at a vantage: probing at every instant, writing down, signing block after block.

use std::sync::Arc;

use clock::{Busy, Wake};
use ledger::Grid;
use ledger::batch::{Statement, samples_sha256};
use ledger::csv::{self, Columns};
use protocol::Hex64;
use protocol::vantage::{Batch, BatchCause};
use terms::DocumentError;

use super::Outpost;
use super::assignment::Task;
use super::spool::{SpoolError, Spooled};
use crate::measuring::flush::Flush;
use crate::measuring::instants::{Instant, Instants};
use crate::measuring::watch::{ProbeBroke, Watch};
use crate::store::Seen;

/// After a failure an event is taken up again this much later, from what the spool holds.
const RETRY_MS: u64 = 30_000;

/// A probe that is under way when its block is over is looked after this often.
const LOOK_EVERY_MS: u64 = 1_000;

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Measurement(#[from] DocumentError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Probe(#[from] ProbeBroke),
}

/// Follows an event to its window's end. `wake` rouses whoever hands batches in.
pub(super) async fn follow(outpost: Arc<Outpost>, task: Task, wake: Arc<Wake>, mut busy: Busy) {
    loop {
        match go_on(&outpost, &task, &wake, &mut busy).await {
            Ok(()) => return,
            Err(FollowError::Measurement(error)) => {
                return tracing::error!(event = %task.event_id(), %error, "an event can't be measured from here");
            }
            Err(error) => tracing::warn!(event = %task.event_id(), %error, "an event will be taken up again"),
        }
        let again_ms = outpost.clock.now_ms().saturating_add(RETRY_MS);
        if !outpost.sleep(&mut busy, again_ms).await {
            return;
        }
    }
}

async fn go_on(outpost: &Arc<Outpost>, task: &Task, wake: &Wake, busy: &mut Busy) -> Result<(), FollowError> {
    let mut round = Round::resume(outpost, task, wake).await?;
    if round.run(busy).await? {
        round.finish(busy).await?;
    }
    round.write().await
}

struct Round<'a> {
    outpost: &'a Arc<Outpost>,
    task: &'a Task,
    wake: &'a Wake,
    watch: Watch,
    /// Samples that are in no batch.
    open: Vec<Spooled>,
    /// So many of them are in the spool.
    written: usize,
    flush: Flush,
    /// The first probe that is in no batch.
    next: u64,
}

impl<'a> Round<'a> {
    async fn resume(outpost: &'a Arc<Outpost>, task: &'a Task, wake: &'a Wake) -> Result<Self, FollowError> {
        let grid = Grid::new(&task.measurement)?;
        let check = outpost.prober.prepare(&task.measurement)?;
        let open = outpost.spool.samples(task.key).await?;
        let sealed = outpost.spool.sealed_until(task.key).await?;
        let next = sealed.unwrap_or(0).max(task.first_probe);
        let last = open.last().map(|sample| sample.probe).or(next.checked_sub(1));
        let instants = Instants::new(grid, task.vantage.clone(), task.seed);
        Ok(Self {
            outpost,
            task,
            wake,
            watch: Watch::new(outpost.place(), instants, check, last),
            written: open.len(),
            open,
            flush: Flush::after(outpost.flush_every_ms),
            next,
        })
    }

    /// Probes to the window's end; false when the process is to stop.
    async fn run(&mut self, busy: &mut Busy) -> Result<bool, FollowError> {
        while let Some(next) = self.watch.next(self.outpost.clock.now_ms()) {
            self.seal_until(next.probe, busy).await?;
            let wake_ms = self.wakes_ms(next);
            let goes_on = self.outpost.sleep(busy, wake_ms).await;
            let seen = self.watch.collect()?;
            self.take(seen);
            if !goes_on {
                return Ok(false);
            }
            self.seal_until(next.probe, busy).await?;
            self.write_when_due().await?;
            if wake_ms >= next.at_ms {
                let began = self.watch.begin(next, busy).await;
                began.into_iter().for_each(|unix_ms| self.flush.waits_since(unix_ms));
            }
        }
        Ok(true)
    }

    /// When there is something to do: a probe to make, samples to write down, or a block to sign that is over and whose last
    /// probe may still be under way.
    fn wakes_ms(&self, next: Instant) -> u64 {
        let grid = self.watch.instants().grid();
        let write_ms = self.flush.wakes_ms(next.at_ms);
        if self.next >= next.probe {
            return write_ms;
        }
        let now_ms = self.outpost.clock.now_ms();
        let end_ms = grid.block_end_ms(&grid.block_of(self.next));
        let look_ms = if end_ms > now_ms { end_ms } else { now_ms.saturating_add(LOOK_EVERY_MS) };
        look_ms.min(write_ms)
    }

    async fn finish(&mut self, busy: &mut Busy) -> Result<(), FollowError> {
        let seen = self.watch.collect_all().await?;
        self.take(seen);
        self.write().await?;
        let end_ms = self.task.measurement.window.end.0.saturating_mul(1000);
        if self.outpost.sleep(busy, end_ms).await {
            self.seal_until(self.watch.instants().grid().probes(), busy).await?;
        }
        Ok(())
    }

    /// What is seen while the clock is in doubt belongs to nobody knows which slot.
    fn take(&mut self, seen: Vec<Seen>) {
        if self.outpost.clock_fits() {
            self.open.extend(seen.into_iter().map(spooled));
            self.open.sort_by_key(|sample| sample.probe);
        }
    }

    /// Signs the blocks before probe `until`, as far as they are over and no probe of theirs is under way.
    async fn seal_until(&mut self, until: u64, busy: &Busy) -> Result<(), FollowError> {
        let until = self.watch.earliest(Some(until)).unwrap_or(until);
        let now_ms = self.outpost.clock.now_ms();
        let mut sealed = false;
        while self.next < until {
            let grid = self.watch.instants().grid();
            let slice = grid.slice_of_probe(self.next);
            if grid.is_excluded(slice) {
                self.next = grid.probes_of(slice).end;
                continue;
            }
            let block = grid.block_of(self.next);
            if block.end > until || grid.block_end_ms(&block) > now_ms {
                break;
            }
            self.seal(block).await?;
            sealed = true;
        }
        if sealed {
            self.wake.wake(busy);
        }
        Ok(())
    }

    async fn seal(&mut self, block: std::ops::Range<u64>) -> Result<(), FollowError> {
        let count = self.open.partition_point(|sample| sample.probe < block.end);
        let inside: Vec<&Spooled> =
            self.open[..count].iter().filter(|sample| sample.probe >= block.start).collect();
        let batch = sign(self.outpost, self.task, &block, &inside);
        self.outpost.spool.seal(self.task.key, &batch).await?;
        self.open.drain(..count);
        self.written = self.written.saturating_sub(count);
        self.next = block.end;
        Ok(())
    }

    async fn write_when_due(&mut self) -> Result<(), FollowError> {
        if self.flush.is_due(self.outpost.clock.now_ms()) {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), FollowError> {
        self.flush.written(self.outpost.clock.now_ms(), self.watch.is_under_way());
        if self.written < self.open.len() {
            self.outpost.spool.write(self.task.key, &self.open).await?;
            self.written = self.open.len();
        }
        Ok(())
    }
}

fn spooled(seen: Seen) -> Spooled {
    Spooled { probe: seen.probe, sample: seen.sample, cause: seen.cause.map(|cause| cause.to_string()) }
}

fn sign(outpost: &Outpost, task: &Task, block: &std::ops::Range<u64>, inside: &[&Spooled]) -> Batch {
    let samples = || inside.iter().map(|spooled| &spooled.sample);
    let columns = Columns::of(&task.measurement);
    let statement = Statement {
        event_id: task.event_id(),
        announcement_sha256: task.announcement_sha256,
        vantage: &task.vantage,
        from: block.start,
        to: block.end,
        samples_sha256: samples_sha256(columns, samples()),
    };
    let cause = |spooled: &&Spooled| Some(BatchCause { probe: spooled.probe, cause: spooled.cause.clone()? });
    Batch {
        sig: Hex64(outpost.key.sign_batch(&statement)),
        event_id: statement.event_id,
        from: block.start,
        to: block.end,
        samples: csv::write(columns, samples()),
        causes: inside.iter().filter_map(cause).collect(),
    }
}
