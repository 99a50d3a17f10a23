//! When probes were due and when they were made, and how much room they take.

use std::path::Path;

use earnest_oracle::store::{Durability, Store};
use ledger::Grid;
use serde_json::Value;
use terms::EventId;

use crate::process::entries;

/// A probe that begins this much after its moment is late.
const LATE_MS: u64 = 1_000;
/// More of a hundred thousand are a defect.
const TOLERATED: u64 = 1_000;

/// How punctual the probes were.
#[derive(Debug)]
pub struct Timing {
    pub due: u64,
    pub made: u64,
    pub late: u64,
    pub not_good: u64,
    /// Delays of all that were made, ascending.
    delays_ms: Vec<u64>,
}

impl Timing {
    /// Reads from the database of an oracle that has stopped.
    pub async fn read(folder: &Path, events: &[EventId], due: u64) -> Self {
        let store = Store::open(&folder.join("oracle.db"), Durability::Process).await.unwrap();
        let (mut delays_ms, mut not_good) = (Vec::new(), 0);
        for id in events {
            let event = store.event(id).await.unwrap().unwrap();
            let grid = Grid::new(&event.measurement).unwrap();
            for sample in store.samples(event.key, 0, grid.probes()).await.unwrap() {
                let probe = grid.probe_of(sample.unix_ms).unwrap();
                let due_ms = ledger::schedule::probe_at_ms(
                    &event.measurement,
                    &event.probe_seed,
                    &sample.vantage,
                    probe,
                );
                delays_ms.push(sample.unix_ms.saturating_sub(due_ms));
                not_good += u64::from(sample.verdict != ledger::Verdict::Good);
            }
        }
        delays_ms.sort_unstable();
        let late = delays_ms.iter().filter(|delay| **delay > LATE_MS).count() as u64;
        Self { due, made: delays_ms.len() as u64, late, not_good, delays_ms }
    }

    /// Whether more came late, or not at all, than may.
    pub fn is_late(&self) -> bool {
        (self.late + self.missed()) * 100_000 > self.due * TOLERATED
    }

    fn missed(&self) -> u64 {
        self.due - self.made
    }

    fn delay_ms(&self, ppm: usize) -> u64 {
        let place = self.delays_ms.len() * ppm / 1_000_000;
        self.delays_ms.get(place).or(self.delays_ms.last()).copied().unwrap_or_default()
    }

    pub fn print(&self) {
        let Self { due, made, late, not_good, .. } = self;
        println!("probes: {due} due, {made} made, {} missed, {not_good} not good", self.missed());
        let share = late * 100_000 / (*made).max(1);
        let verdict = if self.is_late() { "A DEFECT: more than 1 %" } else { "fine: at most 1 %" };
        println!("more than 1 s late: {late}, or {}.{:03} % ({verdict})", share / 1000, share % 1000);
        println!(
            "delay: median {} ms, 99 % below {} ms, 99.9 % below {} ms, at most {} ms",
            self.delay_ms(500_000),
            self.delay_ms(990_000),
            self.delay_ms(999_000),
            self.delay_ms(1_000_000),
        );
    }
}

/// What the window has added to the database and the log.
pub fn print_growth(bytes: u64, samples: u64, log: &Value) {
    let each = bytes * 10 / samples.max(1);
    println!(
        "database: {} KiB more, {}.{} bytes a sample, slices and log included",
        bytes / 1024,
        each / 10,
        each % 10
    );
    println!("log: {} entries (slices as they ended, and closed windows)", entries(log));
}
