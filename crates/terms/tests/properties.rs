//! Random schedules against a second, slow reading of the documentation: value by value, without segments.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use terms::{
    CompileError, Credit, NumericScale, OutcomeValue, Payout, PayoutTable, Piece, Ppm, Sat, Scale, Schedule,
    Segment, Side, Worse,
};

#[derive(Clone, Debug)]
struct Case {
    scale: NumericScale,
    payout: Payout,
    price: Sat,
    bond: Sat,
}

impl Case {
    fn compile(&self) -> Result<PayoutTable, CompileError> {
        PayoutTable::compile(&self.payout, &Scale::Numeric(self.scale.clone()), self.price, self.bond)
    }

    fn total(&self) -> u64 {
        self.price.0 + self.bond.0
    }

    fn pieces(&self) -> (&[Piece], u64) {
        match &self.payout.schedule {
            Schedule::Numeric { pieces, quantum_bits } => (pieces, *quantum_bits),
            Schedule::Levels(_) => unreachable!("cases are numeric"),
        }
    }

    /// What the provider gets at a value, straight from the documentation.
    fn provider_sat(&self, value: u64) -> u64 {
        if value >= self.scale.indeterminate_from.0 {
            return self.total() - self.buyer_sat(self.payout.indeterminate, self.payout.indeterminate, 0, 1);
        }
        let value = value.min(self.scale.max.0);
        let (pieces, quantum_bits) = self.pieces();
        let index = pieces.iter().rposition(|piece| piece.from.0 <= value).unwrap();
        let piece = &pieces[index];
        let from = piece.from.0;
        let Some(to) = piece.ramp_to else {
            return self.total() - self.buyer_sat(piece.credit, piece.credit, 0, 1);
        };
        let end = pieces.get(index + 1).map_or(self.scale.max.0, |next| next.from.0);
        let quantum = 1 << quantum_bits;
        let start = from.max(value / quantum * quantum);
        self.total() - self.buyer_sat(piece.credit, to, start - from, end - from)
    }

    /// `amount * (from + (to - from) * done / whole) / 10^6` over price and bond, rounded once.
    fn buyer_sat(&self, from: Credit, to: Credit, done: u64, whole: u64) -> u64 {
        let part = |amount: Sat, from: Ppm, to: Ppm| {
            let (from, to) = (i128::from(from.0), i128::from(to.0));
            i128::from(amount.0) * (from * i128::from(whole) + (to - from) * i128::from(done))
        };
        let sum = part(self.price, from.price_back_ppm, to.price_back_ppm)
            + part(self.bond, from.bond_forfeit_ppm, to.bond_forfeit_ppm);
        let whole = i128::from(whole) * 1_000_000;
        let rounded = match self.payout.round_to {
            Side::Provider => sum / whole,
            Side::Buyer => (sum + whole - 1) / whole,
        };
        u64::try_from(rounded).unwrap()
    }

    fn values(&self) -> std::ops::Range<u64> {
        0..1 << self.scale.digits
    }

    /// The first value that would pay dust, if any.
    fn dust(&self) -> Option<u64> {
        self.values().find(|&value| {
            let provider = self.provider_sat(value);
            (1..1000).contains(&provider) || (1..1000).contains(&(self.total() - provider))
        })
    }

    /// Whether some value below R pays the provider more than a better one.
    fn pays_more_for_worse(&self) -> bool {
        let values = 1..self.scale.indeterminate_from.0;
        values.into_iter().any(|higher| {
            let (lower, higher) = (self.provider_sat(higher - 1), self.provider_sat(higher));
            match self.scale.worse {
                Worse::Higher => higher > lower,
                Worse::Lower => higher < lower,
            }
        })
    }
}

fn scales() -> impl Strategy<Value = NumericScale> {
    let worse = prop_oneof![3 => Just(Worse::Higher), 1 => Just(Worse::Lower)];
    (1..=9_u64, worse).prop_flat_map(|(digits, worse)| {
        (0..digits).prop_flat_map(move |block| {
            let indeterminate_from = (1 << digits) - (1 << block);
            (0..indeterminate_from).prop_map(move |max| NumericScale {
                unit: "u".to_owned(),
                digits,
                max: OutcomeValue(max),
                indeterminate_from: OutcomeValue(indeterminate_from),
                worse,
            })
        })
    })
}

