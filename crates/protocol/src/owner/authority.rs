//! What an owner allows: the mandate's use, the pause, delegated keys, approvals.

use std::collections::BTreeSet;

use crate::schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::{DocumentError, Hex32, Sat, TermsHash, UnixSeconds};

/// `POST /v1/pause`, `POST /v1/resume`, the rotation and revocation of keys, and decisions about approvals: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {}

/// Whether everything is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PauseView {
    /// While it is, nothing new is committed; what is locked goes on.
    pub paused: bool,
}

/// `GET /v1/mandate`: the limits that hold for whoever asks, and how much of them is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MandateView {
    /// Whether everything is paused.
    pub paused: bool,
    /// The owner's limits, as the configuration has them.
    pub limits: Value,
    /// How much of each is used, by everybody.
    pub usage: Vec<UsageView>,
    /// The delegated key that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyMandateView>,
}

/// A delegated key's own limits, and how much of them is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyMandateView {
    /// The key.
    pub key: KeyView,
    /// How much of each of its limits is used.
    pub usage: Vec<UsageView>,
}

/// How much of one limit is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageView {
    /// The limit, as the configuration names it.
    pub limit: String,
    /// Of whom: a counterparty's key, a service's host; left out where it is about everything.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// What is used.
    #[schemars(with = "schema::Sat")]
    pub used_sat: Sat,
    /// The limit.
    #[schemars(with = "schema::Sat")]
    pub allowed_sat: Sat,
}

/// What a delegated key may do. None may ever withdraw, make keys, approve, or see the seed's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// See what the owner sees of escrows, offers and money. Every key may.
    Read,
    /// Buy, and renew what was bought.
    Buy,
    /// Publish offers, and so bind the owner when somebody takes one.
    Provide,
    /// Propose to close escrows, and answer such proposals.
    Close,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 4] = [Self::Read, Self::Buy, Self::Provide, Self::Close];

    /// The name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Buy => "buy",
            Self::Provide => "provide",
            Self::Close => "close",
        }
    }

    /// The scope of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Whether a key of this scope commits money, and so needs limits of its own.
    pub fn commits(self) -> bool {
        matches!(self, Self::Buy | Self::Provide)
    }
}

/// How long a delegated key's token lives when nothing is said, in seconds: a day.
pub const KEY_LIFE_S: u64 = 86_400;
/// The longest name of a delegated key.
const LONGEST_NAME: usize = 32;

/// `POST /v1/keys`: make a delegated key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// Its name: 1 to 32 of `a` to `z`, `0` to `9`, `-` and `_`. It is never used again.
    pub name: String,
    /// What it may do beside reading.
    #[serde(default)]
    pub scopes: BTreeSet<Scope>,
    /// Its limits, as `[mandate]` of the configuration has them; must be there where it may buy or provide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Value>,
    /// How long each of its tokens lives, in seconds; a day when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_s: Option<u64>,
}

impl KeyRequest {
    /// Checks what the types alone do not. Returns how long a token lives.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check(&self) -> Result<u64, DocumentError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if self.name.is_empty() || self.name.len() > LONGEST_NAME || !self.name.bytes().all(plain) {
            return Err(DocumentError::new("name", "must be 1 to 32 of a to z, 0 to 9, - and _"));
        }
        if self.limits.is_none() && self.scopes.iter().any(|scope| scope.commits()) {
            return Err(DocumentError::new("limits", "must be given for a key that may buy or provide"));
        }
        let life_s = self.life_s.unwrap_or(KEY_LIFE_S);
        if (60..=366 * 86_400).contains(&life_s) {
            return Ok(life_s);
        }
        Err(DocumentError::new("life_s", "must be 60 to 31622400 (a minute to 366 days)"))
    }
}

/// The answer to making or rotating a delegated key: the token is shown once, and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeySecret {
    /// The key's name.
    pub name: String,
    /// The bearer token.
    pub token: String,
    /// When it expires.
    #[schemars(with = "schema::UnixSeconds")]
    pub expires_at: UnixSeconds,
}

/// One line of `GET /v1/keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyView {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Its limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Value>,
    /// How long each of its tokens lives, in seconds.
    pub life_s: u64,
    /// When it was made.
    #[schemars(with = "schema::UnixSeconds")]
    pub created_at: UnixSeconds,
    /// When its token expires; `earnest key rotate` gives it another.
    #[schemars(with = "schema::UnixSeconds")]
    pub expires_at: UnixSeconds,
    /// When it was revoked, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::UnixSeconds>")]
    pub revoked_at: Option<UnixSeconds>,
}

/// One line of `GET /v1/keys/{name}/requests`, the newest first: what it asked that could change something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyRequestView {
    /// When.
    #[schemars(with = "schema::UnixSeconds")]
    pub at: UnixSeconds,
    /// Such as `POST`.
    pub method: String,
    /// The address.
    pub path: String,
    /// The answer's HTTP status.
    pub status: u16,
}

/// Where a question to the owner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// It waits for the owner's word.
    Pending,
    /// The owner agreed, and nothing came of it yet.
    Approved,
    /// The owner refused.
    Denied,
    /// Its time has passed.
    Expired,
    /// An escrow began with it.
    Used,
}

/// One line of `GET /v1/approvals`, the newest first: a commitment above `approve_above_sat`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalView {
    /// What it is about: the hash of the terms is its id.
    #[schemars(with = "schema::Bytes32")]
    pub terms_hash: TermsHash,
    /// Where it stands.
    pub state: ApprovalState,
    /// `provider` or `buyer`: what we would be.
    pub role: super::Role,
    /// With whom.
    #[schemars(with = "schema::Bytes32")]
    pub counterparty: Hex32,
    /// The measured service, by its host.
    pub service: String,
    /// What the escrow would lock of our coins, fees included.
    #[schemars(with = "schema::Sat")]
    pub locked_sat: Sat,
    /// Above what the owner is asked.
    #[schemars(with = "schema::Sat")]
    pub above_sat: Sat,
    /// The delegated key in whose name it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it was asked.
    #[schemars(with = "schema::UnixSeconds")]
    pub at: UnixSeconds,
    /// Until when the word is waited for.
    #[schemars(with = "schema::UnixSeconds")]
    pub expires_at: UnixSeconds,
    /// The escrow that began with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escrow_id: Option<String>,
    /// What it may pay, while it waits for the owner's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlook: Option<super::OutlookView>,
}
