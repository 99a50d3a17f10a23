//! What a transaction should pay now: the Bitcoin node's estimate between the owner's bounds.

use bitcoin::FeeRate;
use serde::Deserialize;
use tokio::task::block_in_place;

use crate::core::Core;
use crate::error::NodeError;

/// The highest fee rate of an agreement, in sat/vB.
const MOST_SAT_VB: u64 = 1_000;

/// The configuration's section `[fees]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeesConfig {
    /// The lowest fee rate that is chosen here, in sat/vB, and the one where the Bitcoin node has no estimate.
    pub floor_sat_vb: u64,
    /// The highest fee rate to which anything is raised, in sat/vB; the mandate's may be lower.
    pub ceiling_sat_vb: u64,
    /// Within how many blocks a transaction shall confirm.
    pub target_blocks: u16,
    /// After how many blocks of waiting a transaction is bumped when it pays less than others do now.
    pub bump_after_blocks: u32,
}

impl Default for FeesConfig {
    fn default() -> Self {
        Self { floor_sat_vb: 2, ceiling_sat_vb: 200, target_blocks: 6, bump_after_blocks: 3 }
    }
}

impl FeesConfig {
    /// The rules, each with whether it holds and the field that it is about.
    pub(crate) fn rules(&self) -> [(bool, &'static str, &'static str); 4] {
        let rates = 1..=MOST_SAT_VB;
        let highest = (self.floor_sat_vb..=MOST_SAT_VB).contains(&self.ceiling_sat_vb);
        [
            (rates.contains(&self.floor_sat_vb), "fees.floor_sat_vb", "must be 1 to 1000"),
            (highest, "fees.ceiling_sat_vb", "must be floor_sat_vb to 1000"),
            ((1..=1_008).contains(&self.target_blocks), "fees.target_blocks", "must be 1 to 1008"),
            ((1..=144).contains(&self.bump_after_blocks), "fees.bump_after_blocks", "must be 1 to 144"),
        ]
    }
}

impl Core {
    /// The fee rate that a new transaction should pay: what the Bitcoin node expects to confirm in time, the floor where
    /// it expects nothing; never below the floor or what its mempool takes, never above what the mandate allows.
    ///
    /// # Errors
    /// When the Bitcoin node fails.
    pub(crate) fn going_rate(&self) -> Result<FeeRate, NodeError> {
        let fees = self.config.fees;
        let floor = whole(fees.floor_sat_vb);
        let expected = block_in_place(|| self.chain.fee_rate(fees.target_blocks, floor))?;
        Ok(expected.max(floor).min(whole(self.config.mandate.max_fee_rate_sat_vb.unwrap_or(MOST_SAT_VB))))
    }

    /// The fee rate to which something is bumped: what the Bitcoin node expects, and without an expectation what its
    /// mempool takes; never above the ceilings. The floor does not count: it is for what is chosen freely, and nobody is
    /// outbid by it.
    ///
    /// # Errors
    /// When the Bitcoin node fails.
    pub(crate) fn bump_rate(&self) -> Result<FeeRate, NodeError> {
        let fees = self.config.fees;
        let expected = block_in_place(|| self.chain.fee_rate(fees.target_blocks, FeeRate::BROADCAST_MIN))?;
        let allowed = self.config.mandate.max_fee_rate_sat_vb.unwrap_or(MOST_SAT_VB);
        Ok(expected.min(whole(allowed.min(fees.ceiling_sat_vb))))
    }

    /// The going rate in whole sat/vB, as an agreement has it.
    ///
    /// # Errors
    /// When the Bitcoin node fails.
    pub(crate) fn going_rate_sat_vb(&self) -> Result<u64, NodeError> {
        Ok(self.going_rate()?.to_sat_per_vb_ceil().min(MOST_SAT_VB))
    }
}

fn whole(sat_vb: u64) -> FeeRate {
    FeeRate::from_sat_per_vb(sat_vb).unwrap_or(FeeRate::MAX)
}
