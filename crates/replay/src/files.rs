//! The files that a run leaves behind for people and for checks.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use crate::market::{self, MarketRecord};
use crate::record::Record;
use crate::report;
use crate::run::{Evidence, Published};

/// The page's name in the folder of a report.
pub const PAGE: &str = "report.html";

/// Writes the page and everything that it tells its readers to check with. Returns the page's path.
///
/// # Errors
/// When a file can't be written.
pub fn write_report(folder: &Path, record: &Record, evidence: &Evidence) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let page = folder.join(PAGE);
    write(&page, report::page(record).as_bytes())?;
    write(&folder.join("run.json"), json(record)?.as_bytes())?;
    write(&folder.join("measurement.json"), &record.measurement.canonical())?;
    write(&folder.join("agreement.json"), &record.agreement.canonical())?;
    write_published(folder, "", &evidence.main)?;
    for other in &evidence.others {
        write_published(folder, &format!("-{}", other.oracle), other)?;
    }
    let kept = [("contradictions.json", &evidence.contradictions), ("transcript.json", &evidence.transcript)];
    for (name, bytes) in kept {
        if let Some(bytes) = bytes {
            write(&folder.join(name), bytes)?;
        }
    }
    for (who, receipts) in &evidence.receipts {
        write(&folder.join(format!("receipts-{who}.jsonl")), receipts)?;
    }
    Ok(page)
}

/// What an oracle published, in files whose names end like this.
fn write_published(folder: &Path, ending: &str, published: &Published) -> anyhow::Result<()> {
    let optional = [("samples", "csv", &published.samples), ("evidence", "json", &published.bundle)];
    for (name, kind, bytes) in optional {
        if let Some(bytes) = bytes {
            write(&folder.join(format!("{name}{ending}.{kind}")), bytes)?;
        }
    }
    Ok(())
}

/// Writes a market's page and its data. Returns the page's path.
///
/// # Errors
/// When a file can't be written.
pub fn write_market(folder: &Path, record: &MarketRecord) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let page = folder.join(PAGE);
    write(&page, market::page(record).as_bytes())?;
    write(&folder.join("run.json"), json(record)?.as_bytes())?;
    Ok(page)
}

/// Writes one file.
///
/// # Errors
/// Names the file.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}

/// The record as JSON.
///
/// # Errors
/// Never for a record: it holds only what JSON can say.
pub fn json<T: Serialize>(record: &T) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(record).context("the record as JSON")?;
    text.push('\n');
    Ok(text)
}
