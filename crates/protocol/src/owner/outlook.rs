//! What terms mean for both sides at every outcome, before anything locks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::offer::Offer;

/// The whole distribution of what each side gets: at the target, at each breach, where nothing could be measured, and
/// where the oracle stays silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutlookView {
    /// A table and sentences, for a person or for an agent that reads.
    pub text: String,
    /// The same as data: `cases` from the best outcome to the worst, then `indeterminate`, then `refund`, each with what
    /// provider and buyer get at the least and at the most; `fees`, and for how long coins are locked.
    pub figures: Value,
}

/// `GET /v1/offers/{id}`: an offer of this node's, and what it may pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OfferView {
    /// It.
    pub offer: Offer,
    /// What each side gets, should somebody take it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlook: Option<OutlookView>,
}
