//! Paying more for what waits: when, how much, and never more than it rescues.

use crate::common::*;
use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use engine::{
    ChainView, Coin, Command, DlcRole, Due, Escrow, Event, FeeView, Place, Refusal, Status, Waiting,
    WaitingTx, cancel_fee, child_limit, decide, due, fee_due, status, waiting,
};
use proptest::prelude::*;
use terms::Sat;

const AT: u64 = END + 1_000;

fn fees(going_sat_vb: u64) -> FeeView {
    FeeView { going_sat_kvb: going_sat_vb * 1_000, relay_sat_kvb: 1_000, patience: 3 }
}

fn payout(value: u64) -> Coin {
    let txid = Txid::from_byte_array([5; 32]);
    Coin { outpoint: OutPoint { txid, vout: 0 }, value_sat: Sat(value) }
}

/// A CET of 170 vB at 2 sat/vB in the mempool, which pays us 100,000 sat.
fn cet_in_mempool() -> WaitingTx {
    WaitingTx {
        fee_sat: 340,
        vsize: 170,
        seen_sat_kvb: Some(2_000),
        refused: false,
        own: Some(payout(100_000)),
        child: Place::Unknown,
        replaces_sat: 0,
    }
}

/// An escrow whose CET went into the mempool at height 200, and what the chain shows then.
fn closing() -> (Escrow, ChainView) {
    let mut escrow = funded_accepter();
    let seen = Command::SeeSpend { txid: Txid::all_zeros(), kind: CET, tx: bytes(8) };
    take(&mut escrow, seen, AT);
    escrow.apply(&Event::Observed { status: Status::CetBroadcast, height: 200 });
    (escrow, ChainView { spend: spend(CET, Place::Mempool), ..funded_view() })
}

fn bumped(escrow: &mut Escrow, fee: u64, height: u32) {
    let (spends, fee_sat) = (payout(0).outpoint, Sat(fee));
    let tag = u8::try_from(fee % 251).expect("is below 251");
    take(escrow, Command::UseBump { spends, tx: bytes(tag), fee_sat, height }, AT);
}

fn fee_of(due: Option<Due>) -> Option<u64> {
    match due {
        Some(Due::BuildBump { fee_sat, .. } | Due::RaiseCancel { fee_sat }) => Some(fee_sat),
        _ => None,
    }
}

#[test]
fn a_closing_transaction_in_a_mempool_that_pays_no_better_is_left_alone() {
    let (escrow, view) = closing();
    assert_eq!(waiting(&escrow, &view, AT), Some(Waiting::Closing));
    let later = ChainView { height: 300, ..view };
    assert_eq!(fee_due(&escrow, &later, &fees(2), &cet_in_mempool(), AT), None);
}

#[test]
fn a_slightly_better_rate_is_worth_a_child_only_after_waiting_and_a_double_one_at_once() {
    let (escrow, view) = closing();
    let tx = cet_in_mempool();
    assert_eq!(fee_due(&escrow, &view, &fees(3), &tx, AT), None);
    let patient = ChainView { height: 202, ..view };
    assert_eq!(fee_due(&escrow, &patient, &fees(3), &tx, AT), None);
    let waited = ChainView { height: 203, ..view };
    // 3 sat/vB for 170 and 110 vB, of which 340 sat are paid.
    assert_eq!(fee_of(fee_due(&escrow, &waited, &fees(3), &tx, AT)), Some(3 * 280 - 340));
    assert_eq!(fee_of(fee_due(&escrow, &view, &fees(4), &tx, AT)), Some(4 * 280 - 340));
}

#[test]
fn a_transaction_below_the_mempools_minimum_gets_its_child_at_once() {
    let mut escrow = funded_accepter();
    take(&mut escrow, Command::UseCet { tx: bytes(8) }, AT);
    let view = ChainView { median_time_past: AT, ..funded_view() };
    assert_eq!(waiting(&escrow, &view, AT), Some(Waiting::Closing));
    let refused = WaitingTx { seen_sat_kvb: None, refused: true, ..cet_in_mempool() };
    assert_eq!(fee_of(fee_due(&escrow, &view, &fees(3), &refused, AT)), Some(500));
    let unasked = WaitingTx { refused: false, ..refused };
    assert_eq!(fee_due(&escrow, &view, &fees(3), &unasked, AT), None);
}

#[test]
fn a_child_that_the_peer_made_for_its_own_output_is_as_good_as_ours() {
    let (escrow, view) = closing();
    let helped = WaitingTx { seen_sat_kvb: Some(9_000), ..cet_in_mempool() };
    assert_eq!(fee_due(&escrow, &ChainView { height: 300, ..view }, &fees(9), &helped, AT), None);
}

