//! What crosses between an oracle and its vantages elsewhere. Their requests are signed ([`crate::request`]).
//!
//! A vantage asks for its [`Assignment`]s, probes as they say, and hands in [`Batch`]es. Each batch is one of the
//! blocks into which `ledger` cuts a window, with the vantage's own signature over its samples, which the evidence
//! shows afterwards.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::{EventId, Hex32, Measurement, UnixSeconds};

use crate::bytes::{Hex64, HexBytes};
use crate::schema;

/// So many batches go into one request, at most.
pub const MAX_BATCHES: usize = 32;

/// A request with batches has at most so many bytes.
pub const MAX_BATCHES_BYTES: usize = 8 * 1024 * 1024;

/// `GET /v1/vantage/assignments?after=CURSOR`: what the asking vantage has to measure, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assignments {
    /// The oracle's time in unix milliseconds.
    pub now_ms: u64,
    /// Events that are not closed.
    pub assignments: Vec<Assignment>,
    /// Pass it as `after` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// One event that a vantage has to measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assignment {
    /// What is measured.
    #[schemars(with = "schema::Measurement")]
    pub measurement: Measurement,
    /// The oracle's announcement: TLV with type and length.
    pub announcement_hex: HexBytes,
    /// The vantage's name in samples.
    pub vantage: String,
    /// Whether probes fall on unforeseeable moments inside their slots; where not, on the slots' beginnings.
    pub jitter: bool,
    /// The seed of these moments, for nobody but this vantage to read; it is made for [`Assignment::context`].
    pub sealed_seed: HexBytes,
    /// The first slice without a verdict. What is before it is decided.
    pub next_slice: u64,
}

#[derive(Serialize)]
struct Context<'a> {
    event_id: EventId,
    announcement_sha256: Hex32,
    vantage: &'a str,
    jitter: bool,
}

impl Assignment {
    /// What the seed was sealed for. That it opens shows that the oracle said all of this, and nobody in between.
    pub fn context(&self) -> Vec<u8> {
        terms::canonical::bytes(&Context {
            event_id: self.measurement.event_id(),
            announcement_sha256: Hex32(terms::canonical::sha256(self.announcement_hex.as_slice())),
            vantage: &self.vantage,
            jitter: self.jitter,
        })
    }
}

/// `POST /v1/vantage/batches`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batches {
    /// At most [`MAX_BATCHES`].
    pub batches: Vec<Batch>,
}

/// What a vantage saw in one block of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The event.
    #[schemars(with = "schema::EventId")]
    pub event_id: EventId,
    /// The first probe index of the block.
    pub from: u64,
    /// The index after its last.
    pub to: u64,
    /// Its samples as CSV with the header of `ledger::csv`, in their order. Slots without one are unmeasured.
    pub samples: String,
    /// Why samples are not good, where the vantage knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<BatchCause>,
    /// The vantage's signature (BIP340) over what `ledger::batch::Statement` says.
    pub sig: Hex64,
}

/// Why one sample is not good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchCause {
    /// The probe's index in the window.
    pub probe: u64,
    /// In a few words.
    pub cause: String,
}

/// What became of the batches of a request, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchResults {
    /// One for each.
    pub results: Vec<BatchResult>,
}

/// What became of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchResult {
    /// It is stored, and counts.
    Stored,
    /// The same is stored already.
    Already,
    /// Its slice has its verdict: the oracle waited, and it did not come.
    Late,
    /// Another one is stored for this block, and stays.
    Differs,
    /// Its block is not over by the oracle's clock. Bring it again.
    Early,
    /// The oracle has no such event, or not for this vantage.
    Unknown,
}

/// A vantage of an event, as `GET /v1/events/{id}` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventVantage {
    /// Its name in samples.
    pub name: String,
    /// The key that signs its batches; absent for the oracle's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub key: Option<Hex32>,
    /// The end of the last block that it reported; absent for the oracle's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::UnixSeconds>")]
    pub reported_until: Option<UnixSeconds>,
    /// Batches that came after their slice's verdict and do not count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late_batches: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
