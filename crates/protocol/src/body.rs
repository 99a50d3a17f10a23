//! What an envelope says.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::{Agreement, DocumentError, Hex32, Sat, TermsHash, canonical};

use crate::bytes::{Hex64, HexBytes};
use crate::envelope::MAX_BYTES;
use crate::text::{check_code, check_text};

/// What an envelope says: `{"type": "rfq", ...}`.
///
/// `docs/protocol.md` shows in which order bodies follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// Buyer: asks for a quote on a published offer.
    Rfq {
        /// The offer's id, from the provider's card.
        offer_id: Hex32,
    },
    /// Provider: the terms it would take, whole, until the envelope expires. Reserves nothing.
    Quote {
        /// The terms.
        agreement: Box<Agreement>,
    },
    /// Either: other terms instead.
    Counter {
        /// The terms.
        agreement: Box<Agreement>,
    },
    /// Either: takes the terms that the other proposed last.
    Accept {
        /// Their hash, computed by the one who accepts.
        terms_hash: TermsHash,
    },
    /// Either: does not take the terms.
    Reject {
        /// Why, for a person to read.
        reason: String,
        /// Whether the session is over.
        #[serde(rename = "final")]
        is_final: bool,
    },
    /// Either: takes the own last proposal back.
    Withdraw {
        /// Why, for a person to read.
        reason: String,
    },
    /// The DLC offerer: its offer message.
    DlcOffer {
        /// The message's wire bytes.
        message_hex: HexBytes,
    },
    /// The DLC accepter: its accept message.
    DlcAccept {
        /// The message's wire bytes.
        message_hex: HexBytes,
    },
    /// The DLC offerer: its sign message, after which only the accepter can broadcast.
    DlcSign {
        /// The message's wire bytes.
        message_hex: HexBytes,
    },
    /// Either: ends the session before the funding signatures are out.
    Cancel {
        /// Why, for a person to read.
        reason: String,
    },
    /// Either, as the first of a session of its own: proposes to close a funded escrow at a split, until the envelope
    /// expires. Signs nothing.
    ClosePropose {
        /// The escrow, by the id of the session that negotiated it.
        escrow: Hex32,
        /// What the provider would get.
        provider_sat: Sat,
        /// What the buyer would get.
        buyer_sat: Sat,
        /// Why, for a person to read; may be empty.
        reason: String,
    },
    /// Either: agrees to the proposed close. The proposer completes and broadcasts it at once.
    CloseSign {
        /// R and S of an ECDSA signature (`SIGHASH_ALL`, low S) over the close that follows from contract and split.
        signature_hex: Hex64,
    },
    /// Buyer, as the first of a session of its own: asks for a quote on an escrow's next window.
    Renew {
        /// The escrow, by the id of the session that negotiated it.
        escrow: Hex32,
    },
    /// Either: the previous envelope could not be acted upon.
    Error {
        /// What went wrong, for a program: `a-z`, `0-9`, `-`, `_`.
        code: String,
        /// What went wrong, for a person.
        detail: String,
    },
}

