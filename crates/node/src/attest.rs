//! Attestations: which are missing, and what becomes of one that arrives.

use contract::{Announcements, gate};
use engine::Command;
use terms::{EventId, Hex32};

use crate::core::Core;
use crate::error::NodeError;

impl Core {
    /// The event of an escrow, and the oracles (place and key) whose attestations are not here yet.
    pub(crate) fn missing_attestations(
        &self,
        id: Hex32,
    ) -> Result<(EventId, Vec<(usize, Hex32)>), NodeError> {
        let escrow = self.escrow(id)?;
        let keys = escrow.agreement().oracles.keys.iter().copied().enumerate();
        let here = |oracle: usize| escrow.attestations.iter().any(|(known, _)| *known == oracle);
        let missing = keys.filter(|(oracle, _)| !here(*oracle)).collect();
        Ok((escrow.agreement().event_id.clone(), missing))
    }

    /// Checks an attestation, whoever brought it, and notes it.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub(crate) async fn take_attestation(
        &mut self,
        id: Hex32,
        oracle: usize,
        bytes: &[u8],
        now: u64,
    ) -> Result<bool, NodeError> {
        let escrow = self.escrow(id)?;
        let tlvs: Vec<&[u8]> = escrow.opened.announcements.iter().map(|tlv| tlv.0.as_slice()).collect();
        let announcements = Announcements::parse(escrow.agreement(), &tlvs)?;
        let attestation = gate::attestation(bytes, &announcements)?;
        if attestation.oracle() != oracle {
            let rule = "must be that of the oracle that was asked";
            return Err(terms::DocumentError::new("attestation.oracle_public_key", rule).into());
        }
        tracing::info!(escrow = %id, oracle, "attested");
        self.step(id, Command::TakeAttestation { oracle, attestation: attestation.bytes().into() }, now).await
    }
}
