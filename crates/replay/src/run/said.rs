//! What each oracle says at the end, and what the nodes heard of it.

use anyhow::Context as _;
use dlc_messages::TlvRecord as _;
use dlc_messages::oracle_msgs::OracleAttestation;
use ledger::{Sample, Verdict};
use protocol::HexBytes;
use protocol::oracle::EventView;
use protocol::owner::{Alarm, AlarmKind, EscrowView};
use terms::{Agreement, Hex32, Outcome, PayoutTable, Sat, Scale};

use super::director::Director;
use super::parties::Struck;
use crate::agree;
use crate::record::{OracleWord, VantageRecord};
use crate::scenario::Place;

/// What one oracle published, as bytes for files. Nothing where it was dead at the end.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// The oracle's name.
    pub oracle: String,
    /// The samples as CSV.
    pub samples: Option<Vec<u8>>,
    /// The evidence bundle.
    pub bundle: Option<Vec<u8>>,
}

/// One oracle at the end of a run.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// The event as it shows it; `None` where it is dead, or has forgotten it.
    pub event: Option<EventView>,
    pub published: Published,
    /// What a node heard it attest first.
    pub heard: Option<Outcome>,
    /// What a node keeps of its contradicting itself.
    pub alarm: Option<Alarm>,
    key: Hex32,
}

impl Director<'_> {
    /// Asks every oracle that lives, in the file's order.
    pub(super) async fn said(
        &self,
        deal: &Struck,
        views: &[Option<EscrowView>; 2],
    ) -> anyhow::Result<Vec<Said>> {
        let scale = &self.scenario.measurement.outcome;
        let mut all = Vec::new();
        for (number, oracle) in self.world.oracles.iter().enumerate() {
            let name = self.scenario.cast.name(Place::Oracle(number)).to_owned();
            let mut said = Said {
                event: None,
                published: Published { oracle: name, ..Published::default() },
                heard: heard(views, oracle.key, scale),
                alarm: alarm(views, oracle.key),
                key: oracle.key,
            };
            if oracle.service.is_alive() {
                said.event = oracle.client.event(&deal.event_id).await?;
                said.published.samples = oracle.client.samples(&deal.event_id).await?;
                // There is no bundle before the window has closed.
                said.published.bundle = oracle.client.evidence(&deal.event_id).await.ok().flatten();
            }
            all.push(said);
        }
        Ok(all)
    }
}

impl Said {
    /// Whether it shows an attestation.
    pub(super) fn attests(&self) -> bool {
        self.event.as_ref().is_some_and(|event| event.attestation_hex.is_some())
    }
}

/// What the first node that heard of it heard first.
fn heard(views: &[Option<EscrowView>; 2], key: Hex32, scale: &Scale) -> Option<Outcome> {
    let attestations = views.iter().flatten().flat_map(|view| &view.attestations);
    attestations.into_iter().find_map(|bytes| {
        let attestation = OracleAttestation::from_tlv_bytes(&bytes.0).ok()?;
        let is_its = attestation.oracle_public_key.serialize() == key.0;
        is_its.then(|| scale.decode(&attestation.outcomes)).flatten()
    })
}

fn alarm(views: &[Option<EscrowView>; 2], key: Hex32) -> Option<Alarm> {
    let alarms = views.iter().flatten().flat_map(|view| &view.alarms);
    let mut its = alarms.filter(|alarm| alarm.kind == AlarmKind::Equivocation && alarm.oracle == Some(key));
    its.next().cloned()
}

/// The oracle whose word the contract was closed by, if it was by any; `paid` is what the chain paid the provider then.
pub(super) fn deciding(agreement: &Agreement, said: &[Said], paid: Option<Sat>) -> Option<usize> {
    let table = agreement.compile().ok()?;
    let heard: Vec<Option<Outcome>> = said.iter().map(|said| said.heard.clone()).collect();
    let pays = |place: &usize| heard.get(*place).and_then(Option::as_ref).and_then(|said| table.at(said));
    let paid = paid?;
    let heads = agree::deciding(&agreement.oracles, &table, &heard);
    // Whoever broadcasts may choose among combinations, and may have heard of fewer oracles than we.
    let chosen = heads.iter().copied().find(|place| pays(place) == Some(paid));
    chosen.or_else(|| heads.first().copied())
}

/// What all of them said, against what was paid by.
pub(super) fn words(
    agreement: &Agreement,
    said: &[Said],
    outcome: Option<&Outcome>,
) -> anyhow::Result<Vec<OracleWord>> {
    let table = agreement.compile()?;
    said.iter().map(|said| word(agreement, &table, said, outcome)).collect()
}

fn word(
    agreement: &Agreement,
    table: &PayoutTable,
    said: &Said,
    outcome: Option<&Outcome>,
) -> anyhow::Result<OracleWord> {
    let agrees = |heard: &Outcome| {
        outcome.is_some_and(|outcome| agree::agree(&agreement.oracles, table, outcome, heard))
    };
    let proof = said.alarm.iter().flat_map(|alarm| &alarm.proof);
    Ok(OracleWord {
        name: said.published.oracle.clone(),
        key: said.key,
        provisional: said.event.as_ref().and_then(|event| Some(event.provisional.as_ref()?.outcome.clone())),
        attested: said.heard.clone(),
        agrees: said.heard.as_ref().is_some_and(agrees),
        contradiction: proof.map(|HexBytes(bytes)| hex::encode(bytes)).collect(),
        vantages: vantages(said)?,
    })
}

/// What each place saw, where it was not the oracle alone.
fn vantages(said: &Said) -> anyhow::Result<Vec<VantageRecord>> {
    let (Some(event), Some(samples)) = (&said.event, &said.published.samples) else { return Ok(Vec::new()) };
    if event.vantages.is_empty() {
        return Ok(Vec::new());
    }
    let samples = ledger::csv::read(samples.as_slice()).context("an oracle's samples")?;
    let counted = |name: &str, verdict: Verdict| {
        let is_meant = |sample: &&Sample| sample.vantage == name && sample.verdict == verdict;
        samples.iter().filter(is_meant).count() as u64
    };
    let record = |vantage: &protocol::vantage::EventVantage| VantageRecord {
        name: vantage.name.clone(),
        key: vantage.key,
        good: counted(&vantage.name, Verdict::Good),
        bad: counted(&vantage.name, Verdict::Bad),
        undecided: counted(&vantage.name, Verdict::Unknown),
        late_batches: vantage.late_batches,
    };
    Ok(event.vantages.iter().map(record).collect())
}
