//! A chain of abstract transactions: blocks, a mempool that replaces by fee, median time past, reorganisations.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{OutPoint, Txid};
use engine::Place;
use terms::{Hex32, Side};

/// Who can spend an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Party(Side),
    /// Both parties of an escrow together.
    Both(Hex32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    pub owner: Owner,
    pub sat: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Where the parties' first coins come from.
    Coins,
    Funding(Hex32),
    Cet {
        provider_sat: u64,
        buyer_sat: u64,
    },
    Refund,
    /// A close by agreement.
    Close {
        provider_sat: u64,
        buyer_sat: u64,
    },
    /// An owner spends its own coins to itself.
    Own,
    /// An owner spends its output of a transaction that waits, so that both are mined.
    Bump,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tx {
    pub what: What,
    pub inputs: Vec<OutPoint>,
    pub outputs: Vec<Output>,
    pub fee: u64,
    /// Valid only when median time past is later.
    pub locktime: u64,
}

impl Tx {
    pub fn id(&self) -> Txid {
        Txid::from_byte_array(sha256::Hash::hash(format!("{self:?}").as_bytes()).to_byte_array())
    }

    pub fn outpoint(&self, vout: u32) -> OutPoint {
        OutPoint { txid: self.id(), vout }
    }
}

/// What becomes of the transactions of the blocks that a reorganisation takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// They go back into the mempool.
    Wait,
    /// They, and the mempool, are forgotten.
    Lost,
}

/// The blocks before the first of the model, so that heights are not zero.
const GROUND: u32 = 100;

#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// Every transaction that anybody ever made.
    pub known: BTreeMap<Txid, Tx>,
    /// Those that were ever broadcast: anybody may bring them back.
    pub public: BTreeSet<Txid>,
    /// The time of each block.
    times: Vec<u64>,
    /// In the order of the chain, each with its block's place.
    pub confirmed: Vec<(usize, Txid)>,
    /// In the order of arrival, which puts parents first.
    pub mempool: Vec<Txid>,
    /// What new transactions pay.
    pub going_sat_kvb: u64,
}

impl Chain {
    pub fn height(&self) -> u32 {
        GROUND + self.times.len() as u32
    }

    pub fn median_time_past(&self) -> u64 {
        let mut last: Vec<u64> = self.times.iter().rev().take(11).copied().collect();
        last.sort_unstable();
        last.get(last.len() / 2).copied().unwrap_or(0)
    }

    /// Makes a transaction known to whoever looks at its id; it is broadcast only by [`Chain::broadcast`].
    pub fn remember(&mut self, tx: &Tx) -> Txid {
        let id = tx.id();
        self.known.entry(id).or_insert_with(|| tx.clone());
        id
    }

    pub fn place(&self, id: &Txid) -> Place {
        if let Some((block, _)) = self.confirmed.iter().find(|(_, tx)| tx == id) {
            return Place::Confirmed { height: GROUND + 1 + *block as u32 };
        }
        if self.mempool.contains(id) { Place::Mempool } else { Place::Unknown }
    }

    pub fn depth(&self, id: &Txid) -> u32 {
        self.place(id).confirmations(self.height())
    }

    /// Who spends an output, in a block or in the mempool.
    pub fn spender(&self, outpoint: &OutPoint) -> Option<Txid> {
        self.seen().find(|id| self.known[id].inputs.contains(outpoint))
    }

    fn confirmed_spender(&self, outpoint: &OutPoint) -> Option<Txid> {
        let mut ids = self.confirmed.iter().map(|(_, id)| *id);
        ids.find(|id| self.known[id].inputs.contains(outpoint))
    }

