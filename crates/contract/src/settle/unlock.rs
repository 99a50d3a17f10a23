//! Which CET and which adaptor signature a combination of attestations unlocks.
//!
//! The library looks both up in a trie that it builds from the contract info. Its own `sign_cet` builds it while it
//! verifies every adaptor signature once more, and without tolerance it wants all digits of all oracles equal. Here the
//! trie is built alone: the signatures were verified when the contract was made, and the finished transaction is.

use bitcoin::Amount;
use dlc_manager::contract::contract_info::ContractInfo;
use dlc_manager::contract::numerical_descriptor::NumericalDescriptor;
use dlc_manager::contract::{AdaptorInfo, ContractDescriptor, execution_contract_infos};
use dlc_trie::DlcTrie;
use dlc_trie::multi_oracle_trie::MultiOracleTrie;
use dlc_trie::multi_oracle_trie_with_diff::MultiOracleTrieWithDiff;
use secp256k1_zkp::schnorr::Signature;

use crate::contract::CheckedContract;
use crate::error::{GateError, Message, Rule};
use crate::gate::CheckedAttestation;

/// The library's index of a contract's adaptor signatures.
pub(super) struct Lookup {
    info: ContractInfo,
    adaptor: AdaptorInfo,
    exact: bool,
}

/// What a combination of attestations unlocks.
pub(super) struct Found<'a> {
    /// The CET's place among the transactions.
    pub(super) cet: usize,
    /// The adaptor signature's place in either message.
    pub(super) signature: usize,
    /// The attestations by ascending oracle, each with how many of its signatures count.
    parts: Vec<(&'a CheckedAttestation, usize)>,
}

impl Found<'_> {
    pub(super) fn oracles(&self) -> Vec<usize> {
        self.parts.iter().map(|(attestation, _)| attestation.oracle).collect()
    }

    /// What the oracle signed that sets the level.
    pub(super) fn signed(&self) -> &[String] {
        self.parts.first().map(|(attestation, _)| attestation.signed()).unwrap_or_default()
    }

    /// The signatures whose sum decrypts.
    pub(super) fn oracle_signatures(&self) -> Vec<Vec<Signature>> {
        let counted = |(attestation, count): &(&CheckedAttestation, usize)| {
            attestation.attestation.signatures.iter().take(*count).copied().collect()
        };
        self.parts.iter().map(counted).collect()
    }
}

impl Lookup {
    pub(super) fn new(contract: &CheckedContract) -> Result<Self, GateError> {
        let infos = execution_contract_infos(contract.deal().contract_info()).map_err(library)?;
        let Ok([info]) = <[ContractInfo; 1]>::try_from(infos) else {
            return Err(library("one event was agreed"));
        };
        let total = Amount::from_sat(contract.deal().table().total_sat().0);
        let adaptor = match &info.contract_descriptor {
            ContractDescriptor::Enum(_) => AdaptorInfo::Enum,
            ContractDescriptor::Numerical(numeric) => trie(numeric, info.threshold, total)?,
        };
        let exact = !matches!(adaptor, AdaptorInfo::NumericalWithDifference(_));
        Ok(Self { info, adaptor, exact })
    }

    /// What t attestations of different oracles, ascending, unlock together.
    pub(super) fn unlocked_by<'a>(&self, combination: &[&'a CheckedAttestation]) -> Option<Found<'a>> {
        let first = *combination.first()?;
        // Without tolerance the library compares all digits, although a CET's point takes the prefix of its block
        // only. So it is asked about the first oracle's digits, and whether the others share the prefix is seen here.
        let asked = |attestation: &'a CheckedAttestation| if self.exact { first } else { attestation };
        let outcomes: Vec<(usize, &Vec<String>)> =
            combination.iter().map(|a| (a.oracle, &asked(a).attestation.outcomes)).collect();
        let (counts, range) = self.info.get_range_info_for_outcome(&self.adaptor, &outcomes, 0)?;
        if counts.len() != combination.len() {
            return None;
        }
        let part = |(&attestation, &(oracle, count)): (&&'a CheckedAttestation, &(usize, usize))| {
            let shared = attestation.signed().get(..count)? == asked(attestation).signed().get(..count)?;
            (attestation.oracle == oracle && shared).then_some((attestation, count))
        };
        let parts = combination.iter().zip(&counts).map(part).collect::<Option<Vec<_>>>()?;
        Some(Found { cet: range.cet_index, signature: range.adaptor_index, parts })
    }
}

/// The trie that the library built when it signed and verified.
fn trie(numeric: &NumericalDescriptor, threshold: usize, total: Amount) -> Result<AdaptorInfo, GateError> {
    let ranges = numeric.get_range_payouts(total).map_err(library)?;
    let digits = &numeric.oracle_numeric_infos;
    match &numeric.difference_params {
        None => {
            let mut trie = MultiOracleTrie::new(digits, threshold).map_err(library)?;
            trie.generate(0, &ranges).map_err(library)?;
            Ok(AdaptorInfo::Numerical(trie))
        }
        Some(params) => {
            let (support, error) = (params.min_support_exp, params.max_error_exp);
            let mut trie =
                MultiOracleTrieWithDiff::new(digits, threshold, support, error).map_err(library)?;
            trie.generate(0, &ranges).map_err(library)?;
            Ok(AdaptorInfo::NumericalWithDifference(trie))
        }
    }
}

pub(super) fn library(error: impl ToString) -> GateError {
    GateError::new(Message::Own, "cet", Rule::Library { reason: error.to_string() })
}
