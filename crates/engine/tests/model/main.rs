//! Two engines, a chain, oracles and a network, in random histories: crashes, reorganisations, delays, lies. After
//! every step money is conserved and nobody signed what was not agreed; in the end every escrow has ended, and whoever
//! was there to settle got what was attested.
//!
//! `cargo test -p engine model` plays the same histories each time. `EARNEST_MODEL_SECONDS=3600` goes on with
//! other seeds for so long; `EARNEST_MODEL_SEED` says where it begins. What is found is printed as steps that can be kept
//! in `cases.rs`.

mod act;
mod bump;
mod cases;
mod chain;
mod close;
mod deal;
mod lies;
mod party;
mod rules;
mod step;
mod talk;
mod world;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use step::History;
use world::World;

/// Histories of one seed.
const HISTORIES: u32 = 500;
/// Seeds of a short run.
const SEEDS: u64 = 4;

/// What was walked.
#[derive(Default)]
struct Walked {
    histories: Cell<u64>,
    steps: Cell<u64>,
    /// Children in blocks that paid for their parents.
    bumps: Cell<u64>,
    /// How escrows ended, at each party.
    ends: RefCell<BTreeMap<&'static str, u64>>,
}

impl Walked {
    fn count(&self, history: &History, world: &World) {
        self.histories.set(self.histories.get() + 1);
        self.steps.set(self.steps.get() + history.steps.len() as u64);
        self.bumps.set(self.bumps.get() + world.chain.bumps() as u64);
        for escrow in world.parties.iter().flat_map(|party| party.escrows.values()) {
            *self.ends.borrow_mut().entry(escrow.noted.name()).or_default() += 1;
        }
    }
}

fn walk(seed: u64, walked: &Walked) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let config =
        Config { cases: HISTORIES, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let outcome = TestRunner::new_with_rng(config, rng).run(&step::history(), |history| {
        let world = rules::play(&history).map_err(TestCaseError::fail)?;
        walked.count(&history, &world);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(rule, history)) => panic!("seed {seed}: {rule}\n{history:?}"),
        Err(TestError::Abort(reason)) => panic!("seed {seed}: {reason}"),
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}")))
}

#[test]
fn no_history_loses_money_or_hangs() {
    let walked = Walked::default();
    let first = number("EARNEST_MODEL_SEED").unwrap_or(1);
    for seed in first..first + SEEDS {
        walk(seed, &walked);
    }
    if let Some(seconds) = number("EARNEST_MODEL_SECONDS") {
        let (began, time) = (Instant::now(), Duration::from_secs(seconds));
        let seeds = (first + SEEDS..).take_while(|_| began.elapsed() < time);
        seeds.for_each(|seed| walk(seed, &walked));
    }
    // The test harness swallows what a test that passes prints, but not this.
    let (histories, steps) = (walked.histories.get(), walked.steps.get());
    let _ = writeln!(std::io::stdout(), "model: {histories} histories of {steps} steps in all");
    println!("children that paid for their parents: {}", walked.bumps.get());
    println!("escrows ended, as each party saw it: {:?}", walked.ends.borrow());
}
