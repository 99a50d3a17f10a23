//! From a schedule to satoshis. All arithmetic is on integers, by runs of values and never value by value.

use super::{CompileError, Credit, LevelPayout, Payout, PayoutTable, Piece, Schedule, Segment, Side};
use crate::agreement::rules::{amounts, within_all_money};
use crate::scale::{EnumScale, NumericScale, Scale, Worse};
use crate::units::{MIN_OUTPUT_SAT, OutcomeValue, PPM_WHOLE, Sat};

/// What two parties lock, and who gets fractions.
#[derive(Clone, Copy)]
struct Pot {
    price: Sat,
    bond: Sat,
    round_to: Side,
    /// Whether outputs are allowed that the libraries would burn.
    dust: bool,
}

/// A credit between two others: `done` of `whole` of the way from `from` to `to`.
#[derive(Clone, Copy)]
struct Share {
    from: Credit,
    to: Credit,
    done: u64,
    whole: u64,
}

/// A run of values that pay the same share, from its first value to where the next run starts.
struct Run {
    start: u64,
    share: Share,
}

pub(super) fn compile(
    payout: &Payout,
    scale: &Scale,
    price: Sat,
    bond: Sat,
) -> Result<PayoutTable, CompileError> {
    amounts(price, bond)?;
    table(payout, scale, Pot { price, bond, round_to: payout.round_to, dust: false })
}

pub(super) fn sketch(
    payout: &Payout,
    scale: &Scale,
    price: Sat,
    bond: Sat,
) -> Result<PayoutTable, CompileError> {
    within_all_money(price, bond)?;
    table(payout, scale, Pot { price, bond, round_to: payout.round_to, dust: true })
}

fn table(payout: &Payout, scale: &Scale, pot: Pot) -> Result<PayoutTable, CompileError> {
    scale.validate().map_err(|error| error.within("measurement.outcome"))?;
    payout.validate().map_err(|error| error.within("payout"))?;
    match (&payout.schedule, scale) {
        (Schedule::Numeric { pieces, quantum_bits }, Scale::Numeric(scale)) => {
            numeric(pot, pieces, *quantum_bits, payout.indeterminate, scale)
        }
        (Schedule::Levels(paid), Scale::Enum(scale)) => levels(pot, paid, payout.indeterminate, scale),
        (Schedule::Numeric { .. }, Scale::Enum(_)) => {
            mismatch("payout.schedule", "must be levels: the outcome is an enum")
        }
        (Schedule::Levels(_), Scale::Numeric(_)) => {
            mismatch("payout.schedule", "must be numeric: the outcome is a number")
        }
    }
}

fn mismatch<T>(field: impl Into<String>, rule: &'static str) -> Result<T, CompileError> {
    Err(CompileError::Mismatch { field: field.into(), rule })
}

fn numeric(
    pot: Pot,
    pieces: &[Piece],
    quantum_bits: u64,
    indeterminate: Credit,
    scale: &NumericScale,
) -> Result<PayoutTable, CompileError> {
    check_fit(pieces, quantum_bits, scale)?;
    check_steps(pieces, quantum_bits, scale.max.0)?;
    let mut segments = Vec::new();
    for run in runs(pieces, quantum_bits, scale.max.0) {
        let provider_sat = pot.provider_sat(run.share);
        check_dust(pot, provider_sat, || run.start.to_string())?;
        push(&mut segments, run.start, provider_sat);
    }
    close(&mut segments, scale.indeterminate_from.0);
    check_direction(&segments, scale.worse)?;

    let provider_sat = pot.provider_sat(Share::all(indeterminate));
    check_dust(pot, provider_sat, || "indeterminate".to_owned())?;
    let start = scale.indeterminate_from;
    let end = OutcomeValue((1 << scale.digits) - 1);
    segments.push(Segment { start, end, provider_sat });
    Ok(PayoutTable::Numeric { total_sat: pot.total(), digits: scale.digits, segments })
}

