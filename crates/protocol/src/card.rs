//! The card: what a node says about itself to anybody, at `GET /.well-known/earnest.json`.

use secp256k1_zkp::Keypair;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::{DocumentError, Hex32, UnixSeconds, canonical};

use crate::bytes::Hex64;
use crate::envelope;
use crate::offer::{Offer, OfferError};
use crate::signing;
use crate::succession::{Succession, check_successions};
use crate::text::{check_code, check_text, check_url};

/// Where a node serves its card.
pub const PATH: &str = "/.well-known/earnest.json";

/// Where it serves its card with the offers that readers of version 1 do not understand.
pub const PATH_V2: &str = "/.well-known/earnest.json?v=2";

/// Where it serves its card with everything on it: also [`Card::oracles`], [`Card::limits`] and [`Card::renews`], which
/// readers that were made before these refuse.
pub const PATH_FULL: &str = "/.well-known/earnest.json?v=2&full=1";

/// The card format's version: a card's `v`.
pub const VERSION: u64 = 1;

/// The BIP340 tag of a card's hash.
pub const TAG: &str = "earnest/card/v1";

/// The largest card that is parsed, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// The most offers on a card.
pub const MAX_OFFERS: usize = 100;

/// The most protocol versions that a card may list.
pub const MAX_VERSIONS: usize = 16;

/// The most oracles on a card.
pub const MAX_ORACLES: usize = 16;

/// What a node says about itself; [`Card::seal`] adds versions, key and signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardDraft {
    /// The chain on which its offers are: `regtest`, `signet`, `testnet4` or `mainnet`.
    pub network: String,
    /// What it offers.
    pub offers: Vec<Offer>,
    /// What the agent may do and whom to ask, for a person to read.
    pub note: String,
    /// When the card was made.
    pub at: UnixSeconds,
    /// The latest version of the protocol that it speaks; it speaks all before it as well.
    pub latest: u64,
    /// What else it says.
    pub more: More,
}

/// What a card says besides its offers, for readers that ask for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct More {
    /// See [`Card::oracles`].
    pub oracles: Vec<CardOracle>,
    /// See [`Card::limits`].
    pub limits: Option<CardLimits>,
    /// See [`Card::renews`].
    pub renews: bool,
}

/// An oracle that a node counts on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardOracle {
    /// Its x-only key.
    pub key: Hex32,
    /// Its base URL.
    pub url: String,
}

/// How much a node lets one key ask. What its owner lets it commit is not among it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardLimits {
    /// Envelopes of one key in a minute, on average; 0 is no limit.
    pub envelopes_per_minute: u64,
    /// Sessions that one key may open within an hour.
    pub sessions_per_hour: u64,
    /// Negotiations of one key that may be open at the same time.
    pub open_sessions: u64,
    /// Counters of each side in one session, whatever an offer says.
    pub counters: u64,
}

/// A signed card. One that came from [`Card::seal`] or [`Card::open`] bears its key's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The card format's version.
    pub v: u64,
    /// The node's identity key (x-only).
    pub key: Hex32,
    /// The chain on which its offers are.
    pub network: String,
    /// The envelope versions that it speaks.
    pub versions: Vec<u64>,
    /// What it offers.
    pub offers: Vec<Offer>,
    /// For a person to read.
    pub note: String,
    /// When the card was made.
    pub at: UnixSeconds,
    /// The oracles that it counts on; left out where it does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oracles: Vec<CardOracle>,
    /// How much one key may ask; left out where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<CardLimits>,
    /// Whether it agrees to an escrow's next window when its buyer asks; left out where it does not, or does not say.
    #[serde(default, skip_serializing_if = "is_false")]
    pub renews: bool,
    /// How `key` followed from older keys of the node, the oldest first; left out while it is the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successions: Vec<Succession>,
    /// BIP340, over the tagged hash of everything else.
    pub sig: Hex64,
}

/// Why a card was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// It is not a card, or a field breaks a rule.
    #[error("{0}")]
    Document(#[from] DocumentError),
    /// It is of another version.
    #[error("v: card version {got} is not understood here, only {VERSION}")]
    Version {
        /// The card's version.
        got: u64,
    },
    /// None of its protocol versions is spoken here.
    #[error(
        "versions: {versions:?} has none that is spoken here, which are {}",
        envelope::in_words(envelope::LATEST)
    )]
    NoCommonVersion {
        /// What it speaks.
        versions: Vec<u64>,
    },
    /// An offer is not whole.
    #[error("offers[{index}].{error}")]
    Offer {
        /// Its place.
        index: usize,
        /// What is wrong with it.
        error: OfferError,
    },
    /// `key` did not sign this.
    #[error("sig: is not a signature of `key` over this card")]
    Signature,
}

impl CardError {
    /// The field that broke a rule.
    pub fn field(&self) -> String {
        match self {
            Self::Document(e) => e.field.clone(),
            Self::Version { .. } => "v".to_owned(),
            Self::NoCommonVersion { .. } => "versions".to_owned(),
            Self::Offer { index, error } => format!("offers[{index}].{}", error.field()),
            Self::Signature => "sig".to_owned(),
        }
    }
}

