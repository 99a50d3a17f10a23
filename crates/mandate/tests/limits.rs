//! What the owner allowed, and everything one step beyond it.

use mandate::{Allowed, Commitment, Exposure, Limit, Mandate, Refusal, Stake};
use proptest::prelude::*;
use terms::{Hex32, Sat};

fn key(number: u8) -> Hex32 {
    Hex32([number; 32])
}

/// 100,000 a contract, 150,000 a counterparty, 250,000 in all; with 1 and 2, by oracle 9.
fn mandate() -> Mandate {
    Mandate {
        max_contract_sat: Sat(100_000),
        max_locked_sat: Sat(250_000),
        max_per_counterparty_sat: Sat(150_000),
        max_unsigned_sat: None,
        allowed_counterparties: [key(1), key(2), key(3)].into_iter().collect(),
        allowed_oracles: [key(9)].into_iter().collect(),
        max_fee_rate_sat_vb: Some(20),
        max_window_s: Some(30 * 86_400),
        max_lock_s: Some(60 * 86_400),
        max_bond_sat: Some(Sat(50_000)),
        max_price_sat: Some(Sat(90_000)),
        max_withdrawal_sat: Some(Sat(30_000)),
        max_withdrawn_per_day_sat: Some(Sat(70_000)),
    }
}

/// A purchase for 40,000 sat and 1,000 of fees, within every limit.
fn purchase() -> Commitment {
    Commitment {
        counterparty: key(1),
        stake: Stake::Price(Sat(40_000)),
        fees_sat: Sat(1_000),
        oracles: vec![key(9)],
        fee_rate_sat_vb: 5,
        window_s: 86_400,
        lock_s: 10 * 86_400,
    }
}

fn exceeds(limit: Limit, asked: u64, allowed: u64, used: u64) -> Result<(), Refusal> {
    Err(Refusal::Exceeds { limit, asked, allowed, used })
}

#[test]
fn what_the_owner_allowed_is_allowed() {
    assert_eq!(mandate().check(&purchase(), &Exposure::none()), Ok(()));
}

#[test]
fn a_stranger_is_refused_by_name() {
    let request = Commitment { counterparty: key(7), ..purchase() };
    let refused = mandate().check(&request, &Exposure::none());
    assert_eq!(refused, Err(Refusal::Counterparty { key: key(7) }));
}

#[test]
fn one_unknown_oracle_among_known_ones_is_refused_by_name() {
    let request = Commitment { oracles: vec![key(9), key(8)], ..purchase() };
    let refused = mandate().check(&request, &Exposure::none());
    assert_eq!(refused, Err(Refusal::Oracle { key: key(8) }));
}

#[test]
fn an_escrow_without_an_oracle_is_refused_even_when_all_are_allowed() {
    let open = Mandate { allowed_oracles: Allowed::All, ..mandate() };
    let request = Commitment { oracles: vec![], ..purchase() };
    assert_eq!(open.check(&request, &Exposure::none()), Err(Refusal::NoOracle));
}

#[test]
fn an_empty_list_allows_nobody() {
    let closed = Mandate { allowed_counterparties: Allowed::Only([].into()), ..mandate() };
    let refused = closed.check(&purchase(), &Exposure::none());
    assert_eq!(refused, Err(Refusal::Counterparty { key: key(1) }));
}

#[test]
fn fees_count_towards_the_ceiling_of_a_contract() {
    let wide = Mandate { max_price_sat: None, ..mandate() };
    let request = |fees| Commitment { stake: Stake::Price(Sat(99_000)), fees_sat: Sat(fees), ..purchase() };
    assert_eq!(wide.check(&request(1_000), &Exposure::none()), Ok(()));
    let refused = wide.check(&request(1_001), &Exposure::none());
    assert_eq!(refused, exceeds(Limit::MaxContractSat, 100_001, 100_000, 0));
}

