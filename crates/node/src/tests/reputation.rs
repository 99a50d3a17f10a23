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
