//! Closing by agreement: whose word holds when, and what is due.

use crate::common::*;
use engine::{
    CloseStep, Command, DlcRole, Due, Escrow, Event, Place, Refusal, SpendKind, Status, decide, due, status,
};
use terms::{Hex32, Sat};

const SESSION: Hex32 = Hex32([5; 32]);
const UNTIL: u64 = START + 600;
/// The most that any outcome pays either side of these escrows.
const MOST: Sat = Sat(150_000);

/// The provider's (the accepter's) or the buyer's side of an escrow in its window.
fn running(role: DlcRole) -> Escrow {
    let mut escrow = if role == DlcRole::Accepter { funded_accepter() } else { signed_offerer() };
    escrow.apply(&Event::Observed { status: Status::Measuring, height: 200 });
    escrow
}

fn propose(provider_sat: u64, due_sat: Option<u64>) -> Command {
    let due_sat = due_sat.map(Sat);
    Command::Close(CloseStep::Propose {
        session: SESSION,
        provider_sat: Sat(provider_sat),
        until: UNTIL,
        due_sat,
    })
}

fn proposed(provider_sat: u64) -> Command {
    proposed_in(SESSION, provider_sat)
}

fn proposed_in(session: Hex32, provider_sat: u64) -> Command {
    let (provider_sat, reason) = (Sat(provider_sat), String::new());
    Command::Close(CloseStep::TakeProposal { session, provider_sat, until: UNTIL, reason })
}

fn built(due_sat: Option<u64>) -> Command {
    Command::Close(CloseStep::Build { session: SESSION, tx: bytes(8), due_sat: due_sat.map(Sat) })
}

fn sign() -> Command {
    Command::Close(CloseStep::Sign { session: SESSION })
}

fn refuse() -> Command {
    Command::Close(CloseStep::Refuse { session: SESSION })
}

#[test]
fn a_complete_close_is_broadcast_until_the_chain_shows_it_and_nothing_else_stops_being_due() {
    let mut escrow = running(DlcRole::Accepter);
    take(&mut escrow, propose(60_000, None), START);
    assert_eq!(due(&escrow, &funded_view(), START), [], "a proposal signs nothing");
    take(&mut escrow, built(None), START);
    assert_eq!(due(&escrow, &funded_view(), START), [Due::BroadcastClose]);
    assert_eq!(due(&escrow, &funded_view(), MATURITY), [Due::BroadcastClose, Due::FetchAttestations]);
    take(&mut escrow, Command::TakeAttestation { oracle: 0, attestation: bytes(9) }, MATURITY);
    take(&mut escrow, Command::UseCet { tx: bytes(7) }, MATURITY);
    let late = engine::ChainView { median_time_past: END + 1, ..funded_view() };
    assert_eq!(due(&escrow, &late, MATURITY), [Due::BroadcastClose, Due::BroadcastCet, Due::RecheckOracles]);

    let close = SpendKind::Close { provider_sat: Sat(60_000), buyer_sat: Sat(90_000) };
    let in_mempool = engine::ChainView { spend: spend(close, Place::Mempool), ..funded_view() };
    assert_eq!(status(&escrow, &in_mempool, MATURITY), Status::CloseBroadcast);
    assert_eq!(due(&escrow, &in_mempool, MATURITY), [Due::RecheckOracles]);
    let deep = engine::ChainView { spend: spend(close, Place::Confirmed { height: 195 }), ..funded_view() };
    assert_eq!(status(&escrow, &deep, MATURITY), Status::Closed);
    assert!(Status::Closed.is_final());
}

#[test]
fn who_only_saw_the_close_on_the_chain_broadcasts_it_too_when_a_reorganisation_takes_it_back() {
    let mut escrow = running(DlcRole::Offerer);
    let kind = SpendKind::Close { provider_sat: Sat(60_000), buyer_sat: Sat(90_000) };
    let txid = spend(kind, Place::Mempool).unwrap().txid;
    take(&mut escrow, Command::SeeSpend { txid, kind, tx: bytes(8) }, START);
    assert_eq!(due(&escrow, &funded_view(), START), [Due::BroadcastClose]);
}

#[test]
fn an_escrow_that_is_not_locked_or_is_spent_cannot_be_closed_by_agreement() {
    for status in [Status::FundingBroadcast, Status::CetBroadcast, Status::Settled, Status::Cancelled] {
        let mut escrow = running(DlcRole::Accepter);
        escrow.apply(&Event::Observed { status, height: 200 });
        for command in [propose(60_000, None), proposed(60_000)] {
            assert_eq!(decide(&escrow, command, START), Err(Refusal::NotClosable(status)));
        }
    }
}

#[test]
fn a_proposal_is_completed_once_and_only_while_it_stands() {
    let mut escrow = running(DlcRole::Accepter);
    assert_eq!(decide(&escrow, built(None), START), Err(Refusal::Withdrawn), "nothing was proposed");
    take(&mut escrow, propose(60_000, None), START);
    let expired = Refusal::Expired { until: UNTIL, now: UNTIL };
    assert_eq!(decide(&escrow, built(None), UNTIL), Err(expired));
    let mut dropped = escrow.clone();
    let give_up = Command::Close(CloseStep::Drop { session: SESSION, reason: "no".into() });
    take(&mut dropped, give_up.clone(), START);
    assert_eq!(decide(&dropped, give_up, START), Ok(None));
    assert_eq!(decide(&dropped, built(None), START), Err(Refusal::Withdrawn));
    take(&mut escrow, built(None), START);
    assert_eq!(decide(&escrow, built(None), UNTIL), Ok(None), "a repeated signature changes nothing");
}

