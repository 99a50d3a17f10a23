//! Nothing in an evidence bundle can be changed without the audit saying where: every sample, every field of every slice,
//! and every hash of the proof that the log has the outcome.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{Oracle, ppm, value};
use evidence::log::{Stored, inclusion_positions, prove_inclusion};
use evidence::{Log, Proof};
use ledger::bundle::{Bundle, Draft, LogProof, root};
use ledger::schedule::{probe_at_ms, seed_commitment};
use ledger::{Moments, Sample, Verdict, evaluate};
use serde_json::{Value, json};
use signer::{audit, log_key, sign_log_key, sign_root, wire};
use terms::Hex32;

/// Leaves of other events around the bundle's, so that its proof has hashes on both sides.
const BEFORE: u64 = 37;
const AFTER: u64 = 90;
/// From what the moments of the probes follow.
const SEED: [u8; 32] = [7; 32];

/// Forty samples in four slices, one of them bad; signed, attested, and in a log of 128 entries.
fn bundle() -> Bundle {
    let mut oracle = Oracle::new();
    let measurement = ppm();
    let sample = |probe: u64| Sample {
        unix_ms: probe_at_ms(&measurement, &SEED, "local", probe),
        vantage: "local".to_owned(),
        verdict: if probe == 7 { Verdict::Bad } else { Verdict::Good },
        latency_ms: 12,
        value: None,
    };
    let samples: Vec<Sample> = (0..measurement.probe_count()).map(sample).collect();
    let evaluation = evaluate(&measurement, &samples).unwrap();
    let event = oracle.announced(measurement.clone()).decided(&value(25_000));
    let attestation = oracle.sign(&event);
    let draft = Draft {
        measurement,
        announcement: wire::announcement_hex(&event.announcement),
        attestation: Some(wire::attestation_hex(&attestation)),
        seed_commitment: Some(seed_commitment(&SEED)),
        probe_seed: Some(Hex32(SEED)),
        root_signature: Some(
            sign_root(&oracle.key, &event.row.event_id, &root(&evaluation.slices), 4).to_string(),
        ),
        log: None,
        vantages: Vec::new(),
    };
    let mut bundle = Bundle::build(draft, &samples).unwrap();
    bundle.log = Some(logged(&oracle, &bundle.entry().leaf()));
    let moments = audit(&bundle).unwrap().moments;
    assert_eq!(moments, Some(Moments { on_time: 40, late: 0 }));
    bundle
}

fn logged(oracle: &Oracle, leaf: &[u8]) -> LogProof {
    let (mut log, mut stored) = (Log::default(), Stored::new());
    for index in 0..BEFORE + 1 + AFTER {
        let other = format!("another event's entry {index}").into_bytes();
        stored.extend(log.append(if index == BEFORE { leaf } else { &other }).unwrap());
    }
    let key = log_key(&oracle.key).unwrap();
    assert!(inclusion_positions(log.size(), BEFORE).unwrap().len() == 7);
    LogProof {
        public_key: key.public().to_owned(),
        key_signature: sign_log_key(&oracle.key, key.public()).to_string(),
        checkpoint: key.sign(log.size(), &log.root()).unwrap(),
        index: BEFORE,
        proof: prove_inclusion(log.size(), BEFORE, &stored).unwrap(),
    }
}

/// What the audit says of the bundle with this change.
fn refused(bundle: &Bundle, change: impl FnOnce(&mut Value)) -> String {
    let mut json = serde_json::to_value(bundle).unwrap();
    change(&mut json);
    let changed = Bundle::parse(&serde_json::to_vec(&json).unwrap()).unwrap();
    audit(&changed).expect_err("a changed bundle must not pass").to_string()
}

