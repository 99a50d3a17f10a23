//! One event's window: probing at every instant, writing samples down, closing slices.

use std::collections::BTreeSet;
use std::sync::Arc;

use clock::Busy;
use crashpoint::here;
use ledger::{Grid, Sample, slice_verdict};
use terms::DocumentError;
use tokio::task::JoinSet;

use crate::instants::{Instant, Instants};
use crate::oracle::{Oracle, Settings};
use crate::probe::{Check, Observation};
use crate::store::{Batch, Event, Seen, StoreError};

/// Why measuring stopped before its window ended.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The measurement can't be probed: the configuration has changed since it was announced.
    #[error(transparent)]
    Measurement(#[from] DocumentError),
    /// Samples could not be written. Those that were not are unmeasured.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A probe panicked, which is a bug.
    #[error("a probe broke down")]
    Probe,
}

/// Whether a window was measured to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// It was, as far as the oracle was there.
    ToTheEnd,
    /// The process is to stop; what was seen so far is written down.
    Stopped,
}

/// Measures an event's window from now to its end. What came before stays as it is: the samples that
/// an earlier process wrote, and the gap that it left.
///
/// # Errors
/// When samples can't be written. Calling it again goes on from what was.
pub async fn measure(oracle: &Arc<Oracle>, event: &Event, busy: &mut Busy) -> Result<Measured, MeasureError> {
    let mut round = Round::resume(oracle, event).await?;
    let measured = round.run(busy).await?;
    round.finish(measured).await?;
    Ok(measured)
}

struct Round<'a> {
    oracle: &'a Arc<Oracle>,
    event: &'a Event,
    instants: Instants,
    /// The newest that were looked at.
    looked_at: Arc<Settings>,
    /// What `check` was made with.
    settings: Arc<Settings>,
    check: Arc<Check>,
    /// Probes that have begun and not reported.
    under_way: BTreeSet<u64>,
    probes: JoinSet<Seen>,
    last: Option<u64>,
    /// Samples of slices that are not closed.
    open: Vec<Sample>,
    next_slice: u64,
    unwritten: Batch,
    written_ms: u64,
}

impl<'a> Round<'a> {
    async fn resume(oracle: &'a Arc<Oracle>, event: &'a Event) -> Result<Self, MeasureError> {
        let grid = Grid::new(&event.measurement)?;
        let next_slice = oracle.store.next_slice(event.key).await?;
        let from = next_slice * grid.probes_per_slice();
        let open = oracle.store.samples(event.key, from, grid.probes()).await?;
        let settings = oracle.settings();
        let vantage = settings.config.vantage.clone();
        let last = oracle.store.last_probe(event.key, &vantage).await?;
        let seed = settings.config.probe.jitter.then_some(event.probe_seed);
        Ok(Self {
            oracle,
            event,
            check: Arc::new(settings.prober.prepare(&event.measurement)?),
            looked_at: Arc::clone(&settings),
            settings,
            instants: Instants::new(grid, vantage, seed),
            under_way: BTreeSet::new(),
            probes: JoinSet::new(),
            last,
            open,
            next_slice,
            unwritten: Batch::default(),
            written_ms: oracle.clock.now_ms(),
        })
    }

    async fn run(&mut self, busy: &mut Busy) -> Result<Measured, MeasureError> {
        while let Some(next) = self.instants.next(self.last, self.oracle.clock.now_ms()) {
            if self.oracle.sleep_or_stop(busy, next.at_ms).await.is_stopped() {
                return Ok(Measured::Stopped);
            }
            self.collect()?;
            self.close_slices(Some(next.probe));
            self.write_when_due().await?;
            self.begin(next, busy).await;
        }
        Ok(Measured::ToTheEnd)
    }

