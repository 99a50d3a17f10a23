//! What came of one replay: the data behind the table, the JSON and the page.
//!
//! Everything that others need to check a run stands here in published forms: documents as JSON,
//! messages and transactions as hex of their bytes, amounts in satoshis.

mod story;

use ledger::{Report, SliceVerdict};
use serde::{Deserialize, Serialize};
use terms::{Agreement, EventId, Hex32, Indicator, Measurement, Outcome, Sat, TermsHash, UnixSeconds};

use crate::papers::{Book, Word};
use crate::text;
pub use story::{FaultRecord, PhaseRecord, Story};

/// What came of one replay. Version 1; written by `earnest replay --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The shape's version: 1.
    pub v: u64,
    /// Whether all that the scenario expects holds.
    pub passed: bool,
    /// The scenario.
    pub scenario: Story,
    /// Each expectation, and whether it holds.
    pub checks: Vec<Check>,
    /// The id of the measurement's event.
    pub event_id: EventId,
    /// What both parties accepted.
    pub terms_hash: TermsHash,
    /// The measurement.
    pub measurement: Measurement,
    /// The agreement, as the parties' nodes hold it.
    pub agreement: Agreement,
    /// What the oracle attested; `None` when it never did.
    pub outcome: Option<Outcome>,
    /// How the outcome came about, as the oracle published it.
    pub reading: Option<Report>,
    /// What each party should get, what the agreement's schedule says, and what the chain shows.
    pub payouts: Payouts,
    /// The oracle whose word was paid by; the first one where none was.
    pub oracle: OracleRecord,
    /// Every oracle, in the agreement's order, and what it said.
    #[serde(default)]
    pub oracles: Vec<OracleWord>,
    /// The party that sells.
    pub provider: PartyRecord,
    /// The party that buys.
    pub buyer: PartyRecord,
    /// The oracles' announcements: TLV with type and length, as hex.
    pub announcements: Vec<String>,
    /// The oracles' attestations: TLV with type and length, as hex.
    pub attestations: Vec<String>,
    /// The three DLC messages.
    pub messages: Messages,
    /// The transactions.
    pub transactions: Transactions,
    /// The chain.
    pub chain: ChainRecord,
    /// What happened, in order.
    pub history: Vec<Moment>,
    /// Each node's receipts, as far as it lived to export them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Book>,
    /// The signed words of the negotiation, as far as a node lived to show them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub negotiation: Vec<Word>,
    /// The samples as CSV, where a file was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples_csv: Option<String>,
    /// The slices of the window, for the page; the JSON has them in the evidence bundle.
    #[serde(skip)]
    pub slices: Vec<SliceVerdict>,
}

/// One expectation against what happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub what: String,
    /// What the scenario, or a rule that always holds, demands.
    pub expected: String,
    /// What was found.
    pub got: String,
    /// Whether the two agree.
    pub holds: bool,
    /// Where they don't: what speaks for what was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Satoshis of either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The provider's.
    pub provider_sat: Sat,
    /// The buyer's.
    pub buyer_sat: Sat,
}

/// What each party should get, and what it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payouts {
    /// The scenario's literals.
    pub expected: Split,
    /// What the agreement's schedule pays at the attested outcome, or the refund.
    pub agreed: Option<Split>,
    /// What the closing transaction's outputs pay.
    pub paid: Option<Split>,
}

/// The oracle's side of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OracleRecord {
    /// Its x-only key.
    pub key: Hex32,
    /// When it was to sign.
    pub maturity: UnixSeconds,
    /// Who it says measured.
    pub vantage: String,
    /// The Merkle root over the slices' verdicts.
    pub root: Option<Hex32>,
}

/// What one of the oracles said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OracleWord {
    /// Its name in the scenario.
    pub name: String,
    /// Its x-only key.
    pub key: Hex32,
    /// What it published when its window was closed; `None` where it was dead at the end, or never got so far.
    pub provisional: Option<Outcome>,
    /// What a node heard it attest first.
    pub attested: Option<Outcome>,
    /// Whether that agrees with what was paid by.
    pub agrees: bool,
    /// Two attestations of the one event that contradict each other, as a node keeps them: TLVs as hex.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contradiction: Vec<String>,
    /// Who measured for it, where that was not it alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vantages: Vec<VantageRecord>,
}

/// What one place saw for one oracle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VantageRecord {
    /// Its name in samples.
    pub name: String,
    /// The key that signs what it reports; `None` for the oracle's own place.
    pub key: Option<Hex32>,
    /// Probes that found the service well.
    pub good: u64,
    /// Probes that found it failing.
    pub bad: u64,
    /// Probes that it could not decide.
    pub undecided: u64,
    /// Blocks of samples that came too late to count.
    pub late_batches: u64,
}

/// One party's side of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyRecord {
    /// Its identity.
    pub key: Hex32,
    /// The state in which its node ended.
    pub state: String,
    /// The coins that it put into the funding transaction; where nothing was locked, those that it took back.
    pub inputs: Vec<Coin>,
    /// Their sum.
    pub put_in_sat: Sat,
    /// What of it came straight back as change.
    pub change_sat: Sat,
    /// What it locked: price or bond.
    pub locked_sat: Sat,
    /// What it paid in fees, for funding and closing: put in, less change, less what it locked.
    pub fees_sat: Sat,
    /// What the closing transaction paid it.
    pub got_out_sat: Sat,
    /// Where its payout goes, as hex of the script.
    pub payout_script: String,
    /// Where its change goes, as hex of the script.
    pub change_script: String,
}

