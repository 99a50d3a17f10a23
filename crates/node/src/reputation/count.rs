//! What is known of a provider: own history first, then what was presented and is still in the chain.

use engine::{Escrow, SpendKind, Status};
use negotiation::reputation::{Ending, Trust, finished, most_ppm, weigh};
use protocol::owner::{Finished, ReputationView};
use storage::VerifiedReference;
use terms::{Hex32, Side};

use super::check;
use crate::core::Core;
use crate::error::NodeError;
use crate::node::Node;
use crate::oracles::deciding::deciding;
use crate::views::shown;

impl Node {
    /// What is known of a provider's key now.
    ///
    /// # Errors
    /// When the Bitcoin node or the database fails.
    pub(crate) async fn reputation(&self, key: Hex32) -> Result<ReputationView, NodeError> {
        let (own, never_locked, kept, trust) = {
            let core = self.core.lock().await;
            let kept = core.store.verified_references(key).await?;
            (core.own_history(key), core.never_locked(key), kept, core.trust())
        };
        let all = kept.len() as u64;
        let still = match kept.is_empty() {
            true => kept,
            false => self.still_there(kept).await?,
        };
        let gone = all - still.len() as u64;
        let presented = still.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let weighed = weigh(&own, &presented, &trust);
        Ok(ReputationView {
            key,
            counted: weighed.counted,
            pays_ppm: most_ppm(&weighed.counted, self.config.reputation.unknown_ppm).0,
            own: weighed.own,
            trusted: weighed.trusted,
            strangers: weighed.strangers,
            never_locked,
            gone,
            finished: listed(own, presented),
        })
    }

    /// Those references whose blocks are in the best chain now, and deep enough.
    async fn still_there(&self, kept: Vec<VerifiedReference>) -> Result<Vec<VerifiedReference>, NodeError> {
        let least = self.config.confirmations;
        self.chain
            .run(move |chain| {
                let deep = |block, least| -> Result<bool, NodeError> {
                    let depth = check::place(chain, block)?.and_then(|place| place.depth);
                    Ok(depth.is_some_and(|depth| depth >= least))
                };
                let mut still = Vec::new();
                for one in kept {
                    if deep(one.funding_block, 1)? && deep(one.closing_block, least)? {
                        still.push(one);
                    }
                }
                Ok(still)
            })
            .await
    }
}

impl Core {
    /// The escrows with a provider that this node lived through as the buyer, and of whose end it knows what it says.
    fn own_history(&self, provider: Hex32) -> Vec<Finished> {
        self.bought_of(provider).filter_map(lived).collect()
    }

    /// How many agreements with a provider were never locked.
    fn never_locked(&self, provider: Hex32) -> u64 {
        self.bought_of(provider).filter(|escrow| escrow.noted == Status::Cancelled).count() as u64
    }

    fn bought_of(&self, provider: Hex32) -> impl Iterator<Item = &Escrow> {
        let with = move |escrow: &&Escrow| escrow.agreement().provider.key == provider;
        self.escrows.values().filter(|escrow| escrow.opened.side == Side::Buyer).filter(with)
    }

    /// Whose word counts: whom the owner trusts, and this node under each key that it had.
    pub(super) fn trust(&self) -> Trust {
        let own = self.own_keys();
        let buyers = self.config.reputation.trust.iter().copied();
        let buyers = buyers.chain([own.current]).chain(own.former).collect();
        Trust { buyers, strangers: self.config.reputation.strangers }
    }
}

fn lived(escrow: &Escrow) -> Option<Finished> {
    let (closing, kind, _) = escrow.spend.as_ref()?;
    let attested = deciding(escrow).map(|(_, outcome)| outcome);
    let ending = match (escrow.noted, *kind) {
        (Status::Settled, SpendKind::Cet { provider_sat, .. }) => {
            Ending::Attested { outcome: attested.as_ref()?, provider_sat }
        }
        (Status::Closed, SpendKind::Close { .. }) => Ending::Closed,
        (Status::Refunded, SpendKind::Refund) => Ending::Refunded,
        _ => return None,
    };
    finished(escrow.agreement(), shown(escrow.funding?.txid), shown(*closing), ending)
}

/// Each once, the own ones before what was presented of them, the newest window first.
fn listed(own: Vec<Finished>, presented: Vec<Finished>) -> Vec<Finished> {
    let mut all = own;
    for one in presented {
        if !all.iter().any(|known| known.funding_txid == one.funding_txid) {
            all.push(one);
        }
    }
    all.sort_by_key(|one| std::cmp::Reverse((one.window.start, one.funding_txid)));
    all
}

/// What a kept reference shows.
///
/// # Errors
/// When its row is damaged.
pub(super) fn read(kept: &VerifiedReference) -> Result<Finished, NodeError> {
    serde_json::from_str(&kept.json).map_err(|_| NodeError::Damaged { what: "reference" })
}
