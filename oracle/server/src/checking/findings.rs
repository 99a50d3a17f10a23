//! What the audit of one bundle found, for programs and in words.

use ledger::bundle::Bundle;
use ledger::{Incident, Report};
use serde_json::{Value, json};
use signer::Audit;
use terms::{Measurement, Target};

use crate::words::{counted, stamp, thousands};

/// Stretches of failure that are named one by one; `--json` has all.
const NAMED: usize = 20;

/// The findings for programs, of a bundle whose root is signed.
pub fn json(bundle: &Bundle, audit: &Audit) -> Value {
    json!({
        "holds": true,
        "oracle": audit.announcement.oracle_public_key.to_string(),
        "attested": audit.attestation.is_some(),
        "moments": audit.moments.map(|moments| json!({
            "committed": bundle.seed_commitment.is_some(), "on_time": moments.on_time, "late": moments.late,
        })),
        "root": bundle.root,
        "root_signed": audit.root_signed,
        "vantages": bundle.vantages.iter().map(|word| json!({
            "name": word.name, "key": word.key, "blocks": word.blocks.len(),
        })).collect::<Vec<_>>(),
        "logged": audit.checkpoint.as_ref().map(|checkpoint| json!({
            "log": checkpoint.origin, "entries": checkpoint.size,
        })),
        "report": audit.evaluation.report,
    })
}

/// The findings in words, of a bundle whose root is signed: what was measured, why the outcome is what it is, and who stands by that.
pub fn explain(bundle: &Bundle, audit: &Audit) -> String {
    let (measurement, report) = (&bundle.measurement, &audit.evaluation.report);
    let window = measurement.window;
    let mut lines = vec![
        format!("Event {}", report.event_id),
        format!(
            "{}, measured from {} to {} UTC.",
            measurement.target,
            stamp(window.start.0),
            stamp(window.end.0)
        ),
        String::new(),
        report.explain(measurement),
    ];
    lines.extend(failures(measurement, report));
    lines.push(String::new());
    lines.extend(witnesses(bundle, audit));
    lines.join("\n")
}

/// When it was bad, stretch by stretch.
fn failures(measurement: &Measurement, report: &Report) -> Vec<String> {
    let line = |incident: &Incident| {
        let (from, to) = (stamp(incident.start.0), stamp(incident.end.0));
        let what = match measurement.confirm {
            Some(_) => format!("outage, {}", counted(incident.bad, "probe", "probes")),
            None => format!(
                "bad slices, {} of {}",
                thousands(incident.bad),
                counted(incident.decided, "decided probe bad", "decided probes bad")
            ),
        };
        format!("  {from} to {to}  {what}")
    };
    let mut lines: Vec<String> = report.incidents.iter().take(NAMED).map(line).collect();
    if report.incidents.len() > NAMED {
        lines.push(format!("  and {} more", thousands((report.incidents.len() - NAMED) as u64)));
    }
    lines
}

/// Who stands by the outcome, and what is left to compare.
fn witnesses(bundle: &Bundle, audit: &Audit) -> Vec<String> {
    let mut lines = vec![
        match audit.attestation {
            Some(_) => "The samples give this outcome, and the oracle's attestation says the same.",
            None => "The samples give this outcome. The bundle has no attestation: it is not signed yet, or withheld.",
        }
        .to_owned(),
        "The oracle signed the root of this evidence.".to_owned(),
    ];
    lines.extend(moments(bundle, audit));
    lines.extend(bundle.vantages.iter().map(|word| {
        let blocks = counted(word.blocks.len() as u64, "block", "blocks");
        format!("The samples of {} are those that its key signed, in {blocks}: {}", word.name, word.key)
    }));
    lines.push(match &audit.checkpoint {
        Some(checkpoint) => format!(
            "Its log, {}, has this outcome under a signed checkpoint of {}.",
            checkpoint.origin,
            counted(checkpoint.size, "entry", "entries")
        ),
        None => "The bundle does not show that the oracle's log has this outcome.".to_owned(),
    });
    if audit.evaluation.report.probes.bad > 0 {
        let id = &audit.evaluation.report.event_id;
        lines.push(format!("Why probes failed, by the oracle's word alone: /v1/events/{id}/failures"));
    }
    lines.push(format!(
        "Compare the oracle's key with the one you trust: {}",
        audit.announcement.oracle_public_key
    ));
    lines
}

/// Whether the oracle could choose when to probe.
fn moments(bundle: &Bundle, audit: &Audit) -> Option<String> {
    if matches!(bundle.measurement.target, Target::Heartbeat(_)) {
        return None;
    }
    let committed = bundle.seed_commitment.is_some();
    let Some(moments) = audit.moments else {
        let why = if committed {
            "The seed of the probes' moments is committed to and not revealed"
        } else {
            "The bundle names no seed of the probes' moments"
        };
        return Some(format!("{why}: whether the oracle chose them can't be told."));
    };
    let seed = if committed {
        "the seed that it says it committed to"
    } else {
        "a seed, of which the bundle has no commitment"
    };
    let (on_time, late) = (counted(moments.on_time, "probe", "probes"), thousands(moments.late));
    Some(format!(
        "{on_time} began within a second of the moments that follow from {seed}, {late} later in their slots."
    ))
}
