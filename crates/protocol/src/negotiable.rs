//! What of an offer may vary, which everybody may know; and how its owners negotiate, which nobody else learns.

use crate::schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::{DocumentError, Sat};

/// The most counters of each side in one session.
pub const MAX_ROUNDS: u64 = 20;

/// What a counter may change of an offer, and how often. Part of the offer, so public: no reserve is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Negotiable {
    /// The prices that may be proposed; left out, the offer's is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_sat: Option<SatRange>,
    /// The bonds that may be proposed; left out, the offer's is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bond_sat: Option<SatRange>,
    /// How many counters each side may make in one session: 1 to [`MAX_ROUNDS`].
    pub rounds: u64,
}

/// Amounts from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SatRange {
    /// The least.
    #[schemars(with = "schema::Sat")]
    pub least: Sat,
    /// The most.
    #[schemars(with = "schema::Sat")]
    pub most: Sat,
}

impl SatRange {
    /// Whether an amount lies in it.
    pub fn holds(&self, amount: Sat) -> bool {
        (self.least..=self.most).contains(&amount)
    }

    /// The nearest amount that lies in it.
    pub fn nearest(&self, amount: Sat) -> Sat {
        amount.max(self.least).min(self.most)
    }
}

impl Negotiable {
    /// Checks it against the offer's own amounts, which must be among those that may be proposed.
    ///
    /// # Errors
    /// Names the field, from `negotiable` on, and the rule that it breaks.
    pub fn check(&self, price: Sat, bond: Sat) -> Result<(), DocumentError> {
        let refuse = |field: &str, rule: &str| Err(DocumentError::new(format!("negotiable.{field}"), rule));
        if self.price_sat.is_none() && self.bond_sat.is_none() {
            return refuse("price_sat", "must be given where bond_sat is not: something must vary");
        }
        if !(1..=MAX_ROUNDS).contains(&self.rounds) {
            return refuse("rounds", "must be 1 to 20");
        }
        for (field, range, own) in [("price_sat", self.price_sat, price), ("bond_sat", self.bond_sat, bond)] {
            if range.is_some_and(|range| !range.holds(own)) {
                return refuse(field, "must hold the offer's own amount");
            }
            // Who funds alone must be the DLC accepter: whether a side funds at all is not for a counter to change.
            if range.is_some_and(|range| range.least.0 == 0 && range.most.0 > 0) {
                return refuse(field, "must not begin at 0");
            }
        }
        Ok(())
    }
}

/// How a side moves from its first price to its last over the rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Concession {
    /// Not at all.
    Fixed,
    /// By the same amount each round.
    #[default]
    Linear,
    /// Late: with the cube of the share of rounds that have passed.
    Boulware,
}

/// How a provider's node answers counters by itself. Kept by the node; never on a card, in a message or in an answer.
///
/// The price begins at the offer's and goes down to `final_sat`, never below; `reserve_sat` only bounds that. So what a
/// buyer sees is a function of `final_sat`, and two reserves below it cannot be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderStrategy {
    /// The least that it would take, in satoshis.
    #[schemars(with = "schema::Sat")]
    pub reserve_sat: Sat,
    /// Its last price; left out, one between a quarter and three quarters of the way from reserve to offer, drawn once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Sat>")]
    pub final_sat: Option<Sat>,
    /// How it gets there.
    #[serde(default)]
    pub concession: Concession,
    /// After how many counters it stops; left out, after as many as the offer allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u64>,
    /// What its steps are drawn from, with the other party's key; left out, something new each time. With the same seed
    /// the same peers hear the same prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl ProviderStrategy {
    /// Checks it against the offer that it is for.
    ///
    /// # Errors
    /// Names the field, from `strategy` on, and the rule that it breaks.
    pub fn check(&self, price: Sat, negotiable: Option<&Negotiable>) -> Result<(), DocumentError> {
        let refuse = |field: &str, rule: &str| Err(DocumentError::new(format!("strategy.{field}"), rule));
        let Some(range) = negotiable.and_then(|negotiable| negotiable.price_sat) else {
            return Err(DocumentError::new("strategy", "is for offers with negotiable.price_sat"));
        };
        if self.reserve_sat > price {
            return refuse("reserve_sat", "must be at most price_sat");
        }
        let last = self.final_sat.unwrap_or(price);
        if last < self.reserve_sat || last > price || !range.holds(last) {
            return refuse("final_sat", "must be from reserve_sat to price_sat, and in negotiable.price_sat");
        }
        check_rounds(self.rounds)
    }
}

/// How a buyer's node negotiates by itself. Kept by the node, and in no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuyerStrategy {
    /// The first price that it proposes; left out, the least that the offer lets it propose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Sat>")]
    pub opening_sat: Option<Sat>,
    /// The most that it pays.
    #[schemars(with = "schema::Sat")]
    pub maximum_sat: Sat,
    /// How it gets there.
    #[serde(default)]
    pub concession: Concession,
    /// After how many counters it stops; left out, after as many as the offer allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u64>,
    /// What its steps are drawn from, with the other party's key; left out, something new each time. With the same seed
    /// the same peers hear the same prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl BuyerStrategy {
    /// Checks what the types alone do not.
    ///
    /// # Errors
    /// Names the field, from `strategy` on, and the rule that it breaks.
    pub fn check(&self) -> Result<(), DocumentError> {
        if self.opening_sat.is_some_and(|opening| opening > self.maximum_sat) {
            return Err(DocumentError::new("strategy.opening_sat", "must be at most maximum_sat"));
        }
        check_rounds(self.rounds)
    }
}

fn check_rounds(rounds: Option<u64>) -> Result<(), DocumentError> {
    if rounds.is_none_or(|rounds| (1..=MAX_ROUNDS).contains(&rounds)) {
        return Ok(());
    }
    Err(DocumentError::new("strategy.rounds", "must be 1 to 20"))
}
