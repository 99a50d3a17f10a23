//! What a request would do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::{Sat, TermsHash, UnixSeconds};

use super::{Hindrance, OutlookView, Role, UsageView};
use crate::schema;

/// The parameter of a POST that commits money: with `?dry_run=true` it is answered with a [`DryRun`].
pub const DRY_RUN: &str = "dry_run=true";

/// What a request would do: the same checks were made, and then nothing was stored, sent or signed.
///
/// What is refused is refused in the same words as without `dry_run`. What depends on the other side's answer is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DryRun {
    /// What it would do.
    pub action: DryAction,
    /// The hash of the terms, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub terms_hash: Option<TermsHash>,
    /// What we would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What would be at stake: our price or bond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Sat>")]
    pub stake_sat: Option<Sat>,
    /// Our part of the fees of the escrow's transactions; or the payment's fee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Sat>")]
    pub fees_sat: Option<Sat>,
    /// The fee rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_rate_sat_vb: Option<u64>,
    /// How many coins it would take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coins: Option<u64>,
    /// What would leave the wallet, fees included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Sat>")]
    pub leaves_sat: Option<Sat>,
    /// When both could take their coins back, should the oracle stay silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::UnixSeconds>")]
    pub refund_at: Option<UnixSeconds>,
    /// What each side would get, in short; before fees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payouts: Vec<DryPayout>,
    /// How much of the limits that it counts against would be used with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<UsageView>,
    /// Of a standing order its first window, where that is known; of a standing offer those that it would publish first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<DryWindow>,
    /// What each side would get of the first window at every outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlook: Option<OutlookView>,
    /// What would stand in the first window's way, as things are now; `note` says it in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hindrance: Option<Hindrance>,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A window that would be bought or offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DryWindow {
    /// When it begins.
    #[schemars(with = "schema::UnixSeconds")]
    pub start: UnixSeconds,
    /// When it ends.
    #[schemars(with = "schema::UnixSeconds")]
    pub end: UnixSeconds,
    /// When its offer would be looked for, or published; a moment that has passed means at once.
    #[schemars(with = "schema::UnixSeconds")]
    pub at: UnixSeconds,
    /// The price: that of the offer, or of what is bought again.
    #[schemars(with = "schema::Sat")]
    pub price_sat: Sat,
}

/// What a request would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DryAction {
    /// Nothing: it was done before.
    Nothing,
    /// Pay from free coins.
    Pay,
    /// Put an offer on the card, which a buyer can then take.
    Publish,
    /// Agree to terms and lock an escrow.
    Lock,
    /// Ask for a quote; what is locked depends on what both come to agree.
    Negotiate,
    /// Propose terms that the other side can take.
    Propose,
    /// Propose to close an escrow at a split.
    ProposeClose,
    /// Sign a split that the other side has proposed.
    SignClose,
    /// Agree to a commitment that waits for the owner's word.
    Approve,
    /// Give a standing order.
    Order,
    /// Give a standing offer.
    StandingOffer,
}

/// What each side would get in one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DryPayout {
    /// The case, such as `at best`.
    pub case: String,
    /// What the provider would get.
    #[schemars(with = "schema::Sat")]
    pub provider_sat: Sat,
    /// What the buyer would get.
    #[schemars(with = "schema::Sat")]
    pub buyer_sat: Sat,
}

impl DryRun {
    /// One that only says what it would do.
    #[must_use]
    pub fn of(action: DryAction) -> Self {
        Self {
            action,
            terms_hash: None,
            role: None,
            stake_sat: None,
            fees_sat: None,
            fee_rate_sat_vb: None,
            coins: None,
            leaves_sat: None,
            refund_at: None,
            payouts: Vec::new(),
            limits: Vec::new(),
            windows: Vec::new(),
            outlook: None,
            hindrance: None,
            note: String::new(),
        }
    }

    /// The same, with something to say.
    #[must_use]
    pub fn noting(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}
