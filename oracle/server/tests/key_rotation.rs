//! One key after the other: new events have the new one, open events keep theirs, and the log goes on.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use std::process::Output;

use common::process::{Process, earnest_oracle};
use common::{Http, START, World, measurement};
use earnest_oracle::checking::audit_log;
use ledger::bundle::Bundle;
use protocol::Hex64;
use protocol::oracle::{KeyStanding, LogInfo, OracleInfo, Successor};
use secp256k1_zkp::XOnlyPublicKey;
use secp256k1_zkp::schnorr::Signature;
use serde_json::{Value, json};
use signer::{Audit, Rotation};
use terms::EventId;

const END: u64 = START + 3_600;
const MATURITY: u64 = END + 600;

fn run(world: &World, arguments: &[&str]) -> Output {
    let config = world.config_file().display().to_string();
    earnest_oracle(&[arguments, &["--config", &config]].concat()).output().unwrap()
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn info(http: &Http) -> OracleInfo {
    serde_json::from_value(http.json("/v1/info").await).unwrap()
}

/// Everything that it ever published, from outside, going on from the last time.
async fn audit_everything(world: &World, oracle: &Process) -> Value {
    let address = format!("http://{}", oracle.addr());
    let audited = audit_log::audit(&address, Some(&world.path("kept.json"))).await;
    audited.unwrap_or_else(|error| panic!("{error}")).json()
}

async fn log_of(http: &Http) -> LogInfo {
    serde_json::from_value(http.json("/v1/log").await).unwrap()
}

async fn audit(http: &Http, id: &EventId) -> Audit {
    let (_, text) = http.text(&format!("/v1/events/{id}/evidence")).await;
    let audit = signer::audit(&Bundle::parse(text.as_bytes()).unwrap()).unwrap();
    assert!(audit.root_signed && audit.attestation.is_some() && audit.checkpoint.is_some());
    audit
}

#[tokio::test(flavor = "multi_thread")]
async fn open_events_keep_the_old_key_new_ones_have_the_new_one_and_the_old_one_is_retired_when_nobody_needs_it()
 {
    let mut world = World::new().await;
    let oracle = Process::serve(&world).await;
    let old = info(&oracle.http).await.pubkey;
    let log = log_of(&oracle.http).await;
    let before = oracle.http.announce(&measurement(|_| ())).await;
    assert!(refused(&run(&world, &["rotate-key"])).contains("another process uses this key"));
    world.until(START + 600).await;
    audit_everything(&world, &oracle).await;
    oracle.terminate(&world).await;

    let new = done(&run(&world, &["rotate-key"]));
    let oracle = Process::serve(&world).await;
    let http = &oracle.http;
    let info_now = info(http).await;
    assert_eq!(info_now.pubkey.to_string(), new);
    let [first, second] = info_now.keys.as_slice() else { panic!("{:?}", info_now.keys) };
    let said = second.rotation.clone().unwrap();
    assert_eq!((first.pubkey, said.from, second.pubkey), (old, old, info_now.pubkey));
    let key = |hex: terms::Hex32| XOnlyPublicKey::from_slice(&hex.0).unwrap();
    let rotation = Rotation {
        from: key(said.from),
        to: key(second.pubkey),
        since: said.since.0,
        signature: Signature::from_slice(&said.signature.0).unwrap(),
        acceptance: Signature::from_slice(&said.acceptance.0).unwrap(),
    };
    assert!(rotation.holds(), "both keys have signed it");
    assert!(!Rotation { since: rotation.since + 1, ..rotation.clone() }.holds());
    assert!(!Rotation { from: rotation.to, to: rotation.from, ..rotation }.holds());
    let KeyStanding::Succeeded(later) = info_now.standing_of(old) else { panic!("{info_now:?}") };
    assert_eq!(
        later,
        [Successor { to: info_now.pubkey, rotation: said }],
        "and whoever held it to the old key can tell"
    );

    let later = measurement(|m| m["window"] = json!({ "start": START + 1_200, "end": START + 4_800 }));
    let after = http.announce(&later).await;
    let (status, again) = http.post(measurement(|_| ()).canonical(), None).await;
    assert_eq!(
        (status, &again["announcement_hex"]),
        (200, &json!(before.announcement_hex)),
        "by the old key, once"
    );
    assert!(
        refused(&run(&world, &["retire-key", &old.to_string()])).contains("another process uses this key")
    );
    world.until(MATURITY - 60).await;
    oracle.terminate(&world).await;
    let open = refused(&run(&world, &["retire-key", &old.to_string()]));
    assert!(
        open.contains(&format!("{} is announced by this key and not attested yet", before.event_id)),
        "{open}"
    );
    assert!(refused(&run(&world, &["retire-key", &new])).contains("is the current key"));

    let oracle = Process::serve(&world).await;
    world.until(MATURITY + 1_260).await;
    let keys = [audit(&oracle.http, &before.event_id).await, audit(&oracle.http, &after.event_id).await]
        .map(|audit| audit.announcement.oracle_public_key.to_string());
    assert_eq!(keys, [old.to_string(), new.clone()]);
    let audited = audit_everything(&world, &oracle).await;
    assert_eq!((&audited["oracle"], &audited["events"]["attested"]), (&json!(old), &json!(2)), "{audited}");
    oracle.terminate(&world).await;
    done(&run(&world, &["retire-key", &old.to_string()]));
    assert!(!world.path("oracle.key").exists(), "what is erased can't be stolen");
    done(&run(&world, &["retire-key", &old.to_string()]));

    let oracle = Process::serve(&world).await;
    audit(&oracle.http, &before.event_id).await;
    assert!(info(&oracle.http).await.keys[0].retired);
    let log_now = log_of(&oracle.http).await;
    assert_eq!(log_now.public_key, log.public_key, "the log goes on");
    let vouched: Signature = log_now.key_signature.parse().unwrap();
    assert!(signer::check_log_key(&key(info_now.pubkey), &log_now.public_key, &vouched));
    assert_eq!(
        log_now.signature_by(old),
        Hex64::parse(&log.key_signature),
        "also for those who hold it to the old key"
    );
    assert_eq!(log_now.signature_by(terms::Hex32([7; 32])), None);
    let audited = audit_everything(&world, &oracle).await;
    assert_eq!(audited["events"]["over_before"], json!(2), "{audited}");
    std::fs::remove_file(world.path("kept.json")).unwrap();
    let whole = audit_everything(&world, &oracle).await;
    assert_eq!(
        (&whole["entries"], &whole["events"]["attested"]),
        (&audited["entries"], &json!(2)),
        "{whole}"
    );
    oracle.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "crash-points"), ignore = "needs the crash points: --features crash-points")]
async fn a_rotation_that_was_cut_off_is_made_once_when_it_is_said_again() {
    let world = World::new().await;
    let config = world.config_file().display().to_string();
    let rotate = ["rotate-key", "--config", &config];
    for point in ["rotate.made#1", "replace.drafted#1"] {
        let killed = earnest_oracle(&rotate).env("EARNEST_CRASH_AT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "killed");
        let oracle = Process::serve(&world).await;
        assert_eq!(info(&oracle.http).await.keys, [], "nothing has changed yet");
        oracle.terminate(&world).await;
    }
    let made = std::fs::read_to_string(world.path("oracle-2.key")).unwrap();
    let new = done(&earnest_oracle(&rotate).output().unwrap());
    assert!(made.contains(&new), "the key that was made is used");
    let oracle = Process::serve(&world).await;
    assert_eq!(info(&oracle.http).await.pubkey.to_string(), new);
    oracle.terminate(&world).await;
}
