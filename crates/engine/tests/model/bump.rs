//! Paying more for what waits, as `node::bump` does: an own output of it, spent to ourselves. Cancels stay as they are.

use bitcoin::OutPoint;
use engine::{Bytes, ChainView, Coin, Command, Due, FeeView, Place, Waiting, WaitingTx, fee_due, waiting};
use terms::{Hex32, Sat};

use super::act::Done;
use super::chain::{Chain, Output, Owner, Tx, What};
use super::party::{Around, Party, Stop, bytes, txid};

/// The size of whatever waits.
const PARENT_VB: u64 = 400;
const RELAY_SAT_KVB: u64 = 1_000;
/// Blocks of waiting after which a slightly better rate is worth a child.
const PATIENCE: u32 = 2;

impl Party {
    pub fn fee_due(&self, id: Hex32, view: &ChainView, around: &Around<'_>) -> Option<Due> {
        let escrow = &self.escrows[&id];
        let tx = match waiting(escrow, view, around.now)? {
            Waiting::Funding => escrow.funding_tx.as_ref().map(txid),
            Waiting::Closing => view.spend.map(|spend| spend.txid),
            Waiting::Cancel => None,
        };
        let tx = tx.filter(|tx| around.chain.place(tx) == Place::Mempool)?;
        let fees = FeeView {
            going_sat_kvb: around.chain.going_sat_kvb,
            relay_sat_kvb: RELAY_SAT_KVB,
            patience: PATIENCE,
        };
        let weighed = self.weigh(id, &around.chain.known[&tx], around.chain);
        fee_due(escrow, view, &fees, &weighed, around.now)
    }

    fn weigh(&self, id: Hex32, tx: &Tx, chain: &Chain) -> WaitingTx {
        let own = self.own_output(id, tx, chain);
        let child = own.and_then(|own| self.escrows[&id].bump_of(own.outpoint));
        let alone = tx.fee * 1_000 / PARENT_VB;
        let children =
            tx.outputs.iter().enumerate().filter_map(|(vout, _)| chain.spender(&tx.outpoint(vout as u32)));
        let with_child =
            children.map(|child| (tx.fee + chain.known[&child].fee) * 1_000 / (PARENT_VB + engine::CHILD_VB));
        WaitingTx {
            fee_sat: tx.fee,
            vsize: PARENT_VB,
            seen_sat_kvb: with_child.chain([alone]).max(),
            refused: false,
            own,
            child: child.map_or(Place::Unknown, |bump| chain.place(&txid(&bump.tx))),
            replaces_sat: 0,
        }
    }

    /// An own output that no escrow has reserved, and that nothing spends but an earlier child.
    fn own_output(&self, id: Hex32, tx: &Tx, chain: &Chain) -> Option<Coin> {
        let vout = tx.outputs.iter().position(|output| output.owner == Owner::Party(self.side))?;
        let outpoint = tx.outpoint(vout as u32);
        let ours = |spender| self.escrows[&id].bumps.iter().any(|bump| txid(&bump.tx) == spender);
        let free = !self.disk.reserved.contains_key(&outpoint) && chain.spender(&outpoint).is_none_or(ours);
        free.then_some(Coin { outpoint, value_sat: Sat(tx.outputs[vout].sat) })
    }

    pub fn build_bump(
        &mut self,
        id: Hex32,
        spends: OutPoint,
        fee: u64,
        around: &mut Around<'_>,
    ) -> Result<Done, Stop> {
        let sat = around.chain.output(&spends).map_or(0, |output| output.sat);
        let outputs = vec![Output { owner: Owner::Party(self.side), sat: sat.saturating_sub(fee) }];
        let child = Tx { what: What::Bump, inputs: vec![spends], outputs, fee, locktime: 0 };
        let tx = bytes(&around.chain.remember(&child));
        let height = around.chain.height();
        let command = Command::UseBump { spends, tx, fee_sat: Sat(fee), height };
        self.step(id, command, around.now).map(Done::from)
    }

    /// The newest child of an output.
    pub fn bump(&self, id: Hex32, spends: OutPoint) -> Option<Bytes> {
        self.escrows[&id].bump_of(spends).map(|bump| bump.tx.clone())
    }
}