    fn seen(&self) -> impl Iterator<Item = Txid> + '_ {
        self.confirmed.iter().map(|(_, id)| *id).chain(self.mempool.iter().copied())
    }

    pub fn output(&self, outpoint: &OutPoint) -> Option<Output> {
        self.known.get(&outpoint.txid)?.outputs.get(outpoint.vout as usize).copied()
    }

    /// Confirmed outputs of a party that nothing spends.
    pub fn coins(&self, side: Side) -> Vec<(OutPoint, u64)> {
        let ids = self.confirmed.iter().map(|(_, id)| id);
        let outputs = ids.flat_map(|id| {
            let outputs = self.known[id].outputs.iter().enumerate();
            outputs.map(|(vout, output)| (OutPoint { txid: *id, vout: vout as u32 }, *output))
        });
        let own = outputs.filter(|(_, output)| output.owner == Owner::Party(side));
        let own = own.filter(|(outpoint, _)| self.spender(outpoint).is_none());
        own.map(|(outpoint, output)| (outpoint, output.sat)).collect()
    }

    /// Takes a transaction into the mempool, and whatever it replaces out of it. Says whether it is there afterwards, or
    /// in a block.
    pub fn broadcast(&mut self, tx: &Tx) -> bool {
        let id = self.remember(tx);
        self.public.insert(id);
        if self.place(&id).is_seen() {
            return true;
        }
        let exists = |input: &OutPoint| self.seen().any(|id| id == input.txid);
        let spent = tx.inputs.iter().any(|input| self.confirmed_spender(input).is_some());
        if spent || !tx.inputs.iter().all(exists) || !self.is_final(tx) {
            return false;
        }
        let replaced = self.conflicts(tx);
        let paid: u64 = replaced.iter().map(|id| self.known[id].fee).sum();
        let own_ancestor = tx.inputs.iter().any(|input| replaced.contains(&input.txid));
        if own_ancestor || (!replaced.is_empty() && tx.fee <= paid) {
            return false;
        }
        self.mempool.retain(|id| !replaced.contains(id));
        self.mempool.push(id);
        true
    }

    fn is_final(&self, tx: &Tx) -> bool {
        tx.locktime == 0 || tx.locktime < self.median_time_past()
    }

    /// What in the mempool spends an input of a transaction, with all that hangs on it.
    fn conflicts(&self, tx: &Tx) -> Vec<Txid> {
        let mut found: Vec<Txid> = Vec::new();
        for id in &self.mempool {
            let other = &self.known[id];
            let clashes = other.inputs.iter().any(|input| tx.inputs.contains(input));
            if clashes || other.inputs.iter().any(|input| found.contains(&input.txid)) {
                found.push(*id);
            }
        }
        found
    }

    /// The fees of a transaction that waits and of all that hangs on it: what whoever replaces it must exceed.
    pub fn waiting_fees(&self, tx: &Tx) -> u64 {
        let twin = Tx { fee: 0, ..tx.clone() };
        self.conflicts(&twin).iter().map(|id| self.known[id].fee).sum()
    }

    /// Adds a block with those transactions of the mempool whose place in it `takes`, and whose parents are in.
    pub fn mine(&mut self, now: u64, takes: impl Fn(usize) -> bool) {
        let time = now.max(self.times.last().map_or(0, |last| last + 1));
        self.times.push(time);
        let block = self.times.len() - 1;
        let waiting = std::mem::take(&mut self.mempool);
        for (place, id) in waiting.into_iter().enumerate() {
            let parents_in = self.known[&id].inputs.iter().all(|input| self.in_block(&input.txid));
            if takes(place) && parents_in {
                self.confirmed.push((block, id));
            } else {
                self.mempool.push(id);
            }
        }
    }

    fn in_block(&self, id: &Txid) -> bool {
        self.confirmed.iter().any(|(_, tx)| tx == id)
    }

    /// Replaces the last `depth` blocks by `depth + 1` others. The first of them holds `instead`, where that is valid there,
    /// and nothing else; what it contradicts is gone.
    pub fn reorganise(&mut self, depth: usize, now: u64, returned: Returned, instead: Option<&Tx>) {
        let back = self.last(depth);
        let kept = self.times.len().saturating_sub(depth);
        let removed = self.times.len() - kept;
        self.confirmed.retain(|(block, _)| *block < kept);
        self.times.truncate(kept);
        let waiting = std::mem::take(&mut self.mempool);
        if instead.is_some_and(|tx| self.broadcast(tx)) {
            self.mine(now, |_| true);
        }
        if returned == Returned::Wait {
            for id in back.into_iter().chain(waiting) {
                let tx = self.known[&id].clone();
                self.broadcast(&tx);
            }
        }
        while self.times.len() < kept + removed + 1 {
            self.mine(now, |_| false);
        }
    }

    /// What a reorganisation of some depth takes back.
    pub fn last(&self, depth: usize) -> Vec<Txid> {
        let kept = self.times.len().saturating_sub(depth);
        self.confirmed.iter().filter(|(block, _)| *block >= kept).map(|(_, id)| *id).collect()
    }

    /// What was once broadcast and contradicts one of these.
    pub fn rivals(&self, of: &[Txid]) -> Vec<Tx> {
        let inputs: Vec<OutPoint> = of.iter().flat_map(|id| self.known[id].inputs.clone()).collect();
        let public = self.public.iter().filter(|id| !of.contains(id)).map(|id| &self.known[id]);
        public.filter(|tx| tx.inputs.iter().any(|input| inputs.contains(input))).cloned().collect()
    }

    /// How many children are in blocks that paid for their parents.
    pub fn bumps(&self) -> usize {
        self.confirmed.iter().filter(|(_, id)| self.known[id].what == What::Bump).count()
    }

    /// What all unspent outputs hold and all blocks' fees took, for it never changes.
    pub fn total_sat(&self) -> u64 {
        let in_blocks = || self.confirmed.iter().map(|(_, id)| &self.known[id]);
        let made: u64 = in_blocks().flat_map(|tx| &tx.outputs).map(|output| output.sat).sum();
        let inputs = in_blocks().flat_map(|tx| &tx.inputs);
        let spent: u64 = inputs.filter_map(|input| self.output(input)).map(|output| output.sat).sum();
        let fees: u64 = in_blocks().map(|tx| tx.fee).sum();
        made + fees - spent
    }
}
