//! Every adaptor signature of a contract: which oracles unlock it with which words, and its adaptor point.
//!
//! The library numbers them as it walks through the blocks of outcomes that pay the same and the combinations of
//! oracles, and shows nobody the walk. It is walked here a second time, with the same public parts.

use std::collections::BTreeMap;

use bitcoin::Amount;
use dlc_manager::contract::enum_descriptor::EnumDescriptor;
use dlc_manager::contract::numerical_descriptor::NumericalDescriptor;
use dlc_manager::contract::{ContractDescriptor, execution_contract_infos};
use dlc_messages::oracle_msgs::{OracleAnnouncement, tagged_attestation_msg};
use dlc_trie::combination_iterator::CombinationIterator;
use dlc_trie::digit_decomposition::group_by_ignoring_digits;
use dlc_trie::multi_trie::MultiTrie;
use secp256k1_zkp::{PublicKey, SECP256K1};

use super::unlock::library;
use crate::contract::CheckedContract;
use crate::error::GateError;

/// One adaptor signature's place, and what unlocks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unlock {
    /// The oracles, ascending.
    pub(super) oracles: Vec<usize>,
    /// What each must sign: the digits of a block's prefix, or a level.
    pub(super) words: Vec<Vec<String>>,
    /// The CET's place among the transactions.
    pub(super) cet: usize,
}

/// All of a contract, in the order of the adaptor signatures in either message.
pub(super) fn unlocks(contract: &CheckedContract) -> Result<Vec<Unlock>, GateError> {
    let infos = execution_contract_infos(contract.deal().contract_info()).map_err(library)?;
    let [info] = infos.as_slice() else { return Err(library("one event was agreed")) };
    let total = Amount::from_sat(contract.deal().table().total_sat().0);
    match &info.contract_descriptor {
        ContractDescriptor::Enum(levels) => {
            Ok(of_levels(levels, info.oracle_announcements.len(), info.threshold))
        }
        ContractDescriptor::Numerical(numeric) => of_numbers(numeric, info.threshold, total),
    }
}

fn of_levels(levels: &EnumDescriptor, oracles: usize, threshold: usize) -> Vec<Unlock> {
    let mut unlocks = Vec::new();
    for (cet, level) in levels.outcome_payouts.iter().enumerate() {
        for oracles in CombinationIterator::new(oracles, threshold) {
            let words = vec![vec![level.outcome.clone()]; oracles.len()];
            unlocks.push(Unlock { oracles, words, cet });
        }
    }
    unlocks
}

fn of_numbers(
    numeric: &NumericalDescriptor,
    threshold: usize,
    total: Amount,
) -> Result<Vec<Unlock>, GateError> {
    let digits = &numeric.oracle_numeric_infos;
    let mut near = numeric.difference_params.as_ref().map(|params| {
        MultiTrie::<()>::new(digits, threshold, params.min_support_exp, params.max_error_exp, true)
    });
    let mut unlocks = Vec::new();
    for (cet, range) in numeric.get_range_payouts(total).map_err(library)?.iter().enumerate() {
        let last = (range.start + range.count).saturating_sub(1);
        for block in group_by_ignoring_digits(range.start, last, digits.base, digits.get_min_nb_digits()) {
            match &mut near {
                Some(near) => {
                    let mut note = |paths: &[Vec<usize>], oracles: &[usize]| {
                        let words = paths.iter().map(|path| words(path)).collect();
                        unlocks.push(Unlock { oracles: oracles.to_vec(), words, cet });
                        Ok(())
                    };
                    near.insert(&block, &mut note).map_err(library)?;
                }
                None => unlocks.extend(
                    CombinationIterator::new(digits.nb_digits.len(), threshold).map(|oracles| Unlock {
                        words: vec![words(&block); oracles.len()],
                        oracles,
                        cet,
                    }),
                ),
            }
        }
    }
    Ok(unlocks)
}

fn words(path: &[usize]) -> Vec<String> {
    path.iter().map(usize::to_string).collect()
}

/// What each oracle's signature over each word would be times the generator, computed once for each.
pub(super) struct Points<'a> {
    announcements: &'a [OracleAnnouncement],
    known: BTreeMap<(usize, usize, String), PublicKey>,
}

impl<'a> Points<'a> {
    pub(super) fn of(contract: &'a CheckedContract) -> Self {
        Self { announcements: contract.deal().announcements().as_slice(), known: BTreeMap::new() }
    }

    /// The adaptor point: the sum over all oracles and words. `None` where there is none, which no checked contract has.
    pub(super) fn sum(&mut self, unlock: &Unlock) -> Option<PublicKey> {
        let mut parts = Vec::new();
        for (oracle, words) in unlock.oracles.iter().zip(&unlock.words) {
            for (place, word) in words.iter().enumerate() {
                parts.push(self.part(*oracle, place, word)?);
            }
        }
        PublicKey::combine_keys(&parts.iter().collect::<Vec<_>>()).ok()
    }

    fn part(&mut self, oracle: usize, place: usize, word: &str) -> Option<PublicKey> {
        let at = (oracle, place, word.to_owned());
        if let Some(point) = self.known.get(&at) {
            return Some(*point);
        }
        let announcement = self.announcements.get(oracle)?;
        let nonce = announcement.oracle_event.oracle_nonces.get(place)?;
        let message = tagged_attestation_msg(word);
        let key = &announcement.oracle_public_key;
        let point = dlc::secp_utils::schnorrsig_compute_sig_point(SECP256K1, key, nonce, &message).ok()?;
        self.known.insert(at, point);
        Some(point)
    }
}
