//! One event's window: probing at every instant, writing samples down, closing slices.

use std::ops::Range;
use std::sync::Arc;

use clock::Busy;
use crashpoint::here;
use ledger::{Grid, Sample, SliceVerdict, close_slices};
use terms::DocumentError;

use crate::measuring::flush::Flush;
use crate::measuring::instants::{Instant, Instants};
use crate::measuring::watch::{Place, ProbeBroke, Watch};
use crate::oracle::{Oracle, Settings};
use crate::store::{Batch, Event, Seen, StoreError};
use crate::vantages;

/// How often it is asked whether other vantages have reported, once the window is over.
const LOOK_EVERY_MS: u64 = 2_000;

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
    #[error(transparent)]
    Probe(#[from] ProbeBroke),
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
pub async fn measure(
    oracle: &Arc<Oracle>,
    event: &Arc<Event>,
    busy: &mut Busy,
) -> Result<Measured, MeasureError> {
    let mut round = Round::resume(oracle, event).await?;
    let measured = round.run(busy).await?;
    round.finish(measured, busy).await
}

struct Round<'a> {
    oracle: &'a Arc<Oracle>,
    event: &'a Arc<Event>,
    watch: Watch,
    /// The settings that were last looked at.
    looked_at: Arc<Settings>,
    /// Samples of slices that are not closed; not kept where other vantages have a say in them.
    open: Vec<Sample>,
    /// The last slice that is closed.
    closed: Option<SliceVerdict>,
    /// The slices before this one are reported or were waited for, and what they can decide is closed.
    decided_until: u64,
    unwritten: Batch,
    flush: Flush,
}

impl<'a> Round<'a> {
    async fn resume(oracle: &'a Arc<Oracle>, event: &'a Arc<Event>) -> Result<Self, MeasureError> {
        let grid = Grid::new(&event.measurement)?;
        let closed = oracle.store.last_slice(event.key).await?;
        let from = closed.as_ref().map_or(0, |slice| grid.probes_of(slice.index).end);
        let open = if event.has_remote_vantages() {
            Vec::new()
        } else {
            oracle.store.samples(event.key, from, grid.probes()).await?
        };
        let settings = oracle.settings();
        let vantage = event.own_vantage(&settings.config.vantage);
        let last = oracle.store.last_probe(event.key, vantage).await?;
        let seed = event.jitter_seed(settings.config.probe.jitter);
        let check = settings.prober.prepare(&event.measurement)?;
        let instants = Instants::new(grid, vantage.to_owned(), seed);
        let place = Place { clock: oracle.clock.clone(), prober: Arc::clone(&settings.prober) };
        Ok(Self {
            oracle,
            event,
            watch: Watch::new(place, instants, check, last),
            looked_at: settings,
            open,
            closed,
            decided_until: 0,
            unwritten: Batch::default(),
            flush: Flush::after(oracle.flush_every_ms),
        })
    }

    async fn run(&mut self, busy: &mut Busy) -> Result<Measured, MeasureError> {
        while let Some(next) = self.watch.next(self.oracle.clock.now_ms()) {
            let wake_ms = self.flush.wakes_ms(next.at_ms);
            if self.oracle.sleep_or_stop(busy, wake_ms).await.is_stopped() {
                return Ok(Measured::Stopped);
            }
            // The probe first, since writing may take its time.
            if wake_ms >= next.at_ms {
                self.begin(next, busy).await;
            }
            let seen = self.watch.collect()?;
            self.take(seen);
            if wake_ms >= next.at_ms {
                self.close_slices(Some(next.probe)).await?;
            }
            self.write_when_due().await?;
        }
        Ok(Measured::ToTheEnd)
    }

    async fn begin(&mut self, next: Instant, busy: &Busy) {
        self.follow_settings();
        match self.watch.begin(next, busy).await {
            Some(unix_ms) => {
                self.flush.waits_since(unix_ms);
                self.oracle.metrics.probe_begins(next.at_ms, unix_ms);
            }
            None => self.oracle.metrics.probe_missed(),
        }
    }

    /// Probes from now on as the operator last said. Where a target could not be probed any more, it is as before: the
    /// event was announced.
    fn follow_settings(&mut self) {
        let settings = self.oracle.settings();
        if Arc::ptr_eq(&settings, &self.looked_at) {
            return;
        }
        match settings.prober.prepare(&self.event.measurement) {
            Ok(check) => self.watch.go_on_with(Arc::clone(&settings.prober), check),
            Err(error) => tracing::error!(event = %self.event.id, %error, "probed as before the last change"),
        }
        self.looked_at = settings;
    }

