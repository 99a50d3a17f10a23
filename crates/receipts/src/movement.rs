//! What a line is about.

use std::fmt;

use serde::{Deserialize, Serialize};
use terms::{Hex32, Sat, UnixSeconds};

/// One movement of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Movement {
    /// When it was noted, with the event that moved the money.
    pub at: UnixSeconds,
    /// Who got paid.
    pub paid_to: Payee,
    /// How much.
    pub sat: Sat,
    /// For what.
    pub purpose: Purpose,
    /// The escrow that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escrow: Option<Hex32>,
    /// The transaction, as explorers show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txid: Option<Hex32>,
    /// The hash of the terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_hash: Option<Hex32>,
    /// SHA-256 of the attestation's bytes that the payout follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Hex32>,
    /// The line that this one takes back: the chain was reorganised, or a payment was never made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<u64>,
}

impl Movement {
    /// Whether two tell of the same, whenever it was noted.
    pub fn is_same(&self, other: &Self) -> bool {
        Self { at: other.at, corrects: other.corrects, ..self.clone() } == *other
    }
}

/// What money was moved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Locked in an escrow.
    Funding,
    /// The own part of an escrow's funding and closing fees.
    Fee,
    /// A payout as attested.
    Settlement,
    /// Returned because nothing was attested in time.
    Refund,
    /// A payout as both sides agreed.
    Close,
    /// The funding output was spent by nothing that was agreed.
    UnknownSpend,
    /// A child that pays for a transaction which waited.
    Bump,
    /// Taking the own coins back from a funding transaction.
    Cancel,
    /// The owner's payment.
    Withdrawal,
    /// The scheduled sweep.
    Sweep,
    /// Larger coins made into several.
    Split,
}

impl Purpose {
    /// The name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Funding => "funding",
            Self::Fee => "fee",
            Self::Settlement => "settlement",
            Self::Refund => "refund",
            Self::Close => "close",
            Self::UnknownSpend => "unknown_spend",
            Self::Bump => "bump",
            Self::Cancel => "cancel",
            Self::Withdrawal => "withdrawal",
            Self::Sweep => "sweep",
            Self::Split => "split",
        }
    }
}

/// Who got paid. Written as `contract`, `miners`, `unknown`, `party:<key>` or `address:<address>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Payee {
    /// The output that both sides' keys lock.
    Contract,
    /// Whoever mines the block.
    Miners,
    /// Nobody that we know.
    Unknown,
    /// A party of an escrow, by its identity key.
    Party(Hex32),
    /// An address.
    Address(String),
}

impl fmt::Display for Payee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contract => f.write_str("contract"),
            Self::Miners => f.write_str("miners"),
            Self::Unknown => f.write_str("unknown"),
            Self::Party(key) => write!(f, "party:{key}"),
            Self::Address(address) => write!(f, "address:{address}"),
        }
    }
}

impl From<Payee> for String {
    fn from(payee: Payee) -> Self {
        payee.to_string()
    }
}

impl TryFrom<String> for Payee {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = |text: &str| {
            !text.is_empty() && text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        match text.split_once(':') {
            None if text == "contract" => Ok(Self::Contract),
            None if text == "miners" => Ok(Self::Miners),
            None if text == "unknown" => Ok(Self::Unknown),
            Some(("party", key)) => Hex32::parse(key).map(Self::Party).ok_or("party: must be 64 hex digits"),
            Some(("address", address)) if plain(address) => Ok(Self::Address(address.to_owned())),
            _ => Err("must be contract, miners, unknown, party:<key> or address:<address>"),
        }
    }
}
