//! An oracle's public log only grows, and whoever kept a checkpoint of it can show when it did not.

use std::path::Path;

use axum::http::StatusCode;
use blackbox::proxy::Verdict;
use blackbox::witness::Witness;
use blackbox::{Party, World};
use protocol::owner::{Alarm, AlarmKind};
use serde_json::Value;

use crate::oracle::oracle_cli;
use crate::oracle_trouble::{cut_off, remember, roll_back};

/// Alarms about logs.
async fn forked(party: &Party) -> Vec<Alarm> {
    let alarms = party.owner.alarms().await.unwrap();
    alarms.into_iter().filter(|alarm| alarm.kind == AlarmKind::ForkedLog).collect()
}

/// What `earnest alarms --json` prints of one alarm, in a file, as its owner would hand it to somebody else.
fn hand_over(party: &Party, proven: bool, folder: &Path) -> String {
    let printed = party.cli(&["alarms", "--json"]);
    let mut alarms: Vec<Value> = serde_json::from_slice(&printed.stdout).unwrap();
    alarms.retain(|alarm| alarm["log"]["proven"] == proven);
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    let path = folder.join("alarm.json");
    std::fs::write(&path, alarms[0].to_string()).unwrap();
    path.display().to_string()
}

fn prove(file: &str) -> (Option<i32>, String) {
    let (code, said, why) = oracle_cli(&["prove".as_ref(), file.as_ref()]);
    (code, said + &why)
}

/// The machine is set back to a copy from before an escrow that has settled, so that neither database nor journal can
/// tell. The oracle measures on, and its log grows another way.
#[tokio::test(flavor = "multi_thread")]
async fn an_oracle_whose_log_was_exchanged_is_found_out_by_both_nodes_and_an_escrow_settles_all_the_same() {
    let mut world = World::begin().await;
    let memory = remember(&mut world).await;
    let way = cut_off(&mut world, "provider").await;
    let (first, _) = world.lock().await;
    world.both_reach(&first, "settled").await;
    for party in [&world.provider, &world.buyer] {
        assert_eq!(forked(party).await, [], "an honest log");
    }
    roll_back(&mut world, memory.path()).await;
    let (second, times) = world.lock().await;
    way.rule(|seen| match seen.path.starts_with("/v1/log") {
        true => Verdict::Answer(StatusCode::SERVICE_UNAVAILABLE, b"{}".to_vec()),
        false => Verdict::Pass,
    });
    // A node that starts looks at once.
    world.restart("provider").await;
    world.restart("buyer").await;
    world.look().await;
    assert_eq!(forked(&world.provider).await, [], "a log that can't be read is none that was changed");
    let shrank = forked(&world.buyer).await;
    assert_eq!(shrank.iter().map(|alarm| alarm.oracle).collect::<Vec<_>>(), [Some(world.oracle.key)]);
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = prove(&hand_over(&world.buyer, false, folder.path()));
    assert!(code == Some(1) && said.contains("1 entries and the earlier one 13"), "{code:?} {said}");

    way.pass();
    world.pass_until(times.maturity + 5).await;
    world.both_reach(&second, "settled").await;
    Witness::call(&world, &world.buyer.escrow(&second).await).pays(&world, vec![150_000, 0]);
    for (party, alarms) in [(&world.provider, 1), (&world.buyer, 2)] {
        assert_eq!(forked(party).await.len(), alarms);
        let (code, said) = prove(&hand_over(party, true, folder.path()));
        assert!(code == Some(0) && said.contains("13 entries of its log"), "{code:?} {said}");
        assert!(said.contains(&world.oracle.key.to_string()), "{said}");
        let told = party.cli(&["alarms"]);
        assert!(String::from_utf8_lossy(&told.stdout).contains("does not go on from a checkpoint"));
        assert!(party.service.log().contains("ALARM: this oracle's log"), "the log says so");
    }
    world.restart("provider").await;
    world.look().await;
    assert_eq!(forked(&world.provider).await.len(), 1, "it outlives a restart, and is raised once");
}