#[test]
fn every_sample_flipped_by_itself_is_found_in_its_slice() {
    let bundle = bundle();
    let lines: Vec<&str> = bundle.samples.lines().collect();
    for number in 1..lines.len() {
        let (flipped, slower) = match lines[number].contains(",1,") {
            true => (lines[number].replace(",1,", ",0,"), lines[number].replace(",12", ",13")),
            false => (lines[number].replace(",0,", ",1,"), lines[number].replace(",12", ",13")),
        };
        for line in [flipped, slower] {
            assert_ne!(line, lines[number]);
            let mut lines = lines.clone();
            lines[number] = &line;
            let said = refused(&bundle, |it| it["samples"] = json!(lines.join("\n") + "\n"));
            let slice = format!("slice {}, hash of the samples", (number - 1) / 10);
            assert!(said.contains(&slice), "line {number}: {said}");
        }
        let gone: Vec<&str> =
            lines.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, line)| *line).collect();
        let said = refused(&bundle, |it| it["samples"] = json!(gone.join("\n") + "\n"));
        assert!(said.contains(&format!("slice {}, ", (number - 1) / 10)), "without line {number}: {said}");
    }
}

#[test]
fn every_field_of_every_slice_is_compared() {
    let bundle = bundle();
    for slice in 0..bundle.slices.len() {
        for (field, lie) in [
            ("index", json!(99)),
            ("start", json!(1_600_000_000)),
            ("state", json!("unmeasured")),
            ("good", json!(3)),
            ("bad", json!(8)),
            ("undecided", json!(1)),
            ("samples_sha256", json!("ab".repeat(32))),
        ] {
            let said = refused(&bundle, |it| it["slices"][slice][field] = lie);
            assert!(said.contains(&format!("slice {slice}, ")), "{slice} {field}: {said}");
        }
    }
    let said = refused(&bundle, |it| it["slices"].as_array_mut().unwrap().pop().map(drop).unwrap());
    assert!(said.contains("the window has 4, the bundle 3"), "{said}");
}

#[test]
fn every_hash_between_the_outcome_and_the_checkpoint_counts() {
    let bundle = bundle();
    let path = bundle.log.as_ref().unwrap().proof.path().to_vec();
    for place in 0..path.len() {
        let mut changed = path.clone();
        changed[place][31] ^= 1;
        let changed = serde_json::to_value(Proof::from_path(changed).unwrap()).unwrap();
        let said = refused(&bundle, |it| it["log"]["proof"] = changed);
        assert!(said.contains("log.proof: "), "{place}: {said}");
    }
    let said = refused(&bundle, |it| it["log"]["index"] = json!(BEFORE + 1));
    assert!(said.contains("log.proof: "), "{said}");
    let said = refused(&bundle, |it| it["root"] = json!("cd".repeat(32)));
    assert!(said.contains("root: is "), "{said}");
    let said = refused(&bundle, |it| it["report"]["outcome"] = json!({ "value": 7 }));
    assert!(said.contains("report, outcome"), "{said}");
    for (field, named) in
        [("checkpoint", "log.checkpoint: "), ("key_signature", "log.key_signature: "), ("public_key", "log.")]
    {
        let text = serde_json::to_value(&bundle).unwrap()["log"][field].as_str().unwrap().to_owned();
        let changed = format!("{}{}", if text.starts_with('0') { '1' } else { '0' }, &text[1..]);
        let said = refused(&bundle, |it| it["log"][field] = json!(changed));
        assert!(said.contains(named), "{field}: {said}");
    }
}

#[test]
fn no_other_seed_gives_the_moments_of_these_probes() {
    let bundle = bundle();
    let said = refused(&bundle, |it| it["probe_seed"] = json!("08".repeat(32)));
    assert!(said.contains("probe_seed: is not the seed of the commitment"), "{said}");
    // With its commitment it is a seed as good as any, but for the probes that were made before its moments.
    for seed in [[8; 32], [9; 32], [10; 32]] {
        let said = refused(&bundle, |it| {
            it["probe_seed"] = json!(Hex32(seed));
            it["seed_commitment"] = json!(seed_commitment(&seed));
        });
        assert!(
            said.starts_with("samples: line ") && said.contains("the moment that the seed gives"),
            "{said}"
        );
    }
}

#[test]
fn a_signature_has_one_spelling() {
    let bundle = bundle();
    for (pointer, named) in
        [("/root_signature", "root_signature: "), ("/log/key_signature", "log.key_signature: ")]
    {
        let upper =
            serde_json::to_value(&bundle).unwrap().pointer(pointer).unwrap().as_str().unwrap().to_uppercase();
        let said = refused(&bundle, |it| *it.pointer_mut(pointer).unwrap() = json!(upper));
        assert!(said.contains(named), "{pointer}: {said}");
    }
}
