//! What a node makes of its folder when it starts again.

use engine::{Bytes, Coin, DlcRole, Escrow, Event, Opened, Status};
use terms::{Agreement, Hex32, Sat, Side};

use super::World;
use crate::core::Change;
use crate::node::Node;
use crate::ticket::Ticket;

const ID: Hex32 = Hex32([9; 32]);

fn agreement() -> Agreement {
    let text = include_bytes!("../../../terms/tests/golden/agreement-v1.json");
    Agreement::parse(text).unwrap()
}

fn opened(height: u32) -> Opened {
    Opened {
        id: ID,
        side: Side::Provider,
        role: DlcRole::Accepter,
        agreement: agreement(),
        announcements: vec![],
        maturity: agreement().measurement.window.end.0 + 600,
        first_maturity: None,
        temporary_id: ID,
        height,
        renews: None,
        sign_by: None,
    }
}

/// An accepter's escrow with a funding transaction that no chain has, last seen in a state.
async fn store_escrow(node: &Node, status: Status) {
    let mut core = node.core.lock().await;
    let height = core.wallet.height();
    let funding_tx =
        bitcoin::consensus::deserialize::<bitcoin::Transaction>(&hex::decode(TX).unwrap()).unwrap();
    let funding = bitcoin::OutPoint { txid: funding_tx.compute_txid(), vout: 0 };
    let coin = Coin { outpoint: bitcoin::OutPoint { vout: 7, ..funding }, value_sat: Sat(60_000) };
    let bytes = |tag| Bytes(vec![tag]);
    let events = [
        Event::Opened(Box::new(opened(height))),
        Event::OfferTaken { offer: bytes(1), accept: bytes(2), coins: vec![coin], funding },
        Event::SignTaken { sign: bytes(3), funding_tx: Bytes(hex::decode(TX).unwrap()) },
        Event::Observed { status, height },
    ];
    let events = events.into_iter().map(|event| (ID, event)).collect();
    core.commit(Change { events, ..Change::default() }, 1).await.unwrap();
}

/// Any transaction will do.
const TX: &str = "0200000001000000000000000000000000000000000000000000000000000000000000000100000000000000000001e8030000000000001600140000000000000000000000000000000000000000\
00000000";

async fn state(node: &Node) -> Status {
    node.core.lock().await.escrow(ID).unwrap().noted
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escrow_that_ended_long_ago_stays_ended() {
    let world = World::begin();
    let node = world.open().await;
    store_escrow(&node, Status::Settled).await;
    drop(node);
    world.bitcoind.mine(200).unwrap();
    // The first start brings the wallet to the tip, the second one finds the escrow long ended.
    let node = world.open().await;
    node.core.lock().await.sync(node.now()).await.unwrap();
    drop(node);
    let node = world.open().await;
    world.look(&node).await;
    assert_eq!(state(&node).await, Status::Settled);
    assert!(node.core.lock().await.archived.contains(&ID));
    assert_eq!(node.core.lock().await.history(None, 0).unwrap().locked(), Sat(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wallets_changes_become_one_and_say_the_same() {
    let world = World::begin();
    let node = world.rich(100_000).await;
    let mut last = String::new();
    for _ in 0..80 {
        last = node.core.lock().await.address(&Ticket::default(), node.now()).await.unwrap().address;
    }
    let stored = node.core.lock().await.store.wallet_changes().await.unwrap().len();
    assert!(stored > 80, "{stored}");
    drop(node);
    for _ in 0..2 {
        let node = world.open().await;
        let stored = node.core.lock().await.store.wallet_changes().await.unwrap().len();
        assert_eq!(stored, 1);
        assert_eq!(node.core.lock().await.balance().available_sat, Sat(100_000));
    }
    let node = world.open().await;
    let next = node.core.lock().await.address(&Ticket::default(), node.now()).await.unwrap().address;
    assert_ne!(next, last, "no address twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_escrow_counts_with_its_fees_and_a_coin_that_it_holds_stays_held() {
    let world = World::begin();
    let node = world.open().await;
    store_escrow(&node, Status::FundingBroadcast).await;
    drop(node);
    let node = world.open().await;
    let core = node.core.lock().await;
    let agreement = agreement();
    let counted = core.history(None, 0).unwrap().locked_with(&agreement.buyer.key);
    assert!(counted > agreement.bond_sat, "{counted} is the bond and fees");
    assert_eq!(
        core.history(Some(ID), 0).unwrap().locked(),
        Sat(0),
        "an escrow is not counted against itself"
    );
    assert_eq!(core.reserved_coins().len(), 1);
}

/// An escrow that is over has let its coins go; one that a reorganisation brings back needs them again.
#[tokio::test(flavor = "multi_thread")]
async fn an_escrow_that_a_reorganisation_brings_back_holds_its_coins_again() {
    let world = World::begin();
    let node = world.open().await;
    store_escrow(&node, Status::Cancelled).await;
    assert!(node.core.lock().await.reserved_coins().is_empty());
    let back = Event::Observed { status: Status::Cancelling, height: 1 };
    node.core.lock().await.commit(Change::event(ID, back), 2).await.unwrap();
    assert_eq!(node.core.lock().await.reserved_coins().len(), 1);
    drop(node);
    let node = world.open().await;
    assert_eq!(node.core.lock().await.reserved_coins().len(), 1, "also after a restart");
}

#[test]
fn what_was_dropped_while_its_funding_could_still_appear_is_watched_until_the_refund() {
    let over = |status, funded: bool, height, now| {
        let mut escrow = Escrow::new(opened(100));
        escrow.funding = funded.then(bitcoin::OutPoint::null);
        escrow.apply(&Event::Observed { status, height: 100 });
        crate::open::is_over(&escrow, height, now)
    };
    let refund = Escrow::new(opened(100)).refund_locktime();
    assert!(!over(Status::Settled, true, 244, 0), "a reorganisation could still reach it");
    assert!(over(Status::Settled, true, 245, 0));
    assert!(!over(Status::Measuring, true, 9_999, u64::MAX));
    assert!(over(Status::Cancelled, false, 245, 0), "nothing was ever accepted");
    assert!(!over(Status::Cancelled, true, 245, refund - 1));
    assert!(over(Status::Cancelled, true, 245, refund));
}
