//! Payout schedules, and their compilation to the exact satoshis of either side.

mod compile;
mod rules;
mod signatures;
mod spread;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::DocumentError;
use crate::scale::{Outcome, Scale};
use crate::units::{OutcomeValue, PPM_WHOLE, Ppm, Sat};

pub use spread::Spread;

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

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Provider => "provider",
            Self::Buyer => "buyer",
        })
    }
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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
    /// A field of payout, scale or amounts breaks a rule of its own.
    #[error(transparent)]
    Invalid(#[from] DocumentError),
    /// A share of the total is between 1 and 999 sat, which the libraries would burn to fees.
    #[error(
        "payout.schedule: at outcome {outcome} the {side} would get {sat} sat; an output must be 0 or at least 1000 sat"
    )]
    Dust {
        /// The first outcome at which it happens.
        outcome: String,
        /// Who would get it.
        side: Side,
        /// How much.
        sat: Sat,
    },
    /// A worse outcome would pay the provider more.
    #[error(
        "payout.schedule: the provider would get {worse_sat} sat at outcome {outcome}, more than the {better_sat} sat of a better outcome"
    )]
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
    /// Oracles may differ, and who picks the combination that settles could move more than was agreed.
    #[error(
        "oracles.tolerance.max_spread_sat: combinations of oracles may settle {} sat apart (outcomes {} and {}); agreed is {most_sat}",
        spread.sat, spread.from, spread.to
    )]
    Spread {
        /// The largest spread.
        spread: Spread,
        /// What the agreement allows.
        most_sat: Sat,
    },
    /// The ramps have too many steps to sign.
    #[error(
        "payout.schedule.numeric.quantum_bits: the schedule has {segments} steps, at most {most} can be signed; take a larger quantum"
    )]
    TooManySegments {
        /// How many there are.
        segments: u64,
        /// How many there may be.
        most: u64,
    },
}

impl Payout {
    /// Checks the rules that need neither scale nor amounts; paths start at the payout.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn validate(&self) -> Result<(), DocumentError> {
        rules::check(self)
    }
}

impl Credit {
    /// The buyer gets nothing: the price goes to the provider, its bond back to it.
    pub const NONE: Self = Self { price_back_ppm: Ppm(0), bond_forfeit_ppm: Ppm(0) };

    /// The buyer gets the price and the bond.
    pub const ALL: Self = Self { price_back_ppm: Ppm(PPM_WHOLE), bond_forfeit_ppm: Ppm(PPM_WHOLE) };

    /// The buyer gets a share of the price back; the bond goes back to the provider.
    pub const fn of_price(ppm: u64) -> Self {
        Self { price_back_ppm: Ppm(ppm), ..Self::NONE }
    }
}

impl Piece {
    /// A step: one credit from `from` up to the next piece.
    pub const fn step(from: u64, credit: Credit) -> Self {
        Self { from: OutcomeValue(from), credit, ramp_to: None }
    }

    /// A ramp from `credit` at `from` to `ramp_to` at the start of the next piece.
    pub const fn ramp(from: u64, credit: Credit, ramp_to: Credit) -> Self {
        Self { from: OutcomeValue(from), credit, ramp_to: Some(ramp_to) }
    }
}

impl PayoutTable {
    /// The most segments that a contract may have.
    pub const MAX_SEGMENTS: u64 = 4096;

    /// Compiles a schedule over a scale.
    ///
    /// # Errors
    /// See [`CompileError`].
    pub fn compile(payout: &Payout, scale: &Scale, price: Sat, bond: Sat) -> Result<Self, CompileError> {
        compile::compile(payout, scale, price, bond)
    }

    /// What a schedule would pay at amounts that are only being looked for: as [`PayoutTable::compile`], but for the least
    /// sizes of price, bond and outputs. Nothing can be signed by it.
    ///
    /// # Errors
    /// See [`CompileError`].
    pub fn sketch(payout: &Payout, scale: &Scale, price: Sat, bond: Sat) -> Result<Self, CompileError> {
        compile::sketch(payout, scale, price, bond)
    }

    /// Price and bond together.
    pub fn total_sat(&self) -> Sat {
        match self {
            Self::Numeric { total_sat, .. } | Self::Levels { total_sat, .. } => *total_sat,
        }
    }

    /// The provider's satoshis at a value in `0..2^n`; `None` outside, or for an enum scale.
    pub fn at_value(&self, value: OutcomeValue) -> Option<Sat> {
        let Self::Numeric { segments, .. } = self else {
            return None;
        };
        let covering = segments.partition_point(|segment| segment.end < value);
        segments.get(covering).map(|segment| segment.provider_sat)
    }

    /// The provider's satoshis at an outcome; `None` when it is not one of this scale: a level of a numeric scale,
    /// an unknown level, or a value that lies in the indeterminate block.
    pub fn at(&self, outcome: &Outcome) -> Option<Sat> {
        match self {
            Self::Numeric { segments, .. } => {
                let (block, below) = segments.split_last()?;
                match outcome {
                    Outcome::Indeterminate => Some(block.provider_sat),
                    Outcome::Value(value) if *value < block.start => {
                        let covering = below.partition_point(|segment| segment.end < *value);
                        below.get(covering).map(|segment| segment.provider_sat)
                    }
                    Outcome::Value(_) | Outcome::Level(_) => None,
                }
            }
            Self::Levels { levels, .. } => {
                let ((_, block), named) = levels.split_last()?;
                match outcome {
                    Outcome::Indeterminate => Some(*block),
                    Outcome::Level(name) => {
                        named.iter().find(|(level, _)| level == name).map(|(_, sat)| *sat)
                    }
                    Outcome::Value(_) => None,
                }
            }
        }
    }
}
