//! What the owner allowed, and everything one step beyond it.

use mandate::{
    Allowed, Authority, Commitment, Delegation, History, Limit, Live, Mandate, Refusal, Source, Spent, Stake,
    Verdict,
};
use terms::{Hex32, Sat, UnixSeconds};

fn key(number: u8) -> Hex32 {
    Hex32([number; 32])
}

/// 100,000 a contract, 150,000 a counterparty, 250,000 in all; with 1 and 2, by oracle 9.
fn mandate() -> Mandate {
    Mandate {
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
        ..Mandate::ceilings(Sat(100_000), Sat(150_000), Sat(250_000))
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
        service: "edge.example".to_owned(),
        error_budget_ppm: Some(1_000),
    }
}

fn ask(mandate: &Mandate, request: &Commitment, history: &History) -> Result<Verdict, Refusal> {
    Authority { mandate, key: None, paused: false }.commit(request, history)
}

/// Live escrows of others, as a buyer.
fn live<const N: usize>(escrows: [(u8, u64); N]) -> History {
    let live = escrows.map(|(counterparty, locked)| Live {
        counterparty: key(counterparty),
        locked: Sat(locked),
        service: "edge.example".to_owned(),
        bond: Sat(0),
        unsigned: false,
        key: None,
    });
    History { live: live.into(), ..History::none() }
}

fn exceeds(limit: Limit, asked: u64, allowed: u64, used: u64) -> Result<Verdict, Refusal> {
    Err(Refusal::Exceeds { limit, asked, allowed, used })
}

#[test]
fn what_the_owner_allowed_is_allowed() {
    assert_eq!(ask(&mandate(), &purchase(), &History::none()), Ok(Verdict::Allowed));
}

#[test]
fn a_stranger_is_refused_by_name() {
    let request = Commitment { counterparty: key(7), ..purchase() };
    let refused = ask(&mandate(), &request, &History::none());
    assert_eq!(refused, Err(Refusal::Counterparty { key: key(7) }));
}

#[test]
fn one_unknown_oracle_among_known_ones_is_refused_by_name() {
    let request = Commitment { oracles: vec![key(9), key(8)], ..purchase() };
    let refused = ask(&mandate(), &request, &History::none());
    assert_eq!(refused, Err(Refusal::Oracle { key: key(8) }));
}

#[test]
fn an_escrow_without_an_oracle_is_refused_even_when_all_are_allowed() {
    let open = Mandate { allowed_oracles: Allowed::All, ..mandate() };
    let request = Commitment { oracles: vec![], ..purchase() };
    assert_eq!(ask(&open, &request, &History::none()), Err(Refusal::NoOracle));
}

#[test]
fn an_empty_list_allows_nobody() {
    let closed = Mandate { allowed_counterparties: Allowed::Only([].into()), ..mandate() };
    let refused = ask(&closed, &purchase(), &History::none());
    assert_eq!(refused, Err(Refusal::Counterparty { key: key(1) }));
}

#[test]
fn fees_count_towards_the_ceiling_of_a_contract() {
    let wide = Mandate { max_price_sat: None, ..mandate() };
    let request = |fees| Commitment { stake: Stake::Price(Sat(99_000)), fees_sat: Sat(fees), ..purchase() };
    assert_eq!(ask(&wide, &request(1_000), &History::none()), Ok(Verdict::Allowed));
    let refused = ask(&wide, &request(1_001), &History::none());
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
        assert_eq!(ask(&mandate(), &request, &History::none()), Ok(Verdict::Allowed), "{limit}");
        set(&mut request, allowed + 1);
        let refused = ask(&mandate(), &request, &History::none());
        assert_eq!(refused, exceeds(limit, allowed + 1, allowed, 0), "{limit}");
    }
}

#[test]
fn live_escrows_with_the_counterparty_count() {
    let refused = ask(&mandate(), &purchase(), &live([(1, 60_000), (1, 49_001)]));
    assert_eq!(refused, exceeds(Limit::MaxPerCounterpartySat, 41_000, 150_000, 109_001));
}

#[test]
fn what_buyers_began_and_nobody_signed_has_a_ceiling_of_its_own() {
    let mandate = Mandate { max_unsigned_sat: Some(Sat(60_000)), ..mandate() };
    let provide = Commitment { stake: Stake::Bond(Sat(40_000)), ..purchase() };
    let mut history = live([(2, 19_000)]);
    history.live[0].unsigned = true;
    assert_eq!(ask(&mandate, &provide, &history), Ok(Verdict::Allowed));
    history.live[0].locked = Sat(19_001);
    assert_eq!(ask(&mandate, &provide, &history), exceeds(Limit::MaxUnsignedSat, 41_000, 60_000, 19_001));
    assert_eq!(ask(&mandate, &purchase(), &history), Ok(Verdict::Allowed), "what one buys nobody else began");
}

