//! The rules of a payout that need neither scale nor amounts.

use super::{Credit, LevelPayout, Payout, Piece, Schedule};
use crate::canonical::{DocumentError, ensure};
use crate::scale::{EnumScale, NumericScale};
use crate::units::{PPM_WHOLE, Ppm};

const MAX_PIECES: usize = 256;

/// Checks them all; paths start at the payout.
pub(super) fn check(payout: &Payout) -> Result<(), DocumentError> {
    schedule(&payout.schedule).map_err(|error| error.within("schedule"))?;
    credit(payout.indeterminate).map_err(|error| error.within("indeterminate"))
}

fn schedule(schedule: &Schedule) -> Result<(), DocumentError> {
    match schedule {
        Schedule::Numeric { pieces, quantum_bits } => {
            numeric(pieces, *quantum_bits).map_err(|error| error.within("numeric"))
        }
        Schedule::Levels(levels) => self::levels(levels),
    }
}

fn levels(levels: &[LevelPayout]) -> Result<(), DocumentError> {
    let few = (1..=EnumScale::MAX_LEVELS).contains(&levels.len());
    ensure(few, "levels", "must be 1 to 64 levels")?;
    for (index, level) in levels.iter().enumerate() {
        credit(level.credit).map_err(|error| error.within(&format!("levels[{index}].credit")))?;
    }
    Ok(())
}

fn numeric(pieces: &[Piece], quantum_bits: u64) -> Result<(), DocumentError> {
    ensure(quantum_bits < NumericScale::MAX_DIGITS, "quantum_bits", "must be below 24")?;
    ensure((1..=MAX_PIECES).contains(&pieces.len()), "pieces", "must be 1 to 256 pieces")?;
    for (index, piece) in pieces.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| pieces.get(before));
        self::piece(piece, before).map_err(|error| error.within(&format!("pieces[{index}]")))?;
    }
    Ok(())
}

fn piece(piece: &Piece, before: Option<&Piece>) -> Result<(), DocumentError> {
    match before {
        None => ensure(piece.from.0 == 0, "from", "must be 0 in the first piece")?,
        Some(before) => ensure(piece.from > before.from, "from", "must be above that of the piece before")?,
    }
    credit(piece.credit).map_err(|error| error.within("credit"))?;
    match piece.ramp_to {
        Some(ramp_to) => credit(ramp_to).map_err(|error| error.within("ramp_to")),
        None => Ok(()),
    }
}

fn credit(credit: Credit) -> Result<(), DocumentError> {
    let share = |share: Ppm, field| ensure(share.0 <= PPM_WHOLE, field, "must be at most 1000000");
    share(credit.price_back_ppm, "price_back_ppm")?;
    share(credit.bond_forfeit_ppm, "bond_forfeit_ppm")
}
