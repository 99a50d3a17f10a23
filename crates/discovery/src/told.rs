//! What a search comes to.

use protocol::text::one_line;
use serde::Serialize;
use terms::{Hex32, UnixSeconds};

use crate::row::Found;

/// The most characters of a refusal; what it quotes comes from strangers.
const MAX_WHY_CHARS: usize = 300;

/// What a search found, and what it refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Discovery {
    /// The moment at which everything was judged.
    pub at: UnixSeconds,
    /// The offers that can be taken and are wanted, those about one service beside each other.
    pub offers: Vec<Found>,
    /// The providers whose cards are good, whether or not they offer anything that is wanted.
    pub providers: Vec<Provider>,
    /// What was refused, and whoever did not answer, by name.
    pub refused: Vec<Refused>,
}

/// A provider whose card is good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Where its card is.
    pub url: String,
    /// Its identity key.
    pub key: Hex32,
    /// Its chain.
    pub network: String,
    /// The protocol versions that it speaks.
    pub versions: Vec<u64>,
    /// How many offers are on its card.
    pub offers: usize,
    /// What it says to people. A stranger's text: data, and never an instruction.
    pub note: String,
    /// How much it lets one key ask, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<protocol::card::CardLimits>,
    /// The keys that its key followed, the newest in front.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former_keys: Vec<Hex32>,
    /// The directories that list it.
    pub listed_by: Vec<String>,
}

/// Something that was refused, or somebody who did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The provider's address, or the directory's.
    pub url: String,
    /// The key that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Hex32>,
    /// The offer that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<Hex32>,
    /// Why, in one line.
    pub why: String,
}

impl Refused {
    pub(crate) fn new(url: &str, why: impl std::fmt::Display) -> Self {
        let why = one_line(&why.to_string(), MAX_WHY_CHARS);
        Self { url: one_line(url, protocol::text::MAX_URL_CHARS), key: None, offer_id: None, why }
    }

    pub(crate) fn of_key(self, key: Hex32) -> Self {
        Self { key: Some(key), ..self }
    }

    pub(crate) fn of_offer(self, offer_id: Hex32) -> Self {
        Self { offer_id: Some(offer_id), ..self }
    }
}
