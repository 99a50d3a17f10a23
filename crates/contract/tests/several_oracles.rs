//! t of n oracles: who agrees settles, whatever the others say, and whenever they say it.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::Escrow;
use common::documents::{Draft, hours};
use common::oracle::MATURITY;
use contract::gate::{CheckedAttestation, conflict};
use contract::{Announcements, Deal, Rule, gate, settle};
use dlc_messages::TlvRecord;
use dlc_messages::oracle_msgs::OracleAttestation;
use terms::{Outcome, OutcomeValue, Sat};

fn of(oracles: usize, threshold: u64, draft: Draft) -> Escrow {
    Escrow::of(Draft { oracles, threshold, ..draft })
}

/// The block of values that share a signature with `value`, on 10 digits with levels from 24 and 100 and no data
/// from 1008, worked out by halving.
fn block(value: u64) -> (u64, u64) {
    let level = |value: u64| [24, 100, 1008].iter().filter(|&&from| from <= value).count();
    let (mut start, mut size) = (0, 1024);
    loop {
        if level(start) == level(start + size - 1) {
            return (start, size);
        }
        size /= 2;
        start = if value < start + size { start } else { start + size };
    }
}

// --- levels ---------------------------------------------------------------------------------

#[test]
fn two_of_three_name_a_level_and_it_is_paid_whatever_the_third_says() {
    let escrow = of(3, 2, Draft::levels());
    let (contract, _) = escrow.signed();
    let all = ["in-time", "late", "lost", "unknown"];
    for (level, paid) in all.into_iter().zip([140_000, 115_000, 0, 90_000]) {
        for pair in [[0, 1], [0, 2], [1, 2]] {
            let third = 3 - pair[0] - pair[1];
            let mut said = pair.map(|oracle| escrow.names(oracle, level)).to_vec();
            assert_eq!(escrow.settled(&contract, &said).unwrap().oracles, pair, "{level}");
            for lie in all.iter().filter(|lie| **lie != level) {
                said.insert(0, escrow.names(third, lie));
                let cet = escrow.settled(&contract, &said).unwrap();
                assert_eq!((cet.oracles.as_slice(), cet.provider_sat), (&pair[..], Sat(paid)));
                assert_eq!(cet.signed, [level]);
                said.remove(0);
            }
        }
    }
}

#[test]
fn three_oracles_of_three_opinions_settle_nothing() {
    let escrow = of(3, 2, Draft::levels());
    let (contract, _) = escrow.signed();
    let said = [escrow.names(0, "in-time"), escrow.names(1, "late"), escrow.names(2, "lost")];
    assert!(escrow.settled(&contract, &said).is_none());
}

#[test]
fn three_of_five_settle_in_every_combination() {
    let escrow = of(5, 3, Draft::levels());
    let (contract, _) = escrow.signed();
    let mut settled = 0;
    for chosen in (0..32u32).filter(|chosen| chosen.count_ones() == 3) {
        let said: Vec<CheckedAttestation> = (0..5)
            .rev()
            .map(|oracle| escrow.names(oracle, if chosen >> oracle & 1 == 1 { "late" } else { "in-time" }))
            .collect();
        let cet = escrow.settled(&contract, &said).unwrap();
        assert_eq!(cet.oracles.iter().map(|oracle| 1 << oracle).sum::<u32>(), chosen);
        assert_eq!(cet.provider_sat, Sat(115_000));
        settled += 1;
    }
    assert_eq!(settled, 10);
}

// --- numbers ------------------------------------------------------------------------------------

/// The library's own `sign_cet` wants all digits equal here, although the signature takes the block's prefix only.
#[test]
fn oracles_whose_values_share_a_block_settle() {
    let escrow = of(3, 2, Draft::default());
    let (contract, _) = escrow.signed();
    let cet = escrow.settled(&contract, &[escrow.says(2, 700), escrow.says(0, 513)]).unwrap();
    assert_eq!(cet.provider_sat, Sat(0));
    assert_eq!(cet.oracles, [0, 2]);
    assert_eq!(cet.signed, escrow.says(0, 513).signed(), "the lower index says the level");
    // 511 and 512 pay the same, but no signature covers both.
    assert!(escrow.settled(&contract, &[escrow.says(0, 511), escrow.says(1, 512)]).is_none());
}

#[test]
fn pairs_settle_exactly_when_one_block_holds_both() {
    let escrow = of(2, 2, Draft::default());
    let (contract, _) = escrow.signed();
    let mut settled = 0;
    let values = [
        0, 15, 16, 23, 24, 31, 32, 64, 95, 96, 99, 100, 103, 104, 127, 128, 255, 256, 511, 512, 767, 768,
        895, 896, 1007, 1008, 1023,
    ];
    for a in values {
        for b in values {
            let cet = escrow.settled(&contract, &[escrow.says(0, a), escrow.says(1, b)]);
            assert_eq!(cet.is_some(), block(a) == block(b), "{a} and {b}");
            if let Some(cet) = cet {
                assert_eq!(Some(cet.provider_sat), escrow.deal.table().at_value(OutcomeValue(a)));
                settled += 1;
            }
        }
    }
    assert!(settled > values.len(), "not only with themselves: {settled}");
}

