//! The configuration's section `[reputation]`.

use std::collections::BTreeSet;

use serde::Deserialize;
use terms::units::PPM_WHOLE;
use terms::{Hex32, Ppm};

/// What this node presents, whom it believes, and what it asks of providers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReputationConfig {
    /// Whether peers can read the escrows that the owner has chosen to present.
    pub publish: Publish,
    /// Buyers whose escrows with a provider count fully, at most 1,000.
    pub trust: BTreeSet<Hex32>,
    /// Oracles beside those of `[[oracle]]` whose attestations count in references, at most 64.
    pub oracles: BTreeSet<Hex32>,
    /// How many promises that were kept to other buyers count, one for each buyer: 0 to 1,000.
    pub strangers: u64,
    /// Nothing is bought of a provider with fewer settled windows that count: 0 to 1,000.
    pub min_settled: u64,
    /// What a strategy pays at most to a provider of whom nothing counts, as a share of its maximum in ppm.
    pub unknown_ppm: Ppm,
}

/// What peers can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publish {
    /// Nothing.
    #[default]
    None,
    /// Those of this node's own escrows that the owner has chosen. Each tells its terms and price, and its other party's key.
    Own,
}

impl Default for ReputationConfig {
    fn default() -> Self {
        Self {
            publish: Publish::None,
            trust: BTreeSet::new(),
            oracles: BTreeSet::new(),
            strangers: 0,
            min_settled: 0,
            unknown_ppm: Ppm(PPM_WHOLE),
        }
    }
}

impl ReputationConfig {
    /// Its rules, each with its field and whether it holds.
    pub(crate) fn rules(&self) -> [(bool, &'static str, &'static str); 5] {
        [
            (self.trust.len() <= 1_000, "reputation.trust", "at most 1000 keys"),
            (self.oracles.len() <= 64, "reputation.oracles", "at most 64 keys"),
            (self.strangers <= 1_000, "reputation.strangers", "must be 0 to 1000"),
            (self.min_settled <= 1_000, "reputation.min_settled", "must be 0 to 1000"),
            (self.unknown_ppm.0 <= PPM_WHOLE, "reputation.unknown_ppm", "must be 0 to 1000000"),
        ]
    }

    /// Whether a provider's record changes anything about buying.
    pub(crate) fn asks(&self) -> bool {
        self.min_settled > 0 || self.unknown_ppm.0 < PPM_WHOLE
    }
}
