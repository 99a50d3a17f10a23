//! The lines between processes that a scenario cuts. All others are direct, and cost nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Context as _;

use super::bell::Bell;
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
        bell: &Bell,
    ) -> anyhow::Result<SocketAddr> {
        let faults = scenario.faults.iter().enumerate();
        let cuts: Vec<(usize, &Fault)> =
            faults.filter(|(_, fault)| fault.what.cuts().contains(&line)).collect();
        if cuts.is_empty() {
            return Ok(to);
        }
        let words = cuts.iter().filter_map(|(index, fault)| Some((word(fault)?, *index))).collect();
        let gate = Gate::before(to, words, bell.clone())
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
}

/// What a message says of itself, as it stands in its envelope.
fn word(fault: &Fault) -> Option<String> {
    match fault.when {
        When::Said(kind) => Some(format!("\"type\":\"{kind}\"")),
        When::At(_) | When::Reached { .. } => None,
    }
}