#[test]
fn live_escrows_with_everybody_count() {
    let refused = ask(&mandate(), &purchase(), &live([(2, 110_000), (3, 100_000)]));
    assert_eq!(refused, exceeds(Limit::MaxLockedSat, 41_000, 250_000, 210_000));
}

#[test]
fn a_refusal_says_limit_asked_allowed_and_used() {
    let refused = ask(&mandate(), &purchase(), &live([(2, 210_000)])).unwrap_err();
    assert_eq!(refused.limit(), "max_locked_sat");
    assert_eq!(refused.to_string(), "max_locked_sat: 41000 asked, 250000 allowed, 210000 used");
}

#[test]
fn what_is_committed_within_an_hour_or_a_day_has_a_ceiling_that_rolls() {
    let mandate = Mandate {
        max_committed_per_hour_sat: Some(Sat(60_000)),
        max_committed_per_day_sat: Some(Sat(90_000)),
        ..mandate()
    };
    let at = |moments: &[(u64, u64)], now: u64| History {
        spent: moments
            .iter()
            .map(|(at, sat)| Spent {
                at: UnixSeconds(*at),
                sat: Sat(*sat),
                source: Source::Payment(key(7)),
                key: None,
            })
            .collect(),
        now: UnixSeconds(now),
        ..History::none()
    };
    let hour = Limit::MaxCommittedPerHourSat;
    assert_eq!(ask(&mandate, &purchase(), &at(&[(1_000, 19_000)], 1_000)), Ok(Verdict::Allowed));
    assert_eq!(
        ask(&mandate, &purchase(), &at(&[(1_000, 19_001)], 4_600)),
        exceeds(hour, 41_000, 60_000, 19_001)
    );
    assert_eq!(ask(&mandate, &purchase(), &at(&[(1_000, 19_001)], 4_601)), Ok(Verdict::Allowed));
    let day = at(&[(1_000, 49_001)], 87_400);
    assert_eq!(
        ask(&mandate, &purchase(), &day),
        exceeds(Limit::MaxCommittedPerDaySat, 41_000, 90_000, 49_001)
    );
    let later = at(&[(500_000, 60_000)], 1_000);
    assert_eq!(ask(&mandate, &purchase(), &later), exceeds(hour, 41_000, 60_000, 60_000), "a clock set back");
}

#[test]
fn bonds_on_one_service_add_up_whoever_the_buyer_and_whatever_the_port() {
    let mandate = Mandate { max_at_risk_per_service_sat: Some(Sat(70_000)), ..mandate() };
    let provide = Commitment { stake: Stake::Bond(Sat(40_000)), ..purchase() };
    let mut history = live([(2, 31_000), (3, 1_000)]);
    history.live[0].bond = Sat(30_000);
    assert_eq!(ask(&mandate, &provide, &history), Ok(Verdict::Allowed));
    history.live[1].bond = Sat(1);
    let refused = exceeds(Limit::MaxAtRiskPerServiceSat, 40_000, 70_000, 30_001);
    assert_eq!(ask(&mandate, &provide, &history), refused);
    let elsewhere = Commitment { service: "core.example".to_owned(), ..provide };
    assert_eq!(ask(&mandate, &elsewhere, &history), Ok(Verdict::Allowed));
    assert_eq!(
        ask(&mandate, &purchase(), &history),
        Ok(Verdict::Allowed),
        "a buyer's price is not at risk by it"
    );
}

#[test]
fn an_objective_that_cannot_be_met_is_not_promised_and_one_that_covers_nothing_not_bought() {
    let mandate = Mandate { min_error_budget_ppm: Some(500), max_error_budget_ppm: Some(2_000), ..mandate() };
    let with = |stake, budget| Commitment { stake, error_budget_ppm: budget, ..purchase() };
    let (bond, price) = (Stake::Bond(Sat(40_000)), Stake::Price(Sat(40_000)));
    for (stake, budget) in [(bond, 500), (bond, 9_999), (price, 2_000), (price, 0)] {
        assert_eq!(ask(&mandate, &with(stake, Some(budget)), &History::none()), Ok(Verdict::Allowed));
    }
    let below = Refusal::Below { limit: Limit::MinErrorBudgetPpm, asked: 499, least: 500 };
    assert_eq!(ask(&mandate, &with(bond, Some(499)), &History::none()), Err(below));
    let refused = ask(&mandate, &with(price, Some(2_001)), &History::none());
    assert_eq!(refused, exceeds(Limit::MaxErrorBudgetPpm, 2_001, 2_000, 0));
    assert_eq!(ask(&mandate, &with(bond, None), &History::none()), Ok(Verdict::Allowed), "hours late, say");
}

