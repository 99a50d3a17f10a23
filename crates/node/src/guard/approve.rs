//! The owner agrees: what waited for their word is done, and whoever asked for it finds what came of it.

use protocol::owner::{ApprovalView, DryAction, DryRun};
use terms::Hex32;
use tokio::sync::OwnedMutexGuard;

use crate::core::Change;
use crate::error::NodeError;
use crate::node::Node;
use crate::ticket::Ticket;

/// The ticket of a purchase, and its turn, so that one that is repeated meanwhile waits.
type Resumed = (Ticket, Option<OwnedMutexGuard<()>>);

impl Node {
    /// The owner agrees to a commitment. What is allowed is checked anew, and a purchase that waited for it is made. Its
    /// answer is stored with it under its own Idempotency-Key, so that who repeats it is told of the escrow.
    ///
    /// # Errors
    /// As for the decision; and when the purchase cannot be made now: it stays approved until its time has passed, and
    /// whoever asked can ask again.
    pub(crate) async fn approve(
        &self,
        terms_hash: Hex32,
        ticket: &Ticket,
    ) -> Result<ApprovalView, NodeError> {
        if ticket.is_rehearsal() {
            let view = self.core.lock().await.decide_approval(terms_hash, true, ticket, self.now()).await?;
            let note = format!("it was approved before, and is {:?}", view.state).to_lowercase();
            return Err(NodeError::Rehearsed(Box::new(DryRun::of(DryAction::Nothing).noting(note))));
        }
        let (resumed, _turn) = self.resumed(terms_hash, ticket).await?;
        let purchase = {
            let mut core = self.core.lock().await;
            // Its answer is only stored with what it leads to: repeated, it tries again.
            core.decide_approval(terms_hash, true, &Ticket::default(), self.now()).await?;
            core.approved_purchase(terms_hash, self.now())
        };
        if let Some((request, key)) = purchase {
            self.purchase(&request, &resumed.by(key)).await?;
        }
        let mut core = self.core.lock().await;
        let now = self.now();
        let view = core.approval_view(terms_hash, now)?;
        core.commit(Change { answer: ticket.answer(&view)?, ..Change::default() }, now).await?;
        Ok(view)
    }

    /// The ticket under which the purchase was asked for that waits for a word; an empty one where it had no key, or where
    /// that was used for something else since. A turn that another request has is not waited for: that one may wait for ours.
    async fn resumed(&self, terms_hash: Hex32, ticket: &Ticket) -> Result<Resumed, NodeError> {
        let nothing = (Ticket::default(), None);
        let once = self.core.lock().await.asked_once(terms_hash);
        let Some((key, request_hash)) = once.filter(|(key, _)| ticket.key() != Some(key)) else {
            return Ok(nothing);
        };
        let turn = self.turns.try_take(&key).ok_or(NodeError::Busy)?;
        match self.core.lock().await.store.answer(&key).await? {
            Some(_) => Ok(nothing),
            None => Ok((Ticket::new(key, request_hash), Some(turn))),
        }
    }
}
