//! Sends mutated offers, accepts and signs of several contracts through the gate, and prints what became of them, the
//! slowest, and the peak of memory. Fails if one panics, or passes without meaning the same contract.
//!
//! `cargo run -p contract --example gate_mutants -- [HOW_MANY] [SEED]`, by default 40,000 of seed 1

#![allow(clippy::unwrap_used, reason = "the fixtures are known to work")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use common::documents::{Draft, ramp};
use common::mutate::{self, Random};
use common::{Escrow, NOW, TEMPORARY_ID};
use contract::{CheckedAccept, CheckedOffer, CoinReport, ForeignCoins, GateError, Role, gate};
use terms::{NumericScale, OutcomeValue, Sat, Scale, Tolerance, Worse};

/// One contract's three messages, as each side holds them after its gate.
struct Case {
    name: &'static str,
    escrow: Escrow,
    offer: CheckedOffer,
    accept: CheckedAccept,
    sign: Vec<u8>,
}

impl Case {
    fn of(name: &'static str, draft: Draft) -> Self {
        let escrow = Escrow::of(draft);
        let offer = escrow.offer();
        let accept = escrow.accept(&offer);
        let sign = escrow.sign(&accept).sign_bytes();
        Self { name, escrow, offer, accept, sign }
    }
}

/// Prices differ, so that no two contracts have a coin in common.
fn cases() -> Vec<Case> {
    let draft = |price_sat| Draft { price_sat, ..Draft::default() };
    vec![
        Case::of("steps", draft(100_000)),
        Case::of("levels", Draft { price_sat: 110_000, ..Draft::levels() }),
        Case::of("ramp", Draft { schedule: ramp(), ..draft(120_000) }),
        Case::of("bond alone", Draft { price_sat: 130_000, bond_sat: 0, ..Draft::default() }),
        Case::of("2 of 3", Draft { oracles: 3, threshold: 2, ..draft(140_000) }),
        Case::of("2 of 3 with tolerance", tolerant(draft(150_000))),
    ]
}

/// Leaves room between the worst value and "no data", so that oracles which differ a little never mean the latter.
fn tolerant(draft: Draft) -> Draft {
    let tolerance = Tolerance { max_error_exp: 3, min_fail_exp: 2, max_spread_sat: Sat(175_000) };
    let scale = Scale::Numeric(NumericScale {
        unit: "h".to_owned(),
        digits: 10,
        max: OutcomeValue(700),
        indeterminate_from: OutcomeValue(896),
        worse: Worse::Higher,
    });
    Draft { oracles: 3, threshold: 2, tolerance: Some(tolerance), scale, ..draft }
}

/// What every node knows: all coins of all cases, of which those of one party are its own.
fn coins(cases: &[Case], own: Role) -> ForeignCoins {
    let mut known = ForeignCoins::new();
    for case in cases {
        for (party, role) in [(&case.escrow.offerer, Role::Offerer), (&case.escrow.accepter, Role::Accepter)]
        {
            for (coin, vout) in &party.coins {
                let state = common::party::unspent(&coin.output[*vout as usize], 6);
                let outpoint = bitcoin::OutPoint { txid: coin.compute_txid(), vout: *vout };
                known.insert(outpoint, CoinReport { ours: role == own, state });
            }
        }
    }
    known
}

/// What the gate said.
enum Verdict {
    Refused(GateError),
    /// It means the same, or it is an offer as good as any.
    Passed,
    /// It means something else, and the gate let it through.
    Fooled,
}

struct Gates {
    cases: Vec<Case>,
    accepter_knows: ForeignCoins,
    offerer_knows: ForeignCoins,
}

impl Gates {
    /// An offer that passes is accepted to the end, so that the library's own code meets it too.
    fn offer(&self, case: &Case, mutant: &[u8]) -> Verdict {
        let _ = gate::claims(mutant);
        let offer = match gate::offer(mutant, &case.escrow.deal, &self.accepter_knows, NOW) {
            Ok(offer) => offer,
            Err(error) => return Verdict::Refused(error),
        };
        let own = case.escrow.accepter.funding(TEMPORARY_ID);
        let key = case.escrow.accepter.contract_key(TEMPORARY_ID);
        match contract::accept_offer(&offer, own, &key, NOW) {
            Err(error) => Verdict::Refused(error),
            Ok(_) if offer.bytes() == mutant => Verdict::Passed,
            Ok(_) => Verdict::Fooled,
        }
    }

