//! What a vantage, or somebody who is none, may try at the oracle's door.

use client::{ClientError, Signer, VantageClient};
use ledger::batch::{Statement, samples_sha256};
use ledger::csv::{self, Columns};
use ledger::{Sample, Verdict};
use protocol::request::{Call, Credential};
use protocol::vantage::{Batch, BatchResult, Batches};
use protocol::{Hex64, Problem};
use serde_json::json;
use signer::{KeyOptions, VantageKey};
use terms::{EventId, Hex32, Measurement, UnixSeconds};

use super::common::{Http, START, World, measurement};
use earnest_oracle::service::Running;

/// An oracle with one vantage elsewhere, whose part the test plays.
struct Door {
    world: World,
    oracle: Option<Running>,
    key: VantageKey,
    client: VantageClient,
}

fn key(world: &World, name: &str) -> VantageKey {
    let options = KeyOptions { network: "regtest".to_owned(), simulated: true, passphrase: None };
    VantageKey::create(&world.path(name), &options).unwrap()
}

impl Door {
    async fn open() -> Self {
        Self::open_with("[probe]\njitter = false\n").await
    }

    async fn open_with(more: &str) -> Self {
        let world = World::new().await;
        let key = key(&world, "vantage.key");
        world.configure(&format!(
            "vantage_grace_s = 60\n{more}[[remote_vantage]]\nname = \"north\"\nkey = \"{}\"\n",
            key.public()
        ));
        let oracle = world.start().await.unwrap();
        let client = VantageClient::new(&format!("http://{}", oracle.addr())).unwrap();
        Self { world, oracle: Some(oracle), key, client }
    }

    fn running(&self) -> &Running {
        self.oracle.as_ref().unwrap()
    }

    fn http(&self) -> Http {
        Http::of(self.running())
    }

    fn oracle_key(&self) -> Hex32 {
        Hex32(self.running().oracle().key.public().serialize())
    }

    async fn push_as(&self, key: &VantageKey, batch: &Batch) -> Result<BatchResult, Problem> {
        let now = UnixSeconds(self.world.clock.now_s());
        let signer = Signer { keypair: key.keypair(), server: self.oracle_key(), now };
        match self.client.push(vec![batch.clone()], &signer).await {
            Ok(results) => Ok(results[0]),
            Err(ClientError::Refused(problem)) => Err(problem),
            Err(other) => panic!("{other}"),
        }
    }

    async fn push(&self, batch: &Batch) -> Result<BatchResult, Problem> {
        self.push_as(&self.key, batch).await
    }

    async fn announcement(&self, id: &EventId) -> Hex32 {
        let tlv = self.http().event(id).await.announcement_hex;
        Hex32(terms::canonical::sha256(tlv.as_slice()))
    }

    /// What an honest vantage would hand in about a slice of 20 slots, good ones throughout.
    async fn batch(&self, measurement: &Measurement, slice: u64) -> Batch {
        let samples: Vec<Sample> = (slice * 20..slice * 20 + 20).map(good).collect();
        self.signed(measurement, slice, &samples).await
    }

    async fn signed(&self, measurement: &Measurement, slice: u64, samples: &[Sample]) -> Batch {
        let event_id = measurement.event_id();
        let statement = Statement {
            announcement_sha256: self.announcement(&event_id).await,
            event_id,
            vantage: "north",
            from: slice * 20,
            to: slice * 20 + 20,
            samples_sha256: samples_sha256(Columns::Plain, samples),
        };
        Batch {
            sig: Hex64(self.key.sign_batch(&statement)),
            event_id: statement.event_id,
            from: statement.from,
            to: statement.to,
            samples: csv::write(Columns::Plain, samples),
            causes: Vec::new(),
        }
    }

    async fn close(mut self) {
        let oracle = self.oracle.take().unwrap();
        self.world.stop(oracle).await;
    }
}

