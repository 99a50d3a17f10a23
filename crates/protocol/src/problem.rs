//! Problem details (RFC 9457): how every HTTP API of Earnest says no.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::DocumentError;

use crate::card::CardError;
use crate::envelope::EnvelopeError;
use crate::listing::ListingError;
use crate::offer::OfferError;
use crate::session::SessionError;
use crate::text::check_text;

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What a problem's `type` begins with; the rest is its [`ProblemType::code`].
pub const TYPE_PREFIX: &str = "urn:earnest:problem:";

/// An answer that says no, and why.
///
/// Readers ignore members that they do not know, as RFC 9457 demands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{title}: {}{detail}", self.named())]
pub struct Problem {
    /// [`TYPE_PREFIX`] and the code of a [`ProblemType`].
    #[serde(rename = "type")]
    pub kind: String,
    /// The type's title, the same every time.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, for a person.
    pub detail: String,
    /// The field that broke a rule, such as `measurement.window.end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What it costs, where it is to be paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Box<Price>>,
}

/// What somebody asks for doing something. All of it is theirs to say: this crate knows no money but satoshis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Price {
    /// The amount with its unit, such as `500 sat`.
    pub amount: String,
    /// How to pay, in words for a person or their agent, and what to repeat the request with.
    pub how: String,
    /// What a wallet takes: an invoice, an address, a link. Opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<String>,
}

/// The most bytes of an invoice.
const MAX_INVOICE_BYTES: usize = 4_096;

impl Price {
    /// Whether it may be shown to a person or a wallet, whoever said it.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check(&self) -> Result<(), DocumentError> {
        check_text("price.amount", &self.amount)?;
        check_text("price.how", &self.how)?;
        let invoice = self.invoice.as_deref().unwrap_or_default();
        if invoice.len() > MAX_INVOICE_BYTES || !invoice.bytes().all(|b| b.is_ascii_graphic()) {
            let rule = "must be at most 4096 printable ASCII characters without spaces";
            return Err(DocumentError::new("price.invoice", rule));
        }
        Ok(())
    }
}

/// The catalogue: every type of problem that Earnest answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemType {
    /// A document, envelope or parameter breaks a rule, which `field` and `detail` name.
    BadInput,
    /// An envelope or card of a version that is not spoken here.
    UnsupportedVersion,
    /// The bearer token or the signature of the request is missing, or of somebody who may not ask.
    Unauthorized,
    /// It has a price, which `price` says, and is not paid for.
    PaymentRequired,
    /// A signature is not its key's.
    BadSignature,
    /// The mandate does not allow it: the owner decides, not the caller.
    Mandate,
    /// A human has to approve it first; it is stored, and waits.
    ApprovalRequired,
    /// There is no such thing.
    NotFound,
    /// The address is there, and takes another method; the header `Allow` says which.
    MethodNotAllowed,
    /// It contradicts what is there: the same id with another body, or an envelope out of turn.
    Conflict,
    /// An offer, envelope or deadline whose time has passed.
    Expired,
    /// The body is larger than the limit.
    TooLarge,
    /// The body says of itself that it is no JSON.
    UnsupportedMedia,
    /// The same `Idempotency-Key` came with another body.
    IdempotencyMismatch,
    /// The wallet has not enough confirmed coins.
    InsufficientFunds,
    /// Too many requests.
    RateLimited,
    /// A fault of the node's own; its log says more.
    Internal,
    /// Somebody the node needs (peer, oracle, bitcoind) answered with nonsense.
    BadUpstream,
    /// The node, or somebody it needs, can't answer now: try again.
    Unavailable,
}

impl ProblemType {
    /// Every type, in the order of the statuses.
    pub const ALL: [Self; 19] = [
        Self::BadInput,
        Self::UnsupportedVersion,
        Self::Unauthorized,
        Self::PaymentRequired,
        Self::BadSignature,
        Self::Mandate,
        Self::ApprovalRequired,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::Expired,
        Self::TooLarge,
        Self::UnsupportedMedia,
        Self::IdempotencyMismatch,
        Self::InsufficientFunds,
        Self::RateLimited,
        Self::Internal,
        Self::BadUpstream,
        Self::Unavailable,
    ];

    /// Its name: the end of the `type`.
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// Its HTTP status.
    pub fn status(self) -> u16 {
        self.row().1
    }

    /// Its title.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// The type of a problem's `type`.
    pub fn from_kind(kind: &str) -> Option<Self> {
        let code = kind.strip_prefix(TYPE_PREFIX)?;
        Self::ALL.into_iter().find(|t| t.code() == code)
    }

    fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::BadInput => ("bad-input", 400, "The input breaks a rule"),
            Self::UnsupportedVersion => ("unsupported-version", 400, "This version is not spoken here"),
            Self::Unauthorized => ("unauthorized", 401, "Who asks is not known here"),
            Self::PaymentRequired => ("payment-required", 402, "It is to be paid for first"),
            Self::BadSignature => ("bad-signature", 403, "The signature is wrong"),
            Self::Mandate => ("mandate", 403, "The mandate does not allow it"),
            Self::ApprovalRequired => ("approval-required", 403, "A human has to approve it"),
            Self::NotFound => ("not-found", 404, "There is no such thing"),
            Self::MethodNotAllowed => ("method-not-allowed", 405, "This address takes another method"),
            Self::Conflict => ("conflict", 409, "It contradicts what is there"),
            Self::Expired => ("expired", 410, "Its time has passed"),
            Self::TooLarge => ("too-large", 413, "The body is too large"),
            Self::UnsupportedMedia => ("unsupported-media-type", 415, "The body must be JSON"),
            Self::IdempotencyMismatch => {
                ("idempotency-mismatch", 422, "The idempotency key came with another body")
            }
            Self::InsufficientFunds => ("insufficient-funds", 422, "Not enough confirmed coins"),
            Self::RateLimited => ("rate-limited", 429, "Too many requests"),
            Self::Internal => ("internal", 500, "A fault of the node's own"),
            Self::BadUpstream => ("bad-upstream", 502, "Somebody else answered with nonsense"),
            Self::Unavailable => ("unavailable", 503, "Not available now"),
        }
    }
}

impl Problem {
    /// The field before the detail, where that does not begin with it.
    fn named(&self) -> String {
        match &self.field {
            Some(field) if !self.detail.starts_with(field.as_str()) => format!("{field}: "),
            _ => String::new(),
        }
    }

    /// A problem of the catalogue.
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("{TYPE_PREFIX}{}", kind.code()),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            field: None,
            price: None,
        }
    }

    /// The same problem, naming a field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same problem, naming a price.
    #[must_use]
    pub fn priced(mut self, price: Price) -> Self {
        self.price = Some(Box::new(price));
        self
    }

    /// Its type, if it is one of the catalogue.
    pub fn known_type(&self) -> Option<ProblemType> {
        ProblemType::from_kind(&self.kind)
    }

    /// The answer's body.
    pub fn bytes(&self) -> Vec<u8> {
        terms::canonical::bytes(self)
    }
}

impl From<&DocumentError> for Problem {
    fn from(e: &DocumentError) -> Self {
        Self::new(ProblemType::BadInput, &e.rule).at(&e.field)
    }
}

impl From<&EnvelopeError> for Problem {
    fn from(e: &EnvelopeError) -> Self {
        let kind = match e {
            EnvelopeError::Document(e) => return e.into(),
            EnvelopeError::Version { .. } => ProblemType::UnsupportedVersion,
            EnvelopeError::Signature => ProblemType::BadSignature,
            EnvelopeError::Expired { .. } => ProblemType::Expired,
            EnvelopeError::Recipient { .. } | EnvelopeError::FromTheFuture { .. } => ProblemType::BadInput,
        };
        Self::new(kind, rule_of(&e.to_string(), e.field())).at(e.field())
    }
}

impl From<&SessionError> for Problem {
    fn from(e: &SessionError) -> Self {
        Self::new(ProblemType::Conflict, rule_of(&e.to_string(), e.field())).at(e.field())
    }
}

impl From<&OfferError> for Problem {
    fn from(e: &OfferError) -> Self {
        let kind = match e {
            OfferError::Document(e) => return e.into(),
            OfferError::Id { .. } | OfferError::Payout(_) => ProblemType::BadInput,
            OfferError::Expired { .. } | OfferError::TooLate { .. } => ProblemType::Expired,
        };
        Self::new(kind, rule_of(&e.to_string(), e.field())).at(e.field())
    }
}

impl From<&ListingError> for Problem {
    fn from(e: &ListingError) -> Self {
        let kind = match e {
            ListingError::Document(e) => return e.into(),
            ListingError::Version { .. } => ProblemType::UnsupportedVersion,
            ListingError::Signature => ProblemType::BadSignature,
            ListingError::Expired { .. } => ProblemType::Expired,
            ListingError::FromTheFuture { .. } => ProblemType::BadInput,
        };
        Self::new(kind, rule_of(&e.to_string(), e.field())).at(e.field())
    }
}

impl From<&CardError> for Problem {
    fn from(e: &CardError) -> Self {
        let kind = match e {
            CardError::Version { .. } | CardError::NoCommonVersion { .. } => ProblemType::UnsupportedVersion,
            CardError::Signature => ProblemType::BadSignature,
            CardError::Document(_) | CardError::Offer { .. } => ProblemType::BadInput,
        };
        let field = e.field();
        Self::new(kind, rule_of(&e.to_string(), &field)).at(field)
    }
}

/// The errors of this crate read `field: rule`; a problem says the two apart.
fn rule_of(text: &str, field: &str) -> String {
    text.strip_prefix(field).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(text).to_owned()
}
