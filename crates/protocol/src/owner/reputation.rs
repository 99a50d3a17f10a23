//! What an owner's node knows of how a provider kept what it promised.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::{DocumentError, Hex32, Sat, TimeRange};

use crate::schema;
use crate::text::check_url;

/// How an escrow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Attested, and the provider got all that the best outcome pays.
    Kept,
    /// Attested, and the provider got less than that.
    Breached,
    /// Attested that nobody could measure enough.
    Indeterminate,
    /// Closed by agreement, of which no outcome is known.
    Closed,
    /// Refunded: nobody attested.
    Refunded,
}

/// What one finished escrow says about its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finished {
    /// The provider's key.
    #[schemars(with = "schema::Bytes32")]
    pub provider: Hex32,
    /// The buyer's.
    #[schemars(with = "schema::Bytes32")]
    pub buyer: Hex32,
    /// The transaction that locked. An escrow counts once, and this says which it is.
    #[schemars(with = "schema::Bytes32")]
    pub funding_txid: Hex32,
    /// The one that paid out.
    #[schemars(with = "schema::Bytes32")]
    pub closing_txid: Hex32,
    /// What was measured.
    pub target: String,
    /// When.
    #[schemars(with = "schema::TimeRange")]
    pub window: TimeRange,
    /// What the buyer paid.
    #[schemars(with = "schema::Sat")]
    pub price_sat: Sat,
    /// How it ended.
    pub end: End,
    /// How much was allowed to be bad before it was a breach, in ppm; where outcomes are in ppm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_ppm: Option<u64>,
    /// How much was attested to be bad, in ppm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_ppm: Option<u64>,
}

/// Finished escrows, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// See [`End::Kept`].
    pub kept: u64,
    /// See [`End::Breached`].
    pub breached: u64,
    /// See [`End::Indeterminate`].
    pub indeterminate: u64,
    /// See [`End::Closed`].
    pub closed: u64,
    /// See [`End::Refunded`].
    pub refunded: u64,
    /// How many different buyers they were with.
    pub buyers: u64,
    /// What all of them cost together.
    #[schemars(with = "schema::Sat")]
    pub price_sat: Sat,
    /// Of how many windows the outcome was in ppm.
    pub ppm_windows: u64,
    /// What these promised together: their mean is this by `ppm_windows`.
    pub promised_ppm: u64,
    /// What was measured in them together.
    pub measured_ppm: u64,
}

impl Tally {
    /// The windows of which an outcome is known.
    pub fn settled(&self) -> u64 {
        self.kept.saturating_add(self.breached)
    }
}

/// `GET /v1/reputation/{key}`: what is known of a provider's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReputationView {
    /// The key.
    #[schemars(with = "schema::Bytes32")]
    pub key: Hex32,
    /// What counts: limits and strategies go by it.
    pub counted: Tally,
    /// The most that a strategy pays to it, as a share of its maximum in ppm.
    pub pays_ppm: u64,
    /// Of it, what this node lived through as the buyer.
    pub own: Tally,
    /// What was presented and was with buyers that this node trusts.
    pub trusted: Tally,
    /// What was presented and was with anybody else.
    pub strangers: Tally,
    /// Agreements with it that were never locked, whoever's fault that was. They do not count.
    pub never_locked: u64,
    /// What was presented and is not in the chain any more. It does not count.
    pub gone: u64,
    /// Every finished escrow, the newest window first.
    pub finished: Vec<Finished>,
}

/// `POST /v1/reputation/fetch`: read one page of what a provider presents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FetchRequest {
    /// The provider's base URL.
    pub provider_url: String,
    /// The page after this reference; left out, the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub after: Option<Hex32>,
}

impl FetchRequest {
    /// Checks what the types alone do not.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check(&self) -> Result<(), DocumentError> {
        check_url("provider_url", &self.provider_url)
    }
}

/// A reference that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedReference {
    /// Its hash.
    #[schemars(with = "schema::Bytes32")]
    pub hash: Hex32,
    /// What is wrong with it.
    pub why: String,
}

/// The answer to a [`FetchRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fetched {
    /// The key on the provider's card.
    #[schemars(with = "schema::Bytes32")]
    pub key: Hex32,
    /// How many references of the page were verified, here and on the chain.
    pub verified: u64,
    /// Those that were not.
    pub refused: Vec<RefusedReference>,
    /// What to ask for the next page with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub next: Option<Hex32>,
}

/// `GET /v1/references`: what this node presents to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresentedView {
    /// The escrow.
    #[schemars(with = "schema::Bytes32")]
    pub escrow: Hex32,
    /// The hash by which others find it.
    #[schemars(with = "schema::Bytes32")]
    pub hash: Hex32,
    /// Whether others can see it: the configuration has to allow it as well.
    pub public: bool,
}

/// `POST /v1/escrows/{id}/present` and `.../withhold` with `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PresentRequest {}
