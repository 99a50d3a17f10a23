//! The listing: what a provider says about itself in a directory, and how directories hand listings out.
//!
//! A listing is signed by the provider, so whoever reads it needs no trust in the directory: a directory that lies can only
//! withhold. It is short, and says where to look; what is offered stands on the provider's own card.

use schemars::JsonSchema;
use secp256k1_zkp::Keypair;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::{DocumentError, Hex32, UnixSeconds, canonical, units::MAX_NUMBER};

use crate::bytes::Hex64;
use crate::envelope::MAX_AHEAD_S;
use crate::schema;
use crate::signing;
use crate::text::{check_code, check_line, check_url};

/// Where a directory takes listings, and gives them out.
pub const PATH: &str = "/v1/listings";

/// The listing format's version: a listing's `v`.
pub const VERSION: u64 = 1;

/// The BIP340 tag of a listing's hash.
pub const TAG: &str = "earnest/listing/v1";

/// The largest listing that is parsed, in bytes.
pub const MAX_BYTES: usize = 16 * 1024;

/// A listing is good for so long at most, in seconds: a week.
pub const MAX_LIFE_S: u64 = 7 * 86_400;

/// The most measured services that a listing names.
pub const MAX_SERVICES: usize = 32;

/// The longest name of a service.
pub const MAX_SERVICE_CHARS: usize = 255;

/// The most characters of a summary.
pub const MAX_SUMMARY_CHARS: usize = 300;

/// The most listings on a page.
pub const MAX_PAGE: usize = 100;

/// The largest page that is read, in bytes.
pub const MAX_PAGE_BYTES: usize = MAX_PAGE * (MAX_BYTES + 2) + 1_024;

/// What a provider lets directories say; [`Listing::seal`] adds version, key and signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingDraft {
    /// See [`Listing::network`].
    pub network: String,
    /// See [`Listing::url`].
    pub url: String,
    /// See [`Listing::summary`].
    pub summary: String,
    /// See [`Listing::services`].
    pub services: Vec<String>,
    /// See [`Listing::at`].
    pub at: UnixSeconds,
    /// See [`Listing::expires`].
    pub expires: UnixSeconds,
    /// See [`Listing::withdrawn`].
    pub withdrawn: bool,
}

/// A signed listing. One that came from [`Listing::seal`] or [`Listing::open`] bears its key's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// The listing format's version.
    pub v: u64,
    /// The provider's identity key (x-only). A key has one listing in a directory.
    #[schemars(with = "schema::Bytes32")]
    pub key: Hex32,
    /// The chain on which it trades.
    pub network: String,
    /// Where its card is: the base URL of its peer API.
    pub url: String,
    /// For a person to read; one line.
    pub summary: String,
    /// The hosts of the services about which it has offers, ascending; left out where it names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// When it was made. A later one of the same key takes its place, an earlier one never does.
    #[schemars(with = "schema::UnixSeconds")]
    pub at: UnixSeconds,
    /// It is good before this moment, and at most [`MAX_LIFE_S`] after `at`.
    #[schemars(with = "schema::UnixSeconds")]
    pub expires: UnixSeconds,
    /// Whether it takes back what was listed before; left out where it does not.
    #[serde(default, skip_serializing_if = "is_false")]
    pub withdrawn: bool,
    /// BIP340, over the tagged hash of everything else.
    pub sig: Hex64,
}

/// Why a listing was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// It is no listing, or a field breaks a rule.
    #[error("{0}")]
    Document(#[from] DocumentError),
    /// It is of another version.
    #[error("v: listing version {got} is not understood here, only {VERSION}")]
    Version {
        /// The listing's version.
        got: u64,
    },
    /// `key` did not sign this.
    #[error("sig: is not a signature of `key` over this listing")]
    Signature,
    /// Its time has passed.
    #[error("expires: was {expires}, now it is {now_s}")]
    Expired {
        /// When it expired.
        expires: UnixSeconds,
        /// The time of asking.
        now_s: u64,
    },
    /// It was made later than now.
    #[error("at: is {at}, more than {MAX_AHEAD_S} s ahead of {now_s}")]
    FromTheFuture {
        /// When it says that it was made.
        at: UnixSeconds,
        /// The time of asking.
        now_s: u64,
    },
}

impl ListingError {
    /// The field that broke a rule.
    pub fn field(&self) -> &str {
        match self {
            Self::Document(e) => &e.field,
            Self::Version { .. } => "v",
            Self::Signature => "sig",
            Self::Expired { .. } => "expires",
            Self::FromTheFuture { .. } => "at",
        }
    }
}

/// A directory's answer: listings by ascending key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Listings as they were signed, at most [`MAX_PAGE`]. Each is to be [opened](Listing::open) by whoever reads it.
    pub listings: Vec<Value>,
    /// Where the next page begins: what `after` is then. Left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Hex32>,
}

