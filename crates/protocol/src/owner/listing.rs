//! The own listing in directories.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::UnixSeconds;

use crate::listing::Listing;
use crate::schema;

/// `GET /v1/listing`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListingView {
    /// What was signed last; none before the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
    /// Whether the owner has taken it back.
    pub withdrawn: bool,
    /// How the directories of the configuration stand.
    pub directories: Vec<DirectoryView>,
}

/// How one directory stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DirectoryView {
    /// Its address.
    pub url: String,
    /// Whether it has taken what was signed last, as far as is known since the node started.
    pub current: bool,
    /// Where it failed: when it is asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::UnixSeconds>")]
    pub next_try_at: Option<UnixSeconds>,
    /// Where it failed: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Asks `POST /v1/listing/withdraw` and `POST /v1/listing/publish`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListingRequest {}

/// Their answer: what the directories are told from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListingWish {
    /// Whether the listing is taken back.
    pub withdrawn: bool,
}
