//! What the owner allows, kept: the ledger of commitments, delegated keys, the pause, approvals.
//!
//! Everything that commits money asks [`Core::may_commit`] or [`Core::may_leave`], and nothing else decides: both hand
//! what is stored to `mandate::Authority`. What is allowed is counted by [`Core::newly_committed`] in the transaction
//! that stores it.

mod approvals;
mod approve;
mod count;
mod keys;
mod limits;
mod name;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::Transaction;
use engine::Escrow;
use mandate::{Authority, Commitment, DAY_S, Delegation, History, Ledger, Live, Mandate, Source, Verdict};
use storage::{Fact, Store};
use terms::{Hex32, Sat, Side, UnixSeconds};

pub(crate) use self::approvals::{Approval, Asked};
pub(crate) use self::keys::{DelegatedKey, KeptSecret};
use crate::core::Core;
use crate::error::NodeError;
use crate::money::spend::Purpose;

/// Of a key without limits of its own, which may only read.
static NOTHING: Mandate = Mandate::ceilings(Sat(0), Sat(0), Sat(0));

/// What the node keeps in memory about what the owner allows; all of it is stored.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    /// What was committed in the last 24 hours.
    pub ledger: Ledger,
    /// Delegated keys by name, also those that were revoked.
    pub keys: BTreeMap<String, DelegatedKey>,
    /// In whose name sessions, escrows and offers are, where it is not the owner's.
    pub acting: BTreeMap<Hex32, String>,
    /// What the owner is asked about, by the hash of the terms.
    pub approvals: BTreeMap<Hex32, Approval>,
    /// Whether everything is paused.
    pub paused: bool,
    /// Limits of which the owner was told that they are nearly used up.
    pub near: BTreeSet<String>,
}

impl Guard {
    /// From what is stored.
    ///
    /// # Errors
    /// When the database fails or a row cannot be read.
    pub(crate) async fn load(store: &Store) -> Result<Self, NodeError> {
        let rows = store.last_commitments(DAY_S).await?;
        let keys = store.delegated_keys().await?;
        let keys = keys.into_iter().map(|row| Ok((row.name.clone(), DelegatedKey::read(row)?)));
        let approvals = store.approvals().await?;
        let approvals = approvals.iter().map(|row| Ok((row.terms_hash, Approval::read(row)?)));
        let near = store.fact(Fact::NearLimits).await?;
        let near = near.map_or(Ok(BTreeSet::new()), |json| serde_json::from_str(&json));
        Ok(Self {
            ledger: Ledger::from_rows(rows.into_iter().filter_map(count::spent)),
            keys: keys.collect::<Result<_, NodeError>>()?,
            acting: store.acting().await?.into_iter().collect(),
            approvals: approvals.collect::<Result<_, NodeError>>()?,
            paused: store.fact(Fact::Paused).await?.as_deref() == Some("yes"),
            near: near.map_err(|_| NodeError::Damaged { what: "near limits" })?,
        })
    }

    /// Now, as limits count it: a clock that is set back frees nothing.
    pub(crate) fn time(&self, now: u64) -> UnixSeconds {
        self.ledger.time(UnixSeconds(now))
    }
}

impl Core {
    /// Whether an escrow may be committed, beside everything else: the one question before anything of ours is reserved or
    /// signed.
    ///
    /// # Errors
    /// When the owner does not allow it, or has to be asked.
    pub(crate) fn may_commit(
        &self,
        id: Hex32,
        terms_hash: Hex32,
        request: Commitment,
        now: u64,
    ) -> Result<(), NodeError> {
        let name = self.guard.acting.get(&id).map(String::as_str);
        let verdict = self.authority(name).commit(&request, &self.history(Some(id), now)?)?;
        match verdict {
            Verdict::Allowed => Ok(()),
            Verdict::NeedsApproval { above, within_s } => {
                let key = name.map(str::to_owned);
                self.is_approved(
                    Asked { id, key, terms_hash, agreement: None, request, above, within_s },
                    now,
                )
            }
        }
    }

    /// Whether the mandate allows what a transaction takes out of the wallet, after all that left it in the 24 hours
    /// before. The scheduled sweep is not asked about and does not count: see `docs/node.md`.
    ///
    /// # Errors
    /// When it does not, or the database fails.
    pub(crate) async fn may_leave(&self, tx: &Transaction, now: u64) -> Result<(), NodeError> {
        let now = self.guard.time(now).0;
        let day = self.store.outflows_since(now.saturating_sub(DAY_S)).await?;
        let counted = day.iter().filter(|outflow| outflow.kind != Purpose::Sweep.name());
        let withdrawn = Sat(counted.fold(0u64, |sum, outflow| sum.saturating_add(outflow.sat)));
        let history = History { withdrawn, ..self.history(None, now)? };
        let leaving = Sat(self.wallet.leaves(tx).to_sat());
        Ok(self.authority(None).withdraw(leaving, &history)?)
    }

    /// What can stand against a commitment in a key's name, or in the owner's.
    fn authority<'a>(&'a self, name: Option<&'a str>) -> Authority<'a> {
        let delegation = |name| {
            let key = self.guard.keys.get(name);
            // A name that nobody knows is not the owner's: it may do nothing.
            let limits = key.and_then(|key| key.limits.as_ref()).unwrap_or(&NOTHING);
            Delegation { name, limits, revoked: key.is_none_or(|key| key.revoked_at.is_some()) }
        };
        Authority { mandate: &self.config.mandate, key: name.map(delegation), paused: self.guard.paused }
    }

    /// Everything that limits are measured against, without one escrow.
    ///
    /// # Errors
    /// Never for escrows that were read.
    pub(crate) fn history(&self, without: Option<Hex32>, now: u64) -> Result<History, NodeError> {
        let live = self.escrows.values().filter(|escrow| !escrow.noted.is_final());
        let live = live.filter(|escrow| Some(escrow.id()) != without);
        let counted = |source| match source {
            Source::Escrow(id) => Some(id) != without && self.escrows.get(&id).is_none_or(was_committed),
            Source::Payment(_) => true,
        };
        Ok(History {
            live: live.map(|escrow| self.live(escrow)).collect(),
            spent: self.guard.ledger.spent().filter(|spent| counted(spent.source)).cloned().collect(),
            withdrawn: Sat(0),
            now: self.guard.time(now),
        })
    }

    fn live(&self, escrow: &Escrow) -> Live {
        let provides = escrow.opened.side == Side::Provider;
        Live {
            counterparty: escrow.counterparty(),
            locked: crate::peers::lock::committed(escrow),
            service: escrow.agreement().measurement.target.host(),
            bond: if provides { escrow.agreement().bond_sat } else { Sat(0) },
            unsigned: provides && !escrow.at_stake(),
            key: self.guard.acting.get(&escrow.id()).cloned(),
        }
    }
}

/// An escrow that ended before our signature left has committed nothing: whoever only begins escrows uses up no ceiling.
fn was_committed(escrow: &Escrow) -> bool {
    escrow.at_stake() || escrow.abandoned.is_none()
}
