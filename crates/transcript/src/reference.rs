//! A reference, verified offline: a finished escrow, whose it was, how it ended, and what the chain has to say to it.
//!
//! All that is left to others is to look up two transactions in two blocks, and to say whose attestations they believe.

use negotiation::reputation::{Ending, finished};
use protocol::owner::Finished;
use protocol::reference::{Claim, ReferenceFile};
use terms::{Hex32, Side};

use crate::fault::Fault;
use crate::verdict::{Agreed, Closing, FundingKeys, Verdict};

/// What a reference shows, if the chain has its two transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The escrow.
    pub finished: Finished,
    /// The chain that it is of.
    pub network: String,
    /// The oracles whose attestations unlock what was paid; none where nobody attested.
    pub oracles: Vec<Hex32>,
    /// The block that must have the funding transaction.
    pub funding_block: Hex32,
    /// The block that must have the closing transaction.
    pub closing_block: Hex32,
}

/// Verifies a reference: everything that a transcript promises, that it is whole, and that who presents it was a party.
///
/// # Errors
/// The first thing that is wrong with it, and where.
pub fn verify(bytes: &[u8]) -> Result<Shown, Fault> {
    let file = ReferenceFile::parse(bytes)?;
    let verdict = crate::verify_file(&file.transcript).map_err(|fault| fault.within("transcript"))?;
    let whole = Whole::of(&verdict)?;
    check_claim(&file, &verdict, &whole)?;
    let ending = whole.ending(&verdict)?;
    let agreement = &whole.agreed.agreement;
    let finished = finished(agreement, whole.funding_txid, whole.closing.txid, ending);
    let settled_by =
        matches!(ending, Ending::Attested { .. }).then_some(verdict.settlement.as_ref()).flatten();
    Ok(Shown {
        finished: finished.ok_or_else(|| Fault::at("transcript", "has a schedule that does not compile"))?,
        network: agreement.network.clone(),
        oracles: settled_by.map_or(Vec::new(), |settlement| settlement.oracles.clone()),
        funding_block: file.funding_block,
        closing_block: file.closing_block,
    })
}

/// The parts of a verdict that every finished escrow has.
struct Whole<'a> {
    agreed: &'a Agreed,
    funding_txid: Hex32,
    keys: FundingKeys,
    closing: &'a Closing,
}

impl<'a> Whole<'a> {
    fn of(verdict: &'a Verdict) -> Result<Self, Fault> {
        let missing = |field: &str| Fault::at(format!("transcript.{field}"), "must show how an escrow ended");
        Ok(Self {
            agreed: verdict.agreed.as_ref().ok_or_else(|| missing("envelopes"))?,
            funding_txid: verdict.funding_txid.ok_or_else(|| missing("envelopes"))?,
            keys: verdict.funding_keys.ok_or_else(|| missing("envelopes"))?,
            closing: verdict.closing.as_ref().ok_or_else(|| missing("closing_tx"))?,
        })
    }

    /// A CET says an outcome only together with the attestations that unlock it.
    fn ending(&self, verdict: &'a Verdict) -> Result<Ending<'a>, Fault> {
        match (self.closing.kind, &verdict.settlement) {
            ("cet", Some(settlement)) => {
                Ok(Ending::Attested { outcome: &settlement.outcome, provider_sat: settlement.provider_sat })
            }
            ("cet", None) => Err(Fault::at("transcript.attestations", "must be there: a CET paid out")),
            ("refund", _) => Ok(Ending::Refunded),
            _ => Ok(Ending::Closed),
        }
    }
}

/// Without this whoever has a transcript could say that the contract was theirs.
fn check_claim(file: &ReferenceFile, verdict: &Verdict, whole: &Whole<'_>) -> Result<(), Fault> {
    let claim = Claim {
        provider: verdict.provider,
        buyer: verdict.buyer,
        terms_hash: whole.agreed.terms_hash,
        funding_txid: whole.funding_txid,
    };
    let key = match file.by {
        Side::Provider => whole.keys.provider,
        Side::Buyer => whole.keys.buyer,
    };
    if claim.is_signed(key, file.sig) {
        return Ok(());
    }
    Err(Fault::at("sig", "is not a signature of that side's contract key over who the contract was between"))
}
