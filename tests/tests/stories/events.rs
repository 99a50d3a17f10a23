//! What an owner is told as it happens: everything, once, whatever happens to the node meanwhile.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use blackbox::{Party, World, fresh_key, raw};
use client::EventStream;
use protocol::owner::{NodeEvent, NodeEventKind};

/// Reads until an event of which this holds, and returns all.
async fn read_until(stream: &mut EventStream, last: impl Fn(&NodeEvent) -> bool) -> Vec<NodeEvent> {
    let mut events = Vec::new();
    while !events.last().is_some_and(&last) {
        events.push(stream.next().await.unwrap().expect("the stream goes on"));
    }
    events
}

fn reached(state: &str) -> impl Fn(&NodeEvent) -> bool {
    move |event| event.kind == NodeEventKind::Escrow && event.detail == state
}

/// `earnest events --follow`, from the beginning.
fn following(party: &Party) -> Child {
    Command::new(testbed::binary("earnest").unwrap())
        .args(["events", "--follow", "--after", "0", "--json", "--config"])
        .arg(party.service.config_file())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_comes_back_after_a_kill_is_told_everything_once() {
    let mut world = World::begin().await;
    let mut stream = world.buyer.owner.follow(0).await.unwrap();
    let mut child = following(&world.buyer);
    let (id, _) = world.lock().await;
    let mut told = read_until(&mut stream, reached("funded")).await;
    world.kill("buyer").await;
    assert!(!matches!(stream.next().await, Ok(Some(_))), "the connection is gone");
    world.start("buyer").await;

    let last = told.last().unwrap().id;
    let mut stream = world.buyer.owner.follow(last).await.unwrap();
    world.both_reach(&id, "settled").await;
    told.extend(read_until(&mut stream, reached("settled")).await);
    let ids: Vec<u64> = told.iter().map(|event| event.id).collect();
    assert_eq!(ids, (1..=told.len() as u64).collect::<Vec<_>>());
    let kinds = |kind: NodeEventKind| told.iter().filter(move |event| event.kind == kind);
    assert_eq!(
        kinds(NodeEventKind::Negotiation).map(|it| it.event.as_str()).collect::<Vec<_>>()[..2],
        ["rfq", "quote"]
    );
    let history = world.buyer.escrow(&id).await.history;
    let of_escrow: Vec<_> =
        kinds(NodeEventKind::Escrow).map(|it| (it.seq.unwrap(), it.event.clone())).collect();
    let stored: Vec<_> = history.iter().map(|entry| (entry.seq, entry.event.clone())).collect();
    assert_eq!(of_escrow[..], stored[..of_escrow.len()], "as the history has them");

    // The pages say the same, and so does the command line, which has lived through it all.
    world.buyer.owner.pause(true, &fresh_key()).await.unwrap();
    let all = world.buyer.owner.events(0, 500).await.unwrap();
    assert_eq!(all.events[..told.len()], told[..]);
    let paused = all.events.last().unwrap();
    assert_eq!((paused.kind, paused.event.as_str(), paused.id), (NodeEventKind::Node, "paused", all.newest));
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(all.events.len());
    let read = tokio::task::spawn_blocking(move || lines.map(Result::unwrap).collect::<Vec<_>>());
    let read: Vec<NodeEvent> =
        read.await.unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, all.events);
    child.kill().unwrap();
    child.wait().unwrap();

    let after = paused.id - 1;
    let shown = world.buyer.cli(&["events", "--json", "--after", &after.to_string()]);
    assert_eq!(String::from_utf8(shown.stdout).unwrap().trim(), serde_json::to_string(paused).unwrap());
    refused(&world.buyer, all.newest).await;
}

/// Ids that were never given, and parameters that make no sense.
async fn refused(party: &Party, newest: u64) {
    let token = std::fs::read_to_string(party.service.data_dir().join("owner-token")).unwrap();
    let ask = async |path: &str| raw::get(&format!("{}{path}", party.owner_url()), Some(token.trim())).await;
    for path in ["/v1/events", "/v1/events/stream"] {
        let _ = ask(&format!("{path}?after={}", newest + 1)).await.problem(409);
        let _ = ask(&format!("{path}?after=x")).await.problem(400);
        let _ = ask(&format!("{path}?before=1")).await.problem(400);
    }
    let _ = ask("/v1/events?limit=0").await.problem(400);
    assert_eq!(party.cli(&["events", "--after", &(newest + 1).to_string()]).status.code(), Some(1));
}
