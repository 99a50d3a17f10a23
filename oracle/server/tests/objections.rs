//! Objections: who may object when, that they last and stay public, and what an operator can do about them.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use common::process::{Process, earnest_oracle};
use common::{Http, START, World, measurement};
use earnest_oracle::service::Running;
use protocol::objection::{Objection, Objections};
use scraper::{Html, Selector};
use secp256k1_zkp::{Keypair, SECP256K1};
use serde_json::{Value, json};
use terms::EventId;

/// Posts an objection; the status, and the answer.
async fn object(oracle: &Running, id: &EventId, body: impl ToString) -> (u16, Value) {
    let url = format!("http://{}/v1/events/{id}/objections", oracle.addr());
    let answer = reqwest::Client::new().post(url).body(body.to_string()).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

async fn objections(http: &Http, id: &EventId) -> Objections {
    serde_json::from_value(http.json(&format!("/v1/events/{id}/objections")).await).unwrap()
}

/// Runs a command of the operator beside the running oracle.
fn operator(world: &World, arguments: &[&str]) -> (Option<i32>, String) {
    let config = world.config_file().display().to_string();
    let mut all = vec![arguments[0], "--config", &config];
    all.extend(&arguments[1..]);
    let output = earnest_oracle(&all).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_may_object_from_the_windows_end_to_maturity_and_at_no_other_time() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    let text = json!({ "text": "Your vantage was cut off.\nWe were up." });
    assert_eq!(object(&oracle, &id, &text).await.0, 409);
    world.until(START + 3_601).await;
    let (status, taken) = object(&oracle, &id, &text).await;
    assert_eq!((status, &taken["text"]), (201, &text["text"]));
    assert_eq!(object(&oracle, &id, &text).await, (200, taken), "the same again changes nothing");
    world.stop(oracle).await;

    // It survives a restart, and so does the outcome: nothing followed from it.
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    assert_eq!(objections(&http, &id).await.objections.len(), 1);
    world.until(START + 4_201).await;
    assert!(http.event(&id).await.attestation_hex.is_some());
    assert_eq!(object(&oracle, &id, json!({ "text": "too late" })).await.0, 410);
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_objection_names_its_field_and_nobody_can_fill_the_page() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let id = Http::of(&oracle).announce(&measurement(|_| ())).await.event_id;
    world.until(START + 3_601).await;
    let keypair = Keypair::from_seckey_slice(SECP256K1, &[7; 32]).unwrap();
    let signed = Objection::sign(&id, "Signed.".to_owned(), &keypair);
    let forged = Objection { text: "Not what was signed.".to_owned(), ..signed.clone() };
    for (body, field) in [
        (json!({ "text": "" }), "text"),
        (json!({ "text": "x".repeat(1_001) }), "text"),
        (json!({ "text": "\u{1b}[2J" }), "text"),
        (json!({ "text": "a", "key": "00".repeat(32) }), "signature"),
        (serde_json::to_value(&forged).unwrap(), "signature"),
        (json!({ "text": "a", "html": true }), "html"),
    ] {
        let (status, problem) = object(&oracle, &id, &body).await;
        assert!(
            status == 400 && problem["field"].as_str().unwrap().contains(field),
            "{field}: {status} {problem}"
        );
    }
    assert_eq!(object(&oracle, &id, "x".repeat(20_000)).await.0, 413);
    let (status, view) = object(&oracle, &id, serde_json::to_value(&signed).unwrap()).await;
    assert_eq!((status, &view["key"]), (201, &json!(signed.key)));
    for count in 1..5 {
        assert_eq!(object(&oracle, &id, json!({ "text": format!("No. {count}") })).await.0, 201);
    }
    assert_eq!(object(&oracle, &id, json!({ "text": "one too many" })).await.0, 429);
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_objection_is_text_on_the_page_and_the_operator_answers_it_publicly() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    world.until(START + 3_601).await;
    let hostile = "</blockquote><script>alert(1)</script><img src=x onerror=alert(1)>";
    // As the form of the page sends it.
    let url = format!("http://{}/events/{id}/objections", oracle.addr());
    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("text", hostile).finish();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let kind = "application/x-www-form-urlencoded";
    let answer = client.post(url).header("content-type", kind).body(form).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 303);
    let (status, listed) = operator(&world, &["objections"]);
    assert!(status == Some(0) && listed.contains(hostile) && listed.contains("not answered"), "{listed}");
    assert!(http.text("/metrics").await.1.contains("earnest_oracle_objections_unanswered 1"));
    assert_eq!(http.text("/readyz").await.0, 200);

    let number = objections(&http, &id).await.objections[0].id.to_string();
    let said = operator(&world, &["objections", "answer", &number, "We looked: the samples hold."]);
    assert_eq!(said.0, Some(0), "{}", said.1);
    assert_eq!(operator(&world, &["objections", "answer", &number, "Twice."]).0, Some(1));
    assert_eq!(operator(&world, &["objections", "answer", "77", "Nobody."]).0, Some(2));
    assert!(http.text("/metrics").await.1.contains("earnest_oracle_objections_unanswered 0"));

    let (_, source) = http.text(&format!("/events/{id}")).await;
    let page = Html::parse_document(&source);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    let texts = |selector: &str| {
        let selector = Selector::parse(selector).unwrap();
        page.select(&selector).map(|element| element.text().collect::<String>()).collect::<Vec<_>>()
    };
    assert_eq!(texts(".objection blockquote"), [hostile, "We looked: the samples hold."]);
    assert!(texts("script").is_empty() && texts("main img").is_empty());
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withheld_event_is_never_signed_and_the_log_says_why() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    let other = http.announce(&measurement(|m| m["slice_s"] = json!(600))).await.event_id;
    world.until(START + 3_601).await;
    let before = http.json("/v1/log").await["size"].as_u64().unwrap();
    let reason = "Our vantage was cut off, and no reference told.";
    let withhold = ["withhold", id.as_str(), "--reason", reason];
    assert_eq!(operator(&world, &withhold).0, Some(0));
    assert_eq!(operator(&world, &withhold).0, Some(1), "it can't be said twice");
    assert_eq!(http.json("/v1/log").await["size"].as_u64().unwrap(), before + 1);
    let leaf = oracle.oracle().store.log_leaves(before, 1).await.unwrap().remove(0);
    let leaf: Value = serde_json::from_slice(&leaf).unwrap();
    assert_eq!((&leaf["type"], &leaf["reason"]), (&json!("withheld"), &json!(reason)));
    assert_eq!(object(&oracle, &id, json!({ "text": "thank you" })).await.0, 409);

    world.until(START + 4_201).await;
    // The other event is signed, and this one is not; not after a restart either.
    assert!(http.event(&other).await.attestation_hex.is_some());
    world.stop(oracle).await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let event = http.event(&id).await;
    assert_eq!(event.attestation_hex, None);
    assert_eq!(event.withheld.unwrap().reason, reason);
    assert_eq!(http.text(&format!("/attestation/{id}")).await.0, 404);
    assert!(http.text(&format!("/events/{id}")).await.1.contains("Withheld: it will not be attested"));
    // Nowhere does it look as if it were still to be signed.
    let listed = http.json("/v1/events?state=provisional").await;
    assert_eq!(
        (&listed["events"][0]["event_id"], &listed["events"][0]["withheld"]),
        (&json!(id), &json!(true))
    );
    let service = http
        .text("/")
        .await
        .1
        .split("class=\"name\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let page = http.text(&service).await.1;
    assert!(page.contains("withheld for good") && !page.contains("not yet signed"), "{page}");
    let metrics = http.text("/metrics").await.1;
    assert!(metrics.contains("earnest_oracle_events{kind=\"provisional\"} 0"), "{metrics}");
    assert!(metrics.contains("earnest_oracle_events{kind=\"withheld\"} 1"), "{metrics}");
    let too_late = ["withhold", other.as_str(), "--reason", "We think again."];
    assert_eq!(operator(&world, &too_late).0, Some(1));
    world.stop(oracle).await;

    // The journal gave it up too, so that a database from before the withholding signs nothing either.
    let journal = std::fs::read_to_string(world.path("signing.journal")).unwrap();
    assert!(
        journal.lines().any(|line| line.contains("abandoned") && line.contains(id.as_str())),
        "{journal}"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "crash-points"), ignore = "needs the crash points: --features crash-points")]
