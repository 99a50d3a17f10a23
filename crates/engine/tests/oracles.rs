//! Oracles that say two things, nothing, or too late: what is kept, what is due, what it is settled with.

use crate::common::*;
use bitcoin::Txid;
use bitcoin::hashes::Hash;
use engine::{
    Bytes, ChainView, Command, Due, Escrow, Event, MOST_CONTRADICTIONS, OracleStep, Place, Refusal,
    SpendKind, Status, decide, due, status,
};
use terms::{Hex32, OracleSet};

fn attested(escrow: &mut Escrow, oracle: usize, tag: u8) {
    take(escrow, Command::TakeAttestation { oracle, attestation: bytes(tag) }, MATURITY);
}

fn contradicts(oracle: usize, tag: u8) -> Command {
    Command::Oracles(OracleStep::ProveEquivocation { oracle, attestation: bytes(tag) })
}

fn secret() -> Command {
    Command::Oracles(OracleStep::LearnSecret {
        txid: Txid::all_zeros(),
        oracles: vec![0],
        words: vec!["0".to_owned(), "1".to_owned()],
        secret: Bytes(vec![7; 32]),
    })
}

fn of_three(mut escrow: Escrow) -> Escrow {
    escrow.opened.agreement.oracles =
        OracleSet { keys: [1, 2, 3].map(|tag| Hex32([tag; 32])).to_vec(), threshold: 2, tolerance: None };
    escrow
}

#[test]
fn a_contradiction_is_kept_with_the_first_word_and_only_so_many() {
    let mut escrow = of_three(signed_offerer());
    assert_eq!(decide(&escrow, contradicts(0, 6), MATURITY), Err(Refusal::Missing("attestation")));
    attested(&mut escrow, 0, 5);
    assert_eq!(decide(&escrow, contradicts(0, 5), MATURITY), Ok(None), "its own word again");
    let event = decide(&escrow, contradicts(0, 6), MATURITY).unwrap().unwrap();
    assert_eq!(event, Event::Equivocated { oracle: 0, attestations: [bytes(5), bytes(6)] });
    escrow.apply(&event);
    assert_eq!(decide(&escrow, contradicts(0, 6), MATURITY), Ok(None), "known");
    for tag in 7..7 + u8::try_from(MOST_CONTRADICTIONS).unwrap() {
        if let Some(event) = decide(&escrow, contradicts(0, tag), MATURITY).unwrap() {
            escrow.apply(&event);
        }
    }
    assert_eq!(escrow.oracles.contradictions.len(), MOST_CONTRADICTIONS);
    assert_eq!(escrow.attestations, [(0, bytes(5))], "the first word stays the first");
}

#[test]
fn an_oracle_that_decides_alone_is_held_to_its_first_word_and_others_are_heard_with_each() {
    let mut alone = signed_offerer();
    let mut three = of_three(signed_offerer());
    for escrow in [&mut alone, &mut three] {
        attested(escrow, 0, 5);
        take(escrow, contradicts(0, 6), MATURITY);
    }
    assert_eq!(alone.words(), [&bytes(5)]);
    assert_eq!(three.words(), [&bytes(5), &bytes(6)]);
    assert!(alone.is_attested());
    assert!(!three.is_attested(), "two words of one oracle are not two oracles");
}

#[test]
fn oracles_are_asked_from_the_first_maturity_on_though_the_refund_waits_for_the_last() {
    let mut escrow = of_three(signed_offerer());
    escrow.opened.first_maturity = Some(MATURITY - 500);
    assert_eq!(due(&escrow, &funded_view(), MATURITY - 501), []);
    assert_eq!(due(&escrow, &funded_view(), MATURITY - 500), [Due::FetchAttestations]);
    assert_eq!(escrow.refund_locktime(), REFUND);
}

#[test]
fn a_learned_secret_is_as_good_as_the_attestations() {
    let mut escrow = signed_offerer();
    take(&mut escrow, secret(), MATURITY);
    assert_eq!(status(&escrow, &funded_view(), MATURITY), Status::Attested);
    assert_eq!(due(&escrow, &funded_view(), MATURITY)[0], Due::BuildCet);
    assert_eq!(decide(&escrow, secret(), MATURITY), Ok(None), "one is enough");
    let unsigned = crate::common::escrow(engine::DlcRole::Offerer);
    assert_eq!(decide(&unsigned, secret(), MATURITY), Err(Refusal::Missing("sign")));
}

#[test]
fn a_cet_that_becomes_possible_while_the_refund_waits_for_a_block_is_offered_to_the_miners() {
    let mut escrow = signed_offerer();
    take(&mut escrow, Command::UseRefund { tx: bytes(7) }, REFUND + 1);
    let at = |place| ChainView { spend: spend(SpendKind::Refund, place), ..funded_view() };
    let (waits, mined) = (at(Place::Mempool), at(Place::Confirmed { height: 200 }));
    assert_eq!(due(&escrow, &waits, REFUND + 2), [Due::RecheckOracles]);
    attested(&mut escrow, 0, 5);
    assert_eq!(due(&escrow, &waits, REFUND + 3), [Due::BuildCet, Due::RecheckOracles]);
    take(&mut escrow, Command::UseCet { tx: bytes(6) }, REFUND + 3);
    assert_eq!(due(&escrow, &waits, REFUND + 4), [Due::BroadcastCet, Due::RecheckOracles]);
    assert_eq!(due(&escrow, &mined, REFUND + 4), [Due::RecheckOracles], "the chain has chosen");
    let gone = at(Place::Unknown);
    let after = ChainView { median_time_past: REFUND + 1, ..gone };
    assert_eq!(due(&escrow, &after, REFUND + 5)[0], Due::BroadcastCet, "the CET goes first");
}

#[test]
fn news_of_oracles_fold_back_from_their_stored_events() {
    let mut escrow = of_three(signed_offerer());
    attested(&mut escrow, 0, 5);
    let mut again = escrow.clone();
    let announced = OracleStep::SeeAnnouncement { oracle: 1, announcement: bytes(8) };
    for command in [contradicts(0, 6), Command::Oracles(announced), secret()] {
        let event = decide(&escrow, command, MATURITY).unwrap().unwrap();
        escrow.apply(&event);
        let stored = serde_json::to_string(&event).unwrap();
        again.apply(&serde_json::from_str(&stored).unwrap());
    }
    assert_eq!(escrow, again);
    assert_eq!(escrow.oracles.changed, [(1, bytes(8))]);
}
