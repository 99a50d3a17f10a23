//! The library's trie, asked about every pair of values of many small tables, against what the agreement promises.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use bitcoin::Amount;
use dlc::{Payout, RangePayout};
use dlc_trie::multi_oracle_trie_with_diff::MultiOracleTrieWithDiff;
use dlc_trie::{DlcTrie, OracleNumericInfo};
use terms::{
    Credit, Hex32, NumericScale, OracleSet, OutcomeValue, PayoutTable, Piece, Sat, Scale, Schedule, Segment,
    Side, Tolerance, Worse,
};

const DIGITS: usize = 7;
const VALUES: u64 = 1 << DIGITS;
const MAX: u64 = 80;
const NO_DATA_FROM: u64 = 112;

/// xorshift64*: the same cases on every machine.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}

/// Up to eight steps at random values.
fn table(draws: &mut Draws) -> PayoutTable {
    let mut froms: Vec<u64> = (0..=draws.below(8)).map(|_| 1 + draws.below(MAX)).collect();
    froms.sort_unstable();
    froms.dedup();
    let mut credit = 0;
    let mut pieces = vec![Piece::step(0, Credit::NONE)];
    for from in froms {
        credit = (credit + 2_000 + draws.below(200_000)).min(1_000_000);
        pieces.push(Piece::step(from, Credit::of_price(credit)));
    }
    let scale = Scale::Numeric(NumericScale {
        unit: "h".to_owned(),
        digits: DIGITS as u64,
        max: OutcomeValue(MAX),
        indeterminate_from: OutcomeValue(NO_DATA_FROM),
        worse: Worse::Higher,
    });
    let payout = terms::Payout {
        schedule: Schedule::Numeric { pieces, quantum_bits: 0 },
        indeterminate: Credit::of_price(500_000),
        round_to: Side::Buyer,
    };
    PayoutTable::compile(&payout, &scale, Sat(1_000_000), Sat(0)).unwrap()
}

fn ranges(table: &PayoutTable) -> Vec<RangePayout> {
    let PayoutTable::Numeric { segments, .. } = table else { unreachable!() };
    let mut runs: Vec<Segment> = Vec::new();
    for segment in segments {
        match runs.last_mut() {
            Some(last) if last.provider_sat == segment.provider_sat => last.end = segment.end,
            _ => runs.push(*segment),
        }
    }
    let range = |run: &Segment| RangePayout {
        start: run.start.0 as usize,
        count: (run.end.0 - run.start.0 + 1) as usize,
        payout: Payout { offer: Amount::from_sat(run.provider_sat.0), accept: Amount::ZERO },
    };
    runs.iter().map(range).collect()
}

fn digits(value: u64) -> Vec<usize> {
    (0..DIGITS).rev().map(|place| (value >> place & 1) as usize).collect()
}

/// What each pair of values pays when a lower and a higher index say them; `None` when they do not settle.
struct Pairs(Vec<Option<u64>>);

impl Pairs {
    fn at(&self, lower: u64, higher: u64) -> Option<u64> {
        self.0[(lower * VALUES + higher) as usize]
    }
}

/// A trie of two of three oracles, every pair looked up, and how many signatures it holds.
fn pairs(ranges: &[RangePayout], tolerance: &Tolerance) -> (Pairs, u64) {
    let info = OracleNumericInfo { base: 2, nb_digits: vec![DIGITS; 3] };
    let (support, error) = (tolerance.min_fail_exp as usize, tolerance.max_error_exp as usize);
    let mut trie = MultiOracleTrieWithDiff::new(&info, 2, support, error).unwrap();
    let signatures = trie.generate(0, ranges).unwrap().len() as u64;
    let look_up = |oracles: [usize; 2], values: [u64; 2]| {
        let paths: Vec<_> = oracles.into_iter().zip(values.map(digits)).collect();
        let found = trie.multi_trie.look_up(&paths)?;
        Some(ranges[found.0.cet_index].payout.offer.to_sat())
    };
    let every = (0..VALUES).flat_map(|a| (0..VALUES).map(move |b| [a, b]));
    let found = every.map(|values| {
        let found = look_up([0, 2], values);
        assert_eq!(found, look_up([1, 2], values), "every pair of oracles is treated alike");
        found
    });
    (Pairs(found.collect()), signatures)
}

