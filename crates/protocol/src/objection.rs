//! Objections to a provisional outcome: what somebody says publicly between a window's end and its maturity.
//!
//! Anybody may object, and may sign with any key, so that it can be seen later whose word it was:
//!
//! ```text
//! signature = BIP340 by key over taggedhash("earnest/objection/v1", canonical JSON of {"event_id","text"})
//! ```
//!
//! The text is data. Nothing follows from it by itself: the outcome follows from the samples.

use schemars::JsonSchema;
use secp256k1_zkp::Keypair;
use serde::{Deserialize, Serialize};
use terms::{EventId, Hex32, UnixSeconds};

use crate::bytes::Hex64;
use crate::schema;
use crate::signing;
use crate::text::{MAX_TEXT_CHARS, check_text};

/// The BIP340 tag of an objection's hash.
pub const TAG: &str = "earnest/objection/v1";

/// `POST /v1/events/{id}/objections`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Objection {
    /// What is wrong, in the objector's words.
    pub text: String,
    /// Who says so (x-only); given together with `signature`, or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub key: Option<Hex32>,
    /// BIP340 by `key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Hex64>,
}

/// `GET /v1/events/{id}/objections`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Objections {
    /// All objections to the event, oldest first.
    pub objections: Vec<ObjectionView>,
}

/// An objection that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectionView {
    /// Its number, by which the operator answers it.
    pub id: i64,
    /// When it came.
    #[schemars(with = "schema::UnixSeconds")]
    pub at: UnixSeconds,
    /// What the objector said.
    #[serde(flatten)]
    pub objection: Objection,
    /// What the oracle's operator said to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// What the oracle's operator said to an objection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// When.
    #[schemars(with = "schema::UnixSeconds")]
    pub at: UnixSeconds,
    /// What.
    pub text: String,
}

/// An event that will not be attested: its operator withholds the signature for good, and contracts on it end by refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Withheld {
    /// Since when.
    #[schemars(with = "schema::UnixSeconds")]
    pub at: UnixSeconds,
    /// Why, in the operator's words.
    pub reason: String,
}

/// Why an objection is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectionError {
    /// There is no text, or too much of it, or something that is no text.
    #[error(
        "text: must be 1 to {MAX_TEXT_CHARS} characters, not all of them spaces and none but line feeds control characters"
    )]
    Text,
    /// Only one of key and signature is there.
    #[error("signature: must be given together with key")]
    Half,
    /// The signature is not the key's over this event and text.
    #[error("signature: is not a signature of `key` over this event and text")]
    Signature,
}

impl ObjectionError {
    /// The field that breaks a rule.
    pub fn field(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Half | Self::Signature => "signature",
        }
    }
}

impl Objection {
    /// Signs an objection to an event.
    pub fn sign(event_id: &EventId, text: String, keypair: &Keypair) -> Self {
        let signature = signing::sign(hash(event_id, &text), keypair);
        Self { text, key: Some(signing::public_key(keypair)), signature: Some(signature) }
    }

    /// Checks the text, and the signature where there is one.
    ///
    /// # Errors
    /// Names the field that breaks a rule.
    pub fn check(&self, event_id: &EventId) -> Result<(), ObjectionError> {
        if !is_text(&self.text) {
            return Err(ObjectionError::Text);
        }
        match (self.key, self.signature) {
            (None, None) => Ok(()),
            (Some(key), Some(signature)) => signing::verify(hash(event_id, &self.text), key, signature)
                .map_err(|_| ObjectionError::Signature),
            _ => Err(ObjectionError::Half),
        }
    }
}

/// Whether this can be an objection's text, an answer's, or a reason.
pub fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && check_text("text", text).is_ok()
}

fn hash(event_id: &EventId, text: &str) -> Hex32 {
    #[derive(Serialize)]
    struct Signed<'a> {
        event_id: &'a EventId,
        text: &'a str,
    }
    signing::tagged_hash(TAG, &Signed { event_id, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(byte: u8) -> EventId {
        EventId::from_digest([byte; 32])
    }

    #[test]
    fn a_signature_is_good_for_its_event_and_text_alone() {
        let keypair = Keypair::from_seckey_slice(secp256k1_zkp::SECP256K1, &[7; 32]).unwrap();
        let signed = Objection::sign(&event(1), "It was your network.".to_owned(), &keypair);
        assert_eq!(signed.check(&event(1)), Ok(()));
        assert_eq!(signed.check(&event(2)), Err(ObjectionError::Signature));
        let other = Objection { text: "It was ours.".to_owned(), ..signed.clone() };
        assert_eq!(other.check(&event(1)), Err(ObjectionError::Signature));
        let half = Objection { signature: None, ..signed };
        assert_eq!(half.check(&event(1)), Err(ObjectionError::Half));
    }

    #[test]
    fn a_text_is_bounded_and_without_control_characters() {
        assert!(is_text("Two\nlines, ünïcode and <b>") && is_text(&"ö".repeat(MAX_TEXT_CHARS)));
        for bad in ["", "  \n ", "a\u{0}", "a\u{1b}[31m", "a\r\n", &"x".repeat(MAX_TEXT_CHARS + 1)] {
            assert!(!is_text(bad), "{bad:?}");
        }
    }
}
