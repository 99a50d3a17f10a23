//! What each side pays in fees: the arithmetic of dlcspecs (Transactions.md, "Fees"), in integers.
//!
//! A side pays for its own inputs and change, half of what both share, and the part of a CET (or the refund) that is
//! its own; a side that funds alone pays all of it. The CET's part is locked on top of the collateral, so payouts are
//! exact. Change below 1,000 sat is not worth an output and goes to fees, at the expense of whose change it is.

use terms::{Agreement, Sat, Side};

use crate::limits::MAX_MONEY_SAT;
use crate::roles::side_collateral;

const FUNDING_BASE_WEIGHT: u64 = 214;
const CET_BASE_WEIGHT: u64 = 500;
const INPUT_WEIGHT: u64 = 164;
const OUTPUT_WEIGHT: u64 = 36;

/// What a side must bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundingNeed {
    /// What it locks.
    pub collateral: Sat,
    /// Its part of the funding transaction's fee.
    pub funding_fee: Sat,
    /// Its part of the CET's or the refund's fee, locked on top of the collateral.
    pub cet_fee: Sat,
}

impl FundingNeed {
    /// All three: what its inputs must hold at least. Whatever is more comes back as change.
    pub fn total(&self) -> Sat {
        Sat(self.collateral.0 + self.funding_fee.0 + self.cet_fee.0)
    }
}

/// What a side must bring when its inputs declare these witness lengths (108 for P2WPKH) and pay these scripts.
///
/// `peer_payout_len` is the length of the other side's payout script; it matters only where this side funds alone.
pub fn funding_need(
    agreement: &Agreement,
    side: Side,
    witness_lens: &[u16],
    change_len: usize,
    payout_len: usize,
    peer_payout_len: usize,
) -> FundingNeed {
    let collateral = side_collateral(agreement, side);
    if collateral.0 == 0 {
        return FundingNeed { collateral, funding_fee: Sat(0), cet_fee: Sat(0) };
    }
    let alone = collateral == agreement.total_sat();
    let share = |base: u64| if alone { base } else { base / 2 };
    let inputs: u64 = witness_lens.iter().map(|len| INPUT_WEIGHT + u64::from(*len)).sum();
    let funding = share(FUNDING_BASE_WEIGHT) + inputs + 4 * change_len as u64 + OUTPUT_WEIGHT;
    let peer = if alone { 4 * peer_payout_len as u64 } else { 0 };
    let cet = share(CET_BASE_WEIGHT) + 4 * payout_len as u64 + peer;
    FundingNeed {
        collateral,
        funding_fee: fee(funding, agreement.fee_rate_sat_vb),
        cet_fee: fee(cet, agreement.fee_rate_sat_vb),
    }
}

fn fee(weight: u64, rate_sat_vb: u64) -> Sat {
    Sat(weight.div_ceil(4).saturating_mul(rate_sat_vb).min(MAX_MONEY_SAT))
}
