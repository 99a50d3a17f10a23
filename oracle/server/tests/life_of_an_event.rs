//! An event from its announcement to its attestation, in simulated time, against a real HTTP service.

use crate::common;

use common::process::Process;
use common::{Http, START, World, measurement};
use protocol::oracle::EventState;
use serde_json::json;
use terms::{Outcome, OutcomeValue};

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_measured_published_and_attested() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let measurement = measurement(|_| ());
    let announced = http.announce(&measurement).await;
    assert_eq!(announced.maturity.0, START + 3_600 + 600);

    // Down for 2 of 60 minutes: 8 of 240 probes, 33,333.3 ppm, rounded up.
    world.until(START + 600).await;
    world.service.answers(503);
    world.until(START + 720).await;
    world.service.answers(200);
    assert_eq!(http.event(&announced.event_id).await.state, EventState::Measuring);

    world.until(START + 3_601).await;
    let event = http.event(&announced.event_id).await;
    assert_eq!(event.state, EventState::Provisional);
    assert_eq!(event.provisional.unwrap().outcome, Outcome::Value(OutcomeValue(33_334)));
    assert_eq!(event.attestation_hex, None);
    let (status, text) = http.text(&format!("/attestation/{}", announced.event_id)).await;
    assert_eq!((status, text.as_str()), (404, "not attested yet"));

    world.until(announced.maturity.0 + 1).await;
    let event = http.event(&announced.event_id).await;
    assert_eq!(event.state, EventState::Attested);
    let attestation = signer::wire::parse_attestation(&event.attestation_hex.unwrap().to_string()).unwrap();
    let announcement = signer::wire::parse_announcement(&announced.announcement_hex.to_string()).unwrap();
    let attested = signer::attested_outcome(&measurement, &announcement, &attestation).unwrap();
    assert_eq!(attested, Outcome::Value(OutcomeValue(33_334)));
    assert_eq!(world.service.requests(), 240);
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_samples_give_the_published_outcome() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let measurement = measurement(|_| ());
    let id = http.announce(&measurement).await.event_id;
    world.until(START + 900).await;
    world.service.answers(500);
    world.until(START + 960).await;
    world.service.answers(200);
    world.until(START + 3_600 + 601).await;

    let (_, csv) = http.text(&format!("/v1/events/{id}/samples")).await;
    let samples = ledger::csv::read(csv.as_bytes()).unwrap();
    assert_eq!(samples.len(), 240);
    let report = ledger::outcome(&measurement, &samples).unwrap();
    assert_eq!(Some(report.outcome), http.event(&id).await.provisional.map(|p| p.outcome));

    let (_, bundle) = http.text(&format!("/v1/events/{id}/evidence")).await;
    let bundle = ledger::bundle::Bundle::parse(bundle.as_bytes()).unwrap();
    let audit = signer::audit(&bundle).unwrap();
    assert!(audit.root_signed && audit.attestation.is_some());

    let slices = http.json(&format!("/v1/events/{id}/slices?from=2")).await;
    assert_eq!((&slices["total"], &slices["next"]), (&json!(12), &json!(12)));
    assert_eq!(slices["slices"][1]["bad"], 4);
    let (_, failures) = http.text(&format!("/v1/events/{id}/failures")).await;
    assert_eq!(failures.lines().filter(|line| line.ends_with("0,0,status 500")).count(), 4, "{failures}");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_a_bad_one() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    world.service.takes_ms(5_000);
    world.until(START + 60).await;
    world.service.takes_ms(5_001);
    world.until(START + 120).await;
    world.service.takes_ms(20);
    world.until(START + 3_601).await;
    let (_, failures) = http.text(&format!("/v1/events/{id}/failures")).await;
    assert_eq!(failures.lines().filter(|line| line.ends_with("0,5000,timeout")).count(), 4, "{failures}");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_connectivity_loss_is_unknown_and_the_outcome_indeterminate() {
    let mut world = World::new().await;
    world.configure("references_needed = 1\n[[reference]]\nurl = \"http://reference.example/ok\"\n");
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;

    // A failure while the reference answers counts; for half an hour neither answers, which does not.
    world.service.answers(503);
    world.until(START + 60).await;
    world.reference.answers(503);
    world.until(START + 1_860).await;
    world.service.answers(200);
    world.reference.answers(200);
    world.until(START + 3_601).await;

    let closed = http.event(&id).await.provisional.unwrap();
    assert_eq!(closed.outcome, Outcome::Indeterminate);
    assert_eq!(closed.report["probes"], json!({ "good": 116, "bad": 4, "undecided": 120 }));
    let (_, references) = http.text(&format!("/v1/events/{id}/references")).await;
    assert_eq!(references.lines().count(), 1 + 124);
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_references_nothing_is_excused() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    world.service.answers(503);
    world.until(START + 3_601).await;
    assert_eq!(http.event(&id).await.provisional.unwrap().outcome, Outcome::Value(OutcomeValue(1_000_000)));
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outages_that_are_confirmed_close_slices_later_also_across_a_restart() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let measurement = measurement(|m| m["confirm"] = json!({ "bad": 3, "good": 2 }));
    let id = Http::of(&oracle).announce(&measurement).await.event_id;
    // The last two probes of the first slice are bad: nobody knows yet whether that is an outage.
    world.until(START + 270).await;
    world.service.answers(503);
    world.until(START + 300).await;
    world.service.answers(200);
    world.stop(oracle).await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    // Three in a row are one; after a good one two more belong to it.
    for (second, status) in [(600, 503), (645, 200), (660, 503), (690, 200)] {
        world.until(START + second).await;
        world.service.answers(status);
    }
    world.until(START + 3_601).await;

    let closed = http.event(&id).await.provisional.unwrap();
    // Six of 240 count as bad, one of which was good; two bad ones were no outage.
    assert_eq!(closed.outcome, Outcome::Value(OutcomeValue(25_000)));
    assert_eq!(closed.report["confirmed"], json!({ "unconfirmed": 2, "held": 1 }));
    let outage = json!([{ "start": START + 600, "end": START + 690, "bad": 6, "decided": 6 }]);
    assert_eq!(closed.report["incidents"], outage);
    let slices = http.json(&format!("/v1/events/{id}/slices")).await;
    assert_eq!(slices["slices"].as_array().map(Vec::len), Some(12));
    assert_eq!(slices["slices"][0]["confirmed"], json!({ "down": false, "unconfirmed": 2, "held": 0 }));
    let (_, bundle) = http.text(&format!("/v1/events/{id}/evidence")).await;
    signer::audit(&ledger::bundle::Bundle::parse(bundle.as_bytes()).unwrap()).unwrap();
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rare_probe_saw_is_written_down_long_before_the_next_one() {
    let mut world = World::new().await;
    world.configure("[probe]\njitter = false\nflush_every_s = 5");
    let oracle = Process::serve(&world).await;
    let hourly = measurement(|m| {
        m["window"] = json!({ "start": START, "end": START + 4 * 3_600 });
        m["slice_s"] = json!(7_200);
        m["probe_every_ms"] = json!(3_600_000);
        m["least_samples"] = json!(1);
    });
    let id = oracle.http.announce(&hourly).await.event_id;
    world.until(START + 7).await;
    oracle.kill(&world).await;
    let oracle = Process::serve(&world).await;
    let (_, samples) = oracle.http.text(&format!("/v1/events/{id}/samples")).await;
    assert_eq!(samples.lines().count(), 1 + 1, "the first of four: {samples}");
    oracle.terminate(&world).await;
}
