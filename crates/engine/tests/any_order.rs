//! Steps in any order, on any chain: what must never happen.

use crate::common::*;
use bitcoin::Txid;
use bitcoin::hashes::Hash;
use engine::{ChainView, Command, DlcRole, Due, Event, Place, SpendKind, Status, decide, due, status};
use proptest::prelude::*;

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
