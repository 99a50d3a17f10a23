//! What a scenario says, in a line.

use std::path::{Path, PathBuf};

use serde::Serialize;
use terms::{Outcome, UnixSeconds};

use crate::market::Market;
use crate::play::Play;
use crate::scenario::{ExpectedOutcome, Scenario};
use crate::{market, plan, text};

/// One line about a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// The file.
    pub file: PathBuf,
    /// Its name without the ending.
    pub name: String,
    /// The story in a line.
    pub title: String,
    /// Where the timeline is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The window's begin.
    pub start: UnixSeconds,
    /// The window's end.
    pub end: UnixSeconds,
    /// How it must end, in words.
    pub expects: String,
    /// What the timeline comes to by the oracle's own function, where the file expects another number. Faults can make
    /// that right; otherwise somebody miscounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comes_to: Option<String>,
}

/// What a scenario says, in a line.
pub fn overview(file: &Path, play: &Play) -> Overview {
    match play {
        Play::Pair(scenario) => of_pair(file, scenario),
        Play::Market(market) => of_market(file, market),
    }
}

fn of_market(file: &Path, market: &Market) -> Overview {
    let span = market.span();
    let (escrows, providers) = (market.escrows, market.providers.len() as u64);
    Overview {
        file: file.to_owned(),
        name: market.head.name.clone(),
        title: market.head.title.clone(),
        source: market.head.source.clone(),
        start: span.start,
        end: span.end,
        expects: format!(
            "{} with {}",
            text::counted(escrows, "escrow", "escrows"),
            text::counted(providers, "provider", "providers")
        ),
        comes_to: miscounted(market),
    }
}

/// The first service and window whose timeline comes to another outcome than the file expects.
fn miscounted(market: &Market) -> Option<String> {
    market.providers.iter().find_map(|provider| {
        market.windows.iter().zip(&provider.outcomes).find_map(|(window, expected)| {
            let planned = market::evaluate(market, provider, *window).ok()?.report.outcome;
            let other = planned != Outcome::Value(*expected);
            let (name, at) = (&provider.name, text::time_of_day(window.start));
            other.then(|| format!("{} for {name} at {at}", text::outcome(&planned, market.scale())))
        })
    })
}

fn of_pair(file: &Path, scenario: &Scenario) -> Overview {
    let window = scenario.measurement.window;
    Overview {
        file: file.to_owned(),
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        source: scenario.source.clone(),
        start: window.start,
        end: window.end,
        expects: expects(scenario),
        comes_to: comes_to(scenario),
    }
}

fn expects(scenario: &Scenario) -> String {
    match expected(scenario) {
        Some(outcome) => text::outcome(&outcome, &scenario.measurement.outcome),
        None if scenario.expect.outcome == ExpectedOutcome::Cancelled => "cancelled".to_owned(),
        None => "refunded".to_owned(),
    }
}

fn expected(scenario: &Scenario) -> Option<Outcome> {
    match scenario.expect.outcome {
        ExpectedOutcome::Value(value) => Some(Outcome::Value(value)),
        ExpectedOutcome::Indeterminate => Some(Outcome::Indeterminate),
        ExpectedOutcome::Refunded | ExpectedOutcome::Cancelled => None,
    }
}

fn comes_to(scenario: &Scenario) -> Option<String> {
    let expected = expected(scenario)?;
    let planned = plan::evaluate(scenario).ok()?.report.outcome;
    (planned != expected).then(|| text::outcome(&planned, &scenario.measurement.outcome))
}