/// The pieces lie on the scale, and every ramp has a way to go.
fn check_fit(pieces: &[Piece], quantum_bits: u64, scale: &NumericScale) -> Result<(), CompileError> {
    if quantum_bits >= scale.digits {
        return mismatch("payout.schedule.numeric.quantum_bits", "must be below the scale's digits");
    }
    for (index, piece) in pieces.iter().enumerate() {
        let field = |name| format!("payout.schedule.numeric.pieces[{index}].{name}");
        if piece.from > scale.max {
            return mismatch(field("from"), "must be at most the scale's max");
        }
        if piece.ramp_to.is_some() && piece.from == scale.max {
            return mismatch(
                field("ramp_to"),
                "must be left out: the piece starts at max and has no way to go",
            );
        }
    }
    Ok(())
}

/// Counts the steps of all pieces before any is made.
fn check_steps(pieces: &[Piece], quantum_bits: u64, max: u64) -> Result<(), CompileError> {
    let steps = |(index, piece): (usize, &Piece)| match piece.ramp_to {
        None => 1,
        Some(_) => (last_value(pieces, index, max) >> quantum_bits) - (piece.from.0 >> quantum_bits) + 1,
    };
    // One more for the indeterminate block.
    let segments = pieces.iter().enumerate().map(steps).sum::<u64>() + 1;
    if segments > PayoutTable::MAX_SEGMENTS {
        return Err(CompileError::TooManySegments { segments, most: PayoutTable::MAX_SEGMENTS });
    }
    Ok(())
}

/// The last value of a piece, those above `max` left aside: they pay like it.
fn last_value(pieces: &[Piece], index: usize, max: u64) -> u64 {
    pieces.get(index + 1).map_or(max, |next| next.from.0 - 1)
}

/// Every piece as runs of values, ascending; each ends where the next starts.
fn runs(pieces: &[Piece], quantum_bits: u64, max: u64) -> impl Iterator<Item = Run> {
    pieces.iter().enumerate().flat_map(move |(index, piece)| {
        let from = piece.from.0;
        let (to, last) = match piece.ramp_to {
            None => (piece.credit, from),
            Some(to) => (to, last_value(pieces, index, max)),
        };
        let whole = match piece.ramp_to {
            None => 1,
            Some(_) => pieces.get(index + 1).map_or(max, |next| next.from.0) - from,
        };
        let first_aligned = (from >> quantum_bits) + 1;
        let aligned = (first_aligned..=last >> quantum_bits).map(move |quantum| quantum << quantum_bits);
        std::iter::once(from).chain(aligned).map(move |start| Run {
            start,
            share: Share { from: piece.credit, to, done: start - from, whole },
        })
    })
}

/// Adds a segment, or lengthens the one before when it pays the same. Ends are set by [`close`].
fn push(segments: &mut Vec<Segment>, start: u64, provider_sat: Sat) {
    if segments.last().is_none_or(|before| before.provider_sat != provider_sat) {
        let start = OutcomeValue(start);
        segments.push(Segment { start, end: start, provider_sat });
    }
}

/// Ends every segment before the next one starts, and the last before `limit`.
fn close(segments: &mut [Segment], limit: u64) {
    let mut next_start = limit;
    for segment in segments.iter_mut().rev() {
        segment.end = OutcomeValue(next_start - 1);
        next_start = segment.start.0;
    }
}

