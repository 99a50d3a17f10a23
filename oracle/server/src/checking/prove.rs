//! Do attestations contradict each other?

use std::collections::BTreeMap;

use dlc_messages::oracle_msgs::OracleAttestation;
use serde_json::{Value, json};
use signer::{Conflict, NoConflict, prove_conflict, wire};

use super::records::Records;

/// Two attestations that contradict each other.
#[derive(Debug)]
pub struct Proof<'a> {
    /// What was proven.
    pub conflict: Conflict,
    /// Where the two were read, and the two.
    pub pair: [&'a (String, OracleAttestation); 2],
}

/// Why nothing was proven.
#[derive(Debug, thiserror::Error)]
pub enum NotProven {
    /// Too few attestations.
    #[error("a proof takes two attestations; {got} given")]
    TooFew {
        /// How many.
        got: usize,
    },
    /// These two don't contradict each other.
    #[error("no conflict: {0}")]
    Pair(NoConflict),
    /// None of many does.
    #[error("no conflict: no two of the {of} attestations contradict each other")]
    None {
        /// How many were compared.
        of: usize,
    },
}

/// Looks for two attestations that contradict each other. Two that are given alone need not even name the same event.
///
/// # Errors
/// Says why there are none.
pub fn find(records: &Records) -> Result<Proof<'_>, NotProven> {
    match records.attestations.as_slice() {
        [] | [_] => Err(NotProven::TooFew { got: records.attestations.len() }),
        [a, b] => compare(records, a, b).map_err(NotProven::Pair),
        many => among(records, many).ok_or(NotProven::None { of: many.len() }),
    }
}

fn compare<'a>(
    records: &Records,
    a: &'a (String, OracleAttestation),
    b: &'a (String, OracleAttestation),
) -> Result<Proof<'a>, NoConflict> {
    let conflict = prove_conflict(&a.1, &b.1, records.announcement_of(&a.1))?;
    Ok(Proof { conflict, pair: [a, b] })
}

/// Of one event most say the same, so each is compared with the first one of each outcome.
fn among<'a>(records: &Records, many: &'a [(String, OracleAttestation)]) -> Option<Proof<'a>> {
    let mut said = BTreeMap::<_, BTreeMap<&[String], &(String, OracleAttestation)>>::new();
    for one in many {
        let event = (one.1.oracle_public_key.serialize(), one.1.event_id.as_str());
        let outcomes = said.entry(event).or_default();
        let proof = outcomes.values().copied().find_map(|other| compare(records, other, one).ok());
        if proof.is_some() {
            return proof;
        }
        outcomes.entry(&one.1.outcomes).or_insert(one);
    }
    None
}

impl Proof<'_> {
    /// What it means, for a person.
    pub fn explain(&self) -> String {
        let Conflict { oracle, event_id, places, announced } = &self.conflict;
        let [(a_from, a), (b_from, b)] = self.pair;
        let place = places.first().copied().unwrap_or_default();
        let differ = match a.outcomes.len() {
            1 => "in the level".to_owned(),
            digits => format!("first in digit {} of {digits}", place + 1),
        };
        let event = if *announced {
            "Both answer the oracle's announcement of the event."
        } else {
            "No announcement was given, so the event's id is what the two say; the nonces that they share, and the key \
             that follows from them, need no announcement."
        };
        format!(
            "Proven: oracle {oracle} signed two outcomes of event {event_id}.\n\
             {}   ({a_from})\n{}   ({b_from})\n\
             All their signatures verify, with the same nonces; they differ {differ}. {event}\n\
             The oracle's secret key follows from the two: it was worked out in memory, it belongs to the oracle's public \
             key, and it was erased. Whoever holds both attestations can do the same and attest anything in this oracle's \
             name, so use no contract that counts on it alone, and show the pair to those who must know.",
            outcome(a),
            outcome(b),
        )
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let Conflict { oracle, event_id, places, announced } = &self.conflict;
        json!({
            "conflict": true,
            "oracle": oracle.to_string(),
            "event_id": event_id,
            "announced": announced,
            "places": places,
            "outcomes": self.pair.map(|(_, one)| outcome(one)),
            "attestations": self.pair.map(|(_, one)| wire::attestation_hex(one)),
        })
    }
}

/// The number that the digits are, or the level.
fn outcome(attestation: &OracleAttestation) -> String {
    let words = attestation.outcomes.concat();
    match (attestation.outcomes.len(), u64::from_str_radix(&words, 2)) {
        (2..=63, Ok(number)) => number.to_string(),
        _ => words,
    }
}