#[test]
fn a_stored_child_is_sent_until_it_is_seen_and_raised_by_a_quarter_at_least() {
    let (mut escrow, view) = closing();
    bumped(&mut escrow, 500, 200);
    let tx = cet_in_mempool();
    let spends = payout(0).outpoint;
    assert_eq!(fee_due(&escrow, &view, &fees(3), &tx, AT), Some(Due::BroadcastBump { spends }));
    let seen = WaitingTx { child: Place::Mempool, seen_sat_kvb: Some(3_000), ..tx };
    assert_eq!(fee_due(&escrow, &view, &fees(3), &seen, AT), None);
    let later = ChainView { height: 203, ..view };
    // The going rate asks for 3,100 * 280 / 1,000 - 340 = 528 sat, and a quarter more than 500 is 625.
    let barely = FeeView { going_sat_kvb: 3_100, ..fees(0) };
    assert_eq!(fee_of(fee_due(&escrow, &later, &barely, &seen, AT)), Some(625));
    assert_eq!(fee_due(&escrow, &view, &barely, &seen, AT), None, "not before it has waited again");
    assert_eq!(fee_of(fee_due(&escrow, &view, &fees(6), &seen, AT)), Some(6 * 280 - 340));
}

#[test]
fn a_child_never_costs_more_than_half_of_the_payout_that_it_rescues() {
    let (mut escrow, view) = closing();
    let small = WaitingTx { own: Some(payout(10_000)), ..cet_in_mempool() };
    assert_eq!(fee_of(fee_due(&escrow, &view, &fees(200), &small, AT)), Some(5_000));
    bumped(&mut escrow, 5_000, 200);
    let seen = WaitingTx { child: Place::Mempool, seen_sat_kvb: Some(19_000), ..small };
    let later = ChainView { height: 300, ..view };
    assert_eq!(fee_due(&escrow, &later, &fees(200), &seen, AT), None, "the limit is reached");
    assert_eq!(child_limit(&escrow, payout(500), Waiting::Closing), 206, "294 sat are left");
    assert_eq!(child_limit(&escrow, payout(200), Waiting::Closing), 0);
}

#[test]
fn funding_is_bumped_from_the_change_up_to_half_of_what_is_locked_and_until_the_deadline() {
    let mut escrow = funded_accepter();
    escrow.apply(&Event::Observed { status: Status::FundingBroadcast, height: 200 });
    let view = ChainView { funding: Place::Mempool, ..view() };
    assert_eq!(waiting(&escrow, &view, BEFORE), Some(Waiting::Funding));
    let tx = WaitingTx { own: Some(payout(10_000_000)), ..cet_in_mempool() };
    assert_eq!(fee_of(fee_due(&escrow, &view, &fees(1_000), &tx, BEFORE)), Some(25_000), "half of the bond");
    assert_eq!(waiting(&escrow, &view, DEADLINE), None, "from now on it is taken back");
    let confirmed = ChainView { funding: Place::Confirmed { height: 200 }, ..view };
    assert_eq!(waiting(&escrow, &confirmed, BEFORE), None);
}

#[test]
fn nothing_in_a_block_is_bumped() {
    let (escrow, view) = closing();
    let confirmed = ChainView { spend: spend(CET, Place::Confirmed { height: 200 }), ..view };
    assert_eq!(fee_due(&escrow, &confirmed, &fees(100), &cet_in_mempool(), AT), None);
}

#[test]
fn a_child_that_pays_no_more_than_the_one_before_is_refused_and_the_same_again_is_none() {
    let (mut escrow, _) = closing();
    bumped(&mut escrow, 500, 200);
    let spends = payout(0).outpoint;
    let again = Command::UseBump { spends, tx: bytes(249), fee_sat: Sat(500), height: 201 };
    assert_eq!(decide(&escrow, again, AT), Ok(None));
    let other = Command::UseBump { spends, tx: bytes(7), fee_sat: Sat(500), height: 201 };
    assert_eq!(decide(&escrow, other, AT), Err(Refusal::NotMore { known: Sat(500), asked: Sat(500) }));
    bumped(&mut escrow, 800, 202);
    assert_eq!(escrow.bump_fees(), Sat(800), "what a replaced child would have paid nobody pays");
}

/// An escrow that takes its coins of 200,000 sat back since height 200, by a transaction of 110 vB.
fn cancelling() -> (Escrow, ChainView) {
    let mut escrow = signed_offerer();
    take(&mut escrow, Command::UseCancel { tx: bytes(6) }, DEADLINE);
    escrow.apply(&Event::Observed { status: Status::Cancelling, height: 200 });
    (escrow, ChainView { cancel: Place::Mempool, ..view() })
}

fn cancel_in_mempool() -> WaitingTx {
    WaitingTx { fee_sat: 440, vsize: 110, seen_sat_kvb: Some(4_000), own: None, ..cet_in_mempool() }
}

