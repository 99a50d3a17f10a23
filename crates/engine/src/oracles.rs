//! What an escrow knows of its oracles besides their first words: contradictions, changed announcements, and what the
//! peer's CET gave away of words that never came.

use bitcoin::Txid;

use crate::bytes::Bytes;
use crate::decide::Refusal;
use crate::escrow::Escrow;
use crate::event::Event;

/// So many further attestations of one oracle are kept. Its key is out with the first of them, and anybody can make more.
pub const MOST_CONTRADICTIONS: usize = 3;
/// So many other announcements of one oracle are kept.
pub const MOST_CHANGED: usize = 2;

/// What became known of the oracles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oracles {
    /// Attestations that contradict the first one, by the oracle's place in the agreement.
    pub contradictions: Vec<(usize, Bytes)>,
    /// Announcements of the event that are not the agreed ones, likewise.
    pub changed: Vec<(usize, Bytes)>,
    /// The secret of one adaptor point.
    pub learned: Option<Secret>,
}

/// What a peer's CET gave away: the sum of what t oracles signed about one block of outcomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// The CET, of this escrow or another.
    pub txid: Txid,
    /// The secret; 32 bytes.
    pub secret: Bytes,
}

/// What is to be noted about the oracles, already checked by `contract`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OracleStep {
    /// An oracle attested another outcome than the one that we have of it, which proves that it equivocated.
    ProveEquivocation {
        /// The oracle's place in the agreement.
        oracle: usize,
        /// The other attestation.
        attestation: Bytes,
    },
    /// An oracle signed another announcement of the event than the one agreed.
    SeeAnnouncement {
        /// The oracle's place in the agreement.
        oracle: usize,
        /// The other announcement.
        announcement: Bytes,
    },
    /// A CET gave away what its oracles signed.
    LearnSecret {
        /// The CET.
        txid: Txid,
        /// The oracles, by their places in this agreement.
        oracles: Vec<usize>,
        /// What the first of them signed, as far as it is known.
        words: Vec<String>,
        /// The secret.
        secret: Bytes,
    },
}

impl Oracles {
    /// Adds one event; others than those about oracles change nothing.
    pub(crate) fn apply(&mut self, event: Event) {
        match event {
            Event::Equivocated { oracle, attestations: [_, other] } => {
                self.contradictions.push((oracle, other));
            }
            Event::AnnouncementChanged { oracle, announcement } => self.changed.push((oracle, announcement)),
            Event::SecretLearned { txid, secret, .. } => self.learned = Some(Secret { txid, secret }),
            _ => {}
        }
    }
}

impl Escrow {
    /// The attestations to settle with. An oracle that contradicted itself is heard with each of its words where others
    /// decide with it, as the peer hears it; one that decides alone, with its first.
    pub fn words(&self) -> Vec<&Bytes> {
        let alone = self.agreement().oracles.keys.len() == 1;
        let others = self.oracles.contradictions.iter().filter(|_| !alone);
        self.attestations.iter().chain(others).map(|(_, bytes)| bytes).collect()
    }

    /// Whether so many oracles attested, or their words were learned otherwise, that a CET may be possible.
    pub fn is_attested(&self) -> bool {
        let needed = usize::try_from(self.agreement().oracles.threshold).unwrap_or(usize::MAX);
        self.attestations.len() >= needed || self.oracles.learned.is_some()
    }
}

/// Whether something about the oracles is new, and the event that records it.
pub(crate) fn decide(escrow: &Escrow, step: OracleStep) -> Result<Option<Event>, Refusal> {
    if escrow.sign.is_none() {
        return Err(Refusal::Missing("sign"));
    }
    match step {
        OracleStep::ProveEquivocation { oracle, attestation } => {
            let first = escrow.attestations.iter().find(|(known, _)| *known == oracle);
            let (_, first) = first.ok_or(Refusal::Missing("attestation"))?;
            let known = &escrow.oracles.contradictions;
            let new = *first != attestation && is_new(known, oracle, &attestation, MOST_CONTRADICTIONS);
            let attestations = [first.clone(), attestation];
            Ok(new.then_some(Event::Equivocated { oracle, attestations }))
        }
        OracleStep::SeeAnnouncement { oracle, announcement } => {
            let new = is_new(&escrow.oracles.changed, oracle, &announcement, MOST_CHANGED);
            Ok(new.then_some(Event::AnnouncementChanged { oracle, announcement }))
        }
        OracleStep::LearnSecret { txid, oracles, words, secret } => {
            let new = escrow.oracles.learned.is_none();
            Ok(new.then_some(Event::SecretLearned { txid, oracles, words, secret }))
        }
    }
}

fn is_new(known: &[(usize, Bytes)], oracle: usize, bytes: &Bytes, most: usize) -> bool {
    let of_it: Vec<&Bytes> = known.iter().filter(|(of, _)| *of == oracle).map(|(_, bytes)| bytes).collect();
    of_it.len() < most && !of_it.contains(&bytes)
}