    fn take(&mut self, seen: Vec<Seen>) {
        seen.iter().for_each(|seen| self.oracle.metrics.probed(seen.sample.verdict));
        if !self.event.has_remote_vantages() {
            self.open.extend(seen.iter().map(|seen| seen.sample.clone()));
        }
        self.unwritten.seen.extend(seen);
    }

    fn next_slice(&self) -> u64 {
        self.closed.as_ref().map_or(0, |slice| slice.index + 1)
    }

    /// Closes the slices that what came before probe `next` decides, as far as nothing more can be said about them.
    async fn close_slices(&mut self, next: Option<u64>) -> Result<(), MeasureError> {
        let earliest = self.watch.earliest(next);
        let ended = self.watch.instants().ended(self.next_slice(), earliest);
        if ended.is_empty() {
            return Ok(());
        }
        if self.event.has_remote_vantages() {
            return self.close_with_others(ended).await;
        }
        let grid = self.watch.instants().grid();
        let until = earliest.unwrap_or(grid.probes());
        let closed = close_slices(grid, self.closed.as_ref(), &self.open, until);
        if !closed.is_empty() {
            self.flush.waits_since(self.oracle.clock.now_ms());
        }
        self.unwritten.slices.extend(closed.iter().cloned());
        self.has_closed(closed);
        Ok(())
    }

    fn has_closed(&mut self, slices: Vec<SliceVerdict>) {
        slices.iter().for_each(|_| self.oracle.metrics.slice_closed());
        self.closed = slices.into_iter().next_back().or(self.closed.take());
        let (next, grid) = (self.next_slice(), self.watch.instants().grid());
        self.open.retain(|sample| grid.slice_of(sample.unix_ms).is_some_and(|slice| slice >= next));
    }

    /// Closes what every vantage has reported on, or was waited for long enough. Where that decides nothing, as when an outage
    /// is not confirmed yet, it is tried again when more slices are ready, and not with every probe.
    async fn close_with_others(&mut self, ended: Range<u64>) -> Result<(), MeasureError> {
        let grid = self.watch.instants().grid();
        let unseen = ended.start.max(self.decided_until)..ended.end;
        let ready = vantages::ready(self.oracle, self.event, grid, unseen).await?;
        if ready.is_empty() {
            return Ok(());
        }
        here!("samples.before");
        let slices = (self.closed.as_ref(), ready.end);
        let written = self.oracle.store.write_closing(self.event, &self.unwritten, grid, slices).await?;
        let (mark, closed) = written;
        here!("samples.written");
        self.unwritten = Batch::default();
        self.flush.written(self.oracle.clock.now_ms(), self.watch.is_under_way());
        self.decided_until = ready.end;
        self.has_closed(closed);
        self.oracle.note_well(&self.event.id);
        self.oracle.mark(mark).await;
        Ok(())
    }

    async fn write_when_due(&mut self) -> Result<(), MeasureError> {
        if self.flush.is_due(self.oracle.clock.now_ms()) {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), MeasureError> {
        self.flush.written(self.oracle.clock.now_ms(), self.watch.is_under_way());
        if self.unwritten.is_empty() {
            return Ok(());
        }
        here!("samples.before");
        let mark = self.oracle.store.write(self.event, std::mem::take(&mut self.unwritten)).await?;
        here!("samples.written");
        self.oracle.note_well(&self.event.id);
        self.oracle.mark(mark).await;
        Ok(())
    }

    /// Waits for the probes under way and for other vantages, unless the process is to stop, and writes everything
    /// down.
    async fn finish(&mut self, measured: Measured, busy: &mut Busy) -> Result<Measured, MeasureError> {
        if measured == Measured::Stopped {
            let seen = self.watch.collect()?;
            self.take(seen);
            self.write().await?;
            return Ok(Measured::Stopped);
        }
        let seen = self.watch.collect_all().await?;
        self.take(seen);
        self.close_slices(None).await?;
        self.write().await?;
        while self.next_slice() < self.watch.instants().grid().slices() {
            let again_ms = self.oracle.clock.now_ms().saturating_add(LOOK_EVERY_MS);
            if self.oracle.sleep_or_stop(busy, again_ms).await.is_stopped() {
                return Ok(Measured::Stopped);
            }
            self.close_slices(None).await?;
        }
        Ok(Measured::ToTheEnd)
    }
}