fn levels(
    pot: Pot,
    paid: &[LevelPayout],
    indeterminate: Credit,
    scale: &EnumScale,
) -> Result<PayoutTable, CompileError> {
    let names = |index: usize| scale.levels.get(index).map(|level| level.name.as_str());
    for (index, level) in paid.iter().enumerate() {
        if names(index) != Some(level.level.as_str()) {
            let field = format!("payout.schedule.levels[{index}].level");
            return mismatch(field, "must be the level at this place of the measurement's outcome");
        }
    }
    if paid.len() != scale.levels.len() {
        return mismatch("payout.schedule.levels", "must pay every level of the measurement's outcome");
    }
    let mut levels = Vec::with_capacity(paid.len() + 1);
    let credits = paid.iter().map(|level| (&level.level, level.credit));
    for (name, credit) in credits.chain([(&scale.indeterminate, indeterminate)]) {
        let provider_sat = pot.provider_sat(Share::all(credit));
        check_dust(pot, provider_sat, || name.clone())?;
        levels.push((name.clone(), provider_sat));
    }
    check_level_direction(levels.get(..paid.len()).unwrap_or_default(), scale.worse)?;
    Ok(PayoutTable::Levels { total_sat: pot.total(), levels })
}

impl Share {
    /// The whole of one credit.
    fn all(credit: Credit) -> Self {
        Self { from: credit, to: credit, done: 0, whole: 1 }
    }
}

impl Pot {
    fn total(self) -> Sat {
        Sat(self.price.0 + self.bond.0)
    }

    /// One exact rational sum, rounded once. The sum stays below `2 * 2^51 * 2^20 * 2^24`, far from the end of 128 bits.
    fn provider_sat(self, share: Share) -> Sat {
        let (done, left) = (u128::from(share.done), u128::from(share.whole - share.done));
        let between = |from: u64, to: u64| u128::from(from) * left + u128::from(to) * done;
        let price_back = between(share.from.price_back_ppm.0, share.to.price_back_ppm.0);
        let bond_forfeit = between(share.from.bond_forfeit_ppm.0, share.to.bond_forfeit_ppm.0);
        let sum = u128::from(self.price.0) * price_back + u128::from(self.bond.0) * bond_forfeit;
        let whole = u128::from(PPM_WHOLE) * u128::from(share.whole);
        let buyer = match self.round_to {
            Side::Provider => sum / whole,
            Side::Buyer => sum.div_ceil(whole),
        };
        let buyer = u64::try_from(buyer).expect("a share of at most the whole is at most price and bond");
        Sat(self.total().0 - buyer)
    }
}

fn check_dust(pot: Pot, provider_sat: Sat, outcome: impl Fn() -> String) -> Result<(), CompileError> {
    let buyer_sat = Sat(pot.total().0 - provider_sat.0);
    if pot.dust {
        return Ok(());
    }
    for (side, sat) in [(Side::Provider, provider_sat), (Side::Buyer, buyer_sat)] {
        if sat.0 > 0 && sat < MIN_OUTPUT_SAT {
            return Err(CompileError::Dust { outcome: outcome(), side, sat });
        }
    }
    Ok(())
}

/// Below the indeterminate block the provider never gets more at a worse value.
fn check_direction(segments: &[Segment], worse: Worse) -> Result<(), CompileError> {
    let neighbours = segments.iter().zip(segments.iter().skip(1));
    for (lower, higher) in neighbours {
        let (bad, outcome, good) = match worse {
            Worse::Higher => (higher, higher.start, lower),
            Worse::Lower => (lower, lower.end, higher),
        };
        check_pair(bad.provider_sat, good.provider_sat, || outcome.to_string())?;
    }
    Ok(())
}

fn check_level_direction(levels: &[(String, Sat)], worse: Worse) -> Result<(), CompileError> {
    let neighbours = levels.iter().zip(levels.iter().skip(1));
    for (lower, higher) in neighbours {
        let (bad, good) = match worse {
            Worse::Higher => (higher, lower),
            Worse::Lower => (lower, higher),
        };
        check_pair(bad.1, good.1, || bad.0.clone())?;
    }
    Ok(())
}

fn check_pair(worse_sat: Sat, better_sat: Sat, outcome: impl Fn() -> String) -> Result<(), CompileError> {
    if worse_sat > better_sat {
        return Err(CompileError::PaysMoreForWorse { outcome: outcome(), worse_sat, better_sat });
    }
    Ok(())
}
