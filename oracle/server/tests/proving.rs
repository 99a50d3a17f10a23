//! An oracle that lost its journal and signed twice: anybody who has both attestations can show it.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use std::process::Output;

use common::process::earnest_oracle;
use common::{Http, START, World, measurement, second_attestation};
use evidence::Log;
use evidence::log::{Stored, prove_consistency, root_of};
use protocol::Hex64;
use protocol::oracle::{LogContradiction, LogSight};
use serde_json::{Value, json};
use terms::Hex32;

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = earnest_oracle(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// The event's JSON, kormir's JSON of its attestation, the evidence bundle, and the hex of a second attestation over 7 ppm.
async fn attested_twice(world: &mut World) -> (Value, Value, Value, String) {
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    world.until(START + 3_600 + 601).await;
    let event = http.json(&format!("/v1/events/{id}")).await;
    let attestation = http.json(&format!("/attestation/{id}")).await;
    let bundle = http.json(&format!("/v1/events/{id}/evidence")).await;
    world.stop(oracle).await;
    let second = second_attestation(world, &id, 7).await;
    (event, attestation, bundle, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_attestations_of_one_event_are_proven_whatever_form_they_come_in() {
    let mut world = World::new().await;
    let (event, attestation, bundle, second) = attested_twice(&mut world).await;
    let file = |name: &str, text: String| {
        std::fs::write(world.path(name), text).unwrap();
        world.path(name).display().to_string()
    };
    let first = file("attestation.json", attestation.to_string());
    let view = file("event.json", event.to_string());
    let bundle = file("bundle.json", bundle.to_string());
    let alarm = json!([{ "kind": "unknown_spend", "escrow_id": "00", "at": 1, "proof": ["02000000"] }, {
        "kind": "equivocation", "escrow_id": "00", "at": 1,
        "proof": [event["attestation_hex"], second],
    }]);
    let alarms = file("alarms.json", alarm.to_string());
    let secret: Value = serde_json::from_slice(&std::fs::read(world.path("oracle.key")).unwrap()).unwrap();
    let secret = secret["secret"]["plain"].as_str().unwrap();
    for given in [vec![&first, &second], vec![&view, &second], vec![&bundle, &second], vec![&alarms]] {
        let arguments: Vec<&str> =
            ["prove"].into_iter().chain(given.into_iter().map(String::as_str)).collect();
        let (code, said, errors) = run(&arguments);
        assert_eq!(code, 0, "{errors}");
        assert!(said.contains("signed two outcomes") && said.contains("\n7   ("), "{said}");
        assert!(!said.contains(secret) && !errors.contains(secret), "the key is printed");
        let announced = arguments[1] == view || arguments[1] == bundle;
        assert_eq!(said.contains("Both answer the oracle's announcement"), announced, "{said}");
    }
    let proof: Value = serde_json::from_str(&run(&["prove", &view, &second, "--json"]).1).unwrap();
    assert_eq!(proof["outcomes"], json!(["0", "7"]));
    assert_eq!(proof["event_id"], event["event_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_proves_nothing_has_an_exit_code_and_a_reason() {
    let mut world = World::new().await;
    let (event, attestation, ..) = attested_twice(&mut world).await;
    let first = world.path("attestation.json");
    std::fs::write(&first, attestation.to_string()).unwrap();
    let (first, same) = (first.display().to_string(), event["attestation_hex"].as_str().unwrap());
    let nothing = world.path("oracle.toml").display().to_string();
    for (arguments, code, why) in [
        (vec!["prove", &first, same], 1, "they attest the same outcome"),
        (vec!["prove", &first], 2, "takes two attestations; 1 given"),
        (vec!["prove", &first, &nothing], 2, "is neither hex nor JSON"),
        (vec!["prove", &first, "/nowhere"], 2, "is no file"),
        (vec!["prove", &same[..200], same], 2, "is no attestation's TLV"),
    ] {
        let (got, _, errors) = run(&arguments);
        assert!(got == code && errors.contains(why), "{arguments:?}: {got}, {errors}");
    }
}

/// What a node that kept a checkpoint of six entries of a log says of a later sight of it: an alarm of `GET /v1/alarms`.
fn forked(world: &World, history: &str, size: u64) -> Value {
    let oracle = world.key();
    let (kept, _) = log("first", 6);
    let (shown, hashes) = log(history, size);
    let key = signer::log_key(&oracle).unwrap();
    let sight = |log: &Log| LogSight {
        oracle: Hex32(oracle.public().serialize()),
        log_key: key.public().to_owned(),
        key_signature: Hex64::parse(&signer::sign_log_key(&oracle, key.public()).to_string()).unwrap(),
        checkpoint: key.sign(log.size(), &log.root()).unwrap(),
    };
    let proof = prove_consistency(size, 6, &hashes).unwrap_or_default();
    let log = LogContradiction {
        kept: sight(&kept),
        shown: sight(&shown),
        root: (size >= 6).then(|| Hex32(root_of(6, &hashes).unwrap())),
        proof: proof.into_iter().map(Hex32).collect(),
        proven: true,
    };
    json!([{ "kind": "forked_log", "oracle": log.kept.oracle, "at": 1, "proof": [], "log": log }])
}

fn log(history: &str, size: u64) -> (Log, Stored) {
    let (mut log, mut hashes) = (Log::default(), Stored::new());
    for index in 0..size {
        hashes.extend(log.append(format!("{history} {index}").as_bytes()).unwrap());
    }
    (log, hashes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nodes_alarm_about_a_log_proves_itself_offline_unless_anything_in_it_is_changed() {
    let world = World::new().await;
    let prove = |alarms: &Value, more: &[&str]| {
        std::fs::write(world.path("alarms.json"), alarms.to_string()).unwrap();
        run(&[&["prove", &world.path("alarms.json").display().to_string()], more].concat())
    };
    for size in [6, 7, 300] {
        let (code, said, errors) = prove(&forked(&world, "second", size), &[]);
        assert!(code == 0 && said.contains("that does not begin with them"), "{size}: {said}{errors}");
    }
    let proven = prove(&forked(&world, "second", 9), &["--json"]).1;
    let proven: Value = serde_json::from_str(&proven).unwrap();
    assert_eq!((&proven["conflict"], &proven["logs"][0]["sizes"]), (&json!(true), &json!([6, 9])));

    let changed = |change: fn(&mut Value)| {
        let mut alarms = forked(&world, "second", 9);
        change(&mut alarms[0]["log"]);
        alarms
    };
    for (alarms, why) in [
        (forked(&world, "first", 9), "goes on from the earlier one"),
        (forked(&world, "second", 5), "has 5 entries and the earlier one 6"),
        (changed(|log| log["root"] = json!("11".repeat(32))), "gave no proof"),
        (changed(|log| log["proof"] = json!([])), "gave no proof"),
        (changed(|log| log["kept"]["oracle"] = log["shown"]["log_key"].take()), "log"),
        (changed(|log| log["kept"]["key_signature"] = json!("11".repeat(64))), "kept: "),
        (changed(|log| log["shown"]["checkpoint"] = json!("earnest-oracle\n9\n")), "shown: the checkpoint"),
        (changed(|log| log["kept"]["checkpoint"] = log["shown"]["checkpoint"].clone()), "goes on from"),
    ] {
        let (code, said, errors) = prove(&alarms, &[]);
        assert!(code != 0 && said.is_empty() && errors.contains(why), "{why}: {code}, {said}{errors}");
    }
}
