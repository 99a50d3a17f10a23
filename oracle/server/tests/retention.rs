//! Samples of old events move into a compact form, and everything that is made of them stays as it was.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use std::io::Write as _;

use common::{Http, START, World, measurement};
use ledger::bundle::Bundle;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use terms::EventId;

const END: u64 = START + 12 * 3_600;
const MATURITY: u64 = END + 600;
const DAY: u64 = 86_400;

/// What anybody reads of an event that is made of its samples.
async fn all_that_is_read(http: &Http, id: &EventId) -> Vec<String> {
    let mut read = Vec::new();
    for what in ["samples", "failures", "slices"] {
        let (status, text) = http.text(&format!("/v1/events/{id}/{what}")).await;
        assert_eq!(status, 200, "{text}");
        read.push(text);
    }
    read
}

async fn bundle(http: &Http, id: &EventId) -> Value {
    let (_, text) = http.text(&format!("/v1/events/{id}/evidence")).await;
    let audit = signer::audit(&Bundle::parse(text.as_bytes()).unwrap()).unwrap();
    assert!(audit.root_signed && audit.attestation.is_some() && audit.checkpoint.is_some());
    serde_json::from_str(&text).unwrap()
}

/// The bytes that tables take in the database.
async fn bytes(world: &World, tables: &[&str]) -> i64 {
    let options = SqliteConnectOptions::new().filename(world.path("oracle.db"));
    let mut database = options.connect().await.unwrap();
    let mut sum = 0;
    for table in tables {
        let size: Option<i64> = sqlx::query_scalar("SELECT sum(pgsize) FROM dbstat WHERE name = ?")
            .bind(*table)
            .fetch_one(&mut database)
            .await
            .unwrap();
        sum += size.unwrap_or(0);
    }
    database.close().await.unwrap();
    sum
}

async fn count(world: &World, sql: &'static str) -> i64 {
    let options = SqliteConnectOptions::new().filename(world.path("oracle.db"));
    let mut database = options.connect().await.unwrap();
    let count = sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap();
    database.close().await.unwrap();
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aged_event_passes_the_audit_and_reads_as_before_in_a_fraction_of_the_bytes() {
    let mut world = World::new().await;
    world.configure("[retention]\nraw_samples_days = 2\n[[reference]]\nurl = \"http://reference.example/\"");
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let long = measurement(|m| {
        m["window"] = json!({ "start": START, "end": END });
        m["probe_every_ms"] = json!(5_000);
    });
    let id = http.announce(&long).await.event_id;
    world.until(START + 3_600).await;
    world.service.answers(503);
    world.until(START + 3_900).await;
    world.reference.answers(503);
    world.until(START + 4_200).await;
    world.service.answers(200);
    world.reference.answers(200);
    world.until(MATURITY + 1).await;
    let (before, evidence) = (all_that_is_read(&http, &id).await, bundle(&http, &id).await);
    let probes = before[0].lines().count() as i64 - 1;
    assert_eq!(probes, 8_640);
    let raw = bytes(&world, &["samples"]).await;
    let undecided = "SELECT count(DISTINCT probe) FROM samples WHERE verdict IS NULL";
    let undecided = count(&world, undecided).await;

    world.until(MATURITY + 2 * DAY + 7 * 3_600).await;
    assert_eq!(count(&world, "SELECT count(*) FROM samples").await, 0, "all of them are old enough");
    assert_eq!(all_that_is_read(&http, &id).await, before);
    assert_eq!(bundle(&http, &id).await, evidence, "to the byte");
    let (_, references) = http.text(&format!("/v1/events/{id}/references")).await;
    assert_eq!(references.lines().count() as i64 - 1, undecided, "those that excused a failure are kept");
    let compact = bytes(&world, &["aged_samples"]).await;
    assert!(compact * 3 < raw, "{raw} bytes became {compact}");
    // The test harness swallows what a test that passes prints, but not this.
    let _ = writeln!(
        std::io::stdout(),
        "retention: {}.{} bytes for a sample in full, {}.{} in compact form",
        raw / probes,
        raw * 10 / probes % 10,
        compact / probes,
        compact * 10 / probes % 10
    );
    world.stop(oracle).await;
}
