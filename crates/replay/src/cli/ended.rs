//! A run of either kind that came to its end, and what can be done with it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::ReplayArgs;
use crate::play::Play;
use crate::progress::Progress;
use crate::run::{self, Options};
use crate::{files, market, table};

/// A run that came to its end, with everything still running.
pub(super) enum Ended {
    Pair(Box<run::Finished>),
    Market(Box<market::Finished>),
}

impl Ended {
    /// Runs a scenario in this folder.
    pub(super) async fn run(play: &Play, folder: &Path, arguments: &ReplayArgs) -> anyhow::Result<Self> {
        let options = Options { seed: arguments.seed, real_time: arguments.real_time };
        let progress = match play {
            Play::Pair(scenario) => Progress::new(scenario),
            Play::Market(market) => Progress::over(market.starts(), market.span().end),
        };
        let ended = match play {
            Play::Pair(scenario) => {
                run::run(scenario, folder, &progress, options).await.map(Box::new).map(Self::Pair)
            }
            Play::Market(market) => {
                market::run(market, folder, &progress, options).await.map(Box::new).map(Self::Market)
            }
        };
        progress.finish();
        ended
    }

    pub(super) fn passed(&self) -> bool {
        match self {
            Self::Pair(finished) => finished.record.passed,
            Self::Market(finished) => finished.record.passed,
        }
    }

    /// Everything as data.
    pub(super) fn json(&self) -> serde_json::Result<Value> {
        match self {
            Self::Pair(finished) => serde_json::to_value(&finished.record),
            Self::Market(finished) => serde_json::to_value(&finished.record),
        }
    }

    /// Everything as the text of a file.
    pub(super) fn text(&self) -> anyhow::Result<String> {
        match self {
            Self::Pair(finished) => files::json(&finished.record),
            Self::Market(finished) => files::json(&finished.record),
        }
    }

    /// Everything that a person wants to see in a terminal.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Pair(finished) => table::summary(&finished.record),
            Self::Market(finished) => market::summary(&finished.record),
        }
    }

    /// Writes the page and the files beside it. Returns the page's path.
    pub(super) fn write_report(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        match self {
            Self::Pair(finished) => files::write_report(folder, &finished.record, &finished.evidence),
            Self::Market(finished) => files::write_market(folder, &finished.record),
        }
    }

    /// Where the chain's RPC is, and the file with its cookie.
    pub(super) fn rpc(&self) -> (String, PathBuf) {
        match self {
            Self::Pair(finished) => finished.world.rpc(),
            Self::Market(finished) => finished.world.rpc(),
        }
    }
}
