//! `measure`, `audit` and `prove`: what anybody can check, without being an oracle.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use ledger::bundle::Bundle;
use serde_json::json;
use terms::Measurement;

use super::{Failed, bad_input, print, runtime, say};
use crate::checking::audit_log::{self, LogAuditError};
use crate::checking::findings;
use crate::checking::forked::{self, Forked};
use crate::checking::prove::{self as proving, NotProven, Proof};
use crate::checking::records::Records;
use crate::checking::source::SourceError;
use crate::cli::{Audit, Measure, Prove};
use crate::operating::durable;

/// The outcome of any samples.
pub(super) fn measure(arguments: &Measure) -> Result<(), Failed> {
    let measurement = read_measurement(&arguments.measurement)?;
    let path = &arguments.samples;
    let file = fs::File::open(path).with_context(|| path.display().to_string()).map_err(Failed::Input)?;
    let samples =
        ledger::csv::read(file).with_context(|| path.display().to_string()).map_err(Failed::Input)?;
    let report = ledger::outcome(&measurement, &samples)
        .with_context(|| arguments.measurement.display().to_string())
        .map_err(Failed::Input)?;
    if arguments.explain {
        return say(&report.explain(&measurement));
    }
    print(&serde_json::to_value(&report).context("the report is no JSON")?)
}

fn read_measurement(path: &Path) -> Result<Measurement, Failed> {
    let bytes = fs::read(path).with_context(|| path.display().to_string()).map_err(Failed::Input)?;
    Measurement::parse(&bytes).with_context(|| path.display().to_string()).map_err(Failed::Input)
}

/// Audits a bundle, or everything that an oracle published.
pub(super) fn audit(arguments: &Audit) -> Result<(), Failed> {
    match (&arguments.bundle, &arguments.log) {
        (Some(bundle), _) => audit_bundle(bundle, arguments.json),
        (None, Some(url)) => audit_log(url, arguments.keep.as_deref(), arguments.json),
        (None, None) => Err(bad_input(anyhow!("a bundle or --log is needed"))),
    }
}

fn audit_log(url: &str, keep: Option<&Path>, json: bool) -> Result<(), Failed> {
    let audit = runtime(true)?.block_on(audit_log::audit(url, keep));
    if let (Err(LogAuditError::Contradicted(both)), Some(keep)) = (&audit, keep) {
        let mut path = keep.as_os_str().to_owned();
        path.push(".contradiction.json");
        let path = PathBuf::from(path);
        let written = serde_json::to_vec(&both.json()).map(|json| durable::replace(&path, &json));
        written.context("the proof is no JSON")?.with_context(|| path.display().to_string())?;
        eprintln!("Both checkpoints are in {}; {} is as it was.", path.display(), keep.display());
    }
    let audit = audit.map_err(|error| match &error {
        LogAuditError::Source(SourceError::Url(_)) => bad_input(error),
        LogAuditError::Kept(_) => Failed::Input(anyhow!(error).context("--keep")),
        _ => Failed::Run(anyhow!(error).context(format!("{url}: what was published does not hold"))),
    })?;
    if json { print(&audit.json()) } else { say(&audit.explain()) }
}

fn audit_bundle(file: &Path, json: bool) -> Result<(), Failed> {
    let path = file.display().to_string();
    let bytes = fs::read(file).with_context(|| path.clone()).map_err(Failed::Input)?;
    let bundle = Bundle::parse(&bytes).with_context(|| path.clone()).map_err(Failed::Input)?;
    let audit = signer::audit(&bundle).with_context(|| format!("{path}: the evidence does not hold"))?;
    if !audit.root_signed {
        let rule = "root_signature: is missing: the samples agree with themselves, and anybody could have made them up";
        return Err(Failed::Run(anyhow!("{path}: the evidence does not hold: {rule}")));
    }
    if json { print(&findings::json(&bundle, &audit)) } else { say(&findings::explain(&bundle, &audit)) }
}

/// Shows that two attestations contradict each other.
pub(super) fn prove(arguments: &Prove) -> Result<(), Failed> {
    let mut records = Records::default();
    for argument in &arguments.records {
        let name = argument.chars().take(80).collect::<String>();
        records.read(argument).with_context(|| name).map_err(Failed::Input)?;
    }
    let (proof, logs) = match (proving::find(&records), forked::find(&records.logs)) {
        (Ok(proof), logs) => (Some(proof), logs.unwrap_or_default()),
        (Err(_), Ok(logs)) if !logs.is_empty() => (None, logs),
        (Err(NotProven::TooFew { .. }), Err(reason)) => return Err(Failed::Run(reason.into())),
        (Err(error @ NotProven::TooFew { .. }), _) => return Err(bad_input(error)),
        (Err(error), _) => return Err(Failed::Run(error.into())),
    };
    if !arguments.json {
        let said = proof.iter().map(Proof::explain).chain(logs.iter().map(Forked::explain));
        return say(&said.collect::<Vec<_>>().join("\n\n"));
    }
    let mut proven = proof.map_or_else(|| json!({ "conflict": true }), |proof| proof.json());
    if !logs.is_empty() {
        proven["logs"] = logs.iter().map(Forked::json).collect();
    }
    print(&proven)
}
