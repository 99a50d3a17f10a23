//! The stream: the log as it grows, to readers who may leave and come back.

use std::time::Duration;

use serde_json::Value;

use crate::common::{Http, Listener, START, World, measurement};

async fn take(listener: &mut Listener, count: usize) -> Vec<(u64, String, Value)> {
    let mut events = Vec::new();
    while events.len() < count {
        events.push(listener.next().await);
    }
    events
}

fn ids(events: &[(u64, String, Value)]) -> Vec<u64> {
    events.iter().map(|(id, ..)| *id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_comes_back_after_a_restart_misses_nothing_and_hears_nothing_twice() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    let mut reader = http.listen("/v1/stream", None).await.ok().unwrap();
    world.until(START + 2_000).await;
    let first = take(&mut reader, 5).await;
    assert_eq!(ids(&first), [1, 2, 3, 4, 5]);
    assert!(first.iter().all(|(_, kind, _)| kind == "slice"));
    // With the reader still there: it does not keep the oracle from stopping.
    world.stop(oracle).await;

    world.until(START + 3_600 + 700).await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let mut reader = http.listen("/v1/stream", Some(5)).await.ok().unwrap();
    // Twelve slices, the closed window, the attestation.
    let rest = take(&mut reader, 9).await;
    assert_eq!(ids(&rest), (6..15).collect::<Vec<u64>>());
    let (_, kind, closed) = &rest[7];
    assert_eq!((kind.as_str(), closed["event_id"].as_str()), ("closed", Some(id.as_str())));
    assert_eq!(rest[8].1, "attested");
    assert_eq!(http.json("/v1/log").await["size"], 15);

    // What is told is what the log's tiles have.
    let mut from_start = http.listen("/v1/stream?from=0", None).await.ok().unwrap();
    let all = take(&mut from_start, 15).await;
    assert_eq!((all[0].0, all[0].1.as_str()), (0, "announced"), "said before the reader came");
    assert_eq!(all[1..6], first[..]);
    assert_eq!(all[6..], rest[..]);
    let entries = http.bytes("/tile/entries/000.p/15").await;
    let mut entries = entries.as_slice();
    for (_, _, entry) in all {
        let (length, rest) = entries.split_at(2);
        let (leaf, rest) = rest.split_at(usize::from(u16::from_be_bytes([length[0], length[1]])));
        assert_eq!(serde_json::from_slice::<Value>(leaf).unwrap(), entry);
        entries = rest;
    }
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_saw_more_than_there_is_is_told_so() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    assert_eq!(http.listen("/v1/stream", Some(7)).await.err(), Some(409));
    assert_eq!(http.listen("/v1/stream?from=1", None).await.err(), Some(409));
    assert_eq!(http.ask("GET", "/v1/stream", &[("last-event-id", "x")]).await.status, 400);
    assert_eq!(http.listen("/v1/stream?form=1", None).await.err(), Some(400));
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_room_for_so_many_readers_and_for_another_when_one_has_left() {
    let world = World::new().await;
    world.configure("limits = { stream_readers = 1 }");
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let reader = http.listen("/v1/stream", None).await.ok().unwrap();
    assert_eq!(http.listen("/v1/stream", None).await.err(), Some(503));
    drop(reader);
    while http.listen("/v1/stream", None).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.stop(oracle).await;
}