/// A transaction output with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coin {
    /// The transaction.
    pub txid: String,
    /// The output's index.
    pub vout: u32,
    /// Its value.
    pub value_sat: Sat,
}

/// The three DLC messages as hex of their wire bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// The offer.
    pub offer: Option<String>,
    /// The accept.
    pub accept: Option<String>,
    /// The signatures.
    pub sign: Option<String>,
}

/// The transactions of one escrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transactions {
    /// Locks price and bond.
    pub funding: Option<TxRecord>,
    /// Spends what the funding transaction locked: a CET, or the refund.
    pub settling: Option<TxRecord>,
    /// The refund with both signatures, as the three messages give it; on the chain only where it settled.
    pub refund: Option<TxRecord>,
    /// By which a party took its own coins back where the contract came to nothing after its signatures had left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancels: Vec<TxRecord>,
}

impl Transactions {
    /// Those that are on the chain, in their order; the refund is among them where it settled.
    pub fn all(&self) -> impl Iterator<Item = &TxRecord> {
        [&self.funding, &self.settling].into_iter().flatten().chain(&self.cancels)
    }
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxRecord {
    /// `funding`, `cet`, `refund`, `close` or `cancel`.
    pub kind: String,
    /// Its id.
    pub txid: String,
    /// Its bytes as hex.
    pub hex: String,
    /// The height of its block; `None` when it is not on the chain.
    pub height: Option<u32>,
    /// Its block.
    pub block: Option<String>,
    /// When that block was mined.
    pub time: Option<UnixSeconds>,
    /// What it spends.
    pub inputs: Vec<Coin>,
    /// What it pays.
    pub outputs: Vec<Output>,
    /// What it pays to miners.
    pub fee_sat: Sat,
    /// Its size in virtual bytes.
    pub vsize: u64,
}

/// One output of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its index.
    pub vout: u32,
    /// Its value.
    pub value_sat: Sat,
    /// Its script as hex.
    pub script: String,
    /// Whose it is: `contract`, `provider`, `buyer`, `provider change`, `buyer change`.
    pub owner: String,
}

/// The chain of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainRecord {
    /// The node's name and version, as it tells its peers.
    pub bitcoind: String,
    /// The height at the end.
    pub height: u32,
    /// A block was mined this often, in seconds of simulated time.
    pub block_every_s: u64,
    /// The depth at which the parties count something as final.
    pub confirmations: u32,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When, in simulated time.
    pub at: UnixSeconds,
    /// To whom: `provider`, `buyer`, `target`, `network`, `chain`, or the name of an oracle or a vantage.
    pub who: String,
    /// What, in words.
    pub what: String,
}

impl Record {
    /// What all coins of both parties came to, before anything was locked.
    pub fn put_in_sat(&self) -> Sat {
        Sat(self.provider.put_in_sat.0 + self.buyer.put_in_sat.0)
    }

    /// What both parties locked together.
    pub fn locked_sat(&self) -> Sat {
        Sat(self.provider.locked_sat.0 + self.buyer.locked_sat.0)
    }

    /// What miners got, from all transactions.
    pub fn fees_sat(&self) -> Sat {
        Sat(self.transactions.all().map(|tx| tx.fee_sat.0).sum())
    }

    /// How it ended, in a few words: what was attested, or that it was refunded.
    pub fn end_in_words(&self) -> String {
        match (&self.outcome, &self.transactions.settling) {
            (Some(outcome), _) => text::outcome(outcome, &self.measurement.outcome),
            (None, Some(closing)) if closing.kind == "refund" => "refunded".to_owned(),
            (None, _) if self.is_cancelled() => "cancelled".to_owned(),
            (None, _) => "nothing was attested".to_owned(),
        }
    }

    /// Whether the contract was given up before anything was locked, as far as anybody lives to say so.
    pub fn is_cancelled(&self) -> bool {
        let states = [&self.provider.state, &self.buyer.state];
        let says = |state: &str| states.iter().any(|said| *said == state);
        says("cancelled") && states.iter().all(|said| *said == "cancelled" || *said == "offline")
    }

    /// For how long probes failed: as many as did, each for its slot. `None` where the oracle published no reading, or
    /// nothing is counted in time.
    pub fn failing(&self) -> Option<String> {
        let report = self.reading.as_ref()?;
        let counted = !matches!(self.measurement.indicator, Indicator::Lateness { .. });
        let length_ms = report.probes.bad.checked_mul(self.measurement.probe_every_ms)?;
        counted.then(|| if length_ms == 0 { "never".to_owned() } else { text::length_ms(length_ms) })
    }

    /// The output of the funding transaction that holds the contract.
    pub fn contract(&self) -> Option<&Output> {
        let funding = self.transactions.funding.as_ref()?;
        funding.outputs.iter().find(|output| output.owner == "contract")
    }
}