    /// Serial ids only order; a mutant that orders the same is the same contract.
    fn accept(&self, case: &Case, mutant: &[u8]) -> Verdict {
        let _ = gate::claims(mutant);
        match gate::accept(mutant, &case.offer, &self.offerer_knows, NOW) {
            Err(error) => Verdict::Refused(error),
            Ok(accept) if accept.transactions() == case.accept.transactions() => Verdict::Passed,
            Ok(_) => Verdict::Fooled,
        }
    }

    /// A sign is nothing but signatures.
    fn sign(&self, case: &Case, mutant: &[u8]) -> Verdict {
        match gate::sign(mutant, &case.accept, NOW) {
            Err(error) => Verdict::Refused(error),
            Ok(_) => Verdict::Fooled,
        }
    }

    /// One after the other: each message of each case, with parts of the next case's.
    fn send(&self, number: usize, random: &mut Random) -> (String, Duration, Option<Verdict>) {
        let case = &self.cases[number / 3 % self.cases.len()];
        let foreign = &self.cases[(number / 3 + 1) % self.cases.len()];
        let (message, mutant) = match number % 3 {
            0 => {
                let (offer, accept) = (case.offer.bytes(), case.accept.bytes());
                ("offer", mutate::offer(&offer, &foreign.offer.bytes(), &accept, random))
            }
            1 => ("accept", mutate::accept(&case.accept.bytes(), &foreign.accept.bytes(), random)),
            _ => ("sign", mutate::sign(&case.sign, &foreign.sign, random)),
        };
        let began = Instant::now();
        let verdict = catch_unwind(AssertUnwindSafe(|| match number % 3 {
            0 => self.offer(case, &mutant.bytes),
            1 => self.accept(case, &mutant.bytes),
            _ => self.sign(case, &mutant.bytes),
        }));
        let what = format!("{message} {number} of \"{}\", {} changed", case.name, mutant.how);
        (what, began.elapsed(), verdict.ok())
    }
}

#[derive(Default)]
struct Tally {
    verdicts: BTreeMap<String, usize>,
    panics: usize,
    fooled: usize,
    slowest: (Duration, String),
}

impl Tally {
    fn count(&mut self, what: String, took: Duration, verdict: Option<Verdict>) {
        let message = what.split(' ').next().unwrap_or_default().to_owned();
        let verdict = match verdict {
            None => {
                eprintln!("PANIC: {what}");
                self.panics += 1;
                "panicked".to_owned()
            }
            Some(Verdict::Fooled) => {
                eprintln!("LET THROUGH: {what}");
                self.fooled += 1;
                "let through".to_owned()
            }
            Some(Verdict::Passed) => "passed, and means the same".to_owned(),
            Some(Verdict::Refused(error)) => format!("refused: {}", rule(&error)),
        };
        *self.verdicts.entry(format!("{message:<6} {verdict}")).or_default() += 1;
        if took > self.slowest.0 {
            self.slowest = (took, what);
        }
    }

    fn print(&self, count: usize) {
        for (verdict, count) in &self.verdicts {
            println!("{count:>7}  {verdict}");
        }
        println!("{count:>7}  mutants");
        println!("{:>7}  panics", self.panics);
        println!("{:>7}  let through", self.fooled);
        println!("slowest: {} us, {}", self.slowest.0.as_micros(), self.slowest.1);
        println!("peak of memory: {}", peak_memory());
    }
}

/// The rule's name, without its figures.
fn rule(error: &GateError) -> String {
    let shown = format!("{:?}", error.rule);
    shown.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// The most that this process ever held, as Linux counts it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown here".to_owned(), |peak| peak.trim().to_owned())
}

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("a number"));
    let count = numbers.next().unwrap_or(40_000) as usize;
    let mut random = Random(numbers.next().unwrap_or(1));
    let cases = cases();
    let (accepter_knows, offerer_knows) = (coins(&cases, Role::Accepter), coins(&cases, Role::Offerer));
    let gates = Gates { cases, accepter_knows, offerer_knows };
    let mut tally = Tally::default();
    for number in 0..count {
        let (what, took, verdict) = gates.send(number, &mut random);
        tally.count(what, took, verdict);
    }
    tally.print(count);
    if tally.panics + tally.fooled == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
