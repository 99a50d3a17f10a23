//! One line for each movement of money.

use protocol::schema::Bytes32;
use receipts::{Line, Record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::Hex32;

use super::shown;
use crate::agent::Agent;
use crate::refusal::Refusal;
use crate::tool::{Hints, Tool};
use crate::words::moment;

/// So many lines are shown where nobody says how many.
const USUALLY: usize = 20;
/// So many at most.
const MOST: usize = 200;

/// `list_receipts`
pub(super) struct Receipts;

/// Which lines.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// Only those of this escrow.
    #[serde(default)]
    #[schemars(with = "Option<Bytes32>")]
    escrow_id: Option<Hex32>,
    /// How many at most, 1 to 200, the newest; 20 when left out.
    #[serde(default)]
    limit: Option<usize>,
}

/// A line.
#[derive(Debug, Serialize, JsonSchema)]
struct Receipt {
    /// Its number in the node's chain of receipts, from 0.
    seq: u64,
    /// When the money moved.
    at: String,
    /// Who got paid: `contract`, `miners`, `unknown`, `party:<key>` or `address:<address>`.
    paid_to: String,
    /// How much, in satoshis.
    sat: u64,
    /// For what: `funding`, `fee`, `settlement`, `refund`, `close`, `bump`, `cancel`, `withdrawal`, `sweep`, `split`,
    /// `unknown_spend`.
    purpose: &'static str,
    /// The escrow that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Bytes32>")]
    escrow_id: Option<Hex32>,
    /// The transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Bytes32>")]
    txid: Option<Hex32>,
    /// The hash of the terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Bytes32>")]
    terms_hash: Option<Hex32>,
    /// SHA-256 of the attestation that the payout follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Bytes32>")]
    attestation: Option<Hex32>,
    /// The number of the line that this one takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrects: Option<u64>,
}

/// The lines.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The newest lines, in their order.
    receipts: Vec<Receipt>,
    /// How many there are in all, of those that were asked for.
    total: usize,
}

impl Tool for Receipts {
    const NAME: &'static str = "list_receipts";
    const TITLE: &'static str = "Receipts";
    const DESCRIPTION: &'static str = "What money moved, when, to whom, for what, with the transaction as proof: the newest \
        lines, or those of one escrow. For the owner's books `earnest receipts export` writes all of them, signed.";
    const HINTS: Hints = Hints::LOOK;
    type Input = Input;
    type Output = Output;

    async fn call(agent: &Agent, input: Input) -> Result<Output, Refusal> {
        let limit = shown(input.limit, USUALLY, MOST)?;
        let exported = agent.node.receipts().await?;
        let lines = exported.lines().filter_map(Record::parse).filter_map(|record| match record {
            Record::Receipt(line) => Receipt::of(line),
            Record::Batch(_) | Record::End(_) => None,
        });
        let of_escrow = |receipt: &Receipt| input.escrow_id.is_none() || receipt.escrow_id == input.escrow_id;
        let mut receipts: Vec<Receipt> = lines.filter(of_escrow).collect();
        let total = receipts.len();
        receipts.drain(..total.saturating_sub(limit));
        Ok(Output { receipts, total })
    }
}

impl Receipt {
    fn of(line: Line) -> Option<Self> {
        let movement = line.opening?.movement;
        Some(Self {
            seq: line.seq,
            at: moment(movement.at),
            paid_to: movement.paid_to.to_string(),
            sat: movement.sat.0,
            purpose: movement.purpose.name(),
            escrow_id: movement.escrow,
            txid: movement.txid,
            terms_hash: movement.terms_hash,
            attestation: movement.attestation,
            corrects: movement.corrects,
        })
    }
}
