//! The one place in which it is decided whether something may be committed.

use terms::{Sat, UnixSeconds};

use crate::{Commitment, History, Mandate, Refusal};

/// In whose name something is asked, when it is not the owner's own: a key with narrower limits.
#[derive(Clone, Copy, Debug)]
pub struct Delegation<'a> {
    /// The key's name.
    pub name: &'a str,
    /// Its limits. They are counted over what this key did, beside the owner's over everything.
    pub limits: &'a Mandate,
    /// Whether the owner took it back.
    pub revoked: bool,
}

/// Everything that can stand against a commitment.
#[derive(Clone, Copy, Debug)]
pub struct Authority<'a> {
    /// The owner's limits.
    pub mandate: &'a Mandate,
    /// The delegated key that asks.
    pub key: Option<Delegation<'a>>,
    /// Whether the owner has paused everything.
    pub paused: bool,
}

/// What an allowed commitment still needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Allowed,
    /// A human's word: it locks more than may be committed without.
    NeedsApproval {
        /// What may be.
        above: Sat,
        /// How long the word is waited for, in seconds.
        within_s: u64,
    },
}

impl Authority<'_> {
    /// Whether `request` may be committed, with `history` already committed.
    ///
    /// # Errors
    /// The first thing that stands against it: the pause, the owner's limits, then the key's.
    pub fn commit(&self, request: &Commitment, history: &History) -> Result<Verdict, Refusal> {
        self.check_pause()?;
        self.mandate.check(request, history)?;
        if let Some(key) = self.key {
            key.check_revoked()?;
            let refused = |refusal| Refusal::OfKey { name: key.name.to_owned(), refusal: Box::new(refusal) };
            key.limits.check(request, &history.of_key(key.name)).map_err(refused)?;
        }
        Ok(self.approval(request.locked_sat()))
    }

    /// Whether `leaving` may leave the wallet for good, fee included. No delegated key ever may.
    ///
    /// # Errors
    /// The first thing that stands against it.
    pub fn withdraw(&self, leaving: Sat, history: &History) -> Result<(), Refusal> {
        self.check_pause()?;
        self.mandate.check_withdrawal(leaving, history)
    }

    fn check_pause(&self) -> Result<(), Refusal> {
        if self.paused { Err(Refusal::Paused) } else { Ok(()) }
    }

    /// The lower of the owner's and the key's amounts counts.
    fn approval(&self, locked: Sat) -> Verdict {
        let of_key = self.key.and_then(|key| key.limits.approve_above_sat);
        let above = self.mandate.approve_above_sat.into_iter().chain(of_key).min();
        match above {
            Some(above) if locked > above => {
                Verdict::NeedsApproval { above, within_s: self.mandate.approve_within_s() }
            }
            _ => Verdict::Allowed,
        }
    }
}

impl Delegation<'_> {
    fn check_revoked(&self) -> Result<(), Refusal> {
        if self.revoked { Err(Refusal::Revoked { name: self.name.to_owned() }) } else { Ok(()) }
    }
}

impl Verdict {
    /// Until when a human's word is waited for, asked at `now`; `None` where none is needed.
    pub fn waits_until(self, now: UnixSeconds) -> Option<UnixSeconds> {
        match self {
            Self::Allowed => None,
            Self::NeedsApproval { within_s, .. } => Some(UnixSeconds(now.0.saturating_add(within_s))),
        }
    }
}
