//! Whatever agents ask, in whatever order, through crashes and clocks that jump: no limit is ever exceeded.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use mandate::{
    Authority, Commitment, DAY_S, Delegation, HOUR_S, History, Ledger, Live, Mandate, Source, Spent, Stake,
    Verdict,
};
use proptest::prelude::*;
use terms::{Hex32, Sat, UnixSeconds};

const SERVICES: [&str; 2] = ["edge.example", "core.example"];
const KEYS: [&str; 2] = ["shop", "stall"];

fn owner() -> Mandate {
    Mandate {
        max_unsigned_sat: Some(Sat(140_000)),
        max_withdrawn_per_day_sat: Some(Sat(70_000)),
        max_committed_per_hour_sat: Some(Sat(180_000)),
        max_committed_per_day_sat: Some(Sat(300_000)),
        max_at_risk_per_service_sat: Some(Sat(110_000)),
        approve_above_sat: Some(Sat(90_000)),
        ..Mandate::ceilings(Sat(100_000), Sat(150_000), Sat(250_000))
    }
}

/// Of each key the same; wider than the owner's in one respect.
fn delegated() -> Mandate {
    Mandate {
        max_committed_per_hour_sat: Some(Sat(90_000)),
        max_committed_per_day_sat: Some(Sat(900_000)),
        ..Mandate::ceilings(Sat(70_000), Sat(80_000), Sat(120_000))
    }
}

/// What happens to a node.
#[derive(Clone, Debug)]
enum Step {
    Ask { counterparty: u8, service: usize, sat: u64, buys: bool, key: Option<usize>, human: bool },
    Sign(prop::sample::Index),
    Bump(prop::sample::Index, u64),
    End(prop::sample::Index),
    Withdraw(u64),
    Clock(i64),
    Crash { in_the_middle: bool },
    Pause(bool),
    Revoke(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let amount = prop_oneof![4 => 0..60_000_u64, 4 => 60_000..130_000_u64, 1 => Just(u64::MAX)];
    let jump = prop_oneof![-100..2_000_i64, -90_000..90_000_i64, Just(i64::from(i32::MIN))];
    prop_oneof![
        8 => (0..4_u8, 0..2_usize, amount.clone(), any::<bool>(), prop::option::of(0..2_usize), any::<bool>()).prop_map(
            |(counterparty, service, sat, buys, key, human)| Step::Ask { counterparty, service, sat, buys, key, human }
        ),
        2 => any::<prop::sample::Index>().prop_map(Step::Sign),
        1 => (any::<prop::sample::Index>(), 0..5_000_u64).prop_map(|(which, fee)| Step::Bump(which, fee)),
        2 => any::<prop::sample::Index>().prop_map(Step::End),
        1 => (0..40_000_u64).prop_map(Step::Withdraw),
        4 => jump.prop_map(Step::Clock),
        1 => any::<bool>().prop_map(|in_the_middle| Step::Crash { in_the_middle }),
        1 => any::<bool>().prop_map(Step::Pause),
        1 => (0..2_usize).prop_map(Step::Revoke),
    ]
}

/// A node as the mandate sees it: rows that survive, and the ledger in memory.
#[derive(Default)]
struct Node {
    rows: Vec<Spent>,
    live: Vec<(Hex32, Live)>,
    withdrawals: Vec<Spent>,
    unsigned_ends: Vec<Hex32>,
    ledger: Ledger,
    clock: u64,
    paused: bool,
    revoked: [bool; 2],
    made: u8,
}

impl Node {
    fn history(&self) -> History {
        let now = self.ledger.time(UnixSeconds(self.clock));
        let counted = |spent: &&Spent| match spent.source {
            Source::Escrow(id) => !self.unsigned_ends.contains(&id),
            Source::Payment(_) => true,
        };
        let today = |spent: &&Spent| spent.at.0 + DAY_S >= now.0;
        History {
            live: self.live.iter().map(|(_, live)| live.clone()).collect(),
            spent: self.ledger.spent().filter(counted).cloned().collect(),
            withdrawn: Sat(self.withdrawals.iter().filter(today).map(|spent| spent.sat.0).sum()),
            now,
        }
    }

