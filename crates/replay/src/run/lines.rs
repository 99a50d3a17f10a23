//! The lines between processes that a scenario cuts. All others are direct, and cost nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Context as _;

use super::gate::Gate;
use crate::scenario::{Fault, Line, Scenario, When};

/// The gates on the lines that are cut some time.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<Line, Gate>);

impl Lines {
    /// Where `line` is reached: at a gate when the scenario cuts it some time, else at `to` itself.
    pub(super) async fn lay(
        &mut self,
        scenario: &Scenario,
        line: Line,
        to: SocketAddr,
    ) -> anyhow::Result<SocketAddr> {
        let cuts: Vec<&Fault> =
            scenario.faults.iter().filter(|fault| fault.what.cuts().contains(&line)).collect();
        if cuts.is_empty() {
            return Ok(to);
        }
        let words = cuts.iter().filter_map(|fault| word(fault)).collect();
        let gate = Gate::before(to, words)
            .await
            .with_context(|| format!("the line between {}", line.words(&scenario.cast)))?;
        let addr = gate.addr();
        self.0.insert(line, gate);
        Ok(addr)
    }

    pub(super) fn cut(&self, lines: &[Line]) {
        lines.iter().filter_map(|line| self.0.get(line)).for_each(Gate::shut);
    }

    /// Whether a message has tripped it.
    pub(super) fn is_cut(&self, line: Line) -> bool {
        self.0.get(&line).is_some_and(|gate| !gate.is_open())
    }

    pub(super) fn mend(&self, lines: &[Line]) {
        lines.iter().filter_map(|line| self.0.get(line)).for_each(Gate::open);
    }
}

/// What a message says of itself, as it stands in its envelope.
fn word(fault: &Fault) -> Option<String> {
    match fault.when {
        When::Said(kind) => Some(format!("\"type\":\"{kind}\"")),
        When::At(_) | When::Reached { .. } => None,
    }
}
