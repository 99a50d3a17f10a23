//! Payout schedules, and their compilation to the exact satoshis of either side.

use serde::{Deserialize, Serialize};

use crate::measurement::{Outcome, Scale};
use crate::units::{OutcomeValue, Ppm, Sat};

/// What each outcome pays, as shares of price and bond.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payout {
    /// The schedule below the indeterminate block.
    pub schedule: Schedule,
    /// What an indeterminate outcome pays.
    pub indeterminate: Credit,
    /// Who gets the fraction of a satoshi that a share may leave.
    pub round_to: Side,
}

/// What the buyer gets: shares of price and of bond. The provider gets the rest of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    /// The share of the price that goes back to the buyer.
    pub price_back_ppm: Ppm,
    /// The share of the provider's bond that the buyer gets on top.
    pub bond_forfeit_ppm: Ppm,
}

/// One of the two parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Who sells.
    Provider,
    /// Who buys.
    Buyer,
}

/// The schedule: pieces over a numeric scale, or one credit for each level of an enum scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// For a numeric scale.
    Numeric {
        /// Pieces by ascending `from`; the first starts at 0, each ends where the next starts, the last at `max`.
        pieces: Vec<Piece>,
        /// q: ramps move in steps of `2^q` outcome units, aligned to multiples of `2^q`.
        quantum_bits: u64,
    },
    /// For an enum scale: each of its levels except the indeterminate one, in its order.
    Levels(Vec<LevelPayout>),
}

/// One piece of a numeric schedule: a step, or a ramp when `to` is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// The first value that it covers.
    pub from: OutcomeValue,
    /// The credit at `from` (of the whole piece for a step).
    pub credit: Credit,
    /// For a ramp: the credit reached at the first value of the next piece (or at `max` in the last piece),
    /// linear in between, evaluated at the start of each quantum (at `from` in the first).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_to: Option<Credit>,
}

/// The credit of one level of an enum scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelPayout {
    /// The level's name.
    pub level: String,
    /// What it pays.
    pub credit: Credit,
}

/// The exact satoshis of either side at every outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayoutTable {
    /// For a numeric scale: contiguous segments from 0 to `2^n - 1`; the last covers the indeterminate block.
    Numeric {
        /// Price and bond together.
        total_sat: Sat,
        /// n.
        digits: u64,
        /// Ascending, without gap, neighbours below R differ in `provider_sat`.
        segments: Vec<Segment>,
    },
    /// For an enum scale: every level with the provider's part, the indeterminate level last.
    Levels {
        /// Price and bond together.
        total_sat: Sat,
        /// `(level name, provider_sat)`.
        levels: Vec<(String, Sat)>,
    },
}

/// A run of values that pay the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// The first value.
    pub start: OutcomeValue,
    /// The last value, inclusive.
    pub end: OutcomeValue,
    /// What the provider gets.
    pub provider_sat: Sat,
}

/// Why a schedule cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// A share of the total is between 1 and 999 sat, which the libraries would burn to fees.
    #[error("payout.schedule: at outcome {outcome} the {side:?} would get {sat} sat; an output must be 0 or at least 1000 sat")]
    Dust {
        /// The first outcome at which it happens.
        outcome: String,
        /// Who would get it.
        side: Side,
        /// How much.
        sat: Sat,
    },
    /// A worse outcome would pay the provider more.
    #[error("payout.schedule: the provider would get {worse_sat} sat at outcome {outcome}, more than the {better_sat} sat of a better outcome")]
    PaysMoreForWorse {
        /// The worse outcome.
        outcome: String,
        /// What the provider would get there.
        worse_sat: Sat,
        /// What it gets at a better outcome.
        better_sat: Sat,
    },
    /// The schedule does not fit the measurement's scale.
    #[error("{field}: {rule}")]
    Mismatch {
        /// The field.
        field: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The ramps have too many steps to sign.
    #[error("payout.schedule.numeric.quantum_bits: the schedule has {segments} steps, at most {most} can be signed; take a larger quantum")]
    TooManySegments {
        /// How many there are.
        segments: u64,
        /// How many there may be.
        most: u64,
    },
}

impl PayoutTable {
    /// The most segments that a contract may have.
    pub const MAX_SEGMENTS: u64 = 4096;

    /// Compiles a schedule over a scale.
    ///
    /// # Errors
    /// See [`CompileError`].
    pub fn compile(payout: &Payout, scale: &Scale, price: Sat, bond: Sat) -> Result<Self, CompileError> {
        let _ = (payout, scale, price, bond);
        todo!()
    }

    /// Price and bond together.
    pub fn total_sat(&self) -> Sat {
        match self {
            Self::Numeric { total_sat, .. } | Self::Levels { total_sat, .. } => *total_sat,
        }
    }

    /// The provider's satoshis at a value in `0..2^n`; `None` outside, or for an enum scale.
    pub fn at_value(&self, value: OutcomeValue) -> Option<Sat> {
        let _ = value;
        todo!()
    }

    /// The provider's satoshis at an outcome; `None` when it is not one of this scale.
    pub fn at(&self, outcome: &Outcome) -> Option<Sat> {
        let _ = outcome;
        todo!()
    }
}
