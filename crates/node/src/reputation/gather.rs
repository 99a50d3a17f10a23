//! References of others: fetched or brought, verified, kept.

use std::collections::BTreeSet;
use std::time::Duration;

use client::PeerClient;
use negotiation::reputation::makes_room;
use protocol::Card;
use protocol::owner::{FetchRequest, Fetched, Finished, RefusedReference};
use storage::VerifiedReference;
use terms::{Hex32, canonical};
use tokio::task::block_in_place;
use transcript::reference::{self, Shown};

use super::check::{self, Doubt};
use super::count::read;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::node::Node;

/// So many references are kept of one provider.
pub(crate) const MOST_KEPT: usize = 1_000;
/// How long a provider may take for one reference: a page of them must not take longer than its owner waits.
const LIMIT: Duration = Duration::from_secs(10);

impl Node {
    /// Verifies a reference that the owner brings, and keeps it, about whatever provider it is.
    ///
    /// # Errors
    /// What is wrong with it; and when the Bitcoin node or the database fails.
    pub(crate) async fn bring_reference(&self, bytes: &[u8]) -> Result<Finished, NodeError> {
        let shown = self.verified(bytes).await?;
        // Whoever wrote it, its address is the hash of its one canonical form.
        let file = protocol::reference::ReferenceFile::parse(bytes)?;
        self.keep(&shown, file.hash()).await?;
        Ok(shown.finished)
    }

    /// Reads one page of what a provider presents, and verifies and keeps what is good of it.
    ///
    /// # Errors
    /// When the provider does not answer, or our own Bitcoin node or database fails. A reference that is no good is told of.
    pub(crate) async fn fetch_references(&self, request: &FetchRequest) -> Result<Fetched, NodeError> {
        request.check()?;
        let peer = PeerClient::new(&request.provider_url)?;
        let card = peer.card().await?;
        let page = peer.references(request.after).await?;
        let known = self.core.lock().await.store.verified_references(card.key).await?;
        let known: BTreeSet<Hex32> = known.into_iter().map(|kept| kept.hash).collect();
        let mut fetched = Fetched { key: card.key, verified: 0, refused: Vec::new(), next: page.next };
        for hash in page.references {
            // The chain is looked at again whenever it is to count.
            if known.contains(&hash) {
                fetched.verified += 1;
                continue;
            }
            match self.fetch_reference(&peer, &card, hash).await {
                Ok(()) => fetched.verified += 1,
                Err(error @ (NodeError::Chain(_) | NodeError::Store(_))) => return Err(error),
                Err(error) => fetched.refused.push(RefusedReference { hash, why: error.to_string() }),
            }
        }
        Ok(fetched)
    }

    async fn fetch_reference(&self, peer: &PeerClient, card: &Card, hash: Hex32) -> Result<(), NodeError> {
        let read = tokio::time::timeout(LIMIT, peer.reference(hash)).await;
        let bytes = read.map_err(|_| NodeError::Silent)??;
        let shown = self.verified(&bytes).await?;
        let provider = shown.finished.provider;
        let former = card.successions.iter().any(|succession| succession.former == provider);
        if provider != card.key && !former {
            return Err(Doubt::Provider { provider }.into());
        }
        self.keep(&shown, hash).await
    }

    /// Everything about a reference that can be checked. No lock is held: it takes seconds.
    async fn verified(&self, bytes: &[u8]) -> Result<Shown, NodeError> {
        let shown = block_in_place(|| reference::verify(bytes)).map_err(Doubt::from)?;
        check::by_whom(&self.config, &shown)?;
        let (told, least) = (shown.clone(), self.config.confirmations);
        self.chain.run(move |chain| check::on_chain(chain, &told, least)).await?;
        Ok(shown)
    }

    pub(crate) async fn keep(&self, shown: &Shown, hash: Hex32) -> Result<(), NodeError> {
        let finished = &shown.finished;
        let mut core = self.core.lock().await;
        let mut change = Change::default();
        change.references.dropped = core.dropped_for(finished).await?;
        change.references.verified = Some(VerifiedReference {
            provider: finished.provider,
            funding_txid: finished.funding_txid,
            hash,
            funding_block: shown.funding_block,
            closing_block: shown.closing_block,
            json: String::from_utf8_lossy(&canonical::bytes(finished)).into_owned(),
        });
        core.commit(change, self.now()).await
    }
}

impl Core {
    /// Which reference is forgotten so that one more of its provider can be kept; none where there is room.
    ///
    /// # Errors
    /// When those that are kept are worth as much as the newcomer.
    async fn dropped_for(&self, newcomer: &Finished) -> Result<Option<(Hex32, Hex32)>, NodeError> {
        let known = self.store.verified_references(newcomer.provider).await?;
        let is_new = !known.iter().any(|kept| kept.funding_txid == newcomer.funding_txid);
        if !is_new || known.len() < MOST_KEPT {
            return Ok(None);
        }
        let known = known.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let dropped = makes_room(&known, newcomer, &self.trust()).ok_or(NodeError::TooManyReferences)?;
        Ok(Some((dropped.provider, dropped.funding_txid)))
    }
}
