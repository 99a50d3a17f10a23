//! The life of an escrow, told as stories: what is due, what is allowed, what the owner sees.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use proptest::prelude::*;

use engine::{
    Bytes, ChainView, Coin, Command, DlcRole, Due, Escrow, Event, Opened, Place, Refusal, SpendKind,
    SpendView, Status, decide, due, status,
};
use terms::{
    Agreement, Credit, Expectations, Hex32, Indicator, Measurement, Method, NumericScale, OracleSet,
    OutcomeValue, Party, Payout, Piece, Ppm, Quorum, Rounding, Sat, Scale, Schedule, Side, Target, TimeRange,
    UnixSeconds, Worse,
};

const DEADLINE: u64 = 1_000_000;
const START: u64 = 1_010_000;
const END: u64 = 1_013_600;
const MATURITY: u64 = 1_014_200;
const REFUND: u64 = MATURITY + 86_400;
const BEFORE: u64 = 999_000;

fn measurement() -> Measurement {
    Measurement {
        v: 1,
        target: Target {
            url: "http://service.example/health".into(),
            method: "GET".into(),
            timeout_ms: 1_000,
            expect: Expectations {
                status_from: 200,
                status_to: 299,
                body_sha256: None,
                body_contains: None,
                body_max_bytes: 1_000,
            },
        },
        indicator: Indicator::Availability {},
        window: TimeRange { start: UnixSeconds(START), end: UnixSeconds(END) },
        slice_s: 60,
        probe_every_ms: 10_000,
        method: Method::Occurrences {},
        quorum: Quorum { agree: 1, vantages: 1 },
        exclusions: vec![],
        least_samples: 1,
        indeterminate_above_ppm: Ppm(100_000),
        rounding: Rounding::Up,
        outcome: Scale::Numeric(NumericScale {
            unit: "ppm".into(),
            digits: 20,
            max: OutcomeValue(1_000_000),
            indeterminate_from: OutcomeValue(1_015_808),
            worse: Worse::Higher,
        }),
    }
}

fn agreement() -> Agreement {
    let measurement = measurement();
    let nothing_back = Credit { price_back_ppm: Ppm(0), bond_forfeit_ppm: Ppm(0) };
    Agreement {
        v: 1,
        network: "regtest".into(),
        event_id: measurement.event_id(),
        measurement,
        oracles: OracleSet { keys: vec![Hex32([7; 32])], threshold: 1, tolerance: None },
        provider: Party { key: Hex32([1; 32]) },
        buyer: Party { key: Hex32([2; 32]) },
        price_sat: Sat(100_000),
        bond_sat: Sat(50_000),
        payout: Payout {
            schedule: Schedule::Numeric {
                pieces: vec![Piece { from: OutcomeValue(0), credit: nothing_back, ramp_to: None }],
                quantum_bits: 0,
            },
            indeterminate: nothing_back,
            round_to: Side::Buyer,
        },
        funding_deadline: UnixSeconds(DEADLINE),
        refund_delay_s: 86_400,
        fee_rate_sat_vb: 2,
    }
}

fn escrow(role: DlcRole) -> Escrow {
    let side = if role == DlcRole::Offerer { Side::Buyer } else { Side::Provider };
    Escrow::new(Opened {
        id: Hex32([9; 32]),
        side,
        role,
        agreement: agreement(),
        announcements: vec![],
        maturity: MATURITY,
        temporary_id: Hex32([3; 32]),
        height: 100,
    })
}

fn bytes(tag: u8) -> Bytes {
    Bytes(vec![tag; 4])
}

fn coins() -> Vec<Coin> {
    vec![Coin { outpoint: OutPoint::null(), value_sat: Sat(200_000) }]
}

fn funding() -> OutPoint {
    OutPoint { txid: Txid::all_zeros(), vout: 1 }
}

fn take(escrow: &mut Escrow, command: Command, now: u64) {
    let event = decide(escrow, command, now).expect("allowed").expect("new");
    escrow.apply(&event);
}

/// An accepter that holds the complete funding transaction.
fn funded_accepter() -> Escrow {
    let mut escrow = escrow(DlcRole::Accepter);
    let offer = Command::TakeOffer { offer: bytes(1), accept: bytes(2), coins: coins(), funding: funding() };
    take(&mut escrow, offer, BEFORE);
    take(&mut escrow, Command::TakeSign { sign: bytes(3), funding_tx: bytes(4) }, BEFORE);
    escrow
}

/// An offerer whose signatures have left.
fn signed_offerer() -> Escrow {
    let mut escrow = escrow(DlcRole::Offerer);
    take(&mut escrow, Command::MakeOffer { offer: bytes(1), coins: coins() }, BEFORE);
    let accept = Command::TakeAccept { accept: bytes(2), sign: bytes(3), funding: funding() };
    take(&mut escrow, accept, BEFORE);
    escrow
}

