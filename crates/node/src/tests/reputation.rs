//! Whose word counts in a reference, before the chain is asked.

use protocol::owner::{End, Finished};
use terms::{Hex32, Sat, TimeRange, UnixSeconds};
use transcript::reference::Shown;

use super::World;
use crate::Doubt;
use crate::reputation::check::by_whom;

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
