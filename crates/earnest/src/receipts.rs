//! Receipts: exported from the node, verified without one.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use receipts::{Report, csv, redact, verify};
use serde_json::json;
use terms::Hex32;

use crate::cli::Receipts;
use crate::exit::Failure;
use crate::{output, owner};

/// So much of a file is read.
const MOST_BYTES: u64 = 1 << 30;

/// `earnest receipts ...`
pub async fn run(command: Receipts, as_json: bool) -> Result<(), Failure> {
    match command {
        Receipts::Export { file, csv: table, open } => {
            let mut text = owner::connect(&file)?.receipts().await?;
            let broken = |line| anyhow!("line {line} of the node's answer is no receipt");
            if let Some(open) = open {
                text = redact(&text, &open.into_iter().collect::<BTreeSet<_>>()).map_err(broken)?;
            }
            if table {
                text = csv(&text).map_err(broken)?;
            }
            output::line(text.trim_end_matches('\n'));
            Ok(())
        }
        Receipts::Verify { receipts, key } => {
            let keys = key.iter().map(|key| {
                Hex32::parse(key)
                    .ok_or_else(|| Failure::bad_input(anyhow!("--key: must be 64 lower-case hex digits")))
            });
            let keys = keys.collect::<Result<Vec<_>, _>>()?;
            let report = verify(&read(&receipts)?, &keys);
            tell(&report, as_json)
        }
    }
}

/// Bytes that are no text are a finding like any other edit.
fn read(path: &Path) -> Result<String, Failure> {
    let named = || path.display().to_string();
    let length = std::fs::metadata(path).with_context(named).map_err(Failure::bad_input)?.len();
    if length > MOST_BYTES {
        return Err(Failure::bad_input(anyhow!("{}: is larger than a GiB", named())));
    }
    let bytes = std::fs::read(path).with_context(named).map_err(Failure::bad_input)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn tell(report: &Report, as_json: bool) -> Result<(), Failure> {
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    if as_json {
        output::json(&json!({
            "receipts": report.receipts,
            "open": report.open,
            "batches": report.batches,
            "keys": report.keys,
            "findings": findings,
        }))?;
    } else {
        findings.iter().for_each(|finding| output::line(finding));
        let keys = report.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        output::facts(&[
            ("receipts", format!("{}, {} of them open", report.receipts, report.open)),
            ("batches", report.batches.to_string()),
            ("signed by", keys),
        ]);
    }
    if findings.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(anyhow!("the file is not as it was exported: {} findings", findings.len())))
}
