//! The cases that an agreement tells apart.

use serde::Serialize;
use terms::units::PPM_WHOLE;
use terms::{Agreement, Outcome, OutcomeValue, PayoutTable, Ppm, Sat, Scale, Schedule, Worse};

use crate::simulate::{Distribution, Ending};

/// How good a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The best outcomes.
    Target,
    /// Worse than the target.
    Breach,
    /// The worst outcomes.
    Worst,
    /// Nobody could measure enough.
    Indeterminate,
    /// Nothing was attested.
    Refund,
}

/// Which outcomes a case covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcomes {
    /// Numbers, both ends included.
    Values {
        /// The first.
        from: OutcomeValue,
        /// The last.
        to: OutcomeValue,
    },
    /// A level.
    Level(String),
    /// None that says anything of the service.
    None,
}

/// What each side gets in a case. Where a ramp covers it, what it gets lies between two amounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// How good it is.
    pub kind: Kind,
    /// Which outcomes it covers.
    pub outcomes: Outcomes,
    /// The least and the most that the provider gets, its bond included.
    pub provider_sat: [Sat; 2],
    /// The least and the most that the buyer gets.
    pub buyer_sat: [Sat; 2],
    /// Its chance, where windows were imagined: their share, rounded to the nearest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chance_ppm: Option<Ppm>,
}

/// All cases: outcomes from the best to the worst, then "indeterminate", then the refund.
pub(super) fn all(agreement: &Agreement, table: &PayoutTable, windows: Option<&Distribution>) -> Vec<Case> {
    let mut measured = measured(agreement);
    if agreement.measurement.outcome.worse() == Worse::Lower {
        measured.reverse();
    }
    let last = measured.len().saturating_sub(1);
    let kind = |index| match index {
        0 => Kind::Target,
        _ if index == last => Kind::Worst,
        _ => Kind::Breach,
    };
    let total = table.total_sat();
    let case = |kind, outcomes, provider_sat| case(kind, outcomes, provider_sat, total, windows);
    let mut cases: Vec<Case> = measured
        .into_iter()
        .enumerate()
        .map(|(index, outcomes)| {
            let paid = paid(table, &outcomes);
            case(kind(index), outcomes, paid)
        })
        .collect();
    let indeterminate = table.at(&Outcome::Indeterminate).unwrap_or_default();
    cases.push(case(Kind::Indeterminate, Outcomes::None, [indeterminate; 2]));
    cases.push(case(Kind::Refund, Outcomes::None, [agreement.bond_sat; 2]));
    cases
}

/// The pieces of the schedule, by ascending outcome.
fn measured(agreement: &Agreement) -> Vec<Outcomes> {
    match (&agreement.payout.schedule, &agreement.measurement.outcome) {
        (Schedule::Numeric { pieces, .. }, Scale::Numeric(scale)) => {
            let ends = pieces.iter().skip(1).map(|next| OutcomeValue(next.from.0.saturating_sub(1)));
            let ends = ends.chain([scale.max]);
            pieces.iter().zip(ends).map(|(piece, to)| Outcomes::Values { from: piece.from, to }).collect()
        }
        (Schedule::Levels(levels), _) => {
            levels.iter().map(|level| Outcomes::Level(level.level.clone())).collect()
        }
        (Schedule::Numeric { .. }, Scale::Enum(_)) => Vec::new(),
    }
}

/// What the provider gets at the least and at the most. Payouts fall or rise along a scale, so its ends are enough.
fn paid(table: &PayoutTable, outcomes: &Outcomes) -> [Sat; 2] {
    let at = |outcome: Outcome| table.at(&outcome).unwrap_or_default();
    let [a, b] = match outcomes {
        Outcomes::Values { from, to } => [at(Outcome::Value(*from)), at(Outcome::Value(*to))],
        Outcomes::Level(name) => [at(Outcome::Level(name.clone())); 2],
        Outcomes::None => [Sat(0); 2],
    };
    [a.min(b), a.max(b)]
}

fn case(
    kind: Kind,
    outcomes: Outcomes,
    provider_sat: [Sat; 2],
    total: Sat,
    windows: Option<&Distribution>,
) -> Case {
    let [least, most] = provider_sat.map(|provider| Sat(total.0.saturating_sub(provider.0)));
    let chance_ppm = windows.map(|windows| chance(kind, &outcomes, windows));
    Case { kind, outcomes, provider_sat, buyer_sat: [most, least], chance_ppm }
}

fn chance(kind: Kind, outcomes: &Outcomes, windows: &Distribution) -> Ppm {
    let is_of = |ending: &Ending| match (ending, outcomes) {
        (Ending::Value(value), Outcomes::Values { from, to }) => (from..=to).contains(&value),
        (Ending::Level(level), Outcomes::Level(name)) => level == name,
        (Ending::Indeterminate, _) => kind == Kind::Indeterminate,
        (Ending::Refund, _) => kind == Kind::Refund,
        _ => false,
    };
    let count: u64 = windows.endings().filter(|(ending, _)| is_of(ending)).map(|(_, count)| count).sum();
    let runs = u128::from(windows.runs().max(1));
    let ppm = (u128::from(count) * u128::from(PPM_WHOLE) + runs / 2) / runs;
    Ppm(u64::try_from(ppm).unwrap_or(PPM_WHOLE))
}
