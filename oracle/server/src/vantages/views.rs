//! What the API shows of an event's vantages.

use ledger::bundle::{SignedBlock, VantageWord};
use protocol::vantage::EventVantage;
use terms::{Hex32, UnixSeconds};

use crate::oracle::Oracle;
use crate::store::{Event, Reported, StoreError, Vantage};

/// Who measures an event, and how far each has come; nothing where it is the oracle alone.
///
/// # Errors
/// When the database fails.
pub async fn views(oracle: &Oracle, event: &Event) -> Result<Vec<EventVantage>, StoreError> {
    if !event.has_remote_vantages() {
        return Ok(Vec::new());
    }
    let reported = oracle.store.reported(event.key).await?;
    Ok(event.vantages.iter().map(|vantage| view(event, vantage, reported.get(&vantage.name))).collect())
}

fn view(event: &Event, vantage: &Vantage, reported: Option<&Reported>) -> EventVantage {
    let Reported { until, late } = reported.copied().unwrap_or_default();
    let start_s = event.measurement.window.start.0;
    let until_s = start_s + until * event.measurement.probe_every_ms / 1_000;
    EventVantage {
        name: vantage.name.clone(),
        key: vantage.key,
        reported_until: vantage.key.map(|_| UnixSeconds(until_s)),
        late_batches: late,
    }
}

/// What an event's vantages elsewhere signed, for the evidence.
///
/// # Errors
/// When the database fails.
pub async fn words(oracle: &Oracle, event: &Event) -> Result<Vec<VantageWord>, StoreError> {
    let blocks = match event.has_remote_vantages() {
        true => oracle.store.signed_blocks(event.key).await?,
        false => Vec::new(),
    };
    let signed = |name: &str| {
        let own = blocks.iter().filter(|block| block.vantage == name);
        own.map(|block| SignedBlock {
            from: block.probes.start,
            to: block.probes.end,
            sig: block.signature.to_string(),
        })
        .collect()
    };
    let word = |(name, key): (&str, Hex32)| VantageWord { name: name.to_owned(), key, blocks: signed(name) };
    Ok(event.remote_vantages().map(word).collect())
}
