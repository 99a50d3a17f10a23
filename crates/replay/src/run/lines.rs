//! The lines between processes that a scenario cuts, or on which it waits for a message. All others are direct, and cost nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Context as _;

use super::bell::Bell;
use super::gate::{Gate, Trip};
use crate::scenario::{Fault, Line, Scenario, When};

/// The gates on the lines that are cut some time, or listened to.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<Line, Gate>);

impl Lines {
    /// Where `line` is reached: at a gate when the scenario cuts it some time or waits for a
    /// message on it, else at `to` itself.
    pub(super) async fn lay(
        &mut self,
        scenario: &Scenario,
        line: Line,
        to: SocketAddr,
        bell: &Bell,
    ) -> anyhow::Result<SocketAddr> {
        let trips = match line {
            Line::BuyerProvider => trips(scenario),
            _ => Vec::new(),
        };
        let is_cut = scenario.faults.iter().any(|fault| fault.what.cuts().contains(&line));
        if trips.is_empty() && !is_cut {
            return Ok(to);
        }
        let gate = Gate::before(to, trips, bell.clone())
            .await
            .with_context(|| format!("the line between {}", line.words(&scenario.cast)))?;
        let addr = gate.addr();
        self.0.insert(line, gate);
        Ok(addr)
    }

    pub(super) fn cut(&self, lines: &[Line]) {
        lines.iter().filter_map(|line| self.0.get(line)).for_each(Gate::shut);
    }

    pub(super) fn mend(&self, lines: &[Line]) {
        lines.iter().filter_map(|line| self.0.get(line)).for_each(Gate::open);
    }

    /// Ends what goes over a line just now.
    pub(super) fn hang_up(&self, line: Line) {
        self.0.get(&line).into_iter().for_each(Gate::hang_up);
    }
}

/// The messages at which faults begin, by what each says of itself in its envelope.
fn trips(scenario: &Scenario) -> Vec<Trip> {
    let faults = scenario.faults.iter().enumerate();
    let trip = |(number, fault): (usize, &Fault)| {
        let word = format!("\"type\":\"{}\"", fault.when.message()?);
        Some(Trip { word, answered: matches!(fault.when, When::Heard(_)), number })
    };
    faults.filter_map(trip).collect()
}