async fn a_withholding_that_is_cut_off_is_said_once_or_not_at_all_and_never_signed_over() {
    let mut world = World::new().await;
    let oracle = Process::serve(&world).await;
    let id = oracle.http.announce(&measurement(|_| ())).await.event_id;
    world.until(START + 3_601).await;
    let before = oracle.http.json("/v1/log").await["size"].as_u64().unwrap();
    let config = world.config_file().display().to_string();
    let withhold = ["withhold", "--config", &config, id.as_str(), "--reason", "We were cut off."];
    for (point, said) in [("commit.within#1", 0), ("commit.after#1", 1)] {
        let killed = earnest_oracle(&withhold).env("EARNEST_CRASH_AT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "killed");
        assert_eq!(oracle.http.json("/v1/log").await["size"].as_u64().unwrap(), before + said, "{point}");
    }
    assert_eq!(earnest_oracle(&withhold).output().unwrap().status.code(), Some(1), "it was said already");
    oracle.terminate(&world).await;

    let doomed = Process::serve_with(&world, &[("EARNEST_CRASH_AT", "sign.before#1")]).await;
    let Ok(mut doomed) = doomed else { panic!("it dies at maturity, and not before") };
    world.until(START + 4_201).await;
    while !doomed.has_died(&world).await {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let oracle = Process::serve(&world).await;
    world.until(START + 4_300).await;
    assert_eq!(oracle.http.event(&id).await.attestation_hex, None);
    assert_eq!(oracle.http.json("/v1/log").await["size"].as_u64().unwrap(), before + 1);
    assert_eq!(oracle.http.text("/readyz").await.0, 200);
    oracle.terminate(&world).await;
}
