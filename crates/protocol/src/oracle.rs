//! The shapes of an oracle's own read and request API. What existing oracle clients speak (kormir)
//! is made of the DLC library's own types and has no shapes here.
//!
//! Requests are [`terms::Measurement`] documents, refused when anything in them is unknown; answers may
//! gain fields, so readers ignore what they do not know.

mod keys;
mod log;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::{EventId, Hex32, Measurement, Outcome, UnixSeconds};

use crate::bytes::{Hex64, HexBytes};
use crate::objection::Withheld;
use crate::schema;
use crate::vantage::EventVantage;

pub use keys::{KeyRotation, KeyStanding, OracleKeyInfo, Successor};
pub use log::{LogContradiction, LogGrowth, LogInfo, LogSight, LogVoucher};

/// `GET /v1/info`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OracleInfo {
    /// The program's version.
    pub version: String,
    /// The key that signs announcements and attestations (x-only).
    #[schemars(with = "schema::Bytes32")]
    pub pubkey: Hex32,
    /// The chain that the oracle's events are meant for.
    pub network: String,
    /// The name of the place from which it measures.
    pub vantage: String,
    /// An event's maturity is its window's end plus this.
    pub publication_delay_s: u64,
    /// Who may ask for measurements: `open`, `token` for holders of the bearer token, or `keys` for those whose signed
    /// requests it knows.
    pub accept: String,
    /// Milliseconds between two probes, at least.
    pub least_probe_every_ms: u64,
    /// So many probes fit in one event's window.
    pub max_probes: u64,
    /// So many bytes of a body are read.
    pub max_body_bytes: u64,
    /// How many reference targets tell whether the oracle itself is connected.
    pub references: u64,
    /// How many of them must answer for a failed probe to count.
    pub references_needed: u64,
    /// How many certificate authorities of its machine it believes.
    #[serde(default)]
    pub system_roots: u64,
    /// SHA-256 of the certificates (DER) of further authorities that its operator makes it believe.
    #[serde(default)]
    #[schemars(with = "Vec<schema::Bytes32>")]
    pub extra_roots: Vec<Hex32>,
    /// All its keys, oldest first, where there was more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<OracleKeyInfo>,
    /// The oracle's time.
    #[schemars(with = "schema::UnixSeconds")]
    pub now: UnixSeconds,
    /// Whether that time is simulated, and the key therefore worthless elsewhere.
    pub simulated_time: bool,
}

/// `POST /v1/measurements`: the event that now stands announced.
///
/// 201 the first time, 200 with the same bytes every time after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Announced {
    /// The id of the measurement's event.
    #[schemars(with = "schema::EventId")]
    pub event_id: EventId,
    /// When it will be attested.
    #[schemars(with = "schema::UnixSeconds")]
    pub maturity: UnixSeconds,
    /// The announcement: TLV with type and length.
    pub announcement_hex: HexBytes,
    /// What shows that the oracle knows its nonces: a signature by each, in their order. Oracles other than ours have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nonce_proofs: Vec<Hex64>,
}

/// How far an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    /// Announced; its window has not started.
    Announced,
    /// In its window, or just past it and still being closed.
    Measuring,
    /// Its outcome is public, unsigned and open to objection until maturity.
    Provisional,
    /// Signed, once and for all.
    Attested,
}

/// One line of `GET /v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventSummary {
    /// The event's id.
    #[schemars(with = "schema::EventId")]
    pub event_id: EventId,
    /// The host that it measures, in lower case; for heartbeats the service's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// How far it has come.
    pub state: EventState,
    /// The first second of its window.
    #[schemars(with = "schema::UnixSeconds")]
    pub window_start: UnixSeconds,
    /// The second after its window's last.
    #[schemars(with = "schema::UnixSeconds")]
    pub window_end: UnixSeconds,
    /// When it is, or was to be, attested.
    #[schemars(with = "schema::UnixSeconds")]
    pub maturity: UnixSeconds,
    /// The operator withholds the attestation for good, and the event stays `provisional`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
}

/// `GET /v1/events?before=CURSOR&limit=N&state=S&host=H&from=T&to=T&maturity_from=T&maturity_to=T`: newest first. `from` and
/// `to` bound the window, which need only overlap with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// The events.
    pub events: Vec<EventSummary>,
    /// Pass it as `before` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// `GET /v1/events/{id}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventView {
    /// The event's id.
    #[schemars(with = "schema::EventId")]
    pub event_id: EventId,
    /// What is measured.
    #[schemars(with = "schema::Measurement")]
    pub measurement: Measurement,
    /// When it is, or was to be, attested.
    #[schemars(with = "schema::UnixSeconds")]
    pub maturity: UnixSeconds,
    /// How far it has come.
    pub state: EventState,
    /// The announcement: TLV with type and length.
    pub announcement_hex: HexBytes,
    /// What shows that the oracle knows its nonces: a signature by each, in their order. Oracles other than ours have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nonce_proofs: Vec<Hex64>,
    /// Who measures it, where that is not the oracle alone: fixed when it was announced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vantages: Vec<EventVantage>,
    /// Commitment to the seed that jitters the probes, which the evidence reveals; absent without jitter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub seed_commitment: Option<Hex32>,
    /// What the closed window came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisional: Option<Provisional>,
    /// The attestation: TLV with type and length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation_hex: Option<HexBytes>,
    /// There will be no attestation: the operator withholds it for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
}

/// What a closed window came to: public until maturity, and signed then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provisional {
    /// What will be signed.
    #[schemars(with = "schema::Outcome")]
    pub outcome: Outcome,
    /// When the window was closed.
    #[schemars(with = "schema::UnixSeconds")]
    pub closed_at: UnixSeconds,
    /// The Merkle root (RFC 6962) over the verdicts of the window's slices.
    #[schemars(with = "schema::Bytes32")]
    pub root: Hex32,
    /// How the outcome came about, as `earnest-oracle measure` prints it.
    pub report: Value,
}

/// `GET /v1/events/{id}/slices?from=N`: verdicts of slices that have ended, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlicePage {
    /// The verdicts, each as it stands in the Merkle tree.
    pub slices: Vec<Value>,
    /// How many slices the window has.
    pub total: u64,
    /// Pass it as `from` to go on; slices that have not ended yet are not there.
    pub next: u64,
}