/// Shares that often are round, and often are all or nothing.
fn shares() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1_000_000), (0..=20_u64).prop_map(|part| part * 50_000), 0..=1_000_000_u64]
}

fn amounts() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 2 => 1000..10_000_u64, 3 => 10_000..50_000_000_u64]
}

fn credits(count: usize) -> impl Strategy<Value = Vec<Credit>> {
    let credit = (shares(), shares())
        .prop_map(|(price, bond)| Credit { price_back_ppm: Ppm(price), bond_forfeit_ppm: Ppm(bond) });
    proptest::collection::vec(credit, count)
}

/// Mostly rising credits over random edges, some of them ramps.
fn cases() -> impl Strategy<Value = Case> {
    (scales(), amounts(), amounts(), 0..5_usize)
        .prop_filter("somebody locks something", |(_, price, bond, _)| price + bond > 0)
        .prop_flat_map(|(scale, price, bond, edges)| {
            let edges = proptest::collection::vec(0..=scale.max.0, edges);
            let ramps = proptest::collection::vec(any::<bool>(), 6);
            let sorted = prop_oneof![4 => Just(true), 1 => Just(false)];
            let side = prop_oneof![Just(Side::Provider), Just(Side::Buyer)];
            (Just((scale.clone(), price, bond)), edges, credits(13), ramps, sorted, 0..scale.digits, side)
        })
        .prop_map(|((scale, price, bond), edges, mut credits, ramps, sorted, quantum_bits, round_to)| {
            let indeterminate = credits.pop().unwrap();
            if sorted {
                sort(&mut credits, scale.worse);
            }
            let edges: BTreeSet<_> = edges.into_iter().chain([0]).collect();
            let pieces =
                edges.into_iter().zip(credits.chunks(2)).zip(ramps).map(|((from, credits), ramp)| Piece {
                    from: OutcomeValue(from),
                    credit: credits[0],
                    ramp_to: (ramp && from < scale.max.0).then(|| credits[1]),
                });
            let schedule = Schedule::Numeric { pieces: pieces.collect(), quantum_bits };
            Case {
                payout: Payout { schedule, indeterminate, round_to },
                price: Sat(price),
                bond: Sat(bond),
                scale,
            }
        })
}

/// Each share for itself rises towards the worse end.
fn sort(credits: &mut [Credit], worse: Worse) {
    let mut prices: Vec<_> = credits.iter().map(|credit| credit.price_back_ppm).collect();
    let mut bonds: Vec<_> = credits.iter().map(|credit| credit.bond_forfeit_ppm).collect();
    prices.sort();
    bonds.sort();
    if worse == Worse::Lower {
        prices.reverse();
        bonds.reverse();
    }
    for ((credit, price), bond) in credits.iter_mut().zip(prices).zip(bonds) {
        *credit = Credit { price_back_ppm: price, bond_forfeit_ppm: bond };
    }
}

fn segments(table: &PayoutTable) -> &[Segment] {
    match table {
        PayoutTable::Numeric { segments, .. } => segments,
        PayoutTable::Levels { .. } => unreachable!("cases are numeric"),
    }
}

/// The number of prefixes that cover `first..=last` exactly, by walking down the tree of digits.
fn cover(first: u64, last: u64, node: u64, size: u64) -> u64 {
    let end = node + size - 1;
    if first <= node && end <= last {
        1
    } else if last < node || end < first {
        0
    } else {
        cover(first, last, node, size / 2) + cover(first, last, node + size / 2, size / 2)
    }
}

