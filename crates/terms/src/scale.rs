//! The scale of an outcome: which strings an oracle can sign for it, and what they mean.

use serde::{Deserialize, Serialize};

use crate::canonical::{DocumentError, ensure};
use crate::units::{MAX_NUMBER, OutcomeValue, PPM_WHOLE};

/// The outcome's scale: a number in base 2, or one of a few named levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scale {
    /// A number.
    Numeric(NumericScale),
    /// A level.
    Enum(EnumScale),
}

/// A number of `digits` base-2 digits, unsigned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumericScale {
    /// The unit, as the announcement states it: `ppm`, `h` ...
    pub unit: String,
    /// The number of base-2 digits, n.
    pub digits: u64,
    /// The largest value; readings above it are clamped to it.
    pub max: OutcomeValue,
    /// R, of the form `2^n - 2^k`: this and every value above it mean "indeterminate".
    pub indeterminate_from: OutcomeValue,
    /// Which direction is worse for the buyer.
    pub worse: Worse,
}

/// Which direction of a scale is worse for the buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worse {
    /// More is worse: downtime, lateness.
    Higher,
    /// Less is worse: tokens per second.
    Lower,
}

/// A few named levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnumScale {
    /// The levels by ascending threshold; the first starts at 0.
    pub levels: Vec<Level>,
    /// The name of the level that means "indeterminate".
    pub indeterminate: String,
    /// Which direction of the thresholds is worse for the buyer.
    pub worse: Worse,
}

/// One named level of an enum scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Its name, which the oracle signs.
    pub name: String,
    /// The smallest reading that it covers.
    pub from: OutcomeValue,
}

/// What an oracle attests, before it is encoded as digits or as a level's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A value of a numeric scale, at most its `max`.
    Value(OutcomeValue),
    /// A level of an enum scale.
    Level(String),
    /// The oracle itself could not measure enough.
    Indeterminate,
}

impl Scale {
    /// Which direction is worse for the buyer.
    pub fn worse(&self) -> Worse {
        match self {
            Self::Numeric(scale) => scale.worse,
            Self::Enum(scale) => scale.worse,
        }
    }

    /// The strings an oracle signs for an outcome: `n` digits "0"/"1", most significant first, or one level name.
    /// Values above `max` are clamped to it; indeterminate is `2^n - 1`, or the level of that name.
    ///
    /// Returns `None` when the outcome is not one of this scale (a level for a number, an unknown level).
    pub fn encode(&self, outcome: &Outcome) -> Option<Vec<String>> {
        match self {
            Self::Numeric(scale) => scale.encode(outcome),
            Self::Enum(scale) => scale.encode(outcome),
        }
    }

    /// The outcome that signed strings stand for; `None` when they are none of this scale's.
    /// Every value from `indeterminate_from` reads as [`Outcome::Indeterminate`], and one between `max` and there as `max`.
    pub fn decode(&self, outcomes: &[String]) -> Option<Outcome> {
        match self {
            Self::Numeric(scale) => scale.decode(outcomes),
            Self::Enum(scale) => scale.decode(outcomes),
        }
    }

    /// The first and the last outcome whose strings begin with these: a block of numbers of which only the leading digits
    /// are known, or one level. `None` when there is none.
    pub fn covered(&self, words: &[String]) -> Option<(Outcome, Outcome)> {
        let filled = |digit: &str| {
            let mut words = words.to_vec();
            if let Self::Numeric(scale) = self {
                words.resize(words.len().max(usize::try_from(scale.digits).ok()?), digit.to_owned());
            }
            self.decode(&words)
        };
        Some((filled("0")?, filled("1")?))
    }

    /// The outcome for an integer reading (already rounded): clamped to `max`, or the level that covers it.
    pub fn classify(&self, reading: u64) -> Outcome {
        match self {
            Self::Numeric(scale) => Outcome::Value(OutcomeValue(reading.min(scale.max.0))),
            Self::Enum(scale) => scale.classify(reading),
        }
    }

    /// The worst reading that the scale tells apart from better ones: 0 where lower is worse; where higher is, `max`, or
    /// the threshold of the last level.
    pub fn worst_reading(&self) -> u64 {
        match (self.worse(), self) {
            (Worse::Lower, _) => 0,
            (Worse::Higher, Self::Numeric(scale)) => scale.max.0,
            (Worse::Higher, Self::Enum(scale)) => scale.levels.last().map_or(0, |level| level.from.0),
        }
    }

    /// Checks every rule that the scale's fields must obey together; paths start at the scale.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn validate(&self) -> Result<(), DocumentError> {
        match self {
            Self::Numeric(scale) => scale.validate().map_err(|error| error.within("numeric")),
            Self::Enum(scale) => scale.validate().map_err(|error| error.within("enum")),
        }
    }
}

impl NumericScale {
    /// The most digits of a scale.
    pub const MAX_DIGITS: u64 = 24;

    /// The scale of a share in ppm where more is worse: 20 digits, indeterminate from `2^20 - 2^15`.
    pub fn ppm() -> Self {
        Self {
            unit: "ppm".to_owned(),
            digits: 20,
            max: OutcomeValue(PPM_WHOLE),
            indeterminate_from: OutcomeValue((1 << 20) - (1 << 15)),
            worse: Worse::Higher,
        }
    }

