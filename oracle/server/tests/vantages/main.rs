//! Several vantages and one oracle: real processes that are killed, cut off, and lied about.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

mod changes;
mod hostile;

use common::process::{Process, earnest_oracle};
use common::vantage::Probe;
use common::{Http, START, Service, World, measurement};
use ledger::bundle::{Bundle, Draft};
use protocol::oracle::EventState;
use serde_json::{Value, json};
use signer::{AuditError, VantageError};
use terms::{EventId, Outcome, OutcomeValue};

/// An oracle with two vantages elsewhere.
struct Trio {
    world: World,
    oracle: Option<Process>,
    north: Probe,
    south: Probe,
}

impl Trio {
    async fn begin() -> Self {
        let world = World::new().await;
        let (north, south) = (Probe::new(&world, "north").await, Probe::new(&world, "south").await);
        let lines = format!("{}{}", north.as_configured(), south.as_configured());
        world.configure(&format!("vantage_grace_s = 300\n{lines}"));
        let mut trio = Self { world, oracle: None, north, south };
        trio.start_oracle().await;
        let key = trio.http().json("/v1/info").await["pubkey"].as_str().unwrap().to_owned();
        for probe in [&mut trio.north, &mut trio.south] {
            probe.configure(&key, trio.world.service_addr());
            probe.start(&trio.world);
            probe.joined(&trio.world).await;
        }
        trio
    }

    async fn start_oracle(&mut self) {
        let oracle = Process::serve(&self.world).await;
        self.north.line.lead(Some(oracle.addr()));
        self.south.line.lead(Some(oracle.addr()));
        self.oracle = Some(oracle);
    }

    async fn kill_oracle(&mut self) {
        self.oracle.take().unwrap().kill(&self.world).await;
    }

    fn http(&self) -> &Http {
        &self.oracle.as_ref().unwrap().http
    }

    async fn announce(&self) -> EventId {
        let quorum = measurement(|m| m["quorum"] = json!({ "agree": 2, "vantages": 3 }));
        self.http().announce(&quorum).await.event_id
    }

    async fn bundle(&self, id: &EventId) -> String {
        let (status, text) = self.http().text(&format!("/v1/events/{id}/evidence")).await;
        assert_eq!(status, 200, "{text}");
        text
    }

    async fn end(mut self) {
        self.north.terminate(&self.world).await;
        self.south.terminate(&self.world).await;
        self.oracle.take().unwrap().terminate(&self.world).await;
    }
}

