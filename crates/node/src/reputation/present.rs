//! Presenting own escrows: each as a reference, chosen by the owner.

use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::{Keypair, SECP256K1};
use bitcoin::{BlockHash, Txid};
use engine::Status;
use protocol::Hex64;
use protocol::owner::PresentedView;
use protocol::reference::{Claim, MAX_BYTES, MOST_PRESENTED, PAGE, ReferenceFile, ReferencePage, VERSION};
use protocol::transcript::TranscriptFile;
use storage::Presented;
use terms::{DocumentError, Hex32, Side};
use tokio::task::block_in_place;
use transcript::reference;
use wallet::{Bitcoind, ChainError};

use super::check::Doubt;
use super::config::Publish;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::node::Node;
use crate::ticket::Ticket;
use crate::views::shown;

/// So many blocks are looked through for one transaction: two weeks.
const MOST_BLOCKS: usize = 2_016;

/// A reference of which only the blocks are missing.
struct Unplaced {
    transcript: TranscriptFile,
    by: Side,
    sig: Hex64,
    funding: Txid,
    closing: Txid,
    /// The chain's height when the escrow began, and when it ended.
    heights: (u32, u32),
}

impl Node {
    /// A finished escrow as a reference.
    ///
    /// # Errors
    /// When there is none, it is not finished, or its end cannot be shown.
    pub(crate) async fn reference(&self, id: Hex32) -> Result<ReferenceFile, NodeError> {
        let unplaced = self.core.lock().await.unplaced(id).await?;
        let (funding, closing, (from, to)) = (unplaced.funding, unplaced.closing, unplaced.heights);
        let places = move |chain: &Bitcoind| -> Result<_, NodeError> {
            Ok((locate(chain, funding, from..=to)?, locate(chain, closing, (from..=to).rev())?))
        };
        let (Some(funding_block), Some(closing_block)) = self.chain.run(places).await? else {
            return Err(NodeError::NotFound { what: "block with its transactions" });
        };
        let (transcript, by, sig) = (unplaced.transcript, unplaced.by, unplaced.sig);
        let file = ReferenceFile { v: VERSION, transcript, funding_block, closing_block, by, sig };
        let bytes = file.canonical();
        if bytes.len() > MAX_BYTES {
            return Err(DocumentError::new("transcript", "is larger than a reference may be").into());
        }
        // An own one is held to the same rules: what others would refuse is not presented.
        block_in_place(|| reference::verify(&bytes)).map_err(Doubt::from)?;
        Ok(file)
    }

    /// Presents a finished escrow from now on. Again it is made anew, as after a reorganisation.
    ///
    /// # Errors
    /// As [`Node::reference`]; and when 200 are presented already.
    pub(crate) async fn present(&self, id: Hex32, ticket: &Ticket) -> Result<PresentedView, NodeError> {
        let file = self.reference(id).await?;
        let mut core = self.core.lock().await;
        let known = core.store.presented(None, MOST_PRESENTED).await?;
        if known.len() >= MOST_PRESENTED && !known.iter().any(|one| one.escrow == id) {
            return Err(DocumentError::new("id", "is one too many: 200 escrows are presented already").into());
        }
        let row = Presented { hash: file.hash(), escrow: id };
        let view = core.presented_view(&row);
        let mut change = Change { answer: ticket.answer(&view)?, ..Change::default() };
        change.references.presented = Some((row, file.canonical()));
        core.commit(change, self.now()).await?;
        Ok(view)
    }
}

impl Core {
    async fn unplaced(&mut self, id: Hex32) -> Result<Unplaced, NodeError> {
        let escrow = self.escrow(id)?;
        let state = escrow.noted;
        let (Status::Settled | Status::Refunded | Status::Closed, Some(funding), Some((closing, ..))) =
            (state, escrow.funding, &escrow.spend)
        else {
            return Err(NodeError::NotFinished { state: state.name() });
        };
        let (closing, by) = (*closing, escrow.opened.side);
        let heights = (escrow.opened.height, escrow.noted_height);
        let agreement = escrow.agreement();
        let claim = Claim {
            provider: agreement.provider.key,
            buyer: agreement.buyer.key,
            terms_hash: agreement.terms_hash(),
            funding_txid: shown(funding.txid),
        };
        let secret = self.keys.contracts.secret(escrow.opened.temporary_id.0)?;
        let sig = claim.seal(&Keypair::from_secret_key(SECP256K1, &secret));
        let transcript = self.transcript_file(id).await?;
        Ok(Unplaced { transcript, by, sig, funding: funding.txid, closing, heights })
    }

    /// Presents an escrow no more.
    ///
    /// # Errors
    /// When it is not presented, or the database fails.
    pub(crate) async fn withhold(
        &mut self,
        id: Hex32,
        ticket: &Ticket,
        now: u64,
    ) -> Result<PresentedView, NodeError> {
        let known = self.store.presented(None, MOST_PRESENTED).await?;
        let row = known.into_iter().find(|one| one.escrow == id);
        let row = row.ok_or(NodeError::NotFound { what: "presented escrow" })?;
        let view = PresentedView { public: false, ..self.presented_view(&row) };
        let mut change = Change { answer: ticket.answer(&view)?, ..Change::default() };
        change.references.withheld = Some(id);
        self.commit(change, now).await?;
        Ok(view)
    }

    /// What the owner has chosen to present.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn presented(&self) -> Result<Vec<PresentedView>, NodeError> {
        let rows = self.store.presented(None, MOST_PRESENTED).await?;
        Ok(rows.iter().map(|row| self.presented_view(row)).collect())
    }

    fn presented_view(&self, row: &Presented) -> PresentedView {
        PresentedView { escrow: row.escrow, hash: row.hash, public: self.publishes() }
    }

    fn publishes(&self) -> bool {
        self.config.reputation.publish == Publish::Own
    }

    /// A page of what peers can read.
    ///
    /// # Errors
    /// When the owner publishes nothing, or the database fails.
    pub(crate) async fn reference_page(&self, after: Option<Hex32>) -> Result<ReferencePage, NodeError> {
        if !self.publishes() {
            return Err(NodeError::NotFound { what: "address" });
        }
        let rows = self.store.presented(after, PAGE + 1).await?;
        let references: Vec<Hex32> = rows.iter().take(PAGE).map(|row| row.hash).collect();
        let next = references.last().copied().filter(|_| rows.len() > PAGE);
        Ok(ReferencePage { references, next })
    }

    /// One of them.
    ///
    /// # Errors
    /// When there is none, the owner publishes nothing, or the database fails.
    pub(crate) async fn presented_file(&self, hash: Hex32) -> Result<Vec<u8>, NodeError> {
        let missing = NodeError::NotFound { what: "reference" };
        if !self.publishes() {
            return Err(missing);
        }
        self.store.presented_file(hash).await?.ok_or(missing)
    }
}

/// The block of the best chain, at one of these heights, that has a transaction.
fn locate(
    chain: &Bitcoind,
    txid: Txid,
    heights: impl Iterator<Item = u32>,
) -> Result<Option<Hex32>, ChainError> {
    for height in heights.take(MOST_BLOCKS) {
        let Some(hash) = chain.block_hash(height)? else { continue };
        let block = chain.block(&hash)?;
        if block.txdata.iter().any(|tx| tx.compute_txid() == txid) {
            return Ok(Some(as_shown(hash)));
        }
    }
    Ok(None)
}

/// A block's hash as explorers show it.
fn as_shown(hash: BlockHash) -> Hex32 {
    let mut bytes = hash.to_byte_array();
    bytes.reverse();
    Hex32(bytes)
}
