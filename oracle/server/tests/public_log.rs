//! The public log: everything the oracle said stands in it, it only grows, and a copy of its newest checkpoint that lies
//! elsewhere tells when this machine was rolled back.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use std::path::Path;
use std::process::Output;

use common::{Http, START, World, copy, measurement};
use evidence::{Checkpoint, Growth, Relation, Tree, compare};
use ledger::Entry;
use ledger::bundle::Bundle;
use protocol::oracle::{LogGrowth, LogInfo};
use secp256k1_zkp::schnorr::Signature;
use serde_json::Value;
use terms::EventId;

const END: u64 = START + 3_600;
const MATURITY: u64 = END + 600;

/// What anybody reads of a log.
struct Mirror {
    info: LogInfo,
    checkpoint: Checkpoint,
    leaves: Vec<Vec<u8>>,
}

impl Mirror {
    async fn of(http: &Http) -> Self {
        let info: LogInfo = serde_json::from_value(http.json("/v1/log").await).unwrap();
        let (_, text) = http.text("/checkpoint").await;
        let checkpoint = Checkpoint::open(&info.public_key, &text).unwrap();
        let path = format!("/tile/entries/000.p/{}", checkpoint.size);
        let leaves = split(&http.bytes(&path).await);
        Self { info, checkpoint, leaves }
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        self.leaves.iter().for_each(|leaf| tree.push(leaf));
        tree
    }

    fn entries(&self) -> Vec<Entry> {
        self.leaves.iter().map(|leaf| serde_json::from_slice(leaf).unwrap()).collect()
    }
}

/// Entries, each behind its length in two bytes.
fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut leaves = Vec::new();
    while let [high, low, rest @ ..] = bytes {
        let (leaf, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        leaves.push(leaf.to_vec());
        bytes = rest;
    }
    leaves
}

fn trust_database(config: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_earnest-oracle");
    let arguments = ["trust-database", "--config"];
    std::process::Command::new(program).args(arguments).arg(config).output().unwrap()
}

/// Everything that a snapshot of the machine holds.
const SNAPSHOT: [&str; 2] = ["oracle.db", "signing.journal"];

fn take_snapshot(world: &World) {
    SNAPSHOT.iter().for_each(|name| copy(&world.path(name), &world.path(&format!("{name}.snapshot"))));
}

