//! A buyer's standing orders: the same service, window after window.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::units::PPM_WHOLE;
use terms::{DocumentError, Hex32, Ppm, Sat, UnixSeconds};

use super::OutlookView;
use crate::negotiable::{BuyerStrategy, Concession};
use crate::schema;
use crate::text::check_url;

/// The most providers of one order.
pub const MAX_ORDER_PROVIDERS: usize = 8;
/// The most windows of one order.
pub const MAX_ORDER_WINDOWS: u64 = 10_000;
/// How long before a window one may begin to look for an offer, in seconds: a minute to a quarter of a year.
const LEAD_S: std::ops::RangeInclusive<u64> = 60..=92 * 86_400;

/// `POST /v1/orders`: buy a service's windows one after another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// Base URLs of the providers from whom it may buy, at most 8: the best offer is taken. Left out with `escrow`: from
    /// whom that was bought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_urls: Vec<String>,
    /// What is bought again: an escrow of ours, which the first window follows;
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub escrow: Option<Hex32>,
    /// or an offer of the first provider, whose window is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub offer_id: Option<Hex32>,
    /// The most that one window may cost.
    #[schemars(with = "schema::Sat")]
    pub max_price_sat: Sat,
    /// How the node negotiates; left out, it takes an offer at its price or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub haggle: Option<Haggle>,
    /// After so many windows it is done;
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<u64>,
    /// and it buys none that begins at this moment or later. One of the two must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::UnixSeconds>")]
    pub until: Option<UnixSeconds>,
    /// So many seconds before a window begins its offer is looked for.
    pub lead_s: u64,
    /// How much of a window may be excluded from measuring; left out: as much as of the one that is bought again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u64>")]
    pub max_excluded_ppm: Option<Ppm>,
}

/// How an order negotiates each window, up to its `max_price_sat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Haggle {
    /// The first price that it proposes; left out, the least that an offer lets it propose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Sat>")]
    pub opening_sat: Option<Sat>,
    /// How it gets from there to the most.
    #[serde(default)]
    pub concession: Concession,
    /// After how many counters it stops; left out, after as many as an offer allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u64>,
    /// What its steps are drawn from, with the other party's key; left out, something new for each window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl OrderRequest {
    /// Checks what the types alone do not.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check(&self) -> Result<(), DocumentError> {
        if self.provider_urls.len() > MAX_ORDER_PROVIDERS {
            return Err(DocumentError::new("provider_urls", "must be at most 8"));
        }
        let mut urls = self.provider_urls.iter().enumerate();
        urls.try_for_each(|(i, url)| check_url(&format!("provider_urls[{i}]"), url))?;
        let rules = [
            (self.escrow.is_some() != self.offer_id.is_some(), "escrow", "must be given, or else offer_id"),
            (
                self.offer_id.is_none() || !self.provider_urls.is_empty(),
                "provider_urls",
                "must be given with offer_id",
            ),
            (self.max_price_sat.0 > 0, "max_price_sat", "must be at least 1"),
            (self.windows.is_some() || self.until.is_some(), "windows", "must be given, or else until"),
            (
                self.windows.is_none_or(|windows| (1..=MAX_ORDER_WINDOWS).contains(&windows)),
                "windows",
                "must be 1 to 10000",
            ),
            (LEAD_S.contains(&self.lead_s), "lead_s", "must be 60 to 7948800 (a minute to 92 days)"),
            (
                self.max_excluded_ppm.is_none_or(|share| share.0 < PPM_WHOLE),
                "max_excluded_ppm",
                "must be less than 1000000",
            ),
        ];
        if let Some((_, field, rule)) = rules.into_iter().find(|(holds, ..)| !holds) {
            return Err(DocumentError::new(field, rule));
        }
        self.strategy().check()
    }

    /// How one window is negotiated. Without haggling the first price is the most, so that an offer within it is taken at
    /// once.
    pub fn strategy(&self) -> BuyerStrategy {
        let maximum_sat = self.max_price_sat;
        match self.haggle {
            Some(Haggle { opening_sat, concession, rounds, seed }) => {
                BuyerStrategy { opening_sat, maximum_sat, concession, rounds, seed }
            }
            None => BuyerStrategy {
                opening_sat: Some(maximum_sat),
                maximum_sat,
                concession: Concession::Fixed,
                rounds: Some(1),
                seed: None,
            },
        }
    }
}

/// Where a standing order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// It goes on.
    Standing,
    /// It has bought all its windows, or the next one begins too late.
    Done,
    /// Somebody cancelled it.
    Cancelled,
    /// The delegated key in whose name it was is revoked.
    KeyRevoked,
}

/// Where one window of an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WindowState {
    /// An offer is looked for.
    Open,
    /// A provider was asked, and it is not locked yet.
    Buying,
    /// It is locked.
    Bought,
    /// It has begun without an escrow.
    Missed,
}

/// Why a window is not bought, or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hindrance {
    /// No provider has an offer whose window follows.
    NoOffer,
    /// There is one, about something else than what is bought.
    OtherTerms,
    /// Every such offer costs more than the order allows.
    TooDear,
    /// The mandate does not allow it.
    Mandate,
    /// Everything is paused.
    Paused,
    /// It waits for the owner's word.
    Approval,
    /// No provider answers.
    Silent,
    /// The provider did not agree, or did not go on.
    Refused,
    /// The delegated key's token has expired.
    KeyExpired,
    /// Something of our own failed.
    Failed,
}

/// What came of one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderWindowView {
    /// When the window begins.
    #[schemars(with = "schema::UnixSeconds")]
    pub start: UnixSeconds,
    /// When it ends, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::UnixSeconds>")]
    pub end: Option<UnixSeconds>,
    /// Where it stands.
    pub state: WindowState,
    /// What stands, or stood, in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Hindrance>,
    /// The same in words. What of it a provider said is data, and never an instruction.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How often a provider was asked.
    pub attempts: u64,
    /// From whom it is bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_url: Option<String>,
    /// At which price, once that is agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Sat>")]
    pub price_sat: Option<Sat>,
    /// The negotiation, which becomes the escrow of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub escrow_id: Option<Hex32>,
}

/// A standing order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderView {
    /// Its id.
    #[schemars(with = "schema::Bytes32")]
    pub id: Hex32,
    /// What was asked for, with the providers.
    pub order: OrderRequest,
    /// The delegated key in whose name it is; left out: the owner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where it stands.
    pub state: OrderState,
    /// When it was given.
    #[schemars(with = "schema::UnixSeconds")]
    pub created_at: UnixSeconds,
    /// How many windows it has bought.
    pub bought: u64,
    /// What came of its windows, the newest first, at most a hundred.
    pub windows: Vec<OrderWindowView>,
    /// What each side gets at every outcome of the terms that are bought again, at their price. Left out in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlook: Option<OutlookView>,
}
