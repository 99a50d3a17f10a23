//! Escrows that are agreed and that the wallet cannot lock: the owner is told at once, and not when the deadline has passed.
//!
//! Whoever takes terms by hand is refused where coins are missing. A strategy and a standing order take them without, since
//! coins may come, and coins that were there may go into another escrow before this one is locked.

use std::collections::BTreeSet;

use bitcoin::Amount;
use engine::{Escrow, Status};
use storage::{Fact, NoticeRow};
use terms::Hex32;
use wallet::SelectError;

use crate::core::Change;
use crate::core::Core;
use crate::error::NodeError;

/// The kind of a stored notice about an escrow without coins.
const COINS_MISSING: &str = "coins_missing";

impl Core {
    /// Tells the owner of each escrow for which coins have come to be missing since the last look, once. Which they are is
    /// stored with the alarm, so that a restart repeats none and loses none.
    ///
    /// # Errors
    /// When the database fails; the next look tries again.
    pub(crate) async fn watch_coins(&mut self, now: u64) -> Result<(), NodeError> {
        let coming = self.wallet.balance(&BTreeSet::new()).unconfirmed;
        let short: Vec<(Hex32, String)> =
            self.escrows.values().filter_map(|it| self.lacks(it, coming)).collect();
        let ids: BTreeSet<Hex32> = short.iter().map(|(id, _)| *id).collect();
        if ids == self.short_of_coins {
            return Ok(());
        }
        let new = short.into_iter().filter(|(id, _)| !self.short_of_coins.contains(id));
        let notices: Vec<NoticeRow> =
            new.map(|(_, detail)| NoticeRow { at: now, kind: COINS_MISSING.to_owned(), detail }).collect();
        notices.iter().for_each(|notice| tracing::warn!("ALARM: {}", notice.detail));
        let json =
            serde_json::to_string(&ids).map_err(|_| NodeError::Damaged { what: "escrows without coins" })?;
        let change = Change { facts: vec![(Fact::ShortOfCoins, json)], notices, ..Change::default() };
        self.commit(change, now).await?;
        self.short_of_coins = ids;
        Ok(())
    }

    /// An escrow that waits for coins of ours which are neither free nor on their way, with the words of its alarm. Reserved
    /// coins are not free.
    fn lacks(&self, escrow: &Escrow, coming: Amount) -> Option<(Hex32, String)> {
        if engine::told(escrow) != Status::Agreed {
            return None;
        }
        let (id, agreement) = (escrow.id(), escrow.agreement());
        match self.coins_for(agreement, escrow.opened.side) {
            Err(NodeError::Coins(error @ SelectError::Insufficient { missing, .. })) if missing > coming => {
                let deadline = agreement.funding_deadline;
                let words = format!(
                    "escrow {id} is agreed and cannot be locked: {error}; it comes to nothing at {deadline}"
                );
                Some((id, words))
            }
            _ => None,
        }
    }
}

/// The escrows of which the owner was told, as they are stored.
///
/// # Errors
/// When the row is damaged.
pub(crate) fn read(json: Option<&str>) -> Result<BTreeSet<Hex32>, NodeError> {
    let read = json.map_or(Ok(BTreeSet::new()), serde_json::from_str);
    read.map_err(|_| NodeError::Damaged { what: "escrows without coins" })
}
