//! Noticing silence: a slot that passed without a beat while the oracle was there is bad.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use clock::Busy;
use ledger::{Grid, Sample, SliceVerdict};

use crate::measuring::watch::is_step;
use crate::measuring::window::{MeasureError, Measured};
use crate::oracle::Oracle;
use crate::probe::{Cause, Judged, Phases};
use crate::store::{Batch, Event, Seen, StoreError};

/// A slot is judged this long after its end, so that a beat of its last moment is stored by then.
const JUDGED_AFTER_MS: u64 = 1_000;

/// How often it is looked whether the clock was set, in system time.
const LOOK_EVERY_MS: u64 = 10_000;

/// Measures the window of an event with a heartbeat, from now to its end. Beats are stored as they are heard.
///
/// # Errors
/// When samples can't be written. Calling it again goes on from what was.
pub async fn measure(
    oracle: &Arc<Oracle>,
    event: &Arc<Event>,
    busy: &mut Busy,
) -> Result<Measured, MeasureError> {
    let mut watch = Silence::begin(oracle, event).await?;
    while watch.slot < watch.grid.probes() {
        let stopped = oracle.sleep_or_stop(busy, watch.wakes_ms()).await.is_stopped();
        if stopped {
            watch.write().await?;
            return Ok(Measured::Stopped);
        }
        watch.judge(oracle.clock.now_ms()).await?;
    }
    Ok(Measured::ToTheEnd)
}

struct Silence<'a> {
    oracle: &'a Oracle,
    event: &'a Arc<Event>,
    grid: Grid,
    /// The first slot that is not judged.
    slot: u64,
    /// Since when the oracle listens without a break, in unix milliseconds.
    since_ms: u64,
    /// When it last looked, by the clock and in fact.
    looked: (u64, Instant),
    closed: Option<SliceVerdict>,
    /// What the slices before this one can decide is closed.
    decided_until: u64,
    unwritten: Batch,
    written_ms: u64,
}

impl<'a> Silence<'a> {
    async fn begin(oracle: &'a Oracle, event: &'a Arc<Event>) -> Result<Self, MeasureError> {
        let grid = Grid::new(&event.measurement)?;
        let closed = oracle.store.last_slice(event.key).await?;
        let slot = closed.as_ref().map_or(0, |slice| grid.probes_of(slice.index).end);
        let (since_ms, unwritten) = (oracle.clock.now_ms(), Batch::default());
        Ok(Self {
            oracle,
            event,
            grid,
            slot,
            since_ms,
            looked: (since_ms, Instant::now()),
            closed,
            decided_until: 0,
            unwritten,
            written_ms: since_ms,
        })
    }

    /// When the next slot is to be judged.
    fn due_ms(&self) -> u64 {
        self.grid.probe_start_ms(self.slot + 1).saturating_add(JUDGED_AFTER_MS)
    }

    fn wakes_ms(&self) -> u64 {
        let clock = &self.oracle.clock;
        let look_ms = clock.now_ms().saturating_add(LOOK_EVERY_MS);
        if clock.is_simulated() { self.due_ms() } else { self.due_ms().min(look_ms) }
    }

    /// Notes since when it has listened. A machine that slept through a slot heard nothing in it, whoever called; where the
    /// clock was set nobody knows when a slot was; and a beat that could not be written down was sent all the same.
    fn look(&mut self, now_ms: u64) {
        let (looked_ms, looked) = std::mem::replace(&mut self.looked, (now_ms, Instant::now()));
        let was_set =
            !self.oracle.clock.is_simulated() && is_step(now_ms.abs_diff(looked_ms), looked.elapsed());
        if was_set || now_ms.saturating_sub(self.due_ms()) > self.event.measurement.probe_every_ms {
            self.since_ms = now_ms;
        }
        self.since_ms = self.since_ms.max(self.oracle.deaf_ms());
    }

    /// Judges the slots that are over at `now_ms`, and closes the slices that are.
    async fn judge(&mut self, now_ms: u64) -> Result<(), MeasureError> {
        self.look(now_ms);
        // Beats that are being written down are waited for.
        drop(self.oracle.hearing.write().await);
        let over = |slot: u64| self.grid.probe_start_ms(slot + 1).saturating_add(JUDGED_AFTER_MS) <= now_ms;
        let until = (self.slot..self.grid.probes()).find(|slot| !over(*slot)).unwrap_or(self.grid.probes());
        let silent = self.silent(self.slot..until).await?;
        self.unwritten.seen.extend(silent);
        self.slot = until;
        self.close_or_write(now_ms).await
    }

    /// The samples of those of these slots that passed without a beat, though somebody listened. Whether they count is
    /// for the references to say, right after them: who is not connected hears nobody.
    async fn silent(&self, slots: Range<u64>) -> Result<Vec<Seen>, StoreError> {
        let heard = self.oracle.store.samples(self.event.key, slots.start, slots.end).await?;
        let heard: BTreeSet<u64> =
            heard.iter().filter_map(|sample| self.grid.probe_of(sample.unix_ms)).collect();
        let listened = |slot: &u64| self.grid.probe_start_ms(*slot) >= self.since_ms;
        let counts = |slot: &u64| !self.grid.is_excluded(self.grid.slice_of_probe(*slot));
        let silent: Vec<u64> =
            slots.filter(listened).filter(counts).filter(|slot| !heard.contains(slot)).collect();
        if silent.is_empty() {
            return Ok(Vec::new());
        }
        let settings = self.oracle.settings();
        let judged = settings.prober.judge_failure(Cause::Silence).await;
        let vantage = self.event.own_vantage(&settings.config.vantage);
        Ok(silent.into_iter().map(|slot| self.seen(slot, vantage, &judged)).collect())
    }

    fn seen(&self, slot: u64, vantage: &str, judged: &Judged) -> Seen {
        let (verdict, cause, references) = judged.clone();
        let unix_ms = self.grid.probe_start_ms(slot + 1) - 1;
        let sample = Sample { unix_ms, vantage: vantage.to_owned(), verdict, latency_ms: 0, value: None };
        Seen { probe: slot, sample, cause, phases: Phases::default(), references }
    }

    async fn close_or_write(&mut self, now_ms: u64) -> Result<(), MeasureError> {
        let until = self.slot / self.grid.probes_per_slice();
        let next = self.closed.as_ref().map_or(0, |slice| slice.index + 1);
        if until <= next.max(self.decided_until) {
            if now_ms.saturating_sub(self.written_ms) >= self.oracle.flush_every_ms {
                self.write().await?;
            }
            return Ok(());
        }
        let slices = (self.closed.as_ref(), until);
        let written =
            self.oracle.store.write_closing(self.event, &self.unwritten, &self.grid, slices).await?;
        let (mark, closed) = written;
        closed.iter().for_each(|_| self.oracle.metrics.slice_closed());
        self.closed = closed.into_iter().next_back().or(self.closed.take());
        self.decided_until = until;
        self.wrote(now_ms, mark).await;
        Ok(())
    }

    async fn write(&mut self) -> Result<(), MeasureError> {
        if !self.unwritten.is_empty() {
            let batch = std::mem::take(&mut self.unwritten);
            let mark = self.oracle.store.write(self.event, batch).await?;
            self.wrote(self.oracle.clock.now_ms(), mark).await;
        }
        Ok(())
    }

    async fn wrote(&mut self, now_ms: u64, mark: u64) {
        self.unwritten = Batch::default();
        self.written_ms = now_ms;
        self.oracle.note_well(&self.event.id);
        self.oracle.mark(mark).await;
    }
}
