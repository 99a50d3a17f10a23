//! In whose name something is done.

use terms::Hex32;

use crate::core::{Change, Core};
use crate::error::NodeError;

impl Core {
    /// From here on a session, and the escrow that it leads to, is in a delegated key's name. It is stored with them.
    pub(crate) fn act_for(&mut self, id: Hex32, key: Option<&str>) {
        if let Some(key) = key {
            self.guard.acting.insert(id, key.to_owned());
        }
    }

    /// Forgets, in memory as in storage, in whose name what is forgotten was, and what was refused and never stored.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn forget_names(&mut self) -> Result<(), NodeError> {
        self.guard.acting = self.store.acting().await?.into_iter().collect();
        Ok(())
    }

    /// What somebody's session leads to is in the name of whoever published the offer, or began the escrow, that it is
    /// about.
    pub(crate) fn act_as_before(&mut self, session: Hex32, about: Option<Hex32>) {
        let key = about.and_then(|about| self.guard.acting.get(&about)).cloned();
        self.act_for(session, key.as_deref());
    }

    /// Stores in whose name the sessions, escrows and offers of a change are.
    pub(super) async fn write_names(
        &self,
        tx: &mut storage::Tx<'_>,
        change: &Change,
    ) -> Result<(), NodeError> {
        let session = change.session.as_ref().map(|session| session.id);
        let offer = change.offer.as_ref().map(|offer| offer.id);
        let begun = change.events.iter().map(|(id, _)| *id);
        for id in session.into_iter().chain(offer).chain(begun) {
            if let Some(key) = self.guard.acting.get(&id) {
                tx.put_acting(id, key).await?;
            }
        }
        Ok(())
    }
}
