//! Rotation: another token for the owner, another identity for the peers.

use std::sync::PoisonError;

use bitcoin::secp256k1::Keypair;
use protocol::owner::{IdentityRotation, TokenRotation};
use storage::{Fact, Store};
use terms::{DocumentError, Hex32, Side};
use tokio::task::block_in_place;

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys;
use crate::node::Node;
use crate::ticket::Ticket;

/// How often an identity is rotated at most: former keys are all derived when the node starts.
const MOST_ROTATIONS: u32 = 1_000;

/// The public identity keys, which the peers' door needs without the lock of the core.
#[derive(Clone, Debug)]
pub(crate) struct OwnKeys {
    /// Of the card and of new sessions.
    pub current: Hex32,
    /// Of sessions that began before.
    pub former: Vec<Hex32>,
}

impl Core {
    /// The identity keys as they are now.
    pub(crate) fn own_keys(&self) -> OwnKeys {
        OwnKeys { current: self.keys.public(), former: self.keys.former() }
    }

    /// Our identity in an escrow: the one of its agreement, which may be a former one.
    ///
    /// # Errors
    /// When there is no such escrow, or it is not ours.
    pub(crate) fn identity_in(&self, escrow: Hex32) -> Result<&Keypair, NodeError> {
        let escrow = self.escrow(escrow)?;
        let own = match escrow.opened.side {
            Side::Provider => escrow.agreement().provider.key,
            Side::Buyer => escrow.agreement().buyer.key,
        };
        self.keys.of(own).ok_or(NodeError::Damaged { what: "identity" })
    }

    /// Takes the next identity: its index is stored, with the answer, before anything is signed with it.
    async fn rotate_identity(&mut self, ticket: &Ticket, now: u64) -> Result<IdentityRotation, NodeError> {
        let index = self.keys.index + 1;
        if index > MOST_ROTATIONS {
            return Err(DocumentError::new("identity", "was rotated 1000 times, which is the most").into());
        }
        let rotation = IdentityRotation { key: self.keys.next(), former: self.keys.public(), index };
        let facts = vec![(Fact::IdentityIndex, index.to_string())];
        self.commit(Change { facts, answer: ticket.answer(&rotation)?, ..Change::default() }, now).await?;
        self.keys.rotate();
        if let Some(keeper) = &mut self.keeper {
            keeper.introduce_again();
        }
        tracing::info!(key = %rotation.key, former = %rotation.former, "the identity is rotated");
        Ok(rotation)
    }
}

impl Node {
    /// Takes the next identity key. Open sessions and escrows go on under theirs.
    ///
    /// # Errors
    /// When the database fails, or after a thousand times.
    pub(crate) async fn rotate_identity(&self, ticket: &Ticket) -> Result<IdentityRotation, NodeError> {
        let mut core = self.core.lock().await;
        let rotation = core.rotate_identity(ticket, self.now()).await?;
        *self.own_keys.write().unwrap_or_else(PoisonError::into_inner) = core.own_keys();
        Ok(rotation)
    }

    /// Writes a new token, durably, and only then stops taking the old one. Two at once take turns.
    ///
    /// # Errors
    /// When the file cannot be written; the old token is still good then.
    pub(crate) fn rotate_token(&self) -> Result<TokenRotation, NodeError> {
        let mut token = self.token.write().unwrap_or_else(PoisonError::into_inner);
        *token = block_in_place(|| keys::replace_token(&self.config.data_dir))?;
        tracing::info!("the owner's token is rotated");
        Ok(TokenRotation {})
    }

    /// The owner's token as it is now.
    pub(crate) fn token(&self) -> String {
        self.token.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The public identity keys as they are now.
    pub(crate) fn own_keys(&self) -> OwnKeys {
        self.own_keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The index of the current identity, as it is stored.
///
/// # Errors
/// When the database fails, or the row is damaged.
pub(crate) async fn stored_index(store: &Store) -> Result<u32, NodeError> {
    let Some(text) = store.fact(Fact::IdentityIndex).await? else { return Ok(0) };
    let index = text.parse().ok().filter(|index| *index <= MOST_ROTATIONS);
    index.ok_or(NodeError::Damaged { what: "identity index" })
}
