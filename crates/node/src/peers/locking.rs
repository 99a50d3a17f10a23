//! How long locking may take: our coins do not wait for ever for a peer, and the funding does not come too late.

use bitcoin::Network;
use serde::Deserialize;
use terms::{Agreement, DocumentError};

use crate::config::Config;

/// How long a block takes on average, in seconds.
const BLOCK_S: u64 = 600;
/// How much longer blocks may take than on average before funding at the deadline is not deep when the window begins.
const SLACK_S: u64 = 3_600;
/// A month: nobody plans further.
const LONGEST_S: u64 = 31 * 86_400;

/// The configuration's section `[locking]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LockingConfig {
    /// A provider lets its coins go when the contract is not signed so many seconds after it was agreed.
    pub sign_within_s: u64,
    /// The funding deadline must precede the window by so many seconds. Left out: ten minutes for each of
    /// `confirmations` and an hour; nothing on regtest, where blocks come when somebody mines.
    pub funding_margin_s: Option<u64>,
}

impl Default for LockingConfig {
    fn default() -> Self {
        Self { sign_within_s: 600, funding_margin_s: None }
    }
}

impl LockingConfig {
    /// The rules, each with whether it holds and the field that it is about.
    pub(crate) fn rules(&self) -> [(bool, &'static str, &'static str); 2] {
        let margin = self.funding_margin_s.unwrap_or(0);
        [
            ((10..=86_400).contains(&self.sign_within_s), "locking.sign_within_s", "must be 10 to 86400"),
            (margin <= LONGEST_S, "locking.funding_margin_s", "must be at most 2678400"),
        ]
    }
}

impl Config {
    /// By how many seconds a funding deadline must precede its window, so that funding which confirms at the last moment
    /// is deep before anybody can know the outcome.
    pub(crate) fn funding_margin_s(&self) -> u64 {
        self.locking.funding_margin_s.unwrap_or(match self.bitcoin_network() {
            Network::Regtest => 0,
            _ => u64::from(self.confirmations) * BLOCK_S + SLACK_S,
        })
    }

    /// Whether an agreement leaves the funding that time.
    ///
    /// # Errors
    /// Names `funding_deadline` and the seconds that it has to precede the window by.
    pub(crate) fn check_margin(&self, agreement: &Agreement) -> Result<(), DocumentError> {
        let (wanted, start) = (self.funding_margin_s(), agreement.measurement.window.start.0);
        let margin = start.saturating_sub(agreement.funding_deadline.0);
        if margin >= wanted {
            return Ok(());
        }
        let rule = format!("must precede the window by at least {wanted} s, and does by {margin} s");
        Err(DocumentError::new("funding_deadline", rule))
    }
}
