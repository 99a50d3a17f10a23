//! What happens when: how each service behaves from moment to moment, and blocks.

use std::collections::BTreeMap;

use testbed::Phase as Behaviour;

use crate::market::file::{Market, Provider};
use crate::run::agenda::behaviour;
use crate::scenario::Phase;

/// How a service behaves from a moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// The provider's number.
    pub provider: usize,
    /// How its service answers.
    pub behaviour: Behaviour,
    /// For the story.
    pub words: String,
}

/// All turns that are planned, ascending, and a block now and then for ever.
#[derive(Debug)]
pub(super) struct Agenda {
    turns: BTreeMap<u64, Vec<Turn>>,
    next_block_s: u64,
    block_every_s: u64,
}

impl Agenda {
    pub(super) fn new(market: &Market) -> Self {
        let mut turns: BTreeMap<u64, Vec<Turn>> = BTreeMap::new();
        for (number, provider) in market.providers.iter().enumerate() {
            for (at, turn) in of_provider(number, provider) {
                turns.entry(at).or_default().push(turn);
            }
        }
        let block_every_s = market.chain.block_every_s;
        Self { turns, next_block_s: market.starts().0 + block_every_s, block_every_s }
    }

    /// The next moment at which there is something to do.
    pub(super) fn next_s(&self) -> u64 {
        self.turns.keys().next().map_or(u64::MAX, |at| *at).min(self.next_block_s)
    }

    /// The turns that are due.
    pub(super) fn take_turns(&mut self, now_s: u64) -> Vec<Turn> {
        let mut due = Vec::new();
        while let Some(first) = self.turns.first_entry().filter(|first| *first.key() <= now_s) {
            due.extend(first.remove());
        }
        due
    }

    /// Whether a block is due; asked again it is not.
    pub(super) fn take_block(&mut self, now_s: u64) -> bool {
        let due = self.next_block_s <= now_s;
        self.next_block_s += if due { self.block_every_s } else { 0 };
        due
    }
}

/// Where one phase ends and another begins, only the one that begins.
fn of_provider(number: usize, provider: &Provider) -> Vec<(u64, Turn)> {
    let begins = |at: u64| provider.phases.iter().any(|phase| phase.range.start.0 == at);
    let begin = |phase: &Phase| {
        let behaviour = behaviour(&phase.condition);
        (phase.range.start.0, Turn { provider: number, behaviour, words: phase.words() })
    };
    let end = Turn { provider: number, behaviour: Behaviour::Up, words: "answers again".to_owned() };
    let ends = provider.phases.iter().map(|phase| phase.range.end.0).filter(|at| !begins(*at));
    provider.phases.iter().map(begin).chain(ends.map(|at| (at, end.clone()))).collect()
}