    /// Stored first; a crash may come before memory follows.
    fn spend(&mut self, escrow: Option<Hex32>, sat: u64, key: Option<String>) -> Spent {
        let at = self.ledger.time(UnixSeconds(self.clock));
        let source = escrow.map_or(Source::Payment(Hex32([0; 32])), Source::Escrow);
        let spent = Spent { at, sat: Sat(sat), source, key };
        self.rows.push(spent.clone());
        self.ledger.record(spent.clone());
        spent
    }

    fn unsigned(&self) -> u64 {
        self.live.iter().filter(|(_, live)| live.unsigned).map(|(_, live)| live.locked.0).sum()
    }

    fn restart(&mut self) {
        self.ledger = Ledger::from_rows(self.rows.clone());
    }

    fn asked(&mut self, request: Commitment, key: Option<usize>, human: bool) -> Option<Hex32> {
        let (mandate, limits) = (owner(), delegated());
        let delegation =
            key.map(|key| Delegation { name: KEYS[key], limits: &limits, revoked: self.revoked[key] });
        let authority = Authority { mandate: &mandate, key: delegation, paused: self.paused };
        match authority.commit(&request, &self.history()) {
            Ok(Verdict::Allowed) => {}
            Ok(Verdict::NeedsApproval { .. }) if human => {}
            Ok(Verdict::NeedsApproval { .. }) | Err(_) => return None,
        }
        self.made += 1;
        let (id, key) = (Hex32([self.made; 32]), key.map(|key| KEYS[key].to_owned()));
        let bond = if matches!(request.stake, Stake::Bond(_)) { request.stake.sat() } else { Sat(0) };
        let live = Live {
            counterparty: request.counterparty,
            locked: request.locked_sat(),
            service: request.service.clone(),
            bond,
            unsigned: bond.0 > 0,
            key: key.clone(),
        };
        self.live.push((id, live));
        self.spend(Some(id), request.locked_sat().0, key);
        Some(id)
    }
}

fn request(counterparty: u8, service: usize, sat: u64, buys: bool) -> Commitment {
    Commitment {
        counterparty: Hex32([counterparty; 32]),
        stake: if buys { Stake::Price(Sat(sat)) } else { Stake::Bond(Sat(sat)) },
        fees_sat: Sat(1_000),
        oracles: vec![Hex32([9; 32])],
        fee_rate_sat_vb: 5,
        window_s: 86_400,
        lock_s: 10 * 86_400,
        service: SERVICES[service].to_owned(),
        error_budget_ppm: Some(1_000),
    }
}

/// What is added up without the crate: all that was ever allowed, with the latest time that anybody had seen by then.
#[derive(Default)]
struct Witness {
    latest: u64,
    /// Time, amount, key, escrow.
    allowed: Vec<(u64, u64, Option<usize>, Option<Hex32>)>,
}

impl Witness {
    fn see(&mut self, clock: u64, sat: u64, key: Option<usize>, escrow: Option<Hex32>) {
        self.latest = self.latest.max(clock);
        self.allowed.push((self.latest, sat, key, escrow));
    }