/// The start of the largest aligned block around a value in which everything pays the same.
fn block(table: &PayoutTable, value: u64) -> (u64, u64) {
    let at = |value| table.at_value(OutcomeValue(value)).unwrap();
    let fits = |bits: &u64| {
        let start = value >> bits << bits;
        (start..start + (1 << bits)).all(|other| at(other) == at(value))
    };
    let bits = (0..=DIGITS as u64).take_while(fits).last().unwrap();
    (value >> bits << bits, bits)
}

#[test]
fn every_pair_settles_as_the_agreement_says() {
    let mut draws = Draws(0x0EA2_7E57);
    let (mut tables, mut both) = (0, 0u64);
    for round in 0..48u64 {
        let table = table(&mut draws);
        let max_error_exp = 1 + round % 4;
        let min_fail_exp = draws.below(max_error_exp);
        let tolerance = Tolerance { max_error_exp, min_fail_exp, max_spread_sat: Sat(0) };
        let keys = vec![Hex32([1; 32]), Hex32([2; 32]), Hex32([3; 32])];
        let oracles = OracleSet { keys, threshold: 2, tolerance: Some(tolerance.clone()) };
        let (pairs, signatures) = pairs(&ranges(&table), &tolerance);
        assert_eq!(signatures, table.signatures(&oracles));
        each_pair(&table, &tolerance, &pairs);
        both += each_choice(&table, &pairs, oracles.spread(&table).unwrap().sat.0);
        tables += 1;
    }
    println!("{tables} tables, {both} times two combinations settled at different levels");
    assert!(both > 10_000, "{both}");
}

fn each_pair(table: &PayoutTable, tolerance: &Tolerance, pairs: &Pairs) {
    let blocks: Vec<(u64, u64)> = (0..VALUES).map(|value| block(table, value)).collect();
    for a in 0..VALUES {
        for b in 0..VALUES {
            let paid = pairs.at(a, b);
            if a.abs_diff(b) <= 1 << tolerance.min_fail_exp {
                assert!(paid.is_some(), "{a} and {b} are near, {tolerance:?}");
            }
            if let Some(paid) = paid {
                assert_eq!(
                    Some(Sat(paid)),
                    table.at_value(OutcomeValue(a)),
                    "the lower index sets the level"
                );
                let near = a.abs_diff(b) <= tolerance.reach();
                assert!(near || blocks[a as usize] == blocks[b as usize], "{a} and {b}, {tolerance:?}");
            }
        }
    }
    let no_data = VALUES - 1;
    for value in 0..NO_DATA_FROM {
        assert_eq!((pairs.at(no_data, value), pairs.at(value, no_data)), (None, None), "{value}");
    }
}

/// The first two oracles, each with the third: how far apart may they settle? Counts the real choices.
fn each_choice(table: &PayoutTable, pairs: &Pairs, spread: u64) -> u64 {
    let mut choices = 0;
    for between in 0..VALUES {
        let levels: Vec<u64> = (0..NO_DATA_FROM).filter_map(|level| pairs.at(level, between)).collect();
        let (Some(least), Some(most)) = (levels.iter().min(), levels.iter().max()) else { continue };
        assert!(most - least <= spread, "{between}: {least} to {most}, {spread}");
        choices += levels.iter().filter(|level| *level != least).count() as u64;
        // Nobody who measured anything is drawn to "no data", even by a third who lies.
        let honest = (0..=MAX).any(|level| pairs.at(level, between).is_some());
        assert!(!honest || pairs.at(VALUES - 1, between).is_none(), "{between}, {table:?}");
    }
    choices
}
