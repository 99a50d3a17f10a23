//! Which oracles agree, worked out from the documents alone: no node is asked, and no transaction is looked at.

use terms::{OracleSet, Outcome, PayoutTable, Segment};

/// The places of the oracles whose word can be paid by: each is the first of a combination of as many as must agree. The
/// first of them is, where all are heard. `said` holds what each attests, in the agreement's order; `None` where that is
/// nothing, or nobody counts on it.
pub fn deciding(oracles: &OracleSet, table: &PayoutTable, said: &[Option<Outcome>]) -> Vec<usize> {
    let others = usize::try_from(oracles.threshold).unwrap_or(usize::MAX).saturating_sub(1);
    let heads = said.iter().enumerate().filter_map(|(place, first)| {
        let first = first.as_ref()?;
        let after = said.get(place + 1..).unwrap_or_default().iter().flatten();
        let agreeing = after.filter(|other| agree(oracles, table, first, other)).count();
        (agreeing >= others).then_some(place)
    });
    heads.collect()
}

/// Whether two words are sure to settle together: the same, or under one digit prefix that pays the same everywhere, or
/// within the distance at which a tolerance always holds.
pub fn agree(oracles: &OracleSet, table: &PayoutTable, a: &Outcome, b: &Outcome) -> bool {
    let (Outcome::Value(one), Outcome::Value(other)) = (a, b) else { return a == b };
    let apart = one.0.abs_diff(other.0);
    let near = |exp: u64| u32::try_from(exp).ok().and_then(|exp| 1u64.checked_shl(exp));
    let tolerated = oracles.tolerance.as_ref().and_then(|tolerance| near(tolerance.min_fail_exp));
    tolerated.is_some_and(|most| apart <= most) || share_a_block(table, one.0, other.0)
}

/// The smallest block of values with one digit prefix that holds both must pay the same from end to end.
fn share_a_block(table: &PayoutTable, a: u64, b: u64) -> bool {
    let bits = u64::BITS - (a ^ b).leading_zeros();
    let Some(start) = a.checked_shr(bits).and_then(|prefix| prefix.checked_shl(bits)) else { return false };
    let end = start + ((1u64 << bits) - 1);
    run_around(table, a).is_some_and(|(first, last)| first <= start && end <= last)
}

/// The first and the last of the values around this one that pay the same.
fn run_around(table: &PayoutTable, value: u64) -> Option<(u64, u64)> {
    let PayoutTable::Numeric { segments, .. } = table else { return None };
    let runs = segments.chunk_by(|a: &Segment, b: &Segment| a.provider_sat == b.provider_sat);
    let mut ends = runs.filter_map(|run| Some((run.first()?.start.0, run.last()?.end.0)));
    ends.find(|(first, last)| (*first..=*last).contains(&value))
}

#[cfg(test)]
mod tests {
    use terms::{
        Credit, Hex32, NumericScale, OutcomeValue, Payout, Piece, Sat, Scale, Schedule, Side, Tolerance,
    };

    use super::*;

    /// Above 50,000 ppm half of the price goes back, above 500,000 all of it.
    fn table() -> PayoutTable {
        let pieces = vec![
            Piece::step(0, Credit::NONE),
            Piece::step(50_001, Credit::of_price(500_000)),
            Piece::step(500_001, Credit::of_price(1_000_000)),
        ];
        let schedule = Schedule::Numeric { pieces, quantum_bits: 0 };
        let payout = Payout { schedule, indeterminate: Credit::NONE, round_to: Side::Buyer };
        PayoutTable::compile(&payout, &Scale::Numeric(NumericScale::ppm()), Sat(100_000), Sat(50_000))
            .unwrap()
    }

    fn two_of_three(tolerance: Option<Tolerance>) -> OracleSet {
        OracleSet { keys: [1, 2, 3].map(|byte| Hex32([byte; 32])).to_vec(), threshold: 2, tolerance }
    }

    fn value(value: u64) -> Option<Outcome> {
        Some(Outcome::Value(OutcomeValue(value)))
    }

    #[test]
    fn the_first_of_those_that_agree_decides_and_a_liar_does_not() {
        let decides =
            |said: [Option<Outcome>; 3]| deciding(&two_of_three(None), &table(), &said).first().copied();
        assert_eq!(decides([value(333_334), value(0), value(333_334)]), Some(0));
        assert_eq!(decides([value(0), value(333_334), value(333_334)]), Some(1));
        assert_eq!(decides([value(333_334), None, None]), None);
        assert_eq!(decides([value(0), value(333_334), Some(Outcome::Indeterminate)]), None);
        assert_eq!(decides([Some(Outcome::Indeterminate), value(0), Some(Outcome::Indeterminate)]), Some(0));
    }

    #[test]
    fn numbers_agree_under_one_prefix_that_pays_the_same_and_not_because_they_pay_the_same() {
        let agrees = |a, b| agree(&two_of_three(None), &table(), &value(a).unwrap(), &value(b).unwrap());
        // 400,000 and 450,000 lie from 393,216 to 458,751, which all pays a half; 262,143 and 262,144 share no prefix.
        assert!(agrees(400_000, 450_000));
        assert!(!agrees(262_143, 262_144));
        assert!(!agrees(50_000, 50_001));
        assert!(agrees(7, 7));
    }

    #[test]
    fn a_tolerance_reaches_over_the_edge_of_a_step() {
        let tolerance = Tolerance { max_error_exp: 12, min_fail_exp: 11, max_spread_sat: Sat(100_000) };
        let oracles = two_of_three(Some(tolerance));
        let agrees = |a, b| agree(&oracles, &table(), &value(a).unwrap(), &value(b).unwrap());
        assert!(agrees(49_000, 51_048));
        assert!(!agrees(49_000, 51_049));
    }
}