fn audit(trio: &Trio, bundle: &str) -> Value {
    let path = trio.world.new_file("bundle");
    std::fs::write(&path, bundle).unwrap();
    let output = earnest_oracle(&["audit", "--json", &path.display().to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_vantages_decide_whoever_of_them_is_cut_off_or_killed() {
    let mut trio = Trio::begin().await;
    let id = trio.announce().await;
    let seen = trio.http().event(&id).await.vantages;
    let names: Vec<&str> = seen.iter().map(|vantage| vantage.name.as_str()).collect();
    assert_eq!(names, ["local", "north", "south"]);
    assert_eq!(seen[1].key.map(|key| key.to_string()), Some(trio.north.key.clone()));

    // South is cut off for longer than slices wait: what it saw in the third is too late, and what it saw after it is not.
    trio.world.until(START + 650).await;
    trio.south.line.lead(None);
    trio.world.until(START + 1_400).await;
    let addr = trio.oracle.as_ref().unwrap().addr();
    trio.south.line.lead(Some(addr));
    // North dies, and comes back with what it had written.
    trio.world.until(START + 1_600).await;
    trio.north.kill(&trio.world).await;
    trio.world.until(START + 1_900).await;
    trio.north.start(&trio.world);
    trio.north.joined(&trio.world).await;
    // So does the oracle: the others go on without it.
    trio.world.until(START + 2_100).await;
    trio.kill_oracle().await;
    trio.world.until(START + 2_400).await;
    trio.start_oracle().await;
    // Two minutes of outage, 8 of 240 probes.
    trio.world.until(START + 3_000).await;
    trio.world.service.answers(503);
    trio.world.until(START + 3_120).await;
    trio.world.service.answers(200);

    trio.world.until(START + 3_600 + 30).await;
    let event = trio.http().event(&id).await;
    assert_eq!(event.state, EventState::Provisional, "{}", trio.oracle.as_ref().unwrap().log());
    let closed = event.provisional.unwrap();
    let logs = format!("{}\n{}", trio.north.log(), trio.south.log());
    assert_eq!(closed.report["probes"], json!({ "good": 232, "bad": 8, "undecided": 0 }), "{logs}");
    assert_eq!(closed.outcome, Outcome::Value(OutcomeValue(33_334)));
    let late: Vec<u64> = event.vantages.iter().map(|vantage| vantage.late_batches).collect();
    assert_eq!(late, [0, 0, 1], "{:?}", event.vantages);
    trio.world.until(START + 3_600 + 601).await;
    assert_eq!(trio.http().event(&id).await.state, EventState::Attested);

    let bundle = trio.bundle(&id).await;
    let findings = audit(&trio, &bundle);
    let blocks: Vec<&Value> =
        findings["vantages"].as_array().unwrap().iter().map(|word| &word["blocks"]).collect();
    assert_eq!(blocks, [&json!(12), &json!(11)]);
    no_word_of_a_vantage_can_be_changed(&Bundle::parse(bundle.as_bytes()).unwrap());
    trio.end().await;
}

/// An oracle that evaluates other samples than its vantages signed is found out, however well the rest agrees.
fn no_word_of_a_vantage_can_be_changed(bundle: &Bundle) {
    assert!(signer::audit(bundle).is_ok());
    let first = |name: &str| {
        let of = format!(",{name},1,");
        bundle.samples.lines().find(|line| line.contains(&of)).unwrap().to_owned()
    };
    let north = first("north");
    let flipped = bundle.samples.replace(&north, &north.replace(",north,1,", ",north,0,"));
    let from = |error: &AuditError| match error {
        AuditError::Vantage(VantageError::Signature { vantage, from, slice }) => {
            (vantage.clone(), *from, *slice)
        }
        other => panic!("{other}"),
    };
    let error = signer::audit(&rebuilt(bundle, &flipped)).unwrap_err();
    assert_eq!(from(&error), ("north".to_owned(), 0, 0));
    assert!(error.to_string().contains("north") && error.to_string().contains("slice 0"), "{error}");
    // Left out, it is missed; and a block that is left out leaves its samples without a signature.
    let without = bundle.samples.replace(&format!("{north}\n"), "");
    assert_eq!(from(&signer::audit(&rebuilt(bundle, &without)).unwrap_err()).0, "north");
    let mut fewer = bundle.clone();
    fewer.vantages[0].blocks.remove(5);
    let error = signer::audit(&fewer).unwrap_err();
    assert!(matches!(&error, AuditError::Vantage(VantageError::Unsigned { probe: 100.., .. })), "{error}");
    // Nor can the oracle speak for a vantage by not naming it.
    let mut fewer = bundle.clone();
    fewer.vantages.remove(1);
    let error = signer::audit(&fewer).unwrap_err();
    assert!(matches!(&error, AuditError::Vantage(VantageError::Unsigned { .. })), "{error}");
}

/// The bundle that an oracle would make of these samples.
fn rebuilt(bundle: &Bundle, samples: &str) -> Bundle {
    let draft = Draft {
        measurement: bundle.measurement.clone(),
        announcement: bundle.announcement.clone(),
        attestation: None,
        seed_commitment: bundle.seed_commitment,
        probe_seed: bundle.probe_seed,
        root_signature: None,
        log: None,
        vantages: bundle.vantages.clone(),
    };
    Bundle::build(draft, &ledger::csv::read(samples.as_bytes()).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vantage_that_lies_alone_is_outvoted_and_one_that_is_gone_is_not_waited_for_for_ever() {
    let mut trio = Trio::begin().await;
    let liar = Service::default();
    liar.answers(500);
    let addr = liar.serve().await;
    // South looks at another service than the users do.
    trio.south.kill(&trio.world).await;
    let key = trio.http().json("/v1/info").await["pubkey"].as_str().unwrap().to_owned();
    trio.south.configure(&key, addr);
    trio.south.start(&trio.world);
    trio.south.joined(&trio.world).await;
    let id = trio.announce().await;

    trio.world.until(START + 1_850).await;
    trio.north.kill(&trio.world).await;
    trio.world.until(START + 3_600 + 330).await;
    let event = trio.http().event(&id).await;
    let closed = event.provisional.unwrap();
    // While the honest two were there, they outvoted the third; afterwards one stands against one.
    let probes = &closed.report["probes"];
    assert_eq!(probes["bad"], 0, "{probes}");
    assert_eq!(probes["good"], 120, "{probes}");
    assert_eq!(closed.outcome, Outcome::Indeterminate);
    let (_, failures) = trio.http().text(&format!("/v1/events/{id}/failures")).await;
    assert_eq!(failures.matches(",south,0,0,status 500").count(), 240, "{failures}");
    let bundle = trio.bundle(&id).await;
    audit(&trio, &bundle);
    trio.south.terminate(&trio.world).await;
    trio.oracle.take().unwrap().terminate(&trio.world).await;
}