    fn within(&self, seconds: u64, key: Option<usize>, ended: &[Hex32]) -> u64 {
        let recent = self.allowed.iter().filter(|(at, ..)| at + seconds >= self.latest);
        let counted = recent.filter(|(.., escrow)| escrow.is_none_or(|id| !ended.contains(&id)));
        counted.filter(|(_, _, by, _)| key.is_none() || *by == key).map(|(_, sat, ..)| sat).sum()
    }
}

/// Every limit that what was allowed just now adds to. A fee that was bumped to keep money safe is never refused: it counts,
/// and whoever asks next finds less left, or nothing; others' ceilings are others' business.
fn check(node: &Node, witness: &Witness, counterparty: u8, key: Option<usize>) {
    let live = || node.live.iter().map(|(_, live)| live);
    let sum =
        |of: &dyn Fn(&Live) -> bool| live().filter(|live| of(live)).map(|live| live.locked.0).sum::<u64>();
    assert!(sum(&|_| true) <= 250_000, "locked");
    assert!(sum(&|live| live.counterparty == Hex32([counterparty; 32])) <= 150_000, "per counterparty");
    for service in SERVICES {
        let at_risk: u64 = live().filter(|live| live.service == service).map(|live| live.bond.0).sum();
        assert!(at_risk <= 110_000, "per service");
    }
    check_time(node, witness);
    if let Some(key) = key {
        assert!(sum(&|live| live.key.as_deref() == Some(KEYS[key])) <= 120_000, "locked by a key");
        assert!(witness.within(HOUR_S, Some(key), &node.unsigned_ends) <= 90_000, "per hour by a key");
    }
}

/// The ceilings of an hour and a day.
fn check_time(node: &Node, witness: &Witness) {
    assert!(witness.within(HOUR_S, None, &node.unsigned_ends) <= 180_000, "per hour");
    assert!(witness.within(DAY_S, None, &node.unsigned_ends) <= 300_000, "per day");
}

fn picked(node: &Node, which: prop::sample::Index) -> Option<usize> {
    (!node.live.is_empty()).then(|| which.index(node.live.len()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Calls by owner and keys, signatures, bumps, ends, payments, pauses, crashes before and after memory follows the
    /// disk, clocks that jump either way.
    #[test]
    fn no_sequence_of_calls_crashes_or_clock_steps_exceeds_a_limit(steps in prop::collection::vec(step(), 1..80)) {
        let mut node = Node { clock: 1_767_225_600, ..Node::default() };
        let mut witness = Witness::default();
        for step in steps {
            match step {
                Step::Ask { counterparty, service, sat, buys, key, human } => {
                    let paused_or_revoked = node.paused || key.is_some_and(|key| node.revoked[key]);
                    let asked = request(counterparty, service, sat, buys);
                    let (locked, bond) = (asked.locked_sat().0, matches!(asked.stake, Stake::Bond(_)));
                    if let Some(id) = node.asked(asked, key, human) {
                        prop_assert!(!paused_or_revoked && locked <= 100_000 && (human || locked <= 90_000));
                        witness.see(node.clock, locked, key, Some(id));
                        check(&node, &witness, counterparty, key);
                        prop_assert!(!bond || node.unsigned() <= 140_000, "unsigned");
                    }
                }
                Step::Sign(which) => {
                    if let Some(which) = picked(&node, which) {
                        node.live[which].1.unsigned = false;
                    }
                }
                Step::Bump(which, fee) => {
                    if let Some(which) = picked(&node, which) {
                        let (id, live) = &mut node.live[which];
                        live.locked.0 += fee;
                        let (id, key) = (*id, live.key.clone());
                        node.spend(Some(id), fee, key.clone());
                        let key = key.map(|name| KEYS.iter().position(|key| *key == name).unwrap());
                        witness.see(node.clock, fee, key, Some(id));
                    }
                }
                Step::End(which) => {
                    if let Some(which) = picked(&node, which) {
                        let (id, live) = node.live.swap_remove(which);
                        if live.unsigned {
                            node.unsigned_ends.push(id);
                        }
                    }
                }
                Step::Withdraw(sat) => {
                    let mandate = owner();
                    let authority = Authority { mandate: &mandate, key: None, paused: node.paused };
                    if authority.withdraw(Sat(sat), &node.history()).is_ok() {
                        prop_assert!(!node.paused);
                        let spent = node.spend(None, sat, None);
                        node.withdrawals.push(spent);
                        witness.see(node.clock, sat, None, None);
                        check_time(&node, &witness);
                    }
                }
                Step::Clock(by) => node.clock = node.clock.saturating_add_signed(by),
                Step::Crash { in_the_middle } => {
                    if in_the_middle {
                        // Asked, and dead before anything was stored: nothing was committed.
                        node.history();
                    }
                    node.restart();
                }
                Step::Pause(paused) => node.paused = paused,
                Step::Revoke(key) => node.revoked[key] = true,
            }
        }
    }

    /// What is refused stays refused with more already committed.
    #[test]
    fn more_history_never_allows_more(sat in 0..120_000_u64, before in 0..300_000_u64, more in 0..300_000_u64) {
        let mandate = owner();
        let asked = request(1, 0, sat, true);
        let history = |locked| History {
            live: vec![Live {
                counterparty: Hex32([1; 32]),
                locked: Sat(locked),
                service: SERVICES[0].to_owned(),
                bond: Sat(locked),
                unsigned: true,
                key: None,
            }],
            ..History::none()
        };
        let authority = Authority { mandate: &mandate, key: None, paused: false };
        if authority.commit(&asked, &history(before)).is_err() {
            prop_assert!(authority.commit(&asked, &history(before + more)).is_err());
        }
    }
}