    /// The scale of a count of `unit` from 0 to `max` where more is worse, with as few digits as hold `max` and
    /// an indeterminate block above it. `None` when that takes more than [`Self::MAX_DIGITS`].
    ///
    /// ```
    /// let hours = terms::NumericScale::count("h", 48).unwrap();
    /// assert_eq!((hours.digits, hours.indeterminate_from.0), (6, 56)); // 64 - 8
    /// ```
    pub fn count(unit: &str, max: u64) -> Option<Self> {
        let digits = (1..=Self::MAX_DIGITS).find(|digits| max < (1 << digits) - 1)?;
        let top = 1u64 << digits;
        let block = (0..digits).rev().map(|k| 1u64 << k).find(|block| max < top - block)?;
        Some(Self {
            unit: unit.to_owned(),
            digits,
            max: OutcomeValue(max),
            indeterminate_from: OutcomeValue(top - block),
            worse: Worse::Higher,
        })
    }

    /// The last value that the digits can say, `2^n - 1`: what is signed for "indeterminate".
    /// `None` for more digits than a document may have.
    pub fn last(&self) -> Option<OutcomeValue> {
        (1..=Self::MAX_DIGITS).contains(&self.digits).then(|| OutcomeValue((1 << self.digits) - 1))
    }

    fn encode(&self, outcome: &Outcome) -> Option<Vec<String>> {
        let value = match outcome {
            Outcome::Value(value) => (*value).min(self.max),
            Outcome::Indeterminate => self.last()?,
            Outcome::Level(_) => return None,
        };
        if value > self.last()? {
            return None;
        }
        let digit = |place: u64| if value.0 >> place & 1 == 1 { "1" } else { "0" };
        Some((0..self.digits).rev().map(|place| digit(place).to_owned()).collect())
    }

    fn decode(&self, outcomes: &[String]) -> Option<Outcome> {
        self.last()?;
        if outcomes.len() as u64 != self.digits {
            return None;
        }
        let value = outcomes.iter().try_fold(0, |value, digit| match digit.as_str() {
            "0" => Some(value << 1),
            "1" => Some(value << 1 | 1),
            _ => None,
        })?;
        Some(match value {
            value if value >= self.indeterminate_from.0 => Outcome::Indeterminate,
            value => Outcome::Value(OutcomeValue(value.min(self.max.0))),
        })
    }

    fn validate(&self) -> Result<(), DocumentError> {
        let unit_holds = (1..=32).contains(&self.unit.len())
            && self
                .unit
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'/' | b'%' | b'_' | b'.' | b'-'));
        ensure(unit_holds, "unit", "must be 1 to 32 characters of a-z, 0-9, /, %, _, . and -")?;
        let Some(last) = self.last() else {
            return Err(DocumentError::new("digits", format!("must be from 1 to {}", Self::MAX_DIGITS)));
        };
        let block = (last.0 + 1).saturating_sub(self.indeterminate_from.0);
        let block_holds = block.is_power_of_two() && block <= last.0;
        ensure(block_holds, "indeterminate_from", "must be 2^digits - 2^k with k below digits")?;
        ensure(self.max < self.indeterminate_from, "max", "must be below indeterminate_from")
    }
}

impl EnumScale {
    /// The most levels of a scale, the indeterminate one not counted.
    pub const MAX_LEVELS: usize = 64;

    /// The names that the oracle announces: every level in order, the indeterminate one last.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().map(|level| level.name.as_str()).chain([self.indeterminate.as_str()])
    }

    fn has_level(&self, name: &str) -> bool {
        self.levels.iter().any(|level| level.name == name)
    }

    fn encode(&self, outcome: &Outcome) -> Option<Vec<String>> {
        match outcome {
            Outcome::Level(name) if self.has_level(name) => Some(vec![name.clone()]),
            Outcome::Indeterminate => Some(vec![self.indeterminate.clone()]),
            Outcome::Level(_) | Outcome::Value(_) => None,
        }
    }

    fn decode(&self, outcomes: &[String]) -> Option<Outcome> {
        match outcomes {
            [name] if *name == self.indeterminate => Some(Outcome::Indeterminate),
            [name] if self.has_level(name) => Some(Outcome::Level(name.clone())),
            _ => None,
        }
    }

    fn classify(&self, reading: u64) -> Outcome {
        let covering = self.levels.iter().rev().find(|level| level.from.0 <= reading);
        covering.map_or(Outcome::Indeterminate, |level| Outcome::Level(level.name.clone()))
    }

    fn validate(&self) -> Result<(), DocumentError> {
        let count_holds = (2..=Self::MAX_LEVELS).contains(&self.levels.len());
        ensure(count_holds, "levels", "must be from 2 to 64 levels")?;
        for (index, level) in self.levels.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| self.levels.get(before));
            self.validate_level(level, before).map_err(|error| error.within(&format!("levels[{index}]")))?;
        }
        ensure(is_level_name(&self.indeterminate), "indeterminate", LEVEL_NAME_RULE)?;
        ensure(!self.has_level(&self.indeterminate), "indeterminate", "must not be the name of a level")
    }

    fn validate_level(&self, level: &Level, before: Option<&Level>) -> Result<(), DocumentError> {
        ensure(is_level_name(&level.name), "name", LEVEL_NAME_RULE)?;
        let same_name = self.levels.iter().filter(|other| other.name == level.name).count();
        ensure(same_name == 1, "name", "must be no other level's name")?;
        ensure(level.from.0 <= MAX_NUMBER, "from", "must be at most 2^53 - 1")?;
        match before {
            None => ensure(level.from.0 == 0, "from", "must be 0 in the first level"),
            Some(before) => {
                ensure(level.from > before.from, "from", "must be above that of the level before")
            }
        }
    }
}

const LEVEL_NAME_RULE: &str = "must be 1 to 64 characters of a-z, 0-9 and -";

fn is_level_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
