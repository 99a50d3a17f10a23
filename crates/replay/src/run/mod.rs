//! Running a scenario: real processes, a real chain, simulated time.
//!
//! [`World`] is everything that runs, a director moves it through the scenario, and `collect`
//! asks everybody afterwards. The replay's own process takes part in simulated time: while it
//! holds its token nothing moves, so all that it does over HTTP and RPC happens in one instant.

pub(crate) mod agenda;
mod bell;
pub(crate) mod blocking;
mod certificates;
mod collect;
pub(crate) mod config;
pub(crate) mod director;
mod examine;
mod faults;
mod front;
mod gate;
mod lines;
mod measurers;
pub(crate) mod pace;
mod papers;
mod parties;
pub(crate) mod programs;
mod refund;
mod said;
mod seed;
pub(crate) mod service;
pub(crate) mod taken_back;
pub(crate) mod transactions;
mod words;
pub(crate) mod world;

use std::num::NonZeroU64;
use std::path::Path;

use anyhow::Context as _;

pub use collect::Evidence;
use director::Director;
pub use said::Published;
pub use world::World;

use crate::progress::Progress;
use crate::record::Record;
use crate::scenario::Scenario;

/// A run that came to its end, with everything still running so that it can be checked.
#[derive(Debug)]
pub struct Finished {
    /// What came of it.
    pub record: Record,
    /// What the oracle published, as bytes for files.
    pub evidence: Evidence,
    /// Everything that runs. It ends when this is dropped.
    pub world: World,
}

/// What a run can be told besides its scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What the nodes' seeds grow from.
    pub seed: u64,
    /// Simulated time follows the clock on the wall, so many times as fast; without it, it goes as fast as it can.
    pub real_time: Option<NonZeroU64>,
}

/// Runs a scenario in `folder`, which must exist, to both parties' final states or until it gives up.
///
/// # Errors
/// When something could not be started, or broke off: not when an expectation fails.
pub async fn run(
    scenario: &Scenario,
    folder: &Path,
    progress: &Progress,
    options: Options,
) -> anyhow::Result<Finished> {
    progress.stage("starting bitcoind, oracles and two nodes");
    let world =
        World::start(scenario, folder, options.seed).await.context("the replay could not be set up")?;
    let mut director = Director::new(scenario, world, progress, options.real_time).await?;
    director.fund().await.context("the wallets could not be funded")?;
    let deal = director.agree().await.context("the parties did not agree")?;
    director.play(&deal).await?;
    progress.stage("collecting what happened");
    let (record, evidence) = director.collect(&deal).await.context("what happened could not be collected")?;
    Ok(Finished { record, evidence, world: director.into_world() })
}
