//! Everything an oracle published, audited from outside: an honest log holds, and whatever is changed is found where it is.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::process::earnest_oracle;
use common::{Http, START, World, measurement};
use earnest_oracle::checking::audit_log::audit;
use earnest_oracle::service::Running;
use serde_json::{Value, json};
use terms::{EventId, Measurement};

/// Two hours of slices of 15 seconds: 480 of them, so that the log has a full tile and two levels.
fn many_slices(start: u64) -> Measurement {
    measurement(|m| {
        m["window"] = json!({ "start": start, "end": start + 7_200 });
        m["slice_s"] = json!(15);
        m["least_samples"] = json!(1);
    })
}

async fn attested(world: &mut World, oracle: &Running, start: u64) -> EventId {
    let id = Http::of(oracle).announce(&many_slices(start)).await.event_id;
    world.until(start + 7_200 + 601).await;
    id
}

fn url(addr: SocketAddr) -> String {
    format!("http://{addr}")
}

type Change = dyn Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync;

/// Passes everything on, and changes what it is told to.
async fn liar(oracle: SocketAddr, change: Arc<Change>) -> SocketAddr {
    let client = reqwest::Client::new();
    let router = Router::new().fallback(move |request: Request| {
        let (client, change) = (client.clone(), Arc::clone(&change));
        let path = request.uri().to_string();
        async move { pass_on(&client, oracle, &*change, &path).await }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

async fn pass_on(client: &reqwest::Client, oracle: SocketAddr, change: &Change, path: &str) -> Response {
    let answer = client.get(format!("http://{oracle}{path}")).send().await.unwrap();
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    (status, change(path, answer.bytes().await.unwrap().to_vec())).into_response()
}

/// A lie in the JSON under a path.
fn in_json(path: &'static str, lie: impl Fn(&mut Value) + Send + Sync + 'static) -> Arc<Change> {
    Arc::new(move |asked, bytes| {
        if !asked.ends_with(path) {
            return bytes;
        }
        let mut json: Value = serde_json::from_slice(&bytes).unwrap();
        lie(&mut json);
        serde_json::to_vec(&json).unwrap()
    })
}

/// Another byte in the file under a path.
fn in_bytes(path: &'static str, place: usize) -> Arc<Change> {
    Arc::new(move |asked, mut bytes| {
        if asked.ends_with(path) {
            bytes[place] ^= 1;
        }
        bytes
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_log_holds_and_the_next_audit_goes_on_from_there() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let keep = world.path("kept.json");
    attested(&mut world, &oracle, START).await;
    let first = audit(&url(oracle.addr()), Some(&keep)).await.unwrap().json();
    assert_eq!((&first["entries"], &first["new_entries"]), (&json!(483), &json!(483)), "{first}");
    assert_eq!(first["nonces"], 20);
    attested(&mut world, &oracle, START + 10_000).await;
    let second = audit(&url(oracle.addr()), Some(&keep)).await.unwrap();
    assert!(second.explain().contains("1 more were checked at an earlier time"), "{}", second.explain());
    let second = second.json();
    assert_eq!((&second["entries"], &second["new_entries"]), (&json!(966), &json!(483)), "{second}");
    assert_eq!((&second["nonces"], &second["events"]["attested"]), (&json!(40), &json!(1)), "{second}");
    // What was announced stays as it was announced, however later events are to be probed.
    Http::of(&oracle).announce(&many_slices(START + 20_000)).await;
    world.stop(oracle).await;
    world.configure("[probe]\njitter = false\n");
    let oracle = world.start().await.unwrap();
    world.until(START + 20_000 + 7_200 + 601).await;
    attested(&mut world, &oracle, START + 30_000).await;
    let all = audit(&url(oracle.addr()), None).await.unwrap().json();
    assert_eq!(all["events"]["attested"], 4, "{all}");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_is_found_where_it_is() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let id = attested(&mut world, &oracle, START).await;
    let other_key = "c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";
    let lies: Vec<(Arc<Change>, &str)> = vec![
        (in_json("/pubkey", move |it| it["pubkey"] = json!(other_key)), "/v1/log, key_signature"),
        (in_bytes("/checkpoint", 100), "/checkpoint: "),
        (in_bytes("/tile/entries/000", 2), "entry 0: is no entry"),
        (in_bytes("/tile/0/000", 40), "tile 0/000, hash 1: "),
        (in_bytes("/tile/0/001.p/227", 32 * 9), "tile 0/001.p/227, hash 9: "),
        (in_bytes("/tile/1/000.p/1", 0), "tile 1/000.p/1, hash 0: "),
        (
            in_json(id_path(&id, ""), |it| it["measurement"]["slice_s"] = json!(30)),
            "measurement: is not that",
        ),
        (
            in_json(id_path(&id, ""), |it| it["seed_commitment"] = json!("11".repeat(32))),
            "seed_commitment: is not what stands in the log",
        ),
        (
            in_json(id_path(&id, ""), |it| it["vantages"] = json!([{ "name": "friend" }])),
            "vantages: is not what stands in the log",
        ),
        (in_json(id_path(&id, ""), |it| it["nonce_proofs"][3] = json!("11".repeat(64))), "nonce_proofs, 3"),
        (in_json(id_path(&id, "/evidence"), |it| it["slices"][7]["good"] = json!(0)), "slice 7, counts"),
        (in_json(id_path(&id, "/evidence"), |it| it["attestation"] = Value::Null), "evidence, attestation"),
    ];
    for (lie, said) in lies {
        let error = audit(&url(liar(oracle.addr(), lie).await), None).await.unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
    world.stop(oracle).await;
}

fn id_path(id: &EventId, rest: &str) -> &'static str {
    Box::leak(format!("/v1/events/{id}{rest}").into_boxed_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_history_under_the_same_key_is_proven_with_both_checkpoints() {
    let mut world = World::new().await;
    let keep = world.path("kept.json");
    let oracle = world.start().await.unwrap();
    attested(&mut world, &oracle, START).await;
    audit(&url(oracle.addr()), Some(&keep)).await.unwrap();
    let kept = std::fs::read(&keep).unwrap();
    world.stop(oracle).await;
    for name in ["oracle.db", "oracle.db-wal", "oracle.db-shm", "signing.journal"] {
        let _ = std::fs::remove_file(world.path(name));
    }
    let oracle = world.start().await.unwrap();
    for (nth, what) in [(1, "has become smaller"), (2, "does not begin with the entries that it once signed")]
    {
        if nth == 2 {
            attested(&mut world, &oracle, START + 10_000).await;
            attested(&mut world, &oracle, START + 20_000).await;
        }
        let (address, file) = (url(oracle.addr()), keep.display().to_string());
        let audited = tokio::task::spawn_blocking(move || {
            earnest_oracle(&["audit", "--log", &address, "--keep", &file]).output().unwrap()
        });
        let audited = audited.await.unwrap();
        let said = String::from_utf8(audited.stderr).unwrap();
        assert!(audited.status.code() == Some(1) && said.contains(what), "{said}");
        assert_eq!(std::fs::read(&keep).unwrap(), kept, "what was kept stays");
        let proof = std::fs::read(world.path("kept.json.contradiction.json")).unwrap();
        let proof: Value = serde_json::from_slice(&proof).unwrap();
        for checkpoint in proof["checkpoints"].as_array().unwrap() {
            let key = proof["log_key"].as_str().unwrap();
            evidence::Checkpoint::open(key, checkpoint.as_str().unwrap()).unwrap();
        }
    }
    world.stop(oracle).await;
}