#[test]
fn a_third_oracle_that_lies_or_forges_never_hinders() {
    let escrow = of(3, 2, Draft::default());
    let (contract, _) = escrow.signed();
    let honest = [30, 31];
    for liar in 0..3 {
        let others: Vec<usize> = (0..3).filter(|oracle| *oracle != liar).collect();
        let mut said: Vec<_> =
            others.iter().zip(honest).map(|(oracle, value)| escrow.says(*oracle, value)).collect();
        for lie in [0, 23, 32, 100, 511, 1000, 1023] {
            said.insert(0, escrow.says(liar, lie));
            let cet = escrow.settled(&contract, &said).unwrap();
            assert_eq!((cet.oracles.as_slice(), cet.provider_sat), (&others[..], Sat(130_000)));
            said.remove(0);
        }
        let genuine = escrow.oracles[liar].attest_number(escrow.agreement(), 0);
        let mut forged = OracleAttestation::from_tlv_bytes(&genuine).unwrap();
        forged.outcomes[0] = "1".to_owned();
        let refused = gate::check_attestation(forged, escrow.deal.announcements()).unwrap_err();
        assert_eq!(refused.rule, Rule::BadSignature, "it never gets as far as settling");
    }
}

#[test]
fn no_data_from_two_is_paid_as_agreed() {
    let escrow = of(3, 2, Draft::default());
    let (contract, _) = escrow.signed();
    let said = [escrow.says(0, 1000), escrow.says(1, 1023), escrow.says(2, 1023)];
    assert_eq!(escrow.settled(&contract, &said).unwrap().provider_sat, Sat(90_000));
}

/// 5 of 9, and the four that lie come first.
#[test]
fn a_majority_settles_past_every_liar() {
    let pieces = vec![terms::Piece::step(0, terms::Credit::NONE), terms::Piece::step(4, terms::Credit::ALL)];
    let schedule = terms::Schedule::Numeric { pieces, quantum_bits: 0 };
    let draft = Draft { scale: hours(6), schedule, indeterminate: terms::Credit::ALL, ..Draft::default() };
    let escrow = of(9, 5, draft);
    assert_eq!(escrow.deal.table().signatures(&escrow.agreement().oracles), 2 * 126);
    let (contract, _) = escrow.signed();
    let mut said: Vec<_> = (0..4).map(|liar| escrow.says(liar, 4 + liar as u64 % 3)).collect();
    said.extend((4..8).map(|oracle| escrow.says(oracle, oracle as u64 % 4)));
    assert!(escrow.settled(&contract, &said).is_none(), "four against four");
    said.push(escrow.says(8, 3));
    let cet = escrow.settled(&contract, &said).unwrap();
    assert_eq!((cet.oracles, cet.provider_sat), (vec![4, 5, 6, 7, 8], Sat(140_000)));
}

// --- order, repetition, time -----------------------------------------------------------------------

#[test]
fn order_and_repetition_change_nothing() {
    let escrow = of(3, 2, Draft::default());
    let (contract, _) = escrow.signed();
    let [a, b, c] = [escrow.says(0, 520), escrow.says(1, 600), escrow.says(2, 700)];
    let first = escrow.settled(&contract, &[a.clone(), b.clone(), c.clone()]).unwrap();
    assert_eq!(first.oracles, [0, 1]);
    for order in [[&c, &b, &a], [&b, &a, &c], [&c, &a, &b]] {
        let said: Vec<CheckedAttestation> = order.iter().chain(&order).map(|said| (*said).clone()).collect();
        let cet = escrow.settled(&contract, &said).unwrap();
        assert_eq!(cet.transaction.compute_txid(), first.transaction.compute_txid());
        assert_eq!(cet.oracles, [0, 1]);
    }
    assert!(escrow.settled(&contract, &[b.clone(), b.clone(), b]).is_none(), "one oracle is one oracle");
}

#[test]
fn an_oracle_that_matures_later_is_waited_for_by_the_refund_and_not_by_the_others() {
    let draft = Draft { oracles: 3, threshold: 2, ..Draft::default() };
    let mut escrow = Escrow::of(draft);
    let delays = [5_000, 0, 90_000];
    let announcements = delays.iter().zip(&escrow.oracles).map(|(delay, oracle)| {
        let mut event = oracle.event(escrow.agreement());
        event.event_maturity_epoch = MATURITY + delay;
        oracle.sign_event(event)
    });
    escrow.deal = Deal::new(escrow.agreement().clone(), announcements.collect()).unwrap();
    assert_eq!(escrow.deal.refund_locktime(), MATURITY + 90_000 + 7 * 86_400);
    let (contract, _) = escrow.signed();
    // In the order of their maturities: the second, then the first; the third never comes.
    let cet = escrow.settled(&contract, &[escrow.says(1, 24), escrow.says(0, 24)]).unwrap();
    assert_eq!((cet.oracles, cet.provider_sat), (vec![0, 1], Sat(130_000)));
}

