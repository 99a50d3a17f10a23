//! What the nodes themselves keep of a run: a receipt for each movement of money, and the signed words of the negotiation.

use protocol::transcript::TranscriptFile;
use protocol::{Body, Envelope};
use receipts::{Movement, Payee};
use serde::{Deserialize, Serialize};
use terms::{Hex32, Sat, UnixSeconds, canonical};

use crate::text;

/// The keys of both parties.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// The provider's.
    pub provider: Hex32,
    /// The buyer's.
    pub buyer: Hex32,
}

impl Keys {
    fn name(self, key: Hex32) -> String {
        match key {
            key if key == self.provider => "provider".to_owned(),
            key if key == self.buyer => "buyer".to_owned(),
            other => other.to_string(),
        }
    }
}

/// All receipts of one node, in the order in which it wrote them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Whose: `provider` or `buyer`.
    pub who: String,
    /// What is wrong with the exported file; left out where it verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The receipts.
    pub receipts: Vec<Receipt>,
}

/// One movement of money, as a node wrote it down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// When.
    pub at: UnixSeconds,
    /// For what: `funding`, `fee`, `settlement`, ...
    pub purpose: String,
    /// Who got paid.
    pub paid_to: String,
    /// How much.
    pub sat: Sat,
    /// Whether it takes an earlier line back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_back: bool,
}

/// One signed word of the negotiation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// When it was said, as its signer has it.
    pub at: UnixSeconds,
    /// Who said it: `provider` or `buyer`.
    pub who: String,
    /// Its name in the protocol.
    pub kind: String,
    /// What it means, in words.
    pub what: String,
}

impl Book {
    /// Reads and verifies what the node of `who` has exported.
    pub fn read(who: &str, key: Hex32, text: &str, keys: Keys) -> Self {
        let report = receipts::verify(text, &[key]);
        let fault = report.findings.first().map(ToString::to_string);
        let records = text.lines().filter_map(receipts::Record::parse);
        let movements = records.filter_map(|record| match record {
            receipts::Record::Receipt(line) => line.opening.map(|opening| opening.movement),
            _ => None,
        });
        Self {
            who: who.to_owned(),
            fault,
            receipts: movements.map(|movement| receipt(&movement, keys)).collect(),
        }
    }

    /// What the lines of one purpose come to, less those that take something back.
    pub fn total(&self, purpose: &str) -> Sat {
        let sum = |takes_back: bool| -> u64 {
            let lines = self.receipts.iter().filter(|line| line.purpose == purpose);
            lines.filter(|line| line.takes_back == takes_back).map(|line| line.sat.0).sum()
        };
        Sat(sum(false).saturating_sub(sum(true)))
    }
}

fn receipt(movement: &Movement, keys: Keys) -> Receipt {
    let paid_to = match &movement.paid_to {
        Payee::Party(key) => keys.name(*key),
        other => other.to_string(),
    };
    Receipt {
        at: movement.at,
        purpose: movement.purpose.name().to_owned(),
        paid_to,
        sat: movement.sat,
        takes_back: movement.corrects.is_some(),
    }
}

/// The words of a transcript, as far as their signatures hold.
pub fn words(file: &TranscriptFile, keys: Keys) -> Vec<Word> {
    let envelopes = file.envelopes.iter().filter_map(|value| Envelope::verify(&canonical::bytes(value)).ok());
    envelopes
        .map(|envelope| Word {
            at: envelope.at(),
            who: keys.name(envelope.from()),
            kind: envelope.body().kind().to_owned(),
            what: in_words(envelope.body()),
        })
        .collect()
}

fn in_words(body: &Body) -> String {
    match body {
        Body::Rfq { .. } => "asks for a quote on the published offer".to_owned(),
        Body::Quote { agreement } | Body::Counter { agreement } => format!(
            "proposes whole terms: a price of {} and a bond of {}",
            text::sat(agreement.price_sat),
            text::sat(agreement.bond_sat)
        ),
        Body::Accept { .. } => "takes these terms, by their hash".to_owned(),
        Body::Reject { reason, .. } => format!("refuses: {reason}"),
        Body::Withdraw { reason } => format!("takes its proposal back: {reason}"),
        Body::DlcOffer { message_hex } => sent("the DLC offer", message_hex.0.len()),
        Body::DlcAccept { message_hex } => {
            sent("the DLC accept, with a signature for every outcome", message_hex.0.len())
        }
        // Its length is not said: that of these signatures differs from run to run by a byte.
        Body::DlcSign { .. } => {
            "sends its own signatures; from here on the other side alone can fund".to_owned()
        }
        Body::Cancel { reason } => format!("ends it: {reason}"),
        other => other.kind().to_owned(),
    }
}

fn sent(what: &str, bytes: usize) -> String {
    format!("sends {what} ({} bytes)", text::thousands(bytes as u64))
}
