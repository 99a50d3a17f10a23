//! Taking a vantage's batches: everything about them is checked before anything of them is stored.

use ledger::batch::{Statement, samples_sha256};
use ledger::csv::{self, Columns};
use ledger::{Grid, Sample};
use protocol::vantage::{Batch, BatchResult};
use signer::check_batch;
use terms::Hex32;

use crate::config::RemoteVantage;
use crate::oracle::Oracle;
use crate::store::{Block, BlockSample, Event, StoreError};

/// A vantage's clock may be ahead of the oracle's by this much.
const AHEAD_MS: u64 = 2_000;

/// A cause has at most so many bytes.
const MAX_CAUSE_BYTES: usize = 100;

/// Why a batch was refused: no vantage of ours makes such a one.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// A field breaks a rule.
    #[error("{field}: {rule}")]
    Rule {
        /// The field of the batch.
        field: &'static str,
        /// The rule that it breaks.
        rule: String,
    },
    /// The signature is not the vantage's over this batch.
    #[error("sig: is not the vantage's over this batch")]
    Signature,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn refuse(broken: bool, field: &'static str, rule: &str) -> Result<(), IntakeError> {
    if broken { Err(IntakeError::Rule { field, rule: rule.to_owned() }) } else { Ok(()) }
}

/// Takes a batch of a vantage whose request was signed.
///
/// # Errors
/// When it breaks a rule that every honest vantage keeps, or is not signed by this one.
pub async fn take(
    oracle: &Oracle,
    vantage: &RemoteVantage,
    batch: &Batch,
) -> Result<BatchResult, IntakeError> {
    let event = oracle.store.event(&batch.event_id).await?.filter(|event| event.published);
    let Some(event) = event.filter(|event| measures(event, vantage)) else {
        return Ok(BatchResult::Unknown);
    };
    let stored = Grid::new(&event.measurement);
    let grid = stored.map_err(|_| StoreError::Corrupt { column: "measurement" })?;
    let block = check((&event, oracle.settings().config.probe.jitter), &grid, vantage, batch)?;
    if grid.block_end_ms(&block.probes) > oracle.clock.now_ms().saturating_add(AHEAD_MS) {
        return Ok(BatchResult::Early);
    }
    let result = oracle.store.take_block(&event, &block).await?;
    if matches!(result, BatchResult::Late | BatchResult::Differs) {
        tracing::warn!(event = %event.id, vantage = %block.vantage, from = block.probes.start, ?result,
            "a vantage's batch does not count");
    }
    Ok(result)
}

fn measures(event: &Event, vantage: &RemoteVantage) -> bool {
    event.remote_vantages().any(|(_, key)| key == vantage.key)
}

/// `jitter` is today's setting, for events that do not say.
fn check(
    (event, jitter): (&Event, bool),
    grid: &Grid,
    vantage: &RemoteVantage,
    batch: &Batch,
) -> Result<Block, IntakeError> {
    let probes = batch.from..batch.to;
    let inside = probes.start < grid.probes();
    refuse(!inside, "from", "must be a probe's index in the window")?;
    refuse(grid.block_of(probes.start) != probes, "to", "must be the end of the block that begins at from")?;
    let slice = grid.slice_of_probe(probes.start);
    refuse(grid.is_excluded(slice), "from", "must not lie in an exclusion: nobody probes there")?;
    // The name is the announcement's, whatever the configuration calls this vantage by now.
    let name = event.remote_vantages().find(|(_, key)| *key == vantage.key).map_or("", |(name, _)| name);
    let samples = read(grid, name, batch)?;
    if let Some(seed) = event.jitter_seed(jitter) {
        check_moments(grid, &seed, &samples)?;
    }
    check_signature(event, vantage, name, batch, &samples)?;
    Ok(Block {
        vantage: name.to_owned(),
        probes,
        slice,
        samples: with_causes(grid, batch, samples)?,
        signature: batch.sig,
    })
}

/// Reads the samples, which have to be written in the one form that is hashed.
fn read(grid: &Grid, name: &str, batch: &Batch) -> Result<Vec<Sample>, IntakeError> {
    let rule = |rule: String| IntakeError::Rule { field: "samples", rule };
    let samples = csv::read(batch.samples.as_bytes()).map_err(|error| rule(error.to_string()))?;
    let written = csv::write(Columns::of(grid.measurement()), &samples);
    refuse(written != batch.samples, "samples", "must be written as ledger::csv writes them")?;
    let mut next = batch.from;
    for (sample, line) in samples.iter().zip(2..) {
        refuse(sample.vantage != name, "samples", &format!("line {line}: must be by {name}"))?;
        let probe = grid.probe_of(sample.unix_ms).filter(|probe| (next..batch.to).contains(probe));
        let outside = format!("line {line}: must lie in the block, one sample to a slot, in their order");
        next = probe.ok_or_else(|| rule(outside))? + 1;
    }
    Ok(samples)
}

/// A vantage that was given the seed is never early; a sample that is would break the whole bundle's audit.
fn check_moments(grid: &Grid, seed: &[u8; 32], samples: &[Sample]) -> Result<(), IntakeError> {
    let early =
        |sample: &Sample| ledger::moment(grid, seed, sample).is_some_and(|(_, at_ms)| sample.unix_ms < at_ms);
    match samples.iter().zip(2..).find(|(sample, _)| early(sample)) {
        Some((_, line)) => {
            let rule = format!("line {line}: must not begin before the moment that the seed gives");
            Err(IntakeError::Rule { field: "samples", rule })
        }
        None => Ok(()),
    }
}

fn check_signature(
    event: &Event,
    vantage: &RemoteVantage,
    name: &str,
    batch: &Batch,
    samples: &[Sample],
) -> Result<(), IntakeError> {
    let announcement = hex::decode(&event.announcement).unwrap_or_default();
    let statement = Statement {
        event_id: event.id.clone(),
        announcement_sha256: Hex32(terms::canonical::sha256(&announcement)),
        vantage: name,
        from: batch.from,
        to: batch.to,
        samples_sha256: samples_sha256(Columns::of(&event.measurement), samples),
    };
    if check_batch(&vantage.key, &statement, &batch.sig.0) { Ok(()) } else { Err(IntakeError::Signature) }
}

fn with_causes(grid: &Grid, batch: &Batch, samples: Vec<Sample>) -> Result<Vec<BlockSample>, IntakeError> {
    refuse(batch.causes.len() > samples.len(), "causes", "must be at most as many as samples")?;
    let plain = |text: &str| {
        (1..=MAX_CAUSE_BYTES).contains(&text.len())
            && text.bytes().all(|b| b == b' ' || (b.is_ascii_graphic() && !b"\",".contains(&b)))
    };
    refuse(
        batch.causes.iter().any(|cause| !plain(&cause.cause)),
        "causes",
        "must be 1 to 100 visible ASCII characters without quotes and commas",
    )?;
    let cause_of =
        |probe: u64| batch.causes.iter().find(|cause| cause.probe == probe).map(|cause| cause.cause.clone());
    let with_cause = |sample: Sample| {
        let probe = grid.probe_of(sample.unix_ms)?;
        Some(BlockSample { probe, cause: cause_of(probe), sample })
    };
    Ok(samples.into_iter().filter_map(with_cause).collect())
}
