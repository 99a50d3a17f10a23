//! The rules that the fields of an agreement obey together.

use super::{Agreement, OracleSet, tolerance};
use crate::canonical::{DocumentError, ensure};
use crate::units::{MIN_OUTPUT_SAT, Sat};

/// The chains that an agreement may name.
const NETWORKS: [&str; 4] = ["regtest", "signet", "testnet4", "mainnet"];

/// All bitcoin that there will be.
pub const MAX_MONEY: Sat = Sat(21_000_000 * 100_000_000);

const MAX_ORACLES: usize = 15;
const REFUND_DELAY_S: std::ops::RangeInclusive<u64> = 600..=365 * 86_400;
const FEE_RATE_SAT_VB: std::ops::RangeInclusive<u64> = 1..=1000;

/// Checks them all, those of the measurement first.
pub(super) fn check(agreement: &Agreement) -> Result<(), DocumentError> {
    ensure(agreement.v == 1, "v", "must be 1, the only version there is")?;
    let known = NETWORKS.contains(&agreement.network.as_str());
    ensure(known, "network", "must be regtest, signet, testnet4 or mainnet")?;
    agreement.measurement.validate().map_err(|error| error.within("measurement"))?;
    let event_id = agreement.measurement.event_id();
    let same = agreement.event_id == event_id;
    ensure(same, "event_id", &format!("must be the id of the measurement's event, {event_id}"))?;
    oracles(&agreement.oracles)
        .and_then(|()| tolerance::check(&agreement.oracles, &agreement.measurement.outcome))
        .map_err(|error| error.within("oracles"))?;
    let apart = agreement.provider.key != agreement.buyer.key;
    ensure(apart, "buyer.key", "must not be the provider's")?;
    amounts(agreement.price_sat, agreement.bond_sat)?;
    agreement.payout.validate().map_err(|error| error.within("payout"))?;
    let early = agreement.funding_deadline < agreement.measurement.window.start;
    ensure(early, "funding_deadline", "must be before measurement.window.start")?;
    let delay_holds = REFUND_DELAY_S.contains(&agreement.refund_delay_s);
    ensure(delay_holds, "refund_delay_s", "must be from 600 to 31536000 (10 minutes to 365 days)")?;
    let fee_holds = FEE_RATE_SAT_VB.contains(&agreement.fee_rate_sat_vb);
    ensure(fee_holds, "fee_rate_sat_vb", "must be from 1 to 1000")
}

/// Price and bond: none or an output that the libraries don't burn, and no more than there is.
pub(crate) fn amounts(price: Sat, bond: Sat) -> Result<(), DocumentError> {
    for (field, amount) in [("price_sat", price), ("bond_sat", bond)] {
        ensure(amount <= MAX_MONEY, field, "must be at most 2100000000000000 (21 million bitcoin)")?;
        let locked = amount.0 == 0 || amount >= MIN_OUTPUT_SAT;
        ensure(locked, field, "must be 0 or at least 1000")?;
    }
    ensure(price.0 + bond.0 > 0, "price_sat", "must not be 0 when bond_sat is 0")?;
    within_all_money(price, bond)
}

/// Price and bond together are no more than there is.
pub(crate) fn within_all_money(price: Sat, bond: Sat) -> Result<(), DocumentError> {
    ensure(
        price.0.saturating_add(bond.0) <= MAX_MONEY.0,
        "bond_sat",
        "must be at most 2100000000000000 (21 million bitcoin) together with price_sat",
    )
}

fn oracles(oracles: &OracleSet) -> Result<(), DocumentError> {
    let count = oracles.keys.len();
    ensure((1..=MAX_ORACLES).contains(&count), "keys", "must be 1 to 15 keys")?;
    for (index, key) in oracles.keys.iter().enumerate() {
        let first = !oracles.keys.iter().take(index).any(|before| before == key);
        ensure(first, &format!("keys[{index}]"), "must be no other oracle's key")?;
    }
    let threshold = usize::try_from(oracles.threshold).unwrap_or(usize::MAX);
    ensure(threshold <= count, "threshold", "must be at most the number of keys")?;
    ensure(threshold * 2 > count, "threshold", "must be more than half of the number of keys")
}
