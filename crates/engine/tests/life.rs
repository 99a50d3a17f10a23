//! The life of an escrow, told as stories: what is due, what is allowed, what the owner sees.

use crate::common::*;
use engine::{
    ChainView, Command, DlcRole, Due, Escrow, Event, Place, Refusal, SpendKind, Status, decide, due, status,
};
use terms::{Hex32, OracleSet};

#[test]
fn the_accepter_broadcasts_until_the_chain_shows_the_funding() {
    let escrow = funded_accepter();
    assert_eq!(due(&escrow, &view(), BEFORE), [Due::BroadcastFunding]);
    let in_mempool = ChainView { funding: Place::Mempool, ..view() };
    assert_eq!(due(&escrow, &in_mempool, BEFORE), []);
    assert_eq!(status(&escrow, &in_mempool, BEFORE), Status::FundingBroadcast);
    assert_eq!(status(&escrow, &funded_view(), BEFORE), Status::Funded);
}

#[test]
fn a_reorganisation_brings_the_state_back_and_the_broadcast_too() {
    let escrow = funded_accepter();
    assert_eq!(status(&escrow, &funded_view(), START), Status::Measuring);
    assert_eq!(status(&escrow, &view(), START - 20_000), Status::FundingBroadcast);
    assert_eq!(due(&escrow, &view(), BEFORE), [Due::BroadcastFunding]);
}

#[test]
fn an_escrow_that_stalls_before_signatures_lets_its_coins_go_after_the_deadline() {
    let mut escrow = escrow(DlcRole::Offerer);
    take(&mut escrow, Command::MakeOffer { offer: bytes(1), coins: coins() }, BEFORE);
    assert_eq!(due(&escrow, &view(), DEADLINE - 1), []);
    assert_eq!(due(&escrow, &view(), DEADLINE), [Due::Abandon]);
    take(&mut escrow, Command::Abandon { reason: "late".into() }, DEADLINE + 1);
    assert_eq!(status(&escrow, &view(), DEADLINE + 1), Status::Cancelled);
}

/// The accepter's message lets nobody fund, so its coins need not wait for the deadline.
#[test]
fn coins_of_a_contract_that_is_not_signed_in_time_are_let_go_before_the_deadline() {
    let mut escrow = escrow(DlcRole::Accepter);
    escrow.opened.sign_by = Some(BEFORE + 600);
    let offer = Command::TakeOffer { offer: bytes(1), accept: bytes(2), coins: coins(), funding: funding() };
    take(&mut escrow, offer, BEFORE);
    assert_eq!(due(&escrow, &view(), BEFORE + 599), []);
    assert_eq!(due(&escrow, &view(), BEFORE + 600), [Due::Abandon]);
    let sign = Command::TakeSign { sign: bytes(3), funding_tx: bytes(4) };
    let late = decide(&escrow, sign.clone(), BEFORE + 600);
    assert_eq!(late, Err(Refusal::TooLate { deadline: BEFORE + 600, now: BEFORE + 600 }));
    let mut let_go = escrow.clone();
    take(&mut let_go, Command::Abandon { reason: "late".into() }, BEFORE + 600);
    assert_eq!(decide(&let_go, sign.clone(), BEFORE), Err(Refusal::Ended));

    // Once signed in time, only the funding deadline counts.
    take(&mut escrow, sign, BEFORE + 599);
    assert_eq!(due(&escrow, &view(), BEFORE + 600), [Due::BroadcastFunding]);
    assert_eq!(due(&escrow, &view(), DEADLINE), [Due::BuildCancel]);
}

#[test]
fn an_offerer_whose_signatures_are_out_takes_its_coins_back_after_the_deadline() {
    let mut escrow = signed_offerer();
    assert_eq!(due(&escrow, &view(), DEADLINE + 1), [Due::BuildCancel]);
    let early = decide(&escrow, Command::UseCancel { tx: bytes(8) }, DEADLINE - 1);
    assert_eq!(early, Err(Refusal::TooEarly { deadline: DEADLINE, now: DEADLINE - 1 }));
    let dropped = decide(&escrow, Command::Abandon { reason: "no".into() }, DEADLINE + 1);
    assert_eq!(dropped, Err(Refusal::AtStake));
    take(&mut escrow, Command::UseCancel { tx: bytes(8) }, DEADLINE + 1);
    assert_eq!(due(&escrow, &view(), DEADLINE + 2), [Due::BroadcastCancel]);
    let deep = ChainView { cancel: Place::Confirmed { height: 195 }, ..view() };
    assert_eq!(status(&escrow, &deep, DEADLINE + 2), Status::Cancelled);
}