    /// Begins a probe, unless the machine was so late that its slot is over.
    async fn begin(&mut self, next: Instant, busy: &Busy) {
        self.follow_settings();
        let place = self.settings.prober.place().await;
        let unix_ms = self.oracle.clock.now_ms();
        self.last = Some(next.probe);
        if self.instants.is_over(next.probe, unix_ms) {
            self.oracle.metrics.probe_missed();
            return;
        }
        self.oracle.metrics.probe_begins(next.at_ms, unix_ms);
        let (settings, check, busy) = (Arc::clone(&self.settings), Arc::clone(&self.check), busy.share());
        self.under_way.insert(next.probe);
        self.probes.spawn(async move {
            let observation = settings.prober.probe(&check).await;
            drop(place);
            drop(busy);
            seen(next.probe, unix_ms, &settings.config.vantage, observation)
        });
    }

    /// Probes from now on as the operator last said. Where a target could not be probed any more, it is as before: the
    /// event was announced.
    fn follow_settings(&mut self) {
        let settings = self.oracle.settings();
        if Arc::ptr_eq(&settings, &self.looked_at) {
            return;
        }
        self.looked_at = Arc::clone(&settings);
        match settings.prober.prepare(&self.event.measurement) {
            Ok(check) => (self.settings, self.check) = (settings, Arc::new(check)),
            Err(error) => tracing::error!(event = %self.event.id, %error, "probed as before the last change"),
        }
    }

    /// Takes what finished probes saw.
    fn collect(&mut self) -> Result<(), MeasureError> {
        while let Some(joined) = self.probes.try_join_next() {
            self.take(joined.map_err(|_| MeasureError::Probe)?);
        }
        Ok(())
    }

    fn take(&mut self, seen: Seen) {
        self.under_way.remove(&seen.probe);
        self.oracle.metrics.probed(seen.sample.verdict);
        self.open.push(seen.sample.clone());
        self.unwritten.seen.push(seen);
    }

    /// Closes the slices before the one of probe `next`, as far as no probe of theirs is under way.
    fn close_slices(&mut self, next: Option<u64>) {
        let grid = self.instants.grid();
        let earliest = self.under_way.first().copied().or(next);
        for slice in self.instants.ended(self.next_slice, earliest) {
            let probes = grid.probes_of(slice);
            let verdict = slice_verdict(grid, slice, &self.open);
            self.open.retain(|sample| grid.probe_of(sample.unix_ms).is_some_and(|probe| probe >= probes.end));
            self.unwritten.slices.push(verdict);
            self.oracle.metrics.slice_closed();
            self.next_slice = slice + 1;
        }
    }

    async fn write_when_due(&mut self) -> Result<(), MeasureError> {
        let now_ms = self.oracle.clock.now_ms();
        if now_ms.saturating_sub(self.written_ms) >= self.oracle.flush_every_ms {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), MeasureError> {
        self.written_ms = self.oracle.clock.now_ms();
        if self.unwritten.is_empty() {
            return Ok(());
        }
        here!("samples.before");
        let mark = self.oracle.store.write(self.event, &self.unwritten).await?;
        here!("samples.written");
        self.unwritten = Batch::default();
        self.oracle.note_well(&self.event.id);
        self.oracle.mark(mark).await;
        Ok(())
    }

    /// Waits for the probes under way, unless the process is to stop, and writes everything down.
    async fn finish(&mut self, measured: Measured) -> Result<(), MeasureError> {
        self.collect()?;
        if measured == Measured::ToTheEnd {
            while let Some(joined) = self.probes.join_next().await {
                self.take(joined.map_err(|_| MeasureError::Probe)?);
            }
            self.close_slices(None);
        }
        self.write().await
    }
}

fn seen(probe: u64, unix_ms: u64, vantage: &str, observation: Observation) -> Seen {
    let Observation { verdict, latency_ms, cause, references, .. } = observation;
    let sample = Sample { unix_ms, vantage: vantage.to_owned(), verdict, latency_ms };
    Seen { probe, sample, cause, references }
}