fn view() -> ChainView {
    ChainView {
        height: 200,
        median_time_past: BEFORE,
        depth: 6,
        funding: Place::Unknown,
        spend: None,
        cancel: Place::Unknown,
    }
}

fn funded_view() -> ChainView {
    ChainView { funding: Place::Confirmed { height: 150 }, ..view() }
}

fn spend(kind: SpendKind, place: Place) -> Option<SpendView> {
    Some(SpendView { txid: Txid::all_zeros(), kind, place })
}

const CET: SpendKind = SpendKind::Cet { provider_sat: Sat(150_000), buyer_sat: Sat(0) };

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
    assert_eq!(due(&escrow, &funded_view(), MATURITY), [Due::BuildCet]);
    take(&mut escrow, Command::UseCet { tx: bytes(6) }, MATURITY);
    let at_locktime = ChainView { median_time_past: END, ..funded_view() };
    assert_eq!(due(&escrow, &at_locktime, MATURITY), []);
    let one_second_later = ChainView { median_time_past: END + 1, ..funded_view() };
    assert_eq!(due(&escrow, &one_second_later, MATURITY), [Due::BroadcastCet]);
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
    assert_eq!(due(&escrow, &funded_view(), MATURITY), [Due::BuildCet]);
    let later = ChainView { median_time_past: REFUND + 1, ..funded_view() };
    assert_eq!(due(&escrow, &later, REFUND + 9), [Due::BuildCet, Due::BuildRefund]);
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

fn any_place() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Unknown),
        Just(Place::Mempool),
        (140u32..=200).prop_map(|height| Place::Confirmed { height })
    ]
}

fn any_view() -> impl Strategy<Value = ChainView> {
    let spend = (any::<bool>(), any::<bool>(), any_place()).prop_map(|(spent, refund, place)| {
        if spent { spend(if refund { SpendKind::Refund } else { CET }, place) } else { None }
    });
    (any_place(), any_place(), spend, BEFORE..REFUND + 1_000).prop_map(|(funding, cancel, spend, time)| {
        ChainView { funding, cancel, spend, median_time_past: time, ..view() }
    })
}

fn any_command() -> impl Strategy<Value = Command> {
    (0u8..11, 1u8..3).prop_map(|(kind, tag)| match kind {
        0 => Command::MakeOffer { offer: bytes(tag), coins: coins() },
        1 => Command::TakeOffer { offer: bytes(tag), accept: bytes(2), coins: coins(), funding: funding() },
        2 => Command::TakeAccept { accept: bytes(tag), sign: bytes(3), funding: funding() },
        3 => Command::TakeSign { sign: bytes(tag), funding_tx: bytes(4) },
        4 => Command::SeeFunding { funding_tx: bytes(4) },
        5 => Command::TakeAttestation { oracle: 0, attestation: bytes(tag) },
        6 => Command::UseCet { tx: bytes(tag) },
        7 => Command::UseRefund { tx: bytes(tag) },
        8 => Command::UseCancel { tx: bytes(tag) },
        9 => Command::Abandon { reason: "any".into() },
        _ => Command::SeeSpend { txid: Txid::all_zeros(), kind: CET, tx: bytes(tag) },
    })
}

proptest! {
    /// Whatever arrives in whatever order and whatever the chain shows: coins whose signatures are out are let go by
    /// the chain alone, a cancel is never built early, and the record folds back from its events.
    #[test]
    fn no_order_of_steps_drops_coins_that_are_at_stake(
        start in prop::sample::select(vec![
            escrow(DlcRole::Offerer), escrow(DlcRole::Accepter), signed_offerer(), funded_accepter(),
        ]),
        steps in prop::collection::vec((any_command(), any_view(), BEFORE..REFUND), 0..12),
    ) {
        let mut escrow = start.clone();
        let mut events = Vec::new();
        for (command, view, now) in steps {
            let stake = escrow.at_stake() && !escrow.coins.is_empty();
            if let Ok(Some(event)) = decide(&escrow, command, now) {
                let dropped = matches!(event, Event::Abandoned { .. });
                let early = now < DEADLINE && matches!(event, Event::CancelBuilt { .. });
                prop_assert!(!early);
                prop_assert!(!stake || !dropped);
                escrow.apply(&event);
                events.push(event);
            }
            let ended = status(&escrow, &view, now) == Status::Cancelled;
            let taken_back = view.cancel.confirmations(view.height) >= view.depth;
            prop_assert!(!ended || taken_back || escrow.abandoned.is_some());
            prop_assert!(!due(&escrow, &view, now).contains(&Due::Abandon) || !stake);
        }
        let folded = events.iter().fold(start, |mut escrow, event| {
            escrow.apply(event);
            escrow
        });
        prop_assert_eq!(folded, escrow);
    }
}