fn roll_back(world: &World) {
    for name in SNAPSHOT {
        copy(&world.path(&format!("{name}.snapshot")), &world.path(name));
    }
    for name in ["oracle.db-wal", "oracle.db-shm"] {
        let _ = std::fs::remove_file(world.path(name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_slice_the_outcome_and_the_attestation_are_leaves_under_a_signed_checkpoint() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    world.until(END + 1).await;
    let provisional = Mirror::of(&http).await;
    assert_eq!(provisional.checkpoint.size, 14, "the announcement, twelve slices and the outcome");
    assert_eq!(provisional.tree().root(), provisional.checkpoint.root);

    world.until(MATURITY + 1).await;
    let attested = Mirror::of(&http).await;
    assert_eq!(attested.checkpoint.size, 15);
    assert_eq!(attested.leaves[..14], provisional.leaves, "what was said stays");
    let entries = attested.entries();
    let event = http.event(&id).await;
    let announced = Entry::Announced {
        event_id: id.clone(),
        at: terms::UnixSeconds(START - 600),
        announcement_sha256: terms::Hex32(terms::canonical::sha256(event.announcement_hex.as_slice())),
        seed_commitment: event.seed_commitment,
        vantages: Vec::new(),
    };
    assert_eq!(entries[0], announced);
    assert!(event.seed_commitment.is_some());
    let slices =
        entries.iter().filter(|entry| matches!(entry, Entry::Slice { event_id, .. } if *event_id == id));
    assert_eq!(slices.count(), 12);
    assert!(matches!(&entries[13], Entry::Closed { slices: 12, .. }));
    let Entry::Attested { attestation, .. } = &entries[14] else { panic!("{:?}", entries[14]) };
    assert_eq!(Some(attestation.clone()), event.attestation_hex.map(|hex| hex.to_string()));

    goes_on(&http, &provisional, &attested).await;
    let hashes = http.bytes("/tile/0/000.p/15").await;
    assert_eq!(hashes.len(), 15 * 32);
    let mut first = Tree::new();
    first.push(&attested.leaves[0]);
    assert_eq!(hashes[..32], first.root());
    for nonsense in [
        "/tile/0/000",
        "/tile/0/000.p/16",
        "/tile/entries/001.p/1",
        "/tile/9/000",
        "/tile/0/../1",
        "/tile/0/000.p/0",
    ] {
        assert_eq!(http.text(nonsense).await.0, 404, "{nonsense}");
    }
    let key = oracle.oracle().key.public();
    let signature: Signature = attested.info.key_signature.parse().unwrap();
    assert!(
        signer::check_log_key(&key, &attested.info.public_key, &signature),
        "the oracle says that it is its log"
    );
    world.stop(oracle).await;
}

/// The log proves to whoever kept an earlier checkpoint that it goes on from it.
async fn goes_on(http: &Http, earlier: &Mirror, later: &Mirror) {
    let growth = async |from: u64| -> LogGrowth {
        serde_json::from_value(http.json(&format!("/v1/log/proof?from={from}")).await).unwrap()
    };
    let shown = growth(earlier.checkpoint.size).await;
    assert_eq!(Checkpoint::open(&later.info.public_key, &shown.checkpoint).unwrap(), later.checkpoint);
    assert_eq!(shown.root.map(|root| root.0), Some(earlier.checkpoint.root));
    let proof: Vec<_> = shown.proof.iter().map(|hash| hash.0).collect();
    let told = Growth { root: Some(&earlier.checkpoint.root), proof: &proof };
    assert_eq!(compare(&earlier.checkpoint, &later.checkpoint, told), Relation::GoesOn);
    for from in [0, later.checkpoint.size + 1, u64::MAX] {
        let nothing = growth(from).await;
        assert_eq!((nothing.root, nothing.proof), (None, vec![]), "from {from}");
    }
    for nonsense in ["", "?from=", "?from=-1", "?from=x"] {
        assert_eq!(http.text(&format!("/v1/log/proof{nonsense}")).await.0, 400, "{nonsense}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_shows_that_the_log_has_its_outcome_and_no_other_bundle_can() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    world.until(MATURITY + 1).await;
    let (_, text) = http.text(&format!("/v1/events/{id}/evidence")).await;
    let bundle = Bundle::parse(text.as_bytes()).unwrap();
    let audit = signer::audit(&bundle).unwrap();
    assert_eq!(audit.checkpoint.map(|checkpoint| checkpoint.size), Some(15));

    let refused = |change: &dyn Fn(&mut Value)| {
        let mut json: Value = serde_json::from_str(&text).unwrap();
        change(&mut json["log"]);
        let bundle = Bundle::parse(json.to_string().as_bytes()).unwrap();
        signer::audit(&bundle).unwrap_err().to_string()
    };
    let error = refused(&|log| log["index"] = 11.into());
    assert!(error.starts_with("log.proof: the path of 4 hashes does not lead from leaf 11"), "{error}");
    let error = refused(&|log| log["proof"][0] = "00".repeat(32).into());
    assert!(error.starts_with("log.proof: "), "{error}");
    let error = refused(&|log| {
        log["checkpoint"] = log["checkpoint"].as_str().unwrap().replace("\n15\n", "\n16\n").into()
    });
    assert_eq!(error, "log.checkpoint: is not signed by this log's key");
    let foreign = evidence::LogKey::from_seed("earnest-oracle/someone", &[7; 32]).unwrap();
    let error = refused(&|log| log["public_key"] = foreign.public().into());
    assert_eq!(error, "log.key_signature: is not the oracle's over this log's key");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_was_rolled_back_whole_is_found_out_and_signs_nothing_twice() {
    let mut world = World::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let held = elsewhere.path().join("checkpoint");
    world.configure(&format!("checkpoint_copy = {held:?}"));
    let oracle = world.start().await.unwrap();
    assert!(held.exists(), "an empty log is held from the start");
    let id = Http::of(&oracle).announce(&measurement(|_| ())).await.event_id;
    world.until(START + 1_800).await;
    world.stop(oracle).await;
    take_snapshot(&world);

    // The service goes down in the second half, which is attested.
    world.service.answers(503);
    let oracle = world.start().await.unwrap();
    world.until(MATURITY + 1).await;
    assert!(oracle.oracle().store.event(&id).await.unwrap().unwrap().attestation.is_some());
    world.stop(oracle).await;

    roll_back(&world);
    let refused = format!("{:#}", world.start().await.unwrap_err());
    world.barrier.wait_until_gone("oracle").await;
    assert!(refused.contains("the checkpoint held elsewhere has 14 entries, and this log of"), "{refused}");
    assert!(refused.contains("trust-database"), "{refused}");

    let word = trust_database(&world.config_file());
    let said = String::from_utf8(word.stdout).unwrap();
    assert!(
        word.status.success() && said.contains(&format!("{id} may have been attested already")),
        "{said}"
    );
    let oracle = world.start().await.unwrap();
    world.until(MATURITY + 120).await;
    assert_eq!(
        oracle.oracle().store.event(&id).await.unwrap().unwrap().attestation,
        None,
        "never a second time"
    );
    assert_eq!(Http::of(&oracle).text("/readyz").await.0, 200, "and nobody needs to do anything about it");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_checkpoint_that_is_missing_or_foreign_keeps_the_oracle_from_starting() {
    let mut world = World::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let held = elsewhere.path().join("checkpoint");
    world.configure(&format!("checkpoint_copy = {held:?}"));
    let oracle = world.start().await.unwrap();
    Http::of(&oracle).announce(&measurement(|_| ())).await;
    world.until(START + 1_800).await;
    world.stop(oracle).await;

    std::fs::rename(&held, elsewhere.path().join("away")).unwrap();
    let refused = format!("{:#}", world.start().await.unwrap_err());
    world.barrier.wait_until_gone("oracle").await;
    assert!(refused.contains("is not there, though the log has"), "{refused}");

    let foreign = evidence::LogKey::from_seed("earnest-oracle/someone", &[7; 32]).unwrap();
    std::fs::write(&held, foreign.sign(0, &Tree::new().root()).unwrap()).unwrap();
    let refused = format!("{:#}", world.start().await.unwrap_err());
    world.barrier.wait_until_gone("oracle").await;
    assert!(refused.contains("is not signed by this log's key"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_checkpoint_cannot_be_held_nothing_is_signed_until_it_can() {
    let mut world = World::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = elsewhere.path().join("mount");
    std::fs::create_dir(&folder).unwrap();
    world.configure(&format!("checkpoint_copy = {:?}", folder.join("checkpoint")));
    let oracle = world.start().await.unwrap();
    let id = Http::of(&oracle).announce(&measurement(|_| ())).await.event_id;
    world.until(END).await;
    std::fs::rename(&folder, elsewhere.path().join("gone")).unwrap();
    world.until(MATURITY + 60).await;
    assert_eq!(attestation(&oracle, &id).await, None);
    std::fs::rename(elsewhere.path().join("gone"), &folder).unwrap();
    world.until(MATURITY + 120).await;
    assert!(attestation(&oracle, &id).await.is_some());
    world.stop(oracle).await;
}

async fn attestation(oracle: &earnest_oracle::service::Running, id: &EventId) -> Option<String> {
    oracle.oracle().store.event(id).await.unwrap().unwrap().attestation
}
