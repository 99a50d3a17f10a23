//! How many sessions strangers may open, counted over what is stored: a restart frees none.

use std::fmt;

use storage::Opener;
use terms::Hex32;

use super::Visitor;
use crate::core::Core;
use crate::error::NodeError;

const HOUR_S: u64 = 3_600;

/// A bound on sessions that is reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{whose} has {what}, and may have no more than {most}; the next may come in {wait_s} s")]
pub struct TooManySessions {
    /// Whose they are.
    pub whose: Whose,
    /// What is counted.
    pub what: Counted,
    /// How many there may be.
    pub most: u64,
    /// How long to wait, in seconds, as far as is known.
    pub wait_s: u64,
}

/// Whose sessions are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's.
    Everybody,
    /// A key's.
    Key,
    /// An address'.
    Address,
}

/// Which sessions are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Those that were opened within an hour.
    Hourly,
    /// Negotiations that are open.
    Open,
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Everybody => "everybody together",
            Self::Key => "this key",
            Self::Address => "this address",
        })
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hourly => "opened too many sessions within an hour",
            Self::Open => "too many negotiations open at once",
        })
    }
}

impl Core {
    /// Whether a peer may open a session now.
    ///
    /// # Errors
    /// When it, its address or all together have opened too many, or the database fails.
    pub(crate) async fn may_open(
        &self,
        key: Hex32,
        from: Visitor,
        negotiates: bool,
        now: u64,
    ) -> Result<(), NodeError> {
        let limits = &self.config.limits;
        let address = from.name();
        let own = address.as_deref().map(Opener::Address);
        let counted = [
            (Some(Opener::Anybody), Whose::Everybody, limits.sessions_per_hour, limits.open_sessions),
            (own, Whose::Address, limits.address_sessions_per_hour, limits.address_open_sessions),
            (Some(Opener::Key(key)), Whose::Key, limits.key_sessions_per_hour, limits.key_open_sessions),
        ];
        for (of, whose, hourly, open) in counted {
            let Some(of) = of else { continue };
            self.check_hour(of, whose, hourly, now).await?;
            if negotiates {
                self.check_open(of, whose, open, now).await?;
            }
        }
        Ok(())
    }

    async fn check_hour(&self, of: Opener<'_>, whose: Whose, most: u64, now: u64) -> Result<(), NodeError> {
        let an_hour_ago = now.saturating_sub(HOUR_S);
        let reached = self.store.last_session_but(most.saturating_sub(1), of, an_hour_ago).await?;
        let Some(opened_at) = reached else { return Ok(()) };
        let wait_s = opened_at.saturating_add(HOUR_S + 1).saturating_sub(now).clamp(1, HOUR_S + 1);
        Err(TooManySessions { whose, what: Counted::Hourly, most, wait_s }.into())
    }

    async fn check_open(&self, of: Opener<'_>, whose: Whose, most: u64, now: u64) -> Result<(), NodeError> {
        let open = self.store.open_sessions(of, now).await?;
        if open.count < most {
            return Ok(());
        }
        // One may end at any moment, and at the latest when its offer expires.
        let wait_s = open.first_ends.map_or(HOUR_S, |at| at.saturating_sub(now)).clamp(1, HOUR_S);
        Err(TooManySessions { whose, what: Counted::Open, most, wait_s }.into())
    }
}
