//! What an owner asks of a peer: buying, closing by agreement, renewing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::{DocumentError, Hex32, Sat, TermsHash, UnixSeconds};

use crate::schema;
use crate::text::{check_text, check_url};

/// `POST /v1/purchases`: take a provider's published offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseRequest {
    /// The provider's base URL, where its card is.
    pub provider_url: String,
    /// The offer's id on that card.
    #[schemars(with = "schema::Bytes32")]
    pub offer_id: Hex32,
}

impl PurchaseRequest {
    /// Checks what the types alone do not.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check(&self) -> Result<(), DocumentError> {
        check_url("provider_url", &self.provider_url)
    }
}

/// The answer to a purchase: an escrow has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Purchase {
    /// The escrow's id at this node.
    pub escrow_id: String,
    /// What both parties accepted.
    #[schemars(with = "schema::Bytes32")]
    pub terms_hash: TermsHash,
    /// What each side gets at every outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlook: Option<super::OutlookView>,
}

/// `POST /v1/escrows/{id}/close`: propose to close it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// What the provider would get; the buyer gets the rest. Left out: what the attestations pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Sat>")]
    pub provider_sat: Option<Sat>,
    /// How long the proposal stands, in seconds; a day when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_s: Option<u64>,
    /// Why, for the other owner to read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// How long a proposal to close stands, in seconds: a minute to a week, and what it is when left out.
const CLOSE_VALID_S: std::ops::RangeInclusive<u64> = 60..=7 * 86_400;
const CLOSE_VALID_USUALLY_S: u64 = 86_400;

impl CloseRequest {
    /// Checks what the types alone do not, and says how long the proposal stands.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check(&self) -> Result<u64, DocumentError> {
        check_text("reason", &self.reason)?;
        let valid_s = self.valid_s.unwrap_or(CLOSE_VALID_USUALLY_S);
        if CLOSE_VALID_S.contains(&valid_s) {
            return Ok(valid_s);
        }
        Err(DocumentError::new("valid_s", "must be from 60 to 604800 (a minute to a week)"))
    }
}

/// `POST /v1/escrows/{id}/close/approve`, `.../refuse` and `.../withdraw`: the owner's word about one proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalRequest {
    /// The proposal's id, as the escrow shows it: another one is not meant.
    #[schemars(with = "schema::Bytes32")]
    pub proposal: Hex32,
}

/// `POST /v1/escrows/{id}/renew` with `{}`. The answer is a [`Purchase`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewalRequest {}

/// Where a proposal to close stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// It waits for an answer.
    Open,
    /// Its time has passed.
    Expired,
    /// Who it was made to has signed. When it was made to us, the peer can broadcast the close.
    Signed,
    /// It was refused, or taken back.
    Dropped,
}

/// A proposal to close an escrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalView {
    /// Its id.
    #[schemars(with = "schema::Bytes32")]
    pub proposal: Hex32,
    /// What the provider would get.
    #[schemars(with = "schema::Sat")]
    pub provider_sat: Sat,
    /// What the buyer would get.
    #[schemars(with = "schema::Sat")]
    pub buyer_sat: Sat,
    /// When it ends.
    #[schemars(with = "schema::UnixSeconds")]
    pub until: UnixSeconds,
    /// Where it stands.
    pub state: ProposalState,
    /// Why it was made, in the peer's words, or why nothing comes of our own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What is known about closing an escrow by agreement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CloseView {
    /// Our last proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<ProposalView>,
    /// The peer's last proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<ProposalView>,
}