#[test]
fn above_an_amount_a_human_is_asked_and_a_key_can_lower_it_and_not_raise_it() {
    let mandate = Mandate { approve_above_sat: Some(Sat(41_000)), ..mandate() };
    let dearer = Commitment { fees_sat: Sat(1_001), ..purchase() };
    assert_eq!(ask(&mandate, &purchase(), &History::none()), Ok(Verdict::Allowed));
    let needs = |above| Ok(Verdict::NeedsApproval { above: Sat(above), within_s: 86_400 });
    assert_eq!(ask(&mandate, &dearer, &History::none()), needs(41_000));
    for (own, counts) in [(40_000, 40_000), (90_000, 41_000)] {
        let limits = Mandate { approve_above_sat: Some(Sat(own)), ..mandate.clone() };
        let key = Some(Delegation { name: "shop", limits: &limits, revoked: false });
        let asked = Authority { mandate: &mandate, key, paused: false }.commit(&dearer, &History::none());
        assert_eq!(asked, needs(counts));
    }
    let full = ask(&mandate, &dearer, &live([(2, 210_000)]));
    assert!(full.is_err(), "nobody is asked about what is forbidden");
}

#[test]
fn a_key_is_held_to_its_own_limits_over_what_it_did_and_to_the_owners_over_everything() {
    let owner = mandate();
    let limits = Mandate::ceilings(Sat(50_000), Sat(60_000), Sat(80_000));
    let key = |revoked| Some(Delegation { name: "shop", limits: &limits, revoked });
    let ask = |history: &History, revoked| {
        Authority { mandate: &owner, key: key(revoked), paused: false }.commit(&purchase(), history)
    };
    let mut history = live([(2, 39_001)]);
    assert_eq!(ask(&history, false), Ok(Verdict::Allowed), "somebody else did that");
    history.live[0].key = Some("shop".to_owned());
    let refused = ask(&history, false).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "max_locked_sat: 41000 asked, 80000 allowed, 39001 used (of the key shop)"
    );
    assert_eq!(ask(&live([(2, 210_000)]), false), exceeds(Limit::MaxLockedSat, 41_000, 250_000, 210_000));
    assert_eq!(ask(&History::none(), true), Err(Refusal::Revoked { name: "shop".to_owned() }));
}

#[test]
fn while_everything_is_paused_nothing_is_committed_and_nothing_leaves() {
    let mandate = mandate();
    let paused = Authority { mandate: &mandate, key: None, paused: true };
    assert_eq!(paused.commit(&purchase(), &History::none()), Err(Refusal::Paused));
    assert_eq!(paused.withdraw(Sat(1), &History::none()), Err(Refusal::Paused));
}

#[test]
fn a_limit_is_near_from_its_percentage_on() {
    let mandate = Mandate { max_at_risk_per_service_sat: Some(Sat(50_000)), ..mandate() };
    let near = |locked, bond, percent| {
        let mut history = live([(1, locked)]);
        history.live[0].bond = Sat(bond);
        let near = mandate.usage(&history).into_iter().filter(|usage| usage.is_near(percent));
        near.map(|usage| usage.limit).collect::<Vec<_>>()
    };
    assert_eq!(near(119_999, 0, 80), []);
    assert_eq!(near(120_000, 0, 80), [Limit::MaxPerCounterpartySat]);
    assert_eq!(near(120_000, 40_000, 80), [Limit::MaxPerCounterpartySat, Limit::MaxAtRiskPerServiceSat]);
    assert_eq!(near(150_000, 0, 100), [Limit::MaxPerCounterpartySat]);
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

#[test]
fn what_leaves_the_wallet_is_bounded_for_each_payment_and_for_each_day() {
    let gone = |left| History { withdrawn: Sat(left), ..History::none() };
    let ask = |mandate: &Mandate, leaving, left| {
        Authority { mandate, key: None, paused: false }.withdraw(Sat(leaving), &gone(left))
    };
    let refused = |leaving, left| ask(&mandate(), leaving, left);
    let exceeds = |limit, asked, allowed, used| Err(Refusal::Exceeds { limit, asked, allowed, used });
    assert_eq!(refused(30_000, 0), Ok(()));
    assert_eq!(refused(30_001, 0), exceeds(Limit::MaxWithdrawalSat, 30_001, 30_000, 0));
    assert_eq!(refused(30_000, 40_000), Ok(()));
    assert_eq!(refused(30_000, 40_001), exceeds(Limit::MaxWithdrawnPerDaySat, 30_000, 70_000, 40_001));
    assert_eq!(refused(1, u64::MAX), exceeds(Limit::MaxWithdrawnPerDaySat, 1, 70_000, u64::MAX));
    let unbounded = Mandate { max_withdrawal_sat: None, max_withdrawn_per_day_sat: None, ..mandate() };
    assert_eq!(ask(&unbounded, 2_100_000_000_000_000, 2_100_000_000_000_000), Ok(()));
}