#[test]
fn each_bound_is_reached_and_not_passed() {
    type Change = fn(&mut Commitment, u64);
    let cases: [(Limit, u64, Change); 5] = [
        (Limit::MaxPriceSat, 90_000, |c, n| c.stake = Stake::Price(Sat(n))),
        (Limit::MaxBondSat, 50_000, |c, n| c.stake = Stake::Bond(Sat(n))),
        (Limit::MaxFeeRateSatVb, 20, |c, n| c.fee_rate_sat_vb = n),
        (Limit::MaxWindowS, 30 * 86_400, |c, n| c.window_s = n),
        (Limit::MaxLockS, 60 * 86_400, |c, n| c.lock_s = n),
    ];
    for (limit, allowed, set) in cases {
        let mut request = purchase();
        set(&mut request, allowed);
        assert_eq!(mandate().check(&request, &Exposure::none()), Ok(()), "{limit}");
        set(&mut request, allowed + 1);
        let refused = mandate().check(&request, &Exposure::none());
        assert_eq!(refused, exceeds(limit, allowed + 1, allowed, 0), "{limit}");
    }
}

#[test]
fn live_escrows_with_the_counterparty_count() {
    let live: Exposure = [(key(1), Sat(60_000)), (key(1), Sat(49_001))].into_iter().collect();
    let refused = mandate().check(&purchase(), &live);
    assert_eq!(refused, exceeds(Limit::MaxPerCounterpartySat, 41_000, 150_000, 109_001));
}

#[test]
fn what_buyers_began_and_nobody_signed_has_a_ceiling_of_its_own() {
    let mandate = Mandate { max_unsigned_sat: Some(Sat(60_000)), ..mandate() };
    let provide = Commitment { stake: Stake::Bond(Sat(40_000)), ..purchase() };
    let mut history = Exposure::none();
    history.add(key(2), Sat(19_000));
    history.add_unsigned(Sat(19_000));
    assert_eq!(mandate.check(&provide, &history), Ok(()));
    history.add_unsigned(Sat(1));
    assert_eq!(mandate.check(&provide, &history), exceeds(Limit::MaxUnsignedSat, 41_000, 60_000, 19_001));
    assert_eq!(mandate.check(&purchase(), &history), Ok(()), "what one buys oneself nobody else began");
}

#[test]
fn live_escrows_with_everybody_count() {
    let live: Exposure = [(key(2), Sat(110_000)), (key(3), Sat(100_000))].into_iter().collect();
    let refused = mandate().check(&purchase(), &live);
    assert_eq!(refused, exceeds(Limit::MaxLockedSat, 41_000, 250_000, 210_000));
}

#[test]
fn a_refusal_says_limit_asked_allowed_and_used() {
    let live: Exposure = [(key(2), Sat(210_000))].into_iter().collect();
    let refused = mandate().check(&purchase(), &live).unwrap_err();
    assert_eq!(refused.limit(), "max_locked_sat");
    assert_eq!(refused.to_string(), "max_locked_sat: 41000 asked, 250000 allowed, 210000 used");
}

#[test]
fn a_configuration_reads_as_one_would_write_it() {
    let one = "01".repeat(32);
    let text = format!(
        "max_contract_sat = 5\nmax_locked_sat = 6\nmax_per_counterparty_sat = 7\nallowed_counterparties = [\"{one}\"]\n"
    );
    let mandate: Mandate = toml::from_str(&text).unwrap();
    assert_eq!(mandate.allowed_counterparties, Allowed::Only([key(1)].into()));
    assert_eq!(mandate.allowed_oracles, Allowed::All);
    assert_eq!(mandate.max_fee_rate_sat_vb, None);
    assert_eq!(toml::from_str::<Mandate>(&toml::to_string(&mandate).unwrap()), Ok(mandate));
}