/// Once broadcast, its peer has the whole transaction, and could bring it back when the outcome is known.
#[test]
fn an_accepter_whose_funding_misses_the_deadline_takes_its_coins_back_too() {
    let mut escrow = funded_accepter();
    for funding in [Place::Unknown, Place::Mempool] {
        let view = ChainView { funding, ..view() };
        assert_eq!(due(&escrow, &view, DEADLINE), [Due::BuildCancel], "{funding:?}");
    }
    assert_eq!(due(&escrow, &funded_view(), DEADLINE), []);
    let dropped = decide(&escrow, Command::Abandon { reason: "no".into() }, DEADLINE);
    assert_eq!(dropped, Err(Refusal::AtStake));
    take(&mut escrow, Command::UseCancel { tx: bytes(8) }, DEADLINE);
    assert_eq!(due(&escrow, &view(), DEADLINE), [Due::BroadcastCancel]);
    let sent = ChainView { cancel: Place::Mempool, ..view() };
    assert_eq!(due(&escrow, &sent, DEADLINE), []);
}

/// Deeper than what counted as final, in the middle of the window.
#[test]
fn funding_that_was_locked_in_time_is_not_given_up_when_a_reorganisation_takes_it_back() {
    for mut escrow in [signed_offerer(), funded_accepter()] {
        escrow.apply(&Event::Observed { status: Status::Measuring, height: 200 });
        let taken_back = ChainView { funding: Place::Mempool, ..view() };
        assert_eq!(status(&escrow, &taken_back, START), Status::FundingBroadcast);
        assert_eq!(due(&escrow, &taken_back, START), []);
        let cancel = decide(&escrow, Command::UseCancel { tx: bytes(8) }, START);
        assert_eq!(cancel, Err(Refusal::TooEarly { deadline: REFUND, now: START }));
        assert_eq!(due(&escrow, &view(), REFUND), [Due::BuildCancel], "but it does not wait for ever");
    }
    let mut lost = funded_accepter();
    lost.apply(&Event::Observed { status: Status::Attested, height: 200 });
    assert_eq!(due(&lost, &view(), MATURITY), [Due::BroadcastFunding], "who has it sends it again");
}

#[test]
fn an_offerer_that_funds_nothing_waits_for_the_deadline_and_takes_nothing_back() {
    let mut escrow = signed_offerer();
    escrow.coins.clear();
    let early = decide(&escrow, Command::Abandon { reason: "no".into() }, BEFORE);
    assert_eq!(early, Err(Refusal::AtStake));
    assert_eq!(due(&escrow, &view(), DEADLINE), [Due::Abandon]);
    take(&mut escrow, Command::Abandon { reason: "late".into() }, DEADLINE);
    assert_eq!(status(&escrow, &view(), DEADLINE), Status::Cancelled);
    assert_eq!(status(&escrow, &funded_view(), START), Status::Measuring, "live if it confirms after all");
}

#[test]
fn funding_that_confirms_after_the_deadline_is_live_after_all() {
    let mut escrow = signed_offerer();
    take(&mut escrow, Command::UseCancel { tx: bytes(8) }, DEADLINE + 1);
    assert_eq!(status(&escrow, &funded_view(), START), Status::Measuring);
}

#[test]
fn a_cet_waits_until_median_time_past_is_beyond_the_window() {
    let mut escrow = signed_offerer();
    take(&mut escrow, Command::TakeAttestation { oracle: 0, attestation: bytes(5) }, MATURITY);
    assert_eq!(due(&escrow, &funded_view(), MATURITY), [Due::BuildCet, Due::RecheckOracles]);
    take(&mut escrow, Command::UseCet { tx: bytes(6) }, MATURITY);
    let at_locktime = ChainView { median_time_past: END, ..funded_view() };
    assert_eq!(due(&escrow, &at_locktime, MATURITY), [Due::RecheckOracles]);
    let one_second_later = ChainView { median_time_past: END + 1, ..funded_view() };
    assert_eq!(due(&escrow, &one_second_later, MATURITY), [Due::BroadcastCet, Due::RecheckOracles]);
}

