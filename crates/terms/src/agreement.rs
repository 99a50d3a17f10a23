//! The agreement: what two parties pay each other for each outcome of one measurement, private.

mod renewal;
pub(crate) mod rules;
mod tolerance;

use serde::{Deserialize, Serialize};

use crate::canonical::{self, DocumentError};
use crate::measurement::Measurement;
use crate::payout::{CompileError, Payout, PayoutTable};
use crate::units::{EventId, Hex32, OutcomeValue, Sat, TermsHash, UnixSeconds};
pub use rules::MAX_MONEY;

/// What two parties agreed about a measurement. Version 1.
///
/// It carries the measurement itself, so that one file is enough to compute every payout; the
/// event id says once more what the oracle's announcement must be signed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// The document's version: 1.
    pub v: u64,
    /// The chain: `regtest`, `signet`, `testnet4` or `mainnet`.
    pub network: String,
    /// What is measured.
    pub measurement: Measurement,
    /// The id of the measurement's event; must be the measurement's hash.
    pub event_id: EventId,
    /// Whose attestation counts.
    pub oracles: OracleSet,
    /// Who sells.
    pub provider: Party,
    /// Who buys.
    pub buyer: Party,
    /// What the buyer locks; may be zero.
    pub price_sat: Sat,
    /// What the provider locks; may be zero.
    pub bond_sat: Sat,
    /// What each outcome pays.
    pub payout: Payout,
    /// The moment by which the funding transaction must be on the chain, or the offerer takes its coins back.
    /// Before the window starts.
    pub funding_deadline: UnixSeconds,
    /// Seconds after the latest maturity of the oracles' events until the refund becomes valid.
    pub refund_delay_s: u64,
    /// Fee rate of funding, CETs and refund in sat/vB.
    pub fee_rate_sat_vb: u64,
}

/// One party of an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Its identity: the x-only key (BIP340) that signs its envelopes.
    pub key: Hex32,
}

/// Whose attestation counts: t of n oracles, t > n/2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleSet {
    /// The oracles' x-only keys, in the order of the contract's announcements.
    pub keys: Vec<Hex32>,
    /// t.
    pub threshold: u64,
    /// For t > 1 on a numeric scale: how far the oracles may differ. Without it they must share a CET's digit prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Tolerance>,
}

/// How far several oracles' values may differ and still settle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// Values `2^max_error_exp` or more apart settle only if a CET's digit prefix covers both.
    pub max_error_exp: u64,
    /// Values at most `2^min_fail_exp` apart always settle.
    pub min_fail_exp: u64,
    /// The largest difference in satoshis between combinations of oracles that may both settle.
    pub max_spread_sat: Sat,
}

impl Agreement {
    /// Parses and checks an agreement. It is not compiled: see [`Agreement::compile`].
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let agreement: Self = canonical::parse_exact(bytes)?;
        agreement.validate()?;
        Ok(agreement)
    }

    /// The canonical form (RFC 8785), which is what gets hashed.
    pub fn canonical(&self) -> Vec<u8> {
        canonical::bytes(self)
    }

    /// The hash both parties accept.
    pub fn terms_hash(&self) -> TermsHash {
        Hex32(canonical::sha256(&self.canonical()))
    }

    /// Price and bond together: what the contract pays out at every outcome.
    pub fn total_sat(&self) -> Sat {
        Sat(self.price_sat.0.saturating_add(self.bond_sat.0))
    }

    /// Checks every rule that the fields must obey together.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn validate(&self) -> Result<(), DocumentError> {
        rules::check(self)
    }

    /// Works out the exact satoshis of either side at every outcome.
    ///
    /// # Errors
    /// Names the outcome at which the schedule would pay dust, or more for a worse outcome, or the spread between
    /// combinations of oracles that is above the agreed one.
    pub fn compile(&self) -> Result<PayoutTable, CompileError> {
        let table =
            PayoutTable::compile(&self.payout, &self.measurement.outcome, self.price_sat, self.bond_sat)?;
        tolerance::check_spread(&self.oracles, &table)?;
        Ok(table)
    }

    /// The provider's satoshis at a value of a numeric scale (shorthand for compiling and looking up).
    ///
    /// # Errors
    /// As [`Agreement::compile`].
    pub fn provider_sat(&self, value: OutcomeValue) -> Result<Option<Sat>, CompileError> {
        Ok(self.compile()?.at_value(value))
    }
}
