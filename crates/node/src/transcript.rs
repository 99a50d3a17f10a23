//! A session as a file that a third party can verify without us.

use bitcoin::Transaction;
use bitcoin::consensus::encode::serialize;
use protocol::HexBytes;
use protocol::transcript::{TranscriptFile, VERSION};
use terms::Hex32;

use crate::chain::parse;
use crate::core::Core;
use crate::error::NodeError;

impl Core {
    /// Everything about a session that can be checked offline, as far as it has come.
    ///
    /// # Errors
    /// When there is no such escrow or negotiation, or the database fails.
    pub(crate) async fn transcript_file(&mut self, id: Hex32) -> Result<TranscriptFile, NodeError> {
        let missing = NodeError::NotFound { what: "escrow or negotiation" };
        let damaged = || NodeError::Damaged { what: "transcript" };
        let stored = self.store.transcript(id).await?;
        let negotiation = self.store.negotiation(id).await?;
        if stored.is_empty() || (negotiation.is_none() && !self.escrows.contains_key(&id)) {
            return Err(missing);
        }
        let envelopes = stored.iter().map(|stored| serde_json::from_slice(&stored.bytes));
        let envelopes = envelopes.collect::<Result<_, _>>().map_err(|_| damaged())?;
        let offer = negotiation.map(|negotiation| serde_json::from_str(&negotiation.offer));
        let mut file = TranscriptFile {
            v: VERSION,
            offer: offer.transpose().map_err(|_| damaged())?,
            envelopes,
            announcements: Vec::new(),
            funding_tx: None,
            attestations: Vec::new(),
            closing_tx: None,
        };
        self.add_contract(id, &mut file)?;
        Ok(file)
    }

    /// What an escrow adds to its envelopes: nothing before it is signed, nor where the signatures never became part of the
    /// session, since nobody could tell what they belong to.
    fn add_contract(&mut self, id: Hex32, file: &mut TranscriptFile) -> Result<(), NodeError> {
        let Some(escrow) = self.escrows.get(&id) else { return Ok(()) };
        file.announcements = escrow.opened.announcements.iter().map(|tlv| HexBytes(tlv.0.clone())).collect();
        let has_signatures =
            file.envelopes.iter().any(|envelope| envelope["body"]["type"].as_str() == Some("dlc_sign"));
        if escrow.sign.is_none() || !has_signatures {
            return Ok(());
        }
        file.attestations = escrow.attestations.iter().map(|(_, tlv)| HexBytes(tlv.0.clone())).collect();
        let closing = escrow.spend.as_ref().and_then(|(.., tx)| parse(tx));
        file.closing_tx = closing.map(stripped);
        let funding = self.contract(id)?.transactions().funding.clone();
        file.funding_tx = Some(stripped(funding));
        Ok(())
    }
}

/// A transaction as its txid is the hash of it.
fn stripped(mut tx: Transaction) -> HexBytes {
    tx.input.iter_mut().for_each(|input| input.witness.clear());
    HexBytes(serialize(&tx))
}