impl Listing {
    /// Signs a listing.
    ///
    /// # Errors
    /// When a field breaks a rule that [`Listing::open`] would refuse it for.
    pub fn seal(draft: ListingDraft, keypair: &Keypair) -> Result<Self, ListingError> {
        let ListingDraft { network, url, summary, services, at, expires, withdrawn } = draft;
        let (v, key, sig) = (VERSION, signing::public_key(keypair), Hex64([0; 64]));
        let mut listing = Self { v, key, network, url, summary, services, at, expires, withdrawn, sig };
        listing.check()?;
        listing.sig = signing::sign(listing.signing_hash(), keypair);
        Ok(listing)
    }

    /// Takes a listing from whomever: strictly parsed, its signature checked. Whether it is good now is asked with
    /// [`Listing::check_time`].
    ///
    /// # Errors
    /// See [`ListingError`].
    pub fn open(bytes: &[u8]) -> Result<Self, ListingError> {
        let written: Value = canonical::parse_within(bytes, MAX_BYTES)?;
        check_version(&written)?;
        let listing: Self = canonical::parse_within(bytes, MAX_BYTES)?;
        listing.check()?;
        signing::verify(listing.signing_hash(), listing.key, listing.sig)
            .map_err(|_| ListingError::Signature)?;
        if canonical::bytes(&written) != listing.bytes() {
            let rule = "must be an object with exactly the fields of version 1";
            return Err(DocumentError::new("document", rule).into());
        }
        Ok(listing)
    }

    /// Whether it is good at a moment.
    ///
    /// # Errors
    /// When it has expired, or was made more than some minutes later.
    pub fn check_time(&self, now_s: u64) -> Result<(), ListingError> {
        if self.at.0 > now_s.saturating_add(MAX_AHEAD_S) {
            return Err(ListingError::FromTheFuture { at: self.at, now_s });
        }
        if self.expires.0 <= now_s {
            return Err(ListingError::Expired { expires: self.expires, now_s });
        }
        Ok(())
    }

    /// The bytes to send and to keep: canonical.
    pub fn bytes(&self) -> Vec<u8> {
        canonical::bytes(self)
    }

    fn signing_hash(&self) -> Hex32 {
        #[derive(Serialize)]
        struct Unsigned<'a> {
            v: u64,
            key: Hex32,
            network: &'a str,
            url: &'a str,
            summary: &'a str,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            services: &'a [String],
            at: UnixSeconds,
            expires: UnixSeconds,
            #[serde(skip_serializing_if = "is_false")]
            withdrawn: bool,
        }
        let Self { v, key, network, url, summary, services, at, expires, withdrawn, sig: _ } = self;
        let (v, key, at, expires, withdrawn) = (*v, *key, *at, *expires, *withdrawn);
        let unsigned = Unsigned { v, key, network, url, summary, services, at, expires, withdrawn };
        signing::tagged_hash(TAG, &unsigned)
    }

    fn check(&self) -> Result<(), DocumentError> {
        check_code("network", &self.network)?;
        check_url("url", &self.url)?;
        check_line("summary", &self.summary, MAX_SUMMARY_CHARS)?;
        if self.services.len() > MAX_SERVICES {
            return Err(DocumentError::new("services", "must name at most 32"));
        }
        for (index, service) in self.services.iter().enumerate() {
            check_service(&format!("services[{index}]"), service)?;
        }
        if !self.services.is_sorted_by(|a, b| a < b) {
            return Err(DocumentError::new("services", "must be ascending, each once"));
        }
        let life_s = self.expires.0.saturating_sub(self.at.0);
        if self.expires.0 > MAX_NUMBER || !(1..=MAX_LIFE_S).contains(&life_s) {
            return Err(DocumentError::new("expires", "must come after at, by a week at most"));
        }
        Ok(())
    }
}

impl Page {
    /// Reads a directory's page. What stands on it is still to be opened.
    ///
    /// # Errors
    /// When it is none, or holds more than a page may.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let page: Self = canonical::parse_within(bytes, MAX_PAGE_BYTES)?;
        if page.listings.len() > MAX_PAGE {
            return Err(DocumentError::new("listings", "must hold at most 100"));
        }
        Ok(page)
    }
}

/// The name of a measured service: 1 to [`MAX_SERVICE_CHARS`] printable ASCII characters without spaces.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn check_service(field: &str, service: &str) -> Result<(), DocumentError> {
    let fits = (1..=MAX_SERVICE_CHARS).contains(&service.len());
    if fits && service.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(DocumentError::new(field, "must be 1 to 255 printable ASCII characters without spaces"))
}

fn check_version(written: &Value) -> Result<(), ListingError> {
    match written.get("v").and_then(Value::as_u64) {
        Some(VERSION) => Ok(()),
        Some(got) => Err(ListingError::Version { got }),
        None => Err(DocumentError::new("v", "must be the listing's version, a number").into()),
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}
