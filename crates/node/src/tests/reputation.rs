//! Whose word counts in a reference, before the chain is asked; and what is asked of a provider.

use engine::{DlcRole, Event, Opened, Status};
use protocol::owner::{End, Finished};
use terms::{Hex32, Sat, Side, TimeRange, UnixSeconds};
use transcript::reference::Shown;

use super::World;
use super::names::offer;
use crate::Doubt;
use crate::core::Change;
use crate::error::NodeError;
use crate::node::Node;
use crate::reputation::check::by_whom;
use crate::reputation::gather::MOST_KEPT;
use crate::ticket::Ticket;

/// A reference that rests on these oracles.
fn resting_on(oracles: &[u8], network: &str) -> Shown {
    let finished = Finished {
        provider: Hex32([1; 32]),
        buyer: Hex32([2; 32]),
        funding_txid: Hex32([3; 32]),
        closing_txid: Hex32([4; 32]),
        target: "http://service.example/".to_owned(),
        window: TimeRange { start: UnixSeconds(1), end: UnixSeconds(2) },
        price_sat: Sat(1_000),
        end: End::Kept,
        promised_ppm: None,
        measured_ppm: None,
    };
    Shown {
        finished,
        network: network.to_owned(),
        oracles: oracles.iter().map(|oracle| Hex32([*oracle; 32])).collect(),
        funding_block: Hex32([5; 32]),
        closing_block: Hex32([6; 32]),
    }
}

#[test]
fn only_oracles_that_the_owner_has_named_count_each_of_those_that_decided() {
    let mut world = World::begin();
    world.more = format!(
        "[[oracle]]\nurl = 'http://127.0.0.1:1'\nkey = '{}'\n[reputation]\noracles = ['{}']\n",
        Hex32([7; 32]),
        Hex32([8; 32])
    );
    let config = world.config();
    let judged = |oracles: &[u8]| by_whom(&config, &resting_on(oracles, "regtest"));
    assert!(judged(&[7]).is_ok() && judged(&[8, 7]).is_ok() && judged(&[]).is_ok());
    for oracles in [&[9][..], &[7, 9]] {
        let refused = judged(oracles).unwrap_err();
        assert!(matches!(refused, Doubt::Oracle { key } if key == Hex32([9; 32])), "{refused}");
    }
    let elsewhere = by_whom(&config, &resting_on(&[7], "signet")).unwrap_err();
    assert_eq!(elsewhere.to_string(), "transcript: is of signet, which is not this node's network");
}

/// An escrow that this node has bought, and that is funded.
async fn bought(node: &Node) -> (Hex32, Hex32) {
    let (id, provider) = (Hex32([1; 32]), Hex32([2; 32]));
    let agreement = offer(node.now()).agreement(provider, node.own_keys().current);
    let maturity = agreement.measurement.window.end.0 + 600;
    let opened = Event::Opened(Box::new(Opened {
        id,
        side: Side::Buyer,
        role: DlcRole::Offerer,
        agreement,
        announcements: vec![],
        maturity,
        first_maturity: None,
        temporary_id: id,
        height: 1,
        renews: None,
        sign_by: None,
    }));
    let funded = Event::Observed { status: Status::Funded, height: 1 };
    let change = Change { events: vec![(id, opened), (id, funded)], ..Change::default() };
    node.core.lock().await.commit(change, node.now()).await.unwrap();
    (id, provider)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_is_held_to_what_is_asked_of_a_provider_like_any_purchase() {
    let mut world = World::begin();
    world.more = "[reputation]\nmin_settled = 1\n".to_owned();
    let node = world.open().await;
    let (id, asked) = bought(&node).await;
    for ticket in [Ticket::default(), Ticket::rehearsal()] {
        let refused = node.renew(id, &ticket).await.unwrap_err();
        let NodeError::TooFewSettled { provider, settled: 0, least: 1 } = refused else {
            panic!("{refused}");
        };
        assert_eq!(provider, asked);
    }
    drop(node);
    world.more.clear();
    let refused = world.open().await.renew(id, &Ticket::default()).await.unwrap_err();
    let NodeError::Mandate(_) = refused else {
        panic!("nothing is asked of it, and the mandate comes next: {refused}")
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breach_is_kept_however_many_worthless_references_came_before_it() {
    let world = World::begin();
    let node = world.open().await;
    let of = |number: u64, end| {
        let mut shown = resting_on(&[7], "regtest");
        shown.finished.funding_txid.0[..8].copy_from_slice(&number.to_be_bytes());
        shown.finished.end = end;
        shown
    };
    let core = node.core.lock().await;
    let mut tx = core.store.begin().await.unwrap();
    for number in 0..MOST_KEPT as u64 {
        let finished = of(number, End::Kept).finished;
        let kept = storage::VerifiedReference {
            provider: finished.provider,
            funding_txid: finished.funding_txid,
            hash: finished.funding_txid,
            funding_block: Hex32([5; 32]),
            closing_block: Hex32([6; 32]),
            json: serde_json::to_string(&finished).unwrap(),
        };
        tx.keep_reference(&kept, 1).await.unwrap();
    }
    tx.commit().await.unwrap();
    drop(core);
    let refused = node.keep(&of(5_000, End::Kept), Hex32([1; 32])).await.unwrap_err();
    assert!(matches!(refused, NodeError::TooManyReferences), "one more of the same buyer: {refused}");
    let breach = of(5_001, End::Breached);
    node.keep(&breach, Hex32([2; 32])).await.unwrap();
    let kept = node.core.lock().await.store.verified_references(breach.finished.provider).await.unwrap();
    assert_eq!(kept.len(), MOST_KEPT);
    assert!(kept.iter().any(|one| one.funding_txid == breach.finished.funding_txid));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_node_knows_who_broke_their_word_to_others() {
    let mut world = World::begin();
    let target = tempfile::TempDir::new().unwrap();
    let folder = target.path().display().to_string();
    backup::Folder::new(target.path()).prepare().unwrap();
    world.more = format!("[backup]\ntarget = '{folder}'\n");
    let node = world.open().await;
    node.back_up().await;
    let mut shown = resting_on(&[7], "regtest");
    let provider = shown.finished.provider;
    node.keep(&shown, Hex32([1; 32])).await.unwrap();
    (shown.finished.end, shown.finished.funding_txid) = (End::Breached, Hex32([9; 32]));
    node.keep(&shown, Hex32([2; 32])).await.unwrap();
    node.back_up().await;
    drop(node);
    // Everything is lost but the seed.
    let (data, lost) = (world.config().data_dir, world.folder.path().join("lost"));
    std::fs::rename(&data, &lost).unwrap();
    std::fs::create_dir(&data).unwrap();
    std::fs::copy(lost.join("seed"), data.join("seed")).unwrap();
    crate::restore(&world.config(), crate::RestoreRequest::default()).await.unwrap();
    let node = world.open().await;
    let known = node.core.lock().await.store.verified_references(provider).await.unwrap();
    assert_eq!(known.iter().map(|kept| kept.hash).collect::<Vec<_>>(), [Hex32([2; 32])]);
}
