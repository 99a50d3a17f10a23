//! Holding a reference to our own chain, and to the oracles that this node believes.

use bitcoin::BlockHash;
use bitcoin::hashes::Hash as _;
use protocol::{Problem, ProblemType};
use terms::Hex32;
use transcript::Fault;
use transcript::reference::Shown;
use wallet::chain::BlockPlace;
use wallet::{Bitcoind, ChainError};

use crate::config::Config;
use crate::error::NodeError;
use crate::views::shown;

/// Bitcoin Core's code for a block whose data it does not have, as when it has pruned it.
const NO_DATA: i32 = -1;

/// Why a reference does not count.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// It does not hold together.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It is of another chain.
    #[error("transcript: is of {network}, which is not this node's network")]
    Network {
        /// The one that it is of.
        network: String,
    },
    /// It rests on an oracle that this node does not believe.
    #[error("transcript.attestations: {key} is none of the oracles that this node believes")]
    Oracle {
        /// The oracle's key.
        key: Hex32,
    },
    /// The provider that presents it is not the one that it is about.
    #[error("transcript: is about the provider {provider}, not about who presents it")]
    Provider {
        /// The one that it is about.
        provider: Hex32,
    },
    /// Our Bitcoin node knows no such block.
    #[error("{field}: bitcoind has no block {block}")]
    NoBlock {
        /// Which of the two.
        field: &'static str,
        /// The block.
        block: Hex32,
    },
    /// It is in no chain that counts: it was reorganised away, or is of a fork.
    #[error("{field}: block {block} is not in the best chain")]
    Stale {
        /// Which of the two.
        field: &'static str,
        /// The block.
        block: Hex32,
    },
    /// Our Bitcoin node has thrown the block away.
    #[error("{field}: bitcoind has pruned block {block}, so that nothing can be looked up in it")]
    Pruned {
        /// Which of the two.
        field: &'static str,
        /// The block.
        block: Hex32,
    },
    /// The block does not have the transaction.
    #[error("{field}: block {block} does not have transaction {txid}")]
    NotThere {
        /// Which of the two.
        field: &'static str,
        /// The block.
        block: Hex32,
        /// The transaction.
        txid: Hex32,
    },
    /// What ended the escrow is not final.
    #[error("closing_block: is {depth} blocks deep, and only what is {least} deep counts")]
    Shallow {
        /// How deep it is.
        depth: u32,
        /// How deep it must be.
        least: u32,
    },
    /// It was locked when its outcome could be known.
    #[error("funding_block: was found after the window had begun")]
    Late,
}

impl Doubt {
    /// The field and the rule, as whoever brought the reference is told.
    pub(crate) fn problem(&self) -> Problem {
        let text = self.to_string();
        match text.split_once(": ") {
            Some((field, rule)) => Problem::new(ProblemType::BadInput, rule).at(field),
            None => Problem::new(ProblemType::BadInput, text),
        }
    }
}

/// Whether a reference is of our network, and rests on oracles that we believe.
pub(crate) fn by_whom(config: &Config, shown: &Shown) -> Result<(), Doubt> {
    if shown.network != config.network {
        return Err(Doubt::Network { network: shown.network.clone() });
    }
    let pinned = |key: &Hex32| config.oracles.iter().any(|oracle| oracle.key == *key);
    let believed = |key: &Hex32| pinned(key) || config.reputation.oracles.contains(key);
    match shown.oracles.iter().find(|key| !believed(key)) {
        Some(key) => Err(Doubt::Oracle { key: *key }),
        None => Ok(()),
    }
}

/// Whether our own chain has what a reference tells: funded before the window, and paid out so long ago that it is final.
pub(super) fn on_chain(chain: &Bitcoind, told: &Shown, least: u32) -> Result<(), NodeError> {
    let (locked, paid) = (told.finished.funding_txid, told.finished.closing_txid);
    let funding = holds(chain, "funding_block", told.funding_block, locked)?;
    if funding.median_time_s >= told.finished.window.start.0 {
        return Err(Doubt::Late.into());
    }
    let closing = holds(chain, "closing_block", told.closing_block, paid)?;
    let depth = closing.depth.unwrap_or(0);
    if depth < least {
        return Err(Doubt::Shallow { depth, least }.into());
    }
    Ok(())
}

/// A block of the best chain, which has a transaction.
fn holds(chain: &Bitcoind, field: &'static str, block: Hex32, txid: Hex32) -> Result<BlockPlace, NodeError> {
    let found = place(chain, block)?.ok_or(Doubt::NoBlock { field, block })?;
    if found.depth.is_none() {
        return Err(Doubt::Stale { field, block }.into());
    }
    let whole = match chain.block(&hash(block)) {
        Err(ChainError::Rpc { code: NO_DATA, .. }) => return Err(Doubt::Pruned { field, block }.into()),
        read => read?,
    };
    match whole.txdata.iter().any(|tx| shown(tx.compute_txid()) == txid) {
        true => Ok(found),
        false => Err(Doubt::NotThere { field, block, txid }.into()),
    }
}

/// Where a block is, as our Bitcoin node has it now.
pub(super) fn place(chain: &Bitcoind, block: Hex32) -> Result<Option<BlockPlace>, ChainError> {
    chain.block_place(&hash(block))
}

/// A block's hash, from how explorers show it.
fn hash(block: Hex32) -> BlockHash {
    let mut bytes = block.0;
    bytes.reverse();
    BlockHash::from_byte_array(bytes)
}