impl Card {
    /// Signs a card.
    ///
    /// # Errors
    /// When a field breaks a rule that [`Card::open`] would refuse it for.
    pub fn seal(draft: CardDraft, keypair: &Keypair) -> Result<Self, CardError> {
        Self::seal_after(draft, Vec::new(), keypair)
    }

    /// Signs a card whose key followed from older ones.
    ///
    /// # Errors
    /// As [`Card::seal`].
    pub fn seal_after(
        draft: CardDraft,
        successions: Vec<Succession>,
        keypair: &Keypair,
    ) -> Result<Self, CardError> {
        let CardDraft { network, offers, note, at, latest, more: More { oracles, limits, renews } } = draft;
        let key = signing::public_key(keypair);
        let versions = envelope::VERSIONS.into_iter().filter(|v| *v <= latest).collect();
        let sig = Hex64([0; 64]);
        let v = VERSION;
        let mut card =
            Self { v, key, network, versions, offers, note, at, oracles, limits, renews, successions, sig };
        card.check()?;
        card.sig = signing::sign(card.signing_hash(), keypair);
        if card.bytes().len() > MAX_BYTES {
            return Err(DocumentError::new("offers", "must leave the card within 1 MiB").into());
        }
        Ok(card)
    }

    /// Takes a card from a node: strictly parsed, its signature and each offer's shape checked. Whether an
    /// offer can still be taken is asked when it is: [`Offer::check`].
    ///
    /// # Errors
    /// See [`CardError`].
    pub fn open(bytes: &[u8]) -> Result<Self, CardError> {
        let written: Value = canonical::parse_within(bytes, MAX_BYTES)?;
        check_version(&written)?;
        let card: Self = canonical::parse_within(bytes, MAX_BYTES)?;
        card.check()?;
        signing::verify(card.signing_hash(), card.key, card.sig).map_err(|_| CardError::Signature)?;
        if canonical::bytes(&written) != card.bytes() {
            return Err(DocumentError::new(
                "document",
                "must be objects with exactly the fields of version 1",
            )
            .into());
        }
        Ok(card)
    }

    /// The bytes to serve: canonical.
    pub fn bytes(&self) -> Vec<u8> {
        canonical::bytes(self)
    }

    /// The highest version that this node and one that speaks all up to `latest` have in common.
    pub fn common_version(&self, latest: u64) -> Option<u64> {
        envelope::VERSIONS.into_iter().filter(|v| *v <= latest && self.versions.contains(v)).max()
    }

    /// The offer of an id.
    pub fn offer(&self, id: Hex32) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.id == id)
    }

    /// Whether its key is this one, or followed from it by what each key has signed.
    pub fn follows(&self, key: Hex32) -> bool {
        self.key == key || self.successions.iter().any(|succession| succession.former == key)
    }

    fn signing_hash(&self) -> Hex32 {
        #[derive(Serialize)]
        struct Unsigned<'a> {
            v: u64,
            key: Hex32,
            network: &'a str,
            versions: &'a [u64],
            offers: &'a [Offer],
            note: &'a str,
            at: UnixSeconds,
            #[serde(skip_serializing_if = "<[CardOracle]>::is_empty")]
            oracles: &'a [CardOracle],
            #[serde(skip_serializing_if = "Option::is_none")]
            limits: &'a Option<CardLimits>,
            #[serde(skip_serializing_if = "is_false")]
            renews: bool,
            #[serde(skip_serializing_if = "<[Succession]>::is_empty")]
            successions: &'a [Succession],
        }
        let Self { network, versions, offers, note, oracles, limits, successions, .. } = self;
        let (v, key, at, renews) = (self.v, self.key, self.at, self.renews);
        let unsigned =
            Unsigned { v, key, network, versions, offers, note, at, oracles, limits, renews, successions };
        signing::tagged_hash(TAG, &unsigned)
    }

    fn check_oracles(&self) -> Result<(), DocumentError> {
        if self.oracles.len() > MAX_ORACLES {
            return Err(DocumentError::new("oracles", "must name at most 16"));
        }
        let mut oracles = self.oracles.iter().enumerate();
        oracles.try_for_each(|(index, oracle)| check_url(&format!("oracles[{index}].url"), &oracle.url))
    }

    fn check(&self) -> Result<(), CardError> {
        check_code("network", &self.network)?;
        check_text("note", &self.note)?;
        check_successions(&self.successions, self.key)?;
        self.check_oracles()?;
        if self.versions.len() > MAX_VERSIONS {
            return Err(DocumentError::new("versions", "must list at most 16").into());
        }
        if self.common_version(envelope::LATEST).is_none() {
            return Err(CardError::NoCommonVersion { versions: self.versions.clone() });
        }
        if self.offers.len() > MAX_OFFERS {
            return Err(DocumentError::new("offers", "must hold at most 100").into());
        }
        for (index, offer) in self.offers.iter().enumerate() {
            if offer.network != self.network {
                return Err(
                    DocumentError::new(format!("offers[{index}].network"), "must be the card's").into()
                );
            }
            offer.check_shape().map_err(|error| CardError::Offer { index, error })?;
        }
        Ok(())
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

fn check_version(written: &Value) -> Result<(), CardError> {
    match written.get("v").and_then(Value::as_u64) {
        Some(VERSION) => Ok(()),
        Some(got) => Err(CardError::Version { got }),
        None => Err(DocumentError::new("v", "must be the card's version, a number").into()),
    }
}