#[test]
fn a_configuration_without_a_ceiling_or_with_a_misspelt_one_is_refused() {
    let missing = toml::from_str::<Mandate>("max_contract_sat = 5\nmax_locked_sat = 6\n").unwrap_err();
    assert!(missing.to_string().contains("max_per_counterparty_sat"));
    let misspelt = "max_contract_sat = 5\nmax_locked_sat = 6\nmax_per_counterparty_sat = 7\nmax_window = 5\n";
    let refused = toml::from_str::<Mandate>(misspelt).unwrap_err();
    assert!(refused.to_string().contains("max_window"));
}

/// What an agent might try: a counterparty among six, an amount from small to absurd.
fn attempt() -> impl Strategy<Value = Commitment> {
    let amount = prop_oneof![0..120_000_u64, Just(u64::MAX), any::<u64>()];
    let fees = prop_oneof![0..5_000_u64, Just(u64::MAX)];
    (0..6_u8, amount, fees, any::<bool>()).prop_map(|(counterparty, amount, fees, buys)| Commitment {
        counterparty: key(counterparty),
        stake: if buys { Stake::Price(Sat(amount)) } else { Stake::Bond(Sat(amount)) },
        fees_sat: Sat(fees),
        ..purchase()
    })
}

/// What has been accepted and is still live, summed without any care for overflow.
fn sum<'a>(live: impl Iterator<Item = &'a Commitment>) -> u128 {
    live.map(|c| u128::from(c.stake.sat().0) + u128::from(c.fees_sat.0)).sum()
}

proptest! {
    /// Attempts and endings in any order: at no moment do the accepted and live ones exceed a limit.
    #[test]
    fn no_sequence_of_accepted_commitments_exceeds_a_limit(
        steps in proptest::collection::vec((attempt(), proptest::option::of(any::<prop::sample::Index>())), 1..60)
    ) {
        let mandate = mandate();
        let mut live: Vec<Commitment> = Vec::new();
        for (request, ending) in steps {
            let history = live.iter().map(|c| (c.counterparty, c.locked_sat())).collect();
            if mandate.check(&request, &history).is_ok() {
                live.push(request);
            }
            prop_assert!(sum(live.iter()) <= 250_000);
            for counterparty in (0..6).map(key) {
                let with_one = live.iter().filter(|c| c.counterparty == counterparty);
                prop_assert!(sum(with_one.clone()) <= 150_000);
                prop_assert!(with_one.count() == 0 || mandate.allowed_counterparties.permits(&counterparty));
            }
            prop_assert!(live.iter().all(|c| sum(std::iter::once(c)) <= 100_000));
            if let Some(ended) = ending.filter(|_| !live.is_empty()) {
                live.swap_remove(ended.index(live.len()));
            }
        }
    }

    /// What is refused stays refused with more already committed.
    #[test]
    fn more_history_never_allows_more(request in attempt(), before in 0..300_000_u64, more in 0..300_000_u64) {
        let history = |sat| [(request.counterparty, Sat(sat))].into_iter().collect::<Exposure>();
        if mandate().check(&request, &history(before)).is_err() {
            prop_assert!(mandate().check(&request, &history(before + more)).is_err());
        }
    }
}

#[test]
fn what_leaves_the_wallet_is_bounded_for_each_payment_and_for_each_day() {
    let refused = |leaving, left| mandate().check_withdrawal(Sat(leaving), Sat(left));
    assert_eq!(refused(30_000, 0), Ok(()));
    assert_eq!(refused(30_001, 0), exceeds(Limit::MaxWithdrawalSat, 30_001, 30_000, 0));
    assert_eq!(refused(30_000, 40_000), Ok(()));
    assert_eq!(refused(30_000, 40_001), exceeds(Limit::MaxWithdrawnPerDaySat, 30_000, 70_000, 40_001));
    assert_eq!(refused(1, u64::MAX), exceeds(Limit::MaxWithdrawnPerDaySat, 1, 70_000, u64::MAX));
    let unbounded = Mandate { max_withdrawal_sat: None, max_withdrawn_per_day_sat: None, ..mandate() };
    assert_eq!(unbounded.check_withdrawal(Sat(2_100_000_000_000_000), Sat(2_100_000_000_000_000)), Ok(()));
}
