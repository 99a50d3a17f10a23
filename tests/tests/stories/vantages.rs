//! A measurement by several vantages, from the agreement to the money.

use blackbox::{Setting, World, witness};
use serde_json::Value;
use terms::Quorum;
use testbed::Phase;

#[tokio::test(flavor = "multi_thread")]
async fn an_escrow_on_three_vantages_settles_right_with_one_cut_off_and_one_killed() {
    let setting = Setting { oracle: "vantage_grace_s = 30\n".to_owned(), ..Setting::default() };
    let mut world = World::with(setting).await;
    let mut vantages = world.add_vantages(&["north", "south"]).await;
    let (mut draft, times) = (world.draft(), world.times());
    draft.measurement.quorum = Quorum { agree: 2, vantages: 3 };
    let event = draft.measurement.event_id();
    let id = world.lock_draft(&draft).await;

    world.pass_until(times.start + 130).await;
    vantages[1].cut_off();
    world.pass_until(times.start + 240).await;
    world.target.set(Phase::Down);
    world.pass_until(times.start + 300).await;
    world.target.set(Phase::Up);
    vantages[1].join_up();
    world.pass_until(times.start + 455).await;
    vantages[0].kill(&world).await;
    world.pass_until(times.start + 470).await;
    vantages[0].start(&world).await;
    world.both_reach(&id, "settled").await;
    // Six of 60 probes, 100,000 ppm: half of the price goes back.
    witness::paid_out(&world, &id, 100_000, 50_000).await;

    let seen = world.oracle.client.event(&event).await.unwrap().unwrap();
    let probes = &seen.provisional.unwrap().report["probes"];
    assert_eq!((&probes["good"], &probes["bad"]), (&Value::from(54), &Value::from(6)), "{probes}");
    let south = seen.vantages.iter().find(|vantage| vantage.name == "south").unwrap();
    assert!(south.late_batches > 0, "what was held up for too long does not count: {south:?}");
    audit_knows_all(&world, &event).await;
}

/// The evidence names both vantages, and what they signed is what was evaluated.
async fn audit_knows_all(world: &World, event: &terms::EventId) {
    let bundle = world.oracle.client.evidence(event).await.unwrap().expect("the evidence is complete");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.json");
    let audit = |bundle: &[u8]| {
        std::fs::write(&path, bundle).unwrap();
        let exe = testbed::binary("earnest-oracle").expect("`earnest-oracle` is built and fresh");
        std::process::Command::new(exe).arg("audit").arg("--json").arg(&path).output().unwrap()
    };
    let output = audit(&bundle);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> =
        findings["vantages"].as_array().unwrap().iter().filter_map(|word| word["name"].as_str()).collect();
    assert_eq!(names, ["north", "south"]);

    let mut bundle: Value = serde_json::from_slice(&bundle).unwrap();
    let block = &mut bundle["vantages"][0]["blocks"][0];
    *block = serde_json::json!({ "from": block["from"], "to": block["to"], "sig": "07".repeat(64) });
    let output = audit(bundle.to_string().as_bytes());
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{why}");
    assert!(why.contains("north: block from probe 0 (slice 0)"), "{why}");
}
