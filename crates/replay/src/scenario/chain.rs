//! `[chain]`: how the chain and the nodes keep time in a replay.

use terms::Measurement;

use super::error::ScenarioError;
use super::reader::{Field, Table};
use super::words;

/// How the chain and the nodes keep time. Every field has a default that keeps a month fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainPlan {
    /// A block is mined this often.
    pub block_every_s: u64,
    /// Both nodes look at chain and oracle this often.
    pub poll_every_s: u64,
    /// The depth at which funding and settlement count as final.
    pub confirmations: u32,
    /// Simulated time starts this long before the window.
    pub lead_s: u64,
    /// The contract must be funded this long before the window.
    pub funding_margin_s: u64,
    /// The oracle signs this long after the window's end.
    pub publication_delay_s: u64,
}

/// A window from this length on gets a block an hour instead of one every ten minutes.
const LONG_WINDOW_S: u64 = 2 * 86_400;

/// Blocks before the funding deadline: time to shake hands, and to see the first confirmations.
const BLOCKS_TO_FUND: u64 = 6;

/// Blocks between the confirmed funding and the window.
const BLOCKS_OF_MARGIN: u64 = 3;

/// The most blocks that a replay mines before the window.
const MAX_LEAD_BLOCKS: u64 = 1_000;

pub(crate) fn read(table: Option<Table<'_>>, measurement: &Measurement) -> Result<ChainPlan, ScenarioError> {
    let is_long = measurement.window.seconds() >= LONG_WINDOW_S;
    let default_block_s = if is_long { 3600 } else { 600 };
    let Some(table) = table else {
        return Ok(defaults(default_block_s, 3, is_long));
    };
    let block_every_s =
        table.read("block_every", |field| bounded(field, 60, 86_400))?.unwrap_or(default_block_s);
    let confirmations = table.read("confirmations", |field| field.number(1..=20))?.unwrap_or(3);
    let mut plan = defaults(block_every_s, u32::try_from(confirmations).unwrap_or(20), is_long);
    if let Some(poll_every_s) = table.read("poll_every", |field| bounded(field, 1, 86_400))? {
        plan.poll_every_s = poll_every_s;
    }
    if let Some(lead_s) = table.read("lead", |field| lead(field, &plan))? {
        plan.lead_s = lead_s;
    }
    if let Some(delay_s) = table.read("publication_delay", |field| bounded(field, 1, 30 * 86_400))? {
        plan.publication_delay_s = delay_s;
    }
    table.close()?;
    Ok(plan)
}

fn defaults(block_every_s: u64, confirmations: u32, is_long: bool) -> ChainPlan {
    let funding_margin_s = (u64::from(confirmations) + BLOCKS_OF_MARGIN) * block_every_s;
    ChainPlan {
        block_every_s,
        poll_every_s: if is_long { block_every_s } else { block_every_s / 2 },
        confirmations,
        lead_s: funding_margin_s + BLOCKS_TO_FUND * block_every_s,
        funding_margin_s,
        publication_delay_s: 600,
    }
}

fn lead(field: &Field<'_>, plan: &ChainPlan) -> Result<u64, ScenarioError> {
    let least = plan.funding_margin_s + 2 * plan.block_every_s;
    bounded(field, least, MAX_LEAD_BLOCKS * plan.block_every_s)
}

pub(crate) fn bounded(field: &Field<'_>, least_s: u64, most_s: u64) -> Result<u64, ScenarioError> {
    let seconds = field.parse(words::duration_s)?;
    if (least_s..=most_s).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(field.error(format!("must be from {least_s} s to {most_s} s")))
    }
}
