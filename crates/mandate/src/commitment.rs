//! What is asked for.

use serde::{Deserialize, Serialize};
use terms::units::PPM_WHOLE;
use terms::{Hex32, OracleSet, PayoutTable, Sat, Scale, UnixSeconds, Worse};

/// What an agent asks to commit to: one escrow, before its first reservation or signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// The other party's identity key.
    pub counterparty: Hex32,
    /// The side this agent would be on, and what that side puts in.
    pub stake: Stake,
    /// The own part of funding and CET fees.
    pub fees_sat: Sat,
    /// Whose attestations decide.
    pub oracles: Vec<Hex32>,
    /// Fee rate of the escrow's transactions in sat/vB.
    pub fee_rate_sat_vb: u64,
    /// Length of the window.
    pub window_s: u64,
    /// From now to the moment at which the refund becomes valid.
    pub lock_s: u64,
    /// The measured service, by its host.
    pub service: String,
    /// How much may be bad before the payout changes; none where the outcome is not in ppm, or nothing ever changes it.
    pub error_budget_ppm: Option<u64>,
}

/// What the own side locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stake {
    /// The buyer locks the price.
    Price(Sat),
    /// The provider locks the bond.
    Bond(Sat),
}

impl Stake {
    /// How much it is.
    pub fn sat(self) -> Sat {
        match self {
            Self::Price(sat) | Self::Bond(sat) => sat,
        }
    }
}

impl Commitment {
    /// What an agreement asks of one side at `now`.
    ///
    /// `fees_sat` is that side's part of the fees, `refund_locktime` the contract's, since both follow
    /// from the announcements and the coins and not from the agreement alone.
    pub fn of(
        agreement: &terms::Agreement,
        side: terms::Side,
        fees_sat: Sat,
        refund_locktime: UnixSeconds,
        now: UnixSeconds,
    ) -> Self {
        let (counterparty, stake) = match side {
            terms::Side::Provider => (agreement.buyer.key, Stake::Bond(agreement.bond_sat)),
            terms::Side::Buyer => (agreement.provider.key, Stake::Price(agreement.price_sat)),
        };
        let OracleSet { keys, .. } = &agreement.oracles;
        let window = agreement.measurement.window;
        Self {
            counterparty,
            stake,
            fees_sat,
            oracles: keys.clone(),
            fee_rate_sat_vb: agreement.fee_rate_sat_vb,
            window_s: window.end.0.saturating_sub(window.start.0),
            lock_s: refund_locktime.0.saturating_sub(now.0),
            service: agreement.measurement.target.host(),
            error_budget_ppm: error_budget_ppm(agreement),
        }
    }

    /// What the escrow would lock of the own coins: stake and fees.
    pub fn locked_sat(&self) -> Sat {
        Sat(self.stake.sat().0.saturating_add(self.fees_sat.0))
    }
}

/// The largest outcome at which an agreement still pays the provider as at the best one, where outcomes are in ppm and
/// higher ones are worse: what OpenSLO calls the error budget, one minus the objective. All of it where no outcome changes
/// the payout; `None` where the outcome is something else.
pub fn error_budget_ppm(agreement: &terms::Agreement) -> Option<u64> {
    let scale = &agreement.measurement.outcome;
    let Scale::Numeric(numeric) = scale else { return None };
    if numeric.unit != "ppm" || scale.worse() != Worse::Higher {
        return None;
    }
    let table =
        PayoutTable::compile(&agreement.payout, scale, agreement.price_sat, agreement.bond_sat).ok()?;
    let PayoutTable::Numeric { segments, .. } = table else { return None };
    let best = segments.first()?.provider_sat;
    let measured = segments.iter().take_while(|segment| segment.start < numeric.indeterminate_from);
    let worse = measured.into_iter().find(|segment| segment.provider_sat < best);
    Some(worse.map_or(PPM_WHOLE, |segment| segment.start.0.saturating_sub(1)))
}
