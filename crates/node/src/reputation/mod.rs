//! Reputation from facts: finished escrows, presented to others or verified from others, counted, and asked for before buying.
//!
//! A reference that somebody presents is believed only after `transcript::reference` has found everything in it to follow
//! from what was signed, and this node's own bitcoind has both of its transactions where it says ([`check`]). What of it
//! counts, `negotiation::reputation` decides. Own escrows need no reference: the node has lived through them.

pub(crate) mod check;
mod config;
mod count;
mod demand;
pub(crate) mod gather;
mod present;

use protocol::owner::End;
use storage::{Presented, StoreError, VerifiedReference};
use terms::Hex32;

pub use check::Doubt;
pub use config::{Publish, ReputationConfig};

/// What a change does about references.
#[derive(Debug, Default)]
pub(crate) struct ReferenceRows {
    /// An escrow that is presented from now on, as others get it.
    pub presented: Option<(Presented, Vec<u8>)>,
    /// One that is presented no more.
    pub withheld: Option<Hex32>,
    /// A reference of somebody else's that was verified,
    pub verified: Option<VerifiedReference>,
    /// and the one that makes room for it: its provider and funding transaction.
    pub dropped: Option<(Hex32, Hex32)>,
}

impl ReferenceRows {
    /// Whether there is anything to write.
    pub fn any(&self) -> bool {
        self.presented.is_some() || self.withheld.is_some() || self.verified.is_some()
    }

    /// Whether a reference to a broken promise is among it.
    pub fn is_breach(&self) -> bool {
        let finished = self.verified.as_ref().map(count::read);
        finished.is_some_and(|finished| finished.is_ok_and(|finished| finished.end == End::Breached))
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write(&self, tx: &mut storage::Tx<'_>, now: u64) -> Result<(), StoreError> {
        if let Some((presented, file)) = &self.presented {
            tx.present(presented, file).await?;
        }
        if let Some(escrow) = self.withheld {
            tx.withhold(escrow).await?;
        }
        if let Some((provider, funding_txid)) = self.dropped {
            tx.forget_reference(provider, funding_txid).await?;
        }
        if let Some(verified) = &self.verified {
            tx.keep_reference(verified, now).await?;
        }
        Ok(())
    }
}