#[test]
fn a_cancel_that_waits_is_made_again_at_the_going_rate() {
    let (mut escrow, view) = cancelling();
    let tx = cancel_in_mempool();
    assert_eq!(fee_due(&escrow, &view, &fees(6), &tx, DEADLINE), None, "not yet");
    let later = ChainView { height: 203, ..view };
    assert_eq!(fee_of(fee_due(&escrow, &later, &fees(6), &tx, DEADLINE)), Some(660));
    assert_eq!(fee_of(fee_due(&escrow, &view, &fees(10), &tx, DEADLINE)), Some(1_100), "far behind");
    take(&mut escrow, Command::RaiseCancel { tx: bytes(7), height: 203 }, DEADLINE);
    assert_eq!(escrow.cancel, Some(bytes(7)));
    assert_eq!(fee_due(&escrow, &later, &fees(6), &tx, DEADLINE), None, "it waits anew");
}

#[test]
fn a_cancel_that_the_mempool_refuses_outbids_all_that_it_replaces_or_waits() {
    let (escrow, view) = cancelling();
    let view = ChainView { cancel: Place::Unknown, ..view };
    let pinned =
        |replaces_sat| WaitingTx { seen_sat_kvb: None, refused: true, replaces_sat, ..cancel_in_mempool() };
    let raised = fee_due(&escrow, &view, &fees(2), &pinned(60_000), DEADLINE);
    assert_eq!(fee_of(raised), Some(60_110));
    assert_eq!(
        fee_due(&escrow, &view, &fees(2), &pinned(150_000), DEADLINE),
        None,
        "above half of the coins"
    );
}

#[test]
fn a_first_cancel_replaces_the_funding_transaction_at_any_price_and_a_pin_up_to_half_of_the_coins() {
    let rates = fees(4);
    assert_eq!(cancel_fee(200_000, 110, 600, 600, &rates), Some(1_040));
    assert_eq!(cancel_fee(200_000, 110, 60_000, 600, &rates), Some(60_440));
    assert_eq!(cancel_fee(200_000, 110, 160_000, 600, &rates), Some(100_000), "the pin is too dear");
    assert_eq!(cancel_fee(1_500, 110, 1_000, 1_000, &rates), Some(1_206), "all that a small coin can pay");
    assert_eq!(cancel_fee(404, 110, 1_000, 1_000, &rates), Some(110), "one satoshi for each virtual byte");
    assert_eq!(cancel_fee(403, 110, 1_000, 1_000, &rates), None);
}

#[test]
fn funding_that_the_peers_buried_spend_makes_impossible_ends_without_a_transaction_of_ours() {
    for escrow in [signed_offerer(), funded_accepter()] {
        let conflict = |height| ChainView { cancel: Place::Confirmed { height }, ..view() };
        assert!(
            !due(&escrow, &conflict(199), DEADLINE).contains(&Due::BuildCancel),
            "it costs nothing to wait"
        );
        assert_eq!(status(&escrow, &conflict(195), BEFORE), Status::Cancelled);
        assert_eq!(due(&escrow, &conflict(195), DEADLINE), []);
        assert_eq!(
            due(&escrow, &view(), DEADLINE),
            [Due::BuildCancel],
            "a reorganisation takes the spend back"
        );
    }
}

#[test]
fn a_peers_cet_that_a_reorganisation_takes_back_is_broadcast_by_whoever_has_nothing_else() {
    let (escrow, _) = closing();
    let gone = ChainView { median_time_past: AT, ..funded_view() };
    assert!(due(&escrow, &gone, AT).contains(&Due::BroadcastSpend));
    assert_eq!(escrow.opened.role, DlcRole::Accepter);
}

proptest! {
    /// Whatever fees do, each raise is one, the payout's half is never exceeded, and so there are few.
    #[test]
    fn raises_are_few_and_bounded(
        value in 300u64..1_000_000,
        rates in prop::collection::vec((1u64..5_000, any::<bool>()), 1..80),
    ) {
        let (mut escrow, mut view) = closing();
        let mut tx = WaitingTx { own: Some(payout(value)), ..cet_in_mempool() };
        let mut paid = Vec::new();
        for (rate, refused) in rates {
            view.height += 1;
            tx.refused = refused;
            if let Some(fee) = fee_of(fee_due(&escrow, &view, &fees(rate), &tx, AT)) {
                prop_assert!(fee * 2 <= value && value - fee >= 294);
                let last = paid.last().copied().unwrap_or(0);
                prop_assert!(fee >= last + last / 4 && fee > last);
                let spends = payout(0).outpoint;
                let height = view.height;
                let tag = u8::try_from(paid.len()).unwrap();
                take(&mut escrow, Command::UseBump { spends, tx: bytes(tag), fee_sat: Sat(fee), height }, AT);
                paid.push(fee);
            }
        }
        // From one satoshi to half a million by quarters.
        prop_assert!(paid.len() <= 64);
    }
}