#[test]
fn a_new_proposal_takes_the_place_of_the_old_one() {
    let mut escrow = running(DlcRole::Accepter);
    take(&mut escrow, propose(60_000, None), START);
    let (session, until) = (Hex32([6; 32]), UNTIL);
    let next = CloseStep::Propose { session, provider_sat: Sat(70_000), until, due_sat: None };
    take(&mut escrow, Command::Close(next), START);
    assert_eq!(decide(&escrow, built(None), START), Err(Refusal::Withdrawn));
}

/// The owner agreed to 60,000 before anybody knew; now 100,000 are due.
#[test]
fn attestations_that_pay_more_overtake_a_proposal_that_was_made_without_them() {
    let mut escrow = running(DlcRole::Accepter);
    take(&mut escrow, propose(60_000, None), START);
    assert_eq!(decide(&escrow, built(Some(100_000)), START), Err(Refusal::Withdrawn));
    assert!(decide(&escrow, built(Some(60_000)), START).unwrap().is_some(), "no less than is due");
    let mut knowing = running(DlcRole::Accepter);
    take(&mut knowing, propose(60_000, Some(100_000)), START);
    assert!(
        decide(&knowing, built(Some(100_000)), START).unwrap().is_some(),
        "the owner knew, and wanted it"
    );
}

#[test]
fn a_proposal_of_the_peer_is_answered_once() {
    let mut escrow = running(DlcRole::Offerer);
    take(&mut escrow, proposed(60_000), START);
    assert_eq!(decide(&escrow, sign(), UNTIL), Err(Refusal::Expired { until: UNTIL, now: UNTIL }));
    let mut refused = escrow.clone();
    take(&mut refused, refuse(), START);
    assert_eq!(decide(&refused, refuse(), START), Ok(None));
    assert_eq!(decide(&refused, sign(), START), Err(Refusal::Differs("answer to the proposal")));
    take(&mut escrow, sign(), START);
    assert_eq!(decide(&escrow, sign(), START), Ok(None));
    assert_eq!(decide(&escrow, refuse(), START), Err(Refusal::Differs("answer to the proposal")));
    assert_eq!(due(&escrow, &funded_view(), MATURITY), [Due::FetchAttestations], "the CET's way stays open");
}

#[test]
fn a_peer_cannot_propose_without_end() {
    let mut escrow = running(DlcRole::Offerer);
    for session in 0..50 {
        take(&mut escrow, proposed_in(Hex32([session; 32]), 60_000), START);
    }
    let one_more = proposed_in(Hex32([50; 32]), 60_000);
    assert_eq!(decide(&escrow, one_more, START), Err(Refusal::TooManyProposals));
}

#[test]
fn a_node_agrees_by_itself_only_to_what_it_gets_anyway() {
    let escrow = running(DlcRole::Offerer);
    // The buyer's part of 150,000 is what the provider does not get.
    for (provider_sat, due_sat, agrees) in [
        (0, None, true),
        (1_000, None, false),
        (100_000, Some(50_000), true),
        (99_000, Some(50_000), true),
        (101_000, Some(50_000), false),
    ] {
        let agreed = escrow.agrees_by_itself(Sat(provider_sat), due_sat.map(Sat), MOST, START);
        assert_eq!(agreed, agrees, "{provider_sat} of 150,000 with {due_sat:?} due");
    }
}

#[test]
fn and_to_the_very_split_that_its_owner_proposed() {
    let mut escrow = running(DlcRole::Offerer);
    take(&mut escrow, propose(60_000, None), START);
    assert!(escrow.agrees_by_itself(Sat(60_000), None, MOST, START));
    assert!(!escrow.agrees_by_itself(Sat(60_001), None, MOST, START));
    assert!(!escrow.agrees_by_itself(Sat(60_000), None, MOST, UNTIL), "its word has ended");
    assert!(!escrow.agrees_by_itself(Sat(60_000), Some(Sat(100_000)), MOST, START), "more is due now");
}

#[test]
fn with_the_attestation_here_an_open_proposal_is_looked_at_again() {
    let mut escrow = running(DlcRole::Offerer);
    take(&mut escrow, proposed(60_000), START);
    assert_eq!(due(&escrow, &funded_view(), START), []);
    take(&mut escrow, Command::TakeAttestation { oracle: 0, attestation: bytes(9) }, MATURITY);
    take(&mut escrow, Command::UseCet { tx: bytes(7) }, MATURITY);
    assert_eq!(due(&escrow, &funded_view(), START), [Due::ConsiderClose]);
    take(&mut escrow, sign(), START);
    assert_eq!(due(&escrow, &funded_view(), START), [], "it is answered");
}

/// A second copy counted as another proposal, and took back the answer to the first.
#[test]
fn a_proposal_that_arrives_twice_is_one_proposal() {
    let mut escrow = running(DlcRole::Offerer);
    take(&mut escrow, proposed(60_000), START);
    take(&mut escrow, refuse(), START);
    assert_eq!(decide(&escrow, proposed(60_000), START), Ok(None));
    assert_eq!(decide(&escrow, proposed(60_001), START), Err(Refusal::Differs("proposal")));
    assert_eq!(escrow.closes.offered, 1);
}
