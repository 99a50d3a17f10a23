//! Whether the samples of a bundle's vantages are those that they signed.

use std::collections::BTreeMap;

use ledger::batch::{Statement, samples_sha256};
use ledger::bundle::{Bundle, SignedBlock, VantageWord};
use ledger::csv::{self, Columns};
use ledger::{Grid, Sample};
use terms::Hex32;

use crate::vantage::check_batch;
use crate::wire;

/// What is wrong with the words of a bundle's vantages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VantageError {
    /// The list of vantages breaks a rule.
    #[error("vantages: {rule}")]
    List {
        /// The rule.
        rule: &'static str,
    },
    /// A block is none of the window's, or not in its place.
    #[error("vantages: {vantage}: block from probe {from}: is none of the window's, or not in its place")]
    Block {
        /// The vantage's name.
        vantage: String,
        /// The block's first probe.
        from: u64,
    },
    /// The vantage signed other samples.
    #[error(
        "vantages: {vantage}: block from probe {from} (slice {slice}): the samples are not those that it signed"
    )]
    Signature {
        /// The vantage's name.
        vantage: String,
        /// The block's first probe.
        from: u64,
        /// The slice that it belongs to.
        slice: u64,
    },
    /// There is a sample in a vantage's name that it did not sign.
    #[error("vantages: {vantage}: probe {probe}: the sample is in no block that it signed")]
    Unsigned {
        /// The name in the sample.
        vantage: String,
        /// The probe's index.
        probe: u64,
    },
}

type Samples<'a> = BTreeMap<&'a str, Vec<(u64, &'a Sample)>>;

/// Checks every vantage's signatures over its samples. One vantage, the oracle's own, may have signed nothing.
///
/// # Errors
/// Says at which vantage and block the evidence breaks.
pub fn check_vantages(bundle: &Bundle, announcement_sha256: Hex32) -> Result<(), VantageError> {
    if bundle.measurement.quorum.vantages == 1 && bundle.vantages.is_empty() {
        return Ok(());
    }
    let grid = Grid::new(&bundle.measurement)
        .map_err(|_| VantageError::List { rule: "are of no measurement that can be evaluated" })?;
    let samples = csv::read(bundle.samples.as_bytes())
        .map_err(|_| VantageError::List { rule: "are of samples that can't be read" })?;
    let mut by_vantage = Samples::new();
    for sample in &samples {
        if let Some(probe) = grid.probe_of(sample.unix_ms) {
            by_vantage.entry(&sample.vantage).or_default().push((probe, sample));
        }
    }
    check_names(bundle, &by_vantage)?;
    let audit = Audit { bundle, grid, announcement_sha256 };
    let none = Vec::new();
    bundle
        .vantages
        .iter()
        .try_for_each(|word| audit.check(word, by_vantage.get(&*word.name).unwrap_or(&none)))
}

fn check_names(bundle: &Bundle, samples: &Samples<'_>) -> Result<(), VantageError> {
    let words: BTreeMap<&str, Hex32> =
        bundle.vantages.iter().map(|word| (word.name.as_str(), word.key)).collect();
    let rule = |holds: bool, rule| if holds { Ok(()) } else { Err(VantageError::List { rule }) };
    rule(words.len() == bundle.vantages.len(), "one stands there twice")?;
    let fits = (words.len() as u64) < bundle.measurement.quorum.vantages;
    rule(fits, "are more than the measurement has, besides the oracle's own")?;
    let mut unsigned = samples.iter().filter(|(name, _)| !words.contains_key(**name));
    let _own = unsigned.next();
    match unsigned.next().and_then(|(name, own)| Some((name, own.first()?))) {
        Some((name, (probe, _))) => {
            Err(VantageError::Unsigned { vantage: (*name).to_owned(), probe: *probe })
        }
        None => Ok(()),
    }
}

struct Audit<'a> {
    bundle: &'a Bundle,
    grid: Grid,
    announcement_sha256: Hex32,
}

impl Audit<'_> {
    /// Walks blocks and samples side by side, both ascending.
    fn check(&self, word: &VantageWord, samples: &[(u64, &Sample)]) -> Result<(), VantageError> {
        let mut rest = samples;
        let mut next = 0;
        for block in &word.blocks {
            self.check_place(word, block, next)?;
            let (before, later) = rest.split_at(rest.partition_point(|(probe, _)| *probe < block.from));
            nothing(word, before)?;
            let (inside, later) = later.split_at(later.partition_point(|(probe, _)| *probe < block.to));
            self.check_signature(word, block, inside)?;
            rest = later;
            next = block.to;
        }
        nothing(word, rest)
    }

    fn check_place(&self, word: &VantageWord, block: &SignedBlock, next: u64) -> Result<(), VantageError> {
        let inside = (next..self.grid.probes()).contains(&block.from);
        if inside && self.grid.block_of(block.from) == (block.from..block.to) {
            return Ok(());
        }
        Err(VantageError::Block { vantage: word.name.clone(), from: block.from })
    }

    fn check_signature(
        &self,
        word: &VantageWord,
        block: &SignedBlock,
        inside: &[(u64, &Sample)],
    ) -> Result<(), VantageError> {
        let columns = Columns::of(&self.bundle.measurement);
        let statement = Statement {
            event_id: self.bundle.measurement.event_id(),
            announcement_sha256: self.announcement_sha256,
            vantage: &word.name,
            from: block.from,
            to: block.to,
            samples_sha256: samples_sha256(columns, inside.iter().map(|(_, sample)| *sample)),
        };
        let signature = wire::parse_signature(&block.sig);
        if signature.is_some_and(|signature| check_batch(&word.key, &statement, signature.as_ref())) {
            return Ok(());
        }
        let slice = self.grid.slice_of_probe(block.from);
        Err(VantageError::Signature { vantage: word.name.clone(), from: block.from, slice })
    }
}

fn nothing(word: &VantageWord, samples: &[(u64, &Sample)]) -> Result<(), VantageError> {
    match samples.first() {
        Some((probe, _)) => Err(VantageError::Unsigned { vantage: word.name.clone(), probe: *probe }),
        None => Ok(()),
    }
}