fn good(probe: u64) -> Sample {
    Sample {
        unix_ms: START * 1_000 + probe * 15_000 + 7,
        vantage: "north".to_owned(),
        verdict: Verdict::Good,
        latency_ms: 5,
        value: None,
    }
}

fn of_both(change: impl FnOnce(&mut serde_json::Value)) -> Measurement {
    measurement(|m| {
        m["quorum"] = json!({ "agree": 2, "vantages": 2 });
        change(m);
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_of_more_vantages_than_there_are_is_refused_by_name() {
    let door = Door::open().await;
    let three = measurement(|m| m["quorum"] = json!({ "agree": 2, "vantages": 3 }));
    let (status, answer) = door.http().post(three.canonical(), None).await;
    assert_eq!((status, &answer["field"]), (400, &json!("quorum.vantages")));
    assert!(answer["detail"].as_str().unwrap().contains("at most 2"), "{answer}");
    door.http().announce(&of_both(|_| ())).await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_taken_once_and_never_changed() {
    let mut door = Door::open().await;
    let measurement = of_both(|_| ());
    let id = door.http().announce(&measurement).await.event_id;
    let batch = door.batch(&measurement, 0).await;
    assert_eq!(door.push(&batch).await, Ok(BatchResult::Early), "its slice is not over");
    door.world.until(START + 301).await;
    assert_eq!(door.push(&batch).await, Ok(BatchResult::Stored));
    assert_eq!(door.push(&batch).await, Ok(BatchResult::Already));
    let other = door.signed(&measurement, 0, &[good(3)]).await;
    assert_eq!(door.push(&other).await, Ok(BatchResult::Differs));
    let (_, samples) = door.http().text(&format!("/v1/events/{id}/samples")).await;
    assert_eq!(samples.matches(",north,1,5").count(), 20, "{samples}");
    // A slice that waited in vain is decided; what comes then is counted, and nothing else.
    door.world.until(START + 700).await;
    let late = door.batch(&measurement, 1).await;
    assert_eq!(door.push(&late).await, Ok(BatchResult::Late));
    assert_eq!(door.push(&late).await, Ok(BatchResult::Late));
    let seen = door.http().event(&id).await.vantages;
    assert_eq!((seen[1].late_batches, seen[1].reported_until), (1, Some(UnixSeconds(START + 300))));
    let slices = door.http().json(&format!("/v1/events/{id}/slices")).await;
    assert_eq!(slices["slices"][0]["good"], 20);
    assert_eq!(slices["slices"][1]["state"], "unmeasured");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_replayed_and_misplaced_batches_are_refused_by_name() {
    let mut door = Door::open().await;
    let (one, two) = (of_both(|_| ()), of_both(|m| m["least_samples"] = json!(11)));
    let alone = measurement(|_| ());
    for measurement in [&one, &two, &alone] {
        door.http().announce(measurement).await;
    }
    door.world.until(START + 301).await;
    let honest = door.batch(&one, 0).await;
    let refusals = [
        ("batches[0].sig", Batch { event_id: two.event_id(), ..honest.clone() }),
        ("batches[0].sig", Batch { samples: honest.samples.replacen(",1,5", ",0,5", 1), ..honest.clone() }),
        ("batches[0].sig", Batch { sig: Hex64([7; 64]), ..honest.clone() }),
        ("batches[0].to", Batch { to: 19, ..honest.clone() }),
        ("batches[0].from", Batch { from: 240, to: 260, ..honest.clone() }),
        ("batches[0].samples", Batch { samples: honest.samples.replace("north", "local"), ..honest.clone() }),
        ("batches[0].samples", Batch { samples: honest.samples.replace(",1,5", ",1,05"), ..honest.clone() }),
        ("batches[0].samples", door.signed(&one, 0, &[good(25)]).await),
        ("batches[0].samples", door.signed(&one, 0, &[good(3), good(3)]).await),
    ];
    for (field, batch) in refusals {
        let problem = door.push(&batch).await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some(field), "{problem}");
    }
    assert_eq!(
        door.push(&Batch { event_id: alone.event_id(), ..honest.clone() }).await,
        Ok(BatchResult::Unknown)
    );
    let stranger = key(&door.world, "stranger.key");
    assert_eq!(door.push_as(&stranger, &honest).await.unwrap_err().status, 401);
    replayed(&door, &honest).await;
    let (_, samples) = door.http().text(&format!("/v1/events/{}/samples", one.event_id())).await;
    assert_eq!(samples.matches(",north,1,5").count(), 20, "only the honest one is there: {samples}");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vantage_that_probes_before_its_moments_can_spoil_nobodys_evidence() {
    let mut door = Door::open_with("").await;
    let measurement = of_both(|_| ());
    door.http().announce(&measurement).await;
    door.world.until(START + 301).await;
    // The moments follow from a seed: nobody's twenty are the beginnings of their slots.
    let problem = door.push(&door.batch(&measurement, 0).await).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("batches[0].samples"));
    assert!(problem.detail.contains("must not begin before the moment that the seed gives"), "{problem}");
    // Late it may be, as far as the slot goes.
    let late = |probe| Sample { unix_ms: START * 1_000 + (probe + 1) * 15_000 - 1, ..good(probe) };
    let samples: Vec<Sample> = (0..20).map(late).collect();
    let batch = door.signed(&measurement, 0, &samples).await;
    assert_eq!(door.push(&batch).await, Ok(BatchResult::Stored));
    door.close().await;
}

/// The same request again, to the byte, and one that was made for another oracle.
async fn replayed(door: &Door, batch: &Batch) {
    let body = terms::canonical::bytes(&Batches { batches: vec![batch.clone()] });
    let call = Call { method: "POST", path: "/v1/vantage/batches", body: &body };
    let now = UnixSeconds(door.world.clock.now_s());
    let sign = |to, nonce| Credential::sign(&call, to, now, Hex32(nonce), door.key.keypair()).to_string();
    let send = async |authorization: String| {
        let url = format!("http://{}/v1/vantage/batches", door.running().addr());
        let request = reqwest::Client::new().post(url).header("authorization", authorization);
        request.body(body.clone()).send().await.unwrap().status().as_u16()
    };
    let signed = sign(door.oracle_key(), [1; 32]);
    assert_eq!(send(signed.clone()).await, 200);
    assert_eq!(send(signed).await, 409);
    assert_eq!(send(sign(Hex32([9; 32]), [2; 32])).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_that_waits_for_a_confirmation_costs_no_write_with_every_probe() {
    let mut door = Door::open().await;
    let slow = of_both(|m| m["confirm"] = json!({ "bad": 40, "good": 1 }));
    let id = door.http().announce(&slow).await.event_id;
    door.world.until(START + 150).await;
    door.world.service.answers(503);
    let down_since_ten = |probe| Sample { verdict: Verdict::Bad, ..good(probe) };
    let seen = |probe| if probe < 10 { good(probe) } else { down_since_ten(probe) };
    for slice in 0..3 {
        door.world.until(START + 300 * (slice + 1) + 1).await;
        let block: Vec<Sample> = (slice * 20..slice * 20 + 20).map(seen).collect();
        assert_eq!(door.push(&door.signed(&slow, slice, &block).await).await, Ok(BatchResult::Stored));
        if slice == 0 {
            // All has been said about the first slice, and whether it ends in an outage is not known for a while.
            door.world.until(START + 330).await;
            let before = door.running().oracle().store.mark().await.unwrap();
            door.world.until(START + 590).await;
            let commits = door.running().oracle().store.mark().await.unwrap() - before;
            assert!(commits < 5, "{commits} commits for 17 probes");
        }
    }
    door.world.until(START + 950).await;
    let slices = door.http().json(&format!("/v1/events/{id}/slices")).await;
    assert_eq!(slices["slices"][0]["confirmed"]["outages"][0], json!({ "from": 10, "to": 20, "bad": 10 }));
    door.close().await;
}
