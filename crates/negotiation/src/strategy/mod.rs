//! Negotiating by a plan: what to answer to a proposal, as a pure function of the plan and of what was said.
//!
//! A plan is a list of prices, one for each own counter, from the first to the last. It is made once, from a strategy and
//! a seed, and integers alone. Whoever may not propose any more takes the other's last price or ends it.
//!
//! **The provider's reserve stays private.** Its plan ends at `final_sat`, which is at or above the reserve, and every
//! answer is a function of that plan and of what the buyer said. The reserve takes no part in it: two reserves below the
//! same last price give the same transcript, word by word. A refusal is always the same words.

mod buyer;
mod provider;

use protocol::{Concession, Negotiable};
use terms::Sat;
use terms::canonical::sha256;

pub use buyer::BuyerPlan;
pub use provider::{ProviderPlan, final_price};

/// What a plan answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Take what the other proposed.
    Accept,
    /// Propose this price instead.
    Counter(Sat),
    /// End it.
    Reject,
}

/// What a plan says when it ends a negotiation, whatever the reason.
pub const REFUSED: &str = "these terms are not taken here";

/// The most of a step's length by which a seed moves a price towards the one before it.
const JITTER_PPM: u128 = 250_000;
const WHOLE_PPM: u128 = 1_000_000;

/// Prices from the first to the last, one for each of `steps + 1` moments; the ends are exact, and none goes back.
fn prices(first: u64, last: u64, concession: Concession, steps: u64, seed: &[u8; 32]) -> Vec<u64> {
    let distance = u128::from(first.abs_diff(last));
    let gone = |step: u64| distance * progress(concession, step) / scale(concession, steps);
    let at = |step: u64| {
        let here = gone(step);
        let jitter = match step {
            0 => 0,
            step if step >= steps => 0,
            step => (here - gone(step - 1)) * draw(seed, step) / WHOLE_PPM,
        };
        u64::try_from(here - jitter).unwrap_or(u64::MAX)
    };
    let price = |step| if first >= last { first - at(step) } else { first + at(step) };
    (0..=steps).map(price).collect()
}

/// How far a concession is after a step, in units of [`scale`].
fn progress(concession: Concession, step: u64) -> u128 {
    let step = u128::from(step);
    match concession {
        Concession::Fixed => 0,
        Concession::Linear => step,
        Concession::Boulware => step * step * step,
    }
}

fn scale(concession: Concession, steps: u64) -> u128 {
    progress(concession, steps).max(1)
}

/// A number below [`JITTER_PPM`] that the seed chooses for a step.
fn draw(seed: &[u8; 32], step: u64) -> u128 {
    u128::from(number(seed, step)) % JITTER_PPM
}

fn number(seed: &[u8; 32], step: u64) -> u64 {
    let hash = sha256(&[seed.as_slice(), &step.to_be_bytes()].concat());
    hash.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// The seed of one session under a seed that a node keeps.
pub fn session_seed(own: &[u8; 32], session: &[u8; 32]) -> [u8; 32] {
    sha256(&[own.as_slice(), session].concat())
}

/// The counters that a plan makes: its own limit within the offer's.
fn rounds(own: Option<u64>, negotiable: Option<&Negotiable>) -> u64 {
    let most = negotiable.map_or(0, |negotiable| negotiable.rounds);
    own.map_or(most, |own| own.min(most))
}