#[test]
fn a_silent_oracle_is_asked_from_maturity_on_and_refunded_after_the_locktime() {
    let mut escrow = signed_offerer();
    assert_eq!(due(&escrow, &funded_view(), MATURITY - 1), []);
    assert_eq!(due(&escrow, &funded_view(), MATURITY), [Due::FetchAttestations]);
    let at_locktime = ChainView { median_time_past: REFUND, ..funded_view() };
    assert_eq!(due(&escrow, &at_locktime, REFUND), [Due::FetchAttestations]);
    let later = ChainView { median_time_past: REFUND + 1, ..funded_view() };
    assert_eq!(due(&escrow, &later, REFUND + 9), [Due::FetchAttestations, Due::BuildRefund]);
    take(&mut escrow, Command::UseRefund { tx: bytes(7) }, REFUND + 9);
    assert_eq!(due(&escrow, &later, REFUND + 9), [Due::FetchAttestations, Due::BroadcastRefund]);
}

#[test]
fn attestations_that_do_not_agree_leave_the_other_oracles_and_the_refund() {
    let mut escrow = signed_offerer();
    escrow.opened.agreement.oracles =
        OracleSet { keys: [1, 2, 3].map(|tag| Hex32([tag; 32])).to_vec(), threshold: 2, tolerance: None };
    for oracle in [0, 2] {
        take(&mut escrow, Command::TakeAttestation { oracle, attestation: bytes(5) }, MATURITY);
    }
    assert_eq!(status(&escrow, &funded_view(), MATURITY), Status::Attested);
    assert_eq!(due(&escrow, &funded_view(), MATURITY), [Due::BuildCet, Due::FetchAttestations]);
    take(&mut escrow, Command::TakeAttestation { oracle: 1, attestation: bytes(6) }, MATURITY);
    assert_eq!(due(&escrow, &funded_view(), MATURITY), [Due::BuildCet, Due::RecheckOracles]);
    let later = ChainView { median_time_past: REFUND + 1, ..funded_view() };
    assert_eq!(due(&escrow, &later, REFUND + 9), [Due::BuildCet, Due::RecheckOracles, Due::BuildRefund]);
}

#[test]
fn a_settlement_is_final_only_at_depth_whoever_made_it() {
    let escrow = funded_accepter();
    let shallow = ChainView { spend: spend(CET, Place::Confirmed { height: 196 }), ..funded_view() };
    assert_eq!(status(&escrow, &shallow, MATURITY), Status::CetBroadcast);
    let deep = ChainView { spend: spend(CET, Place::Confirmed { height: 195 }), ..funded_view() };
    assert_eq!(status(&escrow, &deep, MATURITY), Status::Settled);
    let refund = ChainView { spend: spend(SpendKind::Refund, Place::Mempool), ..funded_view() };
    assert_eq!(status(&escrow, &refund, REFUND), Status::RefundBroadcast);
}

#[test]
fn a_repeated_message_changes_nothing_and_another_one_is_refused() {
    let escrow = funded_accepter();
    let same = Command::TakeOffer { offer: bytes(1), accept: bytes(2), coins: coins(), funding: funding() };
    assert_eq!(decide(&escrow, same, BEFORE), Ok(None));
    let other = Command::TakeOffer { offer: bytes(9), accept: bytes(2), coins: coins(), funding: funding() };
    assert_eq!(decide(&escrow, other, BEFORE), Err(Refusal::Differs("offer")));
}

#[test]
fn messages_out_of_order_late_or_for_the_other_role_are_refused() {
    let fresh = escrow(DlcRole::Accepter);
    let sign = Command::TakeSign { sign: bytes(3), funding_tx: bytes(4) };
    assert_eq!(decide(&fresh, sign, BEFORE), Err(Refusal::Missing("accept")));
    let offer = Command::MakeOffer { offer: bytes(1), coins: coins() };
    assert_eq!(decide(&fresh, offer, BEFORE), Err(Refusal::WrongRole(DlcRole::Offerer)));
    let late = Command::TakeOffer { offer: bytes(1), accept: bytes(2), coins: coins(), funding: funding() };
    let refusal = Refusal::TooLate { deadline: DEADLINE, now: DEADLINE };
    assert_eq!(decide(&fresh, late, DEADLINE), Err(refusal));
}

#[test]
fn the_record_folds_back_from_its_stored_events() {
    let opened = escrow(DlcRole::Accepter).opened;
    let events = [
        Event::Opened(Box::new(opened)),
        Event::OfferTaken { offer: bytes(1), accept: bytes(2), coins: coins(), funding: funding() },
        Event::SignTaken { sign: bytes(3), funding_tx: bytes(4) },
    ];
    let stored: Vec<Event> = events
        .iter()
        .map(|event| serde_json::to_string(event).expect("serialises"))
        .map(|text| serde_json::from_str(&text).expect("parses"))
        .collect();
    assert_eq!(Escrow::replay(&stored), Some(funded_accepter()));
}
