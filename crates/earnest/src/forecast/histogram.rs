//! Distributions as bars.

use calendar::words::thousands;
use negotiation::payouts::Payouts;
use negotiation::simulate::{Distribution, Ending};
use negotiation::words::percent;
use terms::units::PPM_WHOLE;
use terms::{Agreement, PayoutTable, Ppm, Scale, Schedule};

/// The longest bar, in characters.
const LONGEST: u64 = 40;

/// Fewer amounts than this have a bar each; more are gathered in as many.
const MOST_AMOUNTS: u64 = 12;

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What it stands for.
    pub label: String,
    /// How many windows.
    pub windows: u64,
    /// What the provider gets there in the mean, of a million parts of all.
    pub provider_ppm: u64,
}

impl Bar {
    /// Gathers more windows into the bar.
    fn add(&mut self, windows: u64, provider_ppm: u64) {
        let all = self.windows + windows;
        self.provider_ppm = (self.provider_ppm * self.windows + provider_ppm * windows) / all.max(1);
        self.windows = all;
    }
}

/// Bars as lines of text: label, share, bar.
pub fn lines(bars: &[Bar], runs: u64) -> Vec<String> {
    let width = bars.iter().map(|bar| bar.label.chars().count()).max().unwrap_or(0);
    let highest = bars.iter().map(|bar| bar.windows).max().unwrap_or(0).max(1);
    let line = |bar: &Bar| {
        let length = usize::try_from((bar.windows * LONGEST).div_ceil(highest)).unwrap_or(0);
        let share = percent(share_ppm(bar.windows, runs));
        format!("  {:>width$} {share:>9} {}", bar.label, "█".repeat(length)).trim_end().to_owned()
    };
    bars.iter().map(line).collect()
}

/// A share of all windows, rounded to the nearest.
pub fn share_ppm(windows: u64, runs: u64) -> Ppm {
    let (windows, runs) = (u128::from(windows), u128::from(runs.max(1)));
    Ppm(u64::try_from((windows * u128::from(PPM_WHOLE) + runs / 2) / runs).unwrap_or(PPM_WHOLE))
}

/// Outcomes: levels, or numbers gathered between round ones and where the schedule changes.
pub fn outcomes(agreement: &Agreement, table: &PayoutTable, windows: &Distribution) -> Vec<Bar> {
    let edges = edges(agreement);
    let mut bars: Vec<Bar> = Vec::new();
    let total = table.total_sat().0.max(1);
    for (ending, count) in windows.endings() {
        let provider = match ending.outcome() {
            Some(outcome) => table.at(&outcome).unwrap_or_default(),
            None => agreement.bond_sat,
        };
        let label = label(ending, &edges, &agreement.measurement.outcome);
        let part = u128::from(provider.0) * u128::from(PPM_WHOLE) / u128::from(total);
        let provider_ppm = u64::try_from(part).unwrap_or(PPM_WHOLE);
        match bars.last_mut().filter(|bar| bar.label == label) {
            Some(bar) => bar.add(count, provider_ppm),
            None => bars.push(Bar { label, windows: count, provider_ppm }),
        }
    }
    bars
}

/// What the buyer gets: each amount, or gathered where there are many.
pub fn payouts(payouts: &Payouts) -> Vec<Bar> {
    let amounts: Vec<(u64, u64)> = payouts.amounts().map(|(amount, count)| (amount.0, count)).collect();
    let (least, most) = (amounts.first().map_or(0, |first| first.0), amounts.last().map_or(0, |last| last.0));
    let bar = |label, windows| Bar { label, windows, provider_ppm: 0 };
    if amounts.len() as u64 <= MOST_AMOUNTS {
        return amounts.into_iter().map(|(amount, count)| bar(thousands(amount), count)).collect();
    }
    // One bar is for the first amount's place between two round ones.
    let step = round_step((most - least + 1).div_ceil(MOST_AMOUNTS - 1));
    let least = least - least % step;
    let steps =
        (0..MOST_AMOUNTS).map(|index| (least + index * step, (least + (index + 1) * step - 1).min(most)));
    let steps = steps.filter(|(from, to)| from <= to);
    steps
        .map(|(from, to)| {
            let inside = amounts.iter().filter(|(amount, _)| (from..=to).contains(amount));
            bar(format!("{} to {}", thousands(from), thousands(to)), inside.map(|(_, count)| count).sum())
        })
        .collect()
}

/// The least of 1, 2, 5, 10, 20 ... that is not below this.
fn round_step(least: u64) -> u64 {
    let mut steps = (0..19).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
    steps.find(|step| *step >= least).unwrap_or(least)
}

/// Where one bar ends and the next begins: 1, 2, 5, 10 ... and where the schedule changes.
fn edges(agreement: &Agreement) -> Vec<u64> {
    let Scale::Numeric(scale) = &agreement.measurement.outcome else {
        return Vec::new();
    };
    let decades = (0..16).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
    let pieces: &[terms::Piece] = match &agreement.payout.schedule {
        Schedule::Numeric { pieces, .. } => pieces,
        Schedule::Levels(_) => &[],
    };
    // A schedule that changes right behind a round number has that number as its edge.
    let changes: Vec<u64> = pieces.iter().map(|piece| piece.from.0).collect();
    let behind = |edge: &u64| !changes.contains(&(edge + 1));
    let mut edges: Vec<u64> = decades.filter(behind).chain(changes.clone()).chain([0]).collect();
    edges.retain(|edge| *edge <= scale.max.0);
    edges.sort_unstable();
    edges.dedup();
    edges.push(scale.max.0 + 1);
    edges
}

fn label(ending: &Ending, edges: &[u64], scale: &Scale) -> String {
    match ending {
        Ending::Value(value) => {
            let next = edges.partition_point(|edge| *edge <= value.0);
            let from = next.checked_sub(1).and_then(|at| edges.get(at)).copied().unwrap_or(0);
            let to = edges.get(next).map_or(value.0, |edge| edge - 1);
            let unit = match scale {
                Scale::Numeric(scale) => scale.unit.as_str(),
                Scale::Enum(_) => "",
            };
            let range = if from == to {
                thousands(from)
            } else {
                format!("{} to {}", thousands(from), thousands(to))
            };
            format!("{range} {unit}")
        }
        Ending::Level(name) => name.clone(),
        Ending::Indeterminate => "not enough measured".to_owned(),
        Ending::Refund => "no attestation".to_owned(),
    }
}
