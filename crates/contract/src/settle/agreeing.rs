//! Which attestations are tried together, and in which order.

use std::collections::BTreeMap;

use dlc_trie::combination_iterator::CombinationIterator;

use crate::contract::value_of;
use crate::gate::CheckedAttestation;

/// The most different attestations of one oracle that are tried. One is what an honest oracle gives; whoever gives two
/// has given its key away, so that anybody can make more.
const MAX_VERSIONS: usize = 4;

/// The most combinations that are tried when an oracle said several things.
const MAX_TRIALS: usize = 1 << 16;

/// What each oracle said: by ascending index, each thing once.
pub(super) struct Said<'a>(BTreeMap<usize, Vec<&'a CheckedAttestation>>);

impl<'a> Said<'a> {
    pub(super) fn of(attestations: impl IntoIterator<Item = &'a CheckedAttestation>) -> Self {
        let mut said: BTreeMap<usize, Vec<&CheckedAttestation>> = BTreeMap::new();
        for attestation in attestations {
            let versions = said.entry(attestation.oracle).or_default();
            if versions.iter().all(|version| version.signed() != attestation.signed()) {
                versions.push(attestation);
            }
        }
        let steady: Vec<&CheckedAttestation> =
            said.values().filter(|versions| versions.len() == 1).flatten().copied().collect();
        for versions in said.values_mut() {
            // What is near to the others' word comes first, so that a flood of forgeries cannot push it out.
            versions.sort_by_key(|version| {
                let nearest = steady.iter().map(|other| distance(version.signed(), other.signed())).min();
                (nearest.unwrap_or_default(), version.signed())
            });
            versions.truncate(MAX_VERSIONS);
        }
        Self(said)
    }

    /// How many oracles said anything.
    pub(super) fn oracles(&self) -> usize {
        self.0.len()
    }

    /// The first combination of `threshold` oracles for which `settles` has an answer: first among those that said one
    /// thing, then among all.
    pub(super) fn first<T>(
        &self,
        threshold: usize,
        settles: impl Fn(&[&'a CheckedAttestation]) -> Option<T>,
    ) -> Option<T> {
        let steady: Vec<&[&CheckedAttestation]> =
            self.0.values().filter(|versions| versions.len() == 1).map(Vec::as_slice).collect();
        let all: Vec<&[&CheckedAttestation]> = self.0.values().map(Vec::as_slice).collect();
        let doubtful = all.len() > steady.len();
        let among_steady = combinations(&steady, threshold).find_map(|combination| settles(&combination));
        among_steady.or_else(|| {
            let mut trials = combinations(&all, threshold).take(if doubtful { MAX_TRIALS } else { 0 });
            trials.find_map(|combination| settles(&combination))
        })
    }
}

/// Every choice of `threshold` oracles by ascending index, and of one attestation of each.
fn combinations<'a: 'b, 'b>(
    oracles: &'b [&'b [&'a CheckedAttestation]],
    threshold: usize,
) -> impl Iterator<Item = Vec<&'a CheckedAttestation>> + 'b {
    // The library's iterator panics over more than there are, and over none.
    let possible = (1..=oracles.len()).contains(&threshold);
    let chosen = possible.then(|| CombinationIterator::new(oracles.len(), threshold));
    chosen.into_iter().flatten().flat_map(move |chosen| {
        let versions: Vec<&[&CheckedAttestation]> = chosen.iter().map(|&index| oracles[index]).collect();
        let ways: usize = versions.iter().map(|versions| versions.len()).product();
        (0..ways).map(move |way| choose(&versions, way))
    })
}

/// One attestation of each oracle: the digits of `way` in the mixed base of their counts.
fn choose<'a>(versions: &[&[&'a CheckedAttestation]], way: usize) -> Vec<&'a CheckedAttestation> {
    let mut left = way;
    let pick = |versions: &&[&'a CheckedAttestation]| {
        let picked = versions[left % versions.len()];
        left /= versions.len();
        picked
    };
    versions.iter().map(pick).collect()
}

/// How far apart two outcomes are: in values, or 1 for two levels.
fn distance(a: &[String], b: &[String]) -> u64 {
    match (value_of(a), value_of(b)) {
        (Some(a), Some(b)) => a.abs_diff(b),
        _ => u64::from(a != b),
    }
}
