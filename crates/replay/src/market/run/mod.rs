//! Running a market: a process for every party, the oracle and the directory, in simulated time.
//!
//! [`World`] is everything that runs, a director moves it, [`trade`] is what the agents do, and `collect` asks everybody
//! afterwards.

mod agenda;
mod books;
mod chain;
mod checks;
mod collect;
mod config;
mod director;
mod funds;
mod proofs;
mod trade;
mod world;

use std::path::Path;

use anyhow::Context as _;

use director::Director;
pub use world::World;

use super::file::Market;
use super::record::MarketRecord;
use crate::progress::Progress;
use crate::run::Options;

/// A run that came to its end, with everything still running so that it can be checked.
#[derive(Debug)]
pub struct Finished {
    /// What came of it.
    pub record: MarketRecord,
    /// Everything that runs. It ends when this is dropped.
    pub world: World,
}

/// Runs a market in `folder`, which must exist, until every escrow is final or no hope is left.
///
/// # Errors
/// When something could not be started, or broke off: not when an expectation fails.
pub async fn run(
    market: &Market,
    folder: &Path,
    progress: &Progress,
    options: Options,
) -> anyhow::Result<Finished> {
    progress.stage("starting everybody");
    let world = World::start(market, folder, options.seed).await.context("the market could not be set up")?;
    let mut director = Director::new(market, world, progress, options.real_time).await;
    let coins = director.fund().await.context("the wallets could not be funded")?;
    director.open().await.context("the market could not be opened")?;
    director.trade().await.context("the agents could not trade")?;
    director.play().await?;
    progress.stage("collecting what happened");
    let record = director.collect(&coins).await.context("what happened could not be collected")?;
    Ok(Finished { record, world: director.into_world() })
}
