//! Attestations: which are missing, what becomes of one that arrives, and of one that contradicts another.

use client::EventWords;
use contract::gate::CheckedAttestation;
use contract::{Announcements, gate};
use engine::{Command, OracleStep};
use terms::{EventId, Hex32};

use crate::core::Core;
use crate::error::NodeError;

/// One oracle that is to be asked about one escrow's event.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub escrow: Hex32,
    pub event: EventId,
    /// Its place in the agreement.
    pub oracle: usize,
    pub key: Hex32,
}

impl Core {
    /// The oracles that are to be asked about an escrow: those whose attestations are not here yet, or all again.
    pub(crate) fn questions(&self, id: Hex32, again: bool) -> Result<Vec<Question>, NodeError> {
        let escrow = self.escrow(id)?;
        let here = |oracle: usize| escrow.attestations.iter().any(|(known, _)| *known == oracle);
        let keys = escrow.agreement().oracles.keys.iter().copied().enumerate();
        let asked = keys.filter(|(oracle, _)| again || !here(*oracle));
        let event = escrow.agreement().event_id.clone();
        Ok(asked.map(|(oracle, key)| Question { escrow: id, event: event.clone(), oracle, key }).collect())
    }

    /// Checks what an oracle's server says about an event, and notes what is new: its attestation, a second one, another
    /// announcement than the agreed one. Returns whether anything is.
    ///
    /// # Errors
    /// Names the field and the rule that the attestation breaks.
    pub(crate) async fn hear(
        &mut self,
        question: &Question,
        words: &EventWords,
        now: u64,
    ) -> Result<bool, NodeError> {
        let id = question.escrow;
        let mut news = false;
        if let Some(bytes) = &words.announcement {
            news |= self.compare_announcement(id, question.oracle, bytes, now).await?;
        }
        let Some(bytes) = &words.attestation else { return Ok(news) };
        let announcements = self.agreed_announcements(id)?;
        let attestation = gate::attestation(bytes, &announcements)?;
        if attestation.oracle() != question.oracle {
            let rule = "must be that of the oracle that was asked";
            return Err(terms::DocumentError::new("attestation.oracle_public_key", rule).into());
        }
        Ok(news | self.take_attestation(id, bytes, now).await?)
    }

    /// Checks an attestation, whoever brought it, and notes it, for every escrow that waits for the same one. Returns whether
    /// it is new for this escrow.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub(crate) async fn take_attestation(
        &mut self,
        id: Hex32,
        bytes: &[u8],
        now: u64,
    ) -> Result<bool, NodeError> {
        let news = self.note_attestation(id, bytes, now).await?;
        if news {
            let oracles = self.escrow(id)?.agreement().oracles.keys.clone();
            self.pace.look_again(&oracles);
            for sister in self.sisters(id) {
                // Another escrow may have other oracles, or the same with another announcement.
                if let Err(error) = self.note_attestation(sister, bytes, now).await {
                    tracing::debug!(escrow = %sister, %error, "an attestation of its event is not for it");
                }
            }
        }
        Ok(news)
    }

    async fn note_attestation(&mut self, id: Hex32, bytes: &[u8], now: u64) -> Result<bool, NodeError> {
        let known = |(_, known): &(usize, engine::Bytes)| known.0 == bytes;
        let escrow = self.escrow(id)?;
        if escrow.attestations.iter().any(known) || escrow.oracles.contradictions.iter().any(known) {
            return Ok(false);
        }
        let announcements = self.agreed_announcements(id)?;
        let attestation = gate::attestation(bytes, &announcements)?;
        let oracle = attestation.oracle();
        let first = self.escrow(id)?.attestations.iter().find(|(place, _)| *place == oracle);
        if let Some((_, first)) = first {
            let first = gate::attestation(&first.0, &announcements)?;
            return self.contradicted(id, &first, &attestation, &announcements, now).await;
        }
        tracing::info!(escrow = %id, oracle, "attested");
        self.step(id, Command::TakeAttestation { oracle, attestation: attestation.bytes().into() }, now).await
    }

    /// The two attestations are the proof; nothing is computed from them.
    async fn contradicted(
        &mut self,
        id: Hex32,
        first: &CheckedAttestation,
        other: &CheckedAttestation,
        announcements: &Announcements,
        now: u64,
    ) -> Result<bool, NodeError> {
        let Some(proof) = gate::conflict(first, other, announcements) else { return Ok(false) };
        let oracle = proof.oracle;
        let step = OracleStep::ProveEquivocation { oracle, attestation: other.bytes().into() };
        let news = self.step(id, Command::Oracles(step), now).await?;
        if news {
            let key = self.escrow(id)?.agreement().oracles.keys[oracle];
            tracing::error!(escrow = %id, oracle = %key, "ALARM: this oracle attested two outcomes of one event");
        }
        Ok(news)
    }

    /// An oracle announces an event once. Another announcement with its signature is noted, and never used.
    async fn compare_announcement(
        &mut self,
        id: Hex32,
        oracle: usize,
        bytes: &[u8],
        now: u64,
    ) -> Result<bool, NodeError> {
        if self.escrow(id)?.opened.announcements.get(oracle).is_some_and(|agreed| agreed.0 == bytes) {
            return Ok(false);
        }
        if !self.agreed_announcements(id)?.is_contradicted_by(oracle, bytes) {
            tracing::warn!(escrow = %id, oracle, "the oracle's server shows an announcement that is none of its own");
            return Ok(false);
        }
        let step = OracleStep::SeeAnnouncement { oracle, announcement: bytes.to_vec().into() };
        let news = self.step(id, Command::Oracles(step), now).await?;
        if news {
            let key = self.escrow(id)?.agreement().oracles.keys[oracle];
            tracing::error!(escrow = %id, oracle = %key, "ALARM: this oracle announced the event a second time");
        }
        Ok(news)
    }

    /// The announcements that the parties agreed on, checked again.
    pub(crate) fn agreed_announcements(&self, id: Hex32) -> Result<Announcements, NodeError> {
        let escrow = self.escrow(id)?;
        let tlvs: Vec<&[u8]> = escrow.opened.announcements.iter().map(|tlv| tlv.0.as_slice()).collect();
        Ok(Announcements::parse(escrow.agreement(), &tlvs)?)
    }

    /// The other live escrows on the same event.
    pub(crate) fn sisters(&self, id: Hex32) -> Vec<Hex32> {
        let Ok(escrow) = self.escrow(id) else { return Vec::new() };
        let event = &escrow.agreement().event_id;
        let same = |other: &&engine::Escrow| {
            other.id() != id
                && other.agreement().event_id == *event
                && other.sign.is_some()
                && !other.noted.is_final()
        };
        self.escrows.values().filter(same).map(engine::Escrow::id).collect()
    }
}