#[test]
fn the_random_schedules_are_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let (mut compiled, mut stepped, mut dusty, mut reversed) = (0, 0, 0, 0);
    for _ in 0..2000 {
        match cases().new_tree(&mut runner).unwrap().current().compile() {
            Ok(table) if segments(&table).len() > 3 => stepped += 1,
            Ok(_) => compiled += 1,
            Err(CompileError::Dust { .. }) => dusty += 1,
            Err(CompileError::PaysMoreForWorse { .. }) => reversed += 1,
            Err(other) => panic!("{other}"),
        }
    }
    let kinds = [compiled, stepped, dusty, reversed];
    assert!(kinds.iter().all(|count| *count > 100), "{kinds:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_compiled_schedule_pays_at_every_value_what_the_documentation_says(case in cases()) {
        match case.compile() {
            Ok(table) => {
                for value in case.values() {
                    prop_assert_eq!(table.at_value(OutcomeValue(value)), Some(Sat(case.provider_sat(value))), "{}", value);
                }
                prop_assert_eq!(case.dust(), None);
                prop_assert!(!case.pays_more_for_worse());
            }
            Err(CompileError::Dust { outcome, side, sat }) => {
                let value = outcome.parse().unwrap_or((1 << case.scale.digits) - 1);
                let provider = case.provider_sat(value);
                let paid = if side == Side::Provider { provider } else { case.total() - provider };
                prop_assert_eq!(Sat(paid), sat);
                prop_assert!((1..1000).contains(&paid));
            }
            Err(CompileError::PaysMoreForWorse { outcome, worse_sat, better_sat }) => {
                prop_assert!(case.pays_more_for_worse());
                prop_assert_eq!(case.provider_sat(outcome.parse().unwrap()), worse_sat.0);
                prop_assert!(worse_sat > better_sat);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn segments_cover_every_value_once_and_neighbours_below_indeterminate_differ(case in cases()) {
        let Ok(table) = case.compile() else { return Ok(()) };
        let segments = segments(&table);
        let mut next = 0;
        for segment in segments {
            prop_assert_eq!(segment.start.0, next);
            prop_assert!(segment.start <= segment.end);
            next = segment.end.0 + 1;
        }
        prop_assert_eq!(next, 1 << case.scale.digits);
        let (block, below) = segments.split_last().unwrap();
        prop_assert_eq!(block.start, case.scale.indeterminate_from);
        for pair in below.windows(2) {
            prop_assert_ne!(pair[0].provider_sat, pair[1].provider_sat);
        }
    }

    #[test]
    fn nobody_gets_dust_and_both_together_get_price_and_bond(case in cases()) {
        let Ok(table) = case.compile() else { return Ok(()) };
        prop_assert_eq!(table.total_sat().0, case.total());
        for value in case.values() {
            let provider = table.at_value(OutcomeValue(value)).unwrap().0;
            let buyer = case.total().checked_sub(provider);
            prop_assert!(buyer.is_some());
            for sat in [provider, buyer.unwrap()] {
                prop_assert!(sat == 0 || sat >= 1000);
            }
        }
    }

    #[test]
    fn the_provider_never_gets_more_at_a_worse_value(case in cases()) {
        let Ok(table) = case.compile() else { return Ok(()) };
        for higher in 1..case.scale.indeterminate_from.0 {
            let at = |value| table.at_value(OutcomeValue(value)).unwrap();
            match case.scale.worse {
                Worse::Higher => prop_assert!(at(higher) <= at(higher - 1)),
                Worse::Lower => prop_assert!(at(higher) >= at(higher - 1)),
            }
        }
    }

    #[test]
    fn signatures_are_the_prefixes_that_cover_the_segments(case in cases()) {
        let Ok(table) = case.compile() else { return Ok(()) };
        let size = 1 << case.scale.digits;
        let prefixes: u64 = segments(&table).iter().map(|segment| cover(segment.start.0, segment.end.0, 0, size)).sum();
        prop_assert_eq!(table.signature_estimate(), prefixes);
    }

    #[test]
    fn a_payout_is_read_back_from_its_canonical_form(case in cases()) {
        let canonical = terms::canonical::bytes(&case.payout);
        prop_assert_eq!(terms::canonical::parse_exact::<Payout>(&canonical), Ok(case.payout));
    }

    #[test]
    fn bytes_from_a_stranger_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(terms::Agreement::parse(&bytes).is_err());
    }

    #[test]
    fn a_golden_document_with_one_byte_changed_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = include_bytes!("golden/agreement-v1.json").to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(agreement) = terms::Agreement::parse(&bytes) {
            let _ = agreement.compile();
        }
    }
}
