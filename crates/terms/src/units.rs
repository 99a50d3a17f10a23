//! The integers that documents are made of, each with its unit in the type.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The largest number a document may carry: `2^53 - 1`, the last that every JSON reader keeps exact.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// One million: the whole of a share given in [`Ppm`].
pub const PPM_WHOLE: u64 = 1_000_000;

macro_rules! integer {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

integer!(
    /// An amount of bitcoin in satoshis.
    Sat
);
integer!(
    /// A share in parts per million; [`PPM_WHOLE`] is all of it.
    Ppm
);
integer!(
    /// A moment in unix seconds, UTC.
    UnixSeconds
);
integer!(
    /// One value of a numeric event, in the unit of its scale.
    OutcomeValue
);

impl Ppm {
    /// The share in percent, exactly.
    ///
    /// ```
    /// assert_eq!(terms::Ppm(33_334).percent(), "3.3334 %");
    /// assert_eq!(terms::Ppm(1_000).percent(), "0.1 %");
    /// ```
    pub fn percent(self) -> String {
        let text = format!("{}.{:04}", self.0 / 10_000, self.0 % 10_000);
        format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// The smallest output of a contract: the DLC libraries give anything smaller to the miners without a word.
pub const MIN_OUTPUT_SAT: Sat = Sat(1000);

/// Thirty-two bytes, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex32(pub [u8; 32]);

/// `SHA-256` of an agreement's canonical form: what both parties accept and sign.
pub type TermsHash = Hex32;

impl Hex32 {
    /// Parses 64 lower-case hex digits; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || text.bytes().any(|b| b.is_ascii_uppercase()) {
            return None;
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for Hex32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hex32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hex32 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex32 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("must be 64 lower-case hex digits"))
    }
}

/// The id of the event that a measurement defines: `sla1-` and 64 hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(String);

impl EventId {
    /// The prefix that says how the rest was made.
    pub const PREFIX: &'static str = "sla1-";

    /// The id of a measurement whose canonical form has this `SHA-256`.
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(format!("{}{}", Self::PREFIX, hex::encode(digest)))
    }

    /// Parses an event id; `None` when it is not `sla1-` and 64 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        Hex32::parse(text.strip_prefix(Self::PREFIX)?)?;
        Some(Self(text.to_owned()))
    }

    /// The id as text, made of `[a-z0-9-]` only, so that it needs no escaping in a URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EventId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("must be \"sla1-\" and 64 lower-case hex digits")
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