#[test]
fn a_key_of_neither_side_settles_nothing() {
    let escrow = of(3, 2, Draft::default());
    let (contract, _) = escrow.signed();
    let said = [escrow.says(0, 0), escrow.says(1, 0)];
    let stranger = escrow.offerer.contract_key([9; 32]);
    let error = settle::cet(&contract, &stranger, &said).unwrap_err();
    assert_eq!(&*error.field, "funding_key");
}

#[test]
fn attestations_of_another_event_neither_settle_nor_hinder() {
    let escrow = of(3, 2, Draft::default());
    let (contract, _) = escrow.signed();
    let other = of(5, 3, Draft { scale: terms::Scale::Numeric(other_unit()), ..Draft::default() });
    let mut said: Vec<_> = (0..5).map(|oracle| other.says(oracle, 0)).collect();
    assert!(escrow.settled(&contract, &said).is_none());
    said.extend([escrow.says(0, 24), escrow.says(2, 24)]);
    assert_eq!(escrow.settled(&contract, &said).unwrap().provider_sat, Sat(130_000));
}

/// As many digits and the same nonces, and still another event.
fn other_unit() -> terms::NumericScale {
    terms::NumericScale::count("d", 1000).unwrap()
}

// --- one oracle, two words ---------------------------------------------------------------------------

#[test]
fn two_outcomes_of_one_event_by_one_oracle_are_a_proof() {
    let escrow = of(3, 2, Draft::default());
    let announcements = escrow.deal.announcements();
    let [early, late] = [escrow.says(1, 3), escrow.says(1, 500)];
    let proof = conflict(&early, &late, announcements).unwrap();
    assert_eq!((proof.oracle, proof.place), (1, 1), "3 is 0000000011, 500 is 0111110100");
    assert_eq!(proof.attestations, [early.clone(), late.clone()]);
    assert_eq!(conflict(&late, &early, announcements), Some(proof), "whichever came first");
    assert_eq!(conflict(&early, &early, announcements), None);
    assert_eq!(conflict(&early, &escrow.says(0, 500), announcements), None, "two oracles may differ");
}

#[test]
fn a_conflict_is_proven_against_the_announcements_at_hand() {
    let escrow = of(3, 2, Draft::levels());
    let [a, b] = [escrow.names(2, "late"), escrow.names(2, "lost")];
    assert_eq!(conflict(&a, &b, escrow.deal.announcements()).unwrap().place, 0);
    let mut event = escrow.oracles[2].event(escrow.agreement());
    event.oracle_nonces = vec![escrow.oracles[2].keypair().x_only_public_key().0];
    let mut announced: Vec<_> = escrow.deal.announcements().as_slice().to_vec();
    announced[2] = escrow.oracles[2].sign_event(event);
    let others = Announcements::check(escrow.agreement(), announced).unwrap();
    assert_eq!(conflict(&a, &b, &others), None, "another announcement, other nonces: no proof");
}

/// Its word counts for nothing while two others agree, and for either side when it is needed.
#[test]
fn an_oracle_that_says_two_things_is_heard_last() {
    let escrow = of(3, 2, Draft::default());
    let (contract, _) = escrow.signed();
    let doubtful = [escrow.says(0, 3), escrow.says(0, 500)];
    let with = |others: &[CheckedAttestation]| {
        let said: Vec<_> = doubtful.iter().chain(others).cloned().collect();
        escrow.settled(&contract, &said).map(|cet| (cet.oracles, cet.provider_sat))
    };
    assert_eq!(with(&[escrow.says(1, 24), escrow.says(2, 24)]), Some((vec![1, 2], Sat(130_000))));
    assert_eq!(with(&[escrow.says(2, 500)]), Some((vec![0, 2], Sat(0))));
    assert_eq!(with(&[escrow.says(1, 3)]), Some((vec![0, 1], Sat(140_000))));
    assert_eq!(with(&[escrow.says(1, 24)]), None);
    assert_eq!(with(&[]), None);
}

#[test]
fn a_flood_of_forgeries_with_a_lost_key_does_not_bury_the_word_that_settles() {
    let escrow = of(3, 2, Draft::default());
    let (contract, _) = escrow.signed();
    let mut said: Vec<_> = (0..24).chain(104..160).map(|value| escrow.says(0, value)).collect();
    said.push(escrow.says(1, 30));
    assert!(escrow.settled(&contract, &said).is_none());
    said.push(escrow.says(0, 29));
    let cet = escrow.settled(&contract, &said).unwrap();
    assert_eq!((cet.oracles, cet.provider_sat), (vec![0, 1], Sat(130_000)));
}

#[test]
fn an_outcome_names_its_cet_with_several_oracles_as_with_one() {
    let escrow = of(3, 2, Draft::default());
    let (contract, _) = escrow.signed();
    let outcome = Outcome::Value(OutcomeValue(24));
    let cet = escrow.settled(&contract, &[escrow.says(0, 24), escrow.says(1, 24)]).unwrap();
    let expected = contract.cet_for(&outcome).unwrap();
    assert_eq!(expected.transaction.compute_txid(), cet.transaction.compute_txid());
    assert_eq!((expected.provider_sat, expected.buyer_sat), (cet.provider_sat, cet.buyer_sat));
}