impl Body {
    /// The body's `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Rfq { .. } => "rfq",
            Self::Quote { .. } => "quote",
            Self::Counter { .. } => "counter",
            Self::Accept { .. } => "accept",
            Self::Reject { .. } => "reject",
            Self::Withdraw { .. } => "withdraw",
            Self::DlcOffer { .. } => "dlc_offer",
            Self::DlcAccept { .. } => "dlc_accept",
            Self::DlcSign { .. } => "dlc_sign",
            Self::Cancel { .. } => "cancel",
            Self::ClosePropose { .. } => "close_propose",
            Self::CloseSign { .. } => "close_sign",
            Self::Renew { .. } => "renew",
            Self::Error { .. } => "error",
        }
    }

    /// Reads a body from JSON that has already passed [`terms::canonical::parse_within`] (so it has no
    /// duplicate keys), and [checks](Body::check) it.
    ///
    /// # Errors
    /// Names the field, from `body` on, and the rule that it breaks.
    pub fn from_value(value: Value) -> Result<Self, DocumentError> {
        let Value::Object(mut rest) = value else {
            return Err(DocumentError::new("body", "must be an object"));
        };
        let Some(Value::String(kind)) = rest.remove("type") else {
            return Err(DocumentError::new("body.type", "must name the body's type"));
        };
        let body = Self::from_fields(&kind, &Value::Object(rest))?;
        body.check()?;
        Ok(body)
    }

    fn from_fields(kind: &str, rest: &Value) -> Result<Self, DocumentError> {
        Ok(match kind {
            "rfq" => read(rest).map(|RfqFields { offer_id }| Self::Rfq { offer_id })?,
            "quote" => Self::Quote { agreement: agreement(rest)? },
            "counter" => Self::Counter { agreement: agreement(rest)? },
            "accept" => read(rest).map(|AcceptFields { terms_hash }| Self::Accept { terms_hash })?,
            "reject" => {
                read(rest).map(|RejectFields { reason, is_final }| Self::Reject { reason, is_final })?
            }
            "withdraw" => read(rest).map(|ReasonFields { reason }| Self::Withdraw { reason })?,
            "dlc_offer" => read(rest).map(|DlcFields { message_hex }| Self::DlcOffer { message_hex })?,
            "dlc_accept" => read(rest).map(|DlcFields { message_hex }| Self::DlcAccept { message_hex })?,
            "dlc_sign" => read(rest).map(|DlcFields { message_hex }| Self::DlcSign { message_hex })?,
            "cancel" => read(rest).map(|ReasonFields { reason }| Self::Cancel { reason })?,
            "close_propose" => proposal(rest)?,
            "close_sign" => {
                read(rest).map(|SignFields { signature_hex }| Self::CloseSign { signature_hex })?
            }
            "renew" => read(rest).map(|RenewFields { escrow }| Self::Renew { escrow })?,
            "error" => read(rest).map(|ErrorFields { code, detail }| Self::Error { code, detail })?,
            _ => return Err(DocumentError::new("body.type", "is no body type of the protocol")),
        })
    }

    /// Checks what the types alone do not: bounds of text, a whole and valid agreement, a message that is not empty.
    ///
    /// # Errors
    /// Names the field, from `body` on, and the rule that it breaks.
    pub fn check(&self) -> Result<(), DocumentError> {
        match self {
            Self::Rfq { .. } | Self::Accept { .. } | Self::CloseSign { .. } | Self::Renew { .. } => Ok(()),
            Self::Quote { agreement } | Self::Counter { agreement } => {
                agreement.validate().map_err(|e| e.within("body.agreement"))
            }
            Self::Reject { reason, .. }
            | Self::Withdraw { reason }
            | Self::Cancel { reason }
            | Self::ClosePropose { reason, .. } => check_text("body.reason", reason),
            Self::DlcOffer { message_hex }
            | Self::DlcAccept { message_hex }
            | Self::DlcSign { message_hex } => check_message(message_hex),
            Self::Error { code, detail } => {
                check_code("body.code", code)?;
                check_text("body.detail", detail)
            }
        }
    }
}

fn check_message(message: &HexBytes) -> Result<(), DocumentError> {
    if message.0.is_empty() {
        return Err(DocumentError::new("body.message_hex", "must not be empty"));
    }
    Ok(())
}

/// Reads the fields of one body type; serde's own handling of tagged enums would lose the field's path.
fn read<F: DeserializeOwned>(rest: &Value) -> Result<F, DocumentError> {
    canonical::parse_within(&canonical::bytes(rest), MAX_BYTES).map_err(|e| e.within("body"))
}

/// Reads an agreement as the document that it is, so that its hash is that of what was written.
fn agreement(rest: &Value) -> Result<Box<Agreement>, DocumentError> {
    let TermsFields { agreement } = read(rest)?;
    let agreement =
        Agreement::parse(&canonical::bytes(&agreement)).map_err(|e| e.within("body.agreement"))?;
    Ok(Box::new(agreement))
}

fn proposal(rest: &Value) -> Result<Body, DocumentError> {
    read(rest).map(|ProposalFields { escrow, provider_sat, buyer_sat, reason }| Body::ClosePropose {
        escrow,
        provider_sat,
        buyer_sat,
        reason,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RfqFields {
    offer_id: Hex32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TermsFields {
    agreement: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptFields {
    terms_hash: TermsHash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RejectFields {
    reason: String,
    #[serde(rename = "final")]
    is_final: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReasonFields {
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DlcFields {
    message_hex: HexBytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProposalFields {
    escrow: Hex32,
    provider_sat: Sat,
    buyer_sat: Sat,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignFields {
    signature_hex: Hex64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenewFields {
    escrow: Hex32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorFields {
    code: String,
    detail: String,
}
