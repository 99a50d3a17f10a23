//! A whole catalogue: scenario after scenario, several at a time, each in a process of its own.
//!
//! So one that breaks off takes nobody along, each keeps to a CPU, and what it started ends with it. The results come
//! back as each process' JSON.

mod child;
mod junit;
mod lanes;
mod names;
mod result;
mod screen;
mod summary;

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

pub use result::{Run, Verdict};
pub(crate) use summary::end;

use crate::cli::{FAILS, HOLDS, INTERRUPTED};
use crate::{files, report};

/// What shall be run, and what shall become of it.
#[derive(Clone, Debug)]
pub struct Order {
    /// The paths that were given.
    pub roots: Vec<PathBuf>,
    /// The scenarios that they mean.
    pub files: Vec<PathBuf>,
    /// So many at the same time.
    pub jobs: usize,
    /// Where the pages go.
    pub report: Option<PathBuf>,
    /// A command that looks at each run.
    pub check: Option<PathBuf>,
    /// Where the results go as JUnit XML.
    pub junit: Option<PathBuf>,
    /// Whether the runs' folders stay.
    pub keep: bool,
    /// What the nodes' seeds grow from.
    pub seed: u64,
    /// Whether JSON is masked.
    pub masked: bool,
    /// How fast simulated time goes, where it follows the wall's.
    pub real_time: Option<NonZeroU64>,
    /// Whether all results are printed as JSON.
    pub as_json: bool,
}

/// The name of the page over all pages.
const INDEX: &str = "index.html";

/// Runs all of it, until the end or until `interrupted` comes. Returns the exit code.
///
/// # Errors
/// When a result can't be written. A run that fails is a result.
pub(crate) async fn run(
    order: Order,
    interrupted: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<u8> {
    let runs = lanes::run(&order, interrupted).await?;
    let Some(runs) = runs else { return Ok(INTERRUPTED) };
    if let Some(folder) = &order.report {
        write_index(folder, &runs)?;
    }
    if let Some(path) = &order.junit {
        files::write(path, junit::xml(&runs).as_bytes())?;
    }
    if order.as_json {
        let all = result::json(&runs, order.seed);
        println!("{:#}", if order.masked { crate::mask::masked(&all) } else { all });
    } else {
        println!("{}", summary::summary(&runs));
    }
    Ok(if runs.iter().all(Run::passed) { HOLDS } else { FAILS })
}

fn write_index(folder: &Path, runs: &[Run]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let page = folder.join(INDEX);
    files::write(&page, report::index(runs).as_bytes())?;
    eprintln!("report: {}", page.display());
    Ok(())
}
