//! What a party took back on the chain, where the contract came to nothing after its signatures had left.

use anyhow::Context as _;
use terms::{Hex32, Sat};
use testbed::Bitcoind;

use super::transactions::{Both, Placed, place, record};
use crate::record::{Coin, TxRecord};

/// A transaction by which a party spent its own coins elsewhere, so that nobody can fund the contract with them.
#[derive(Clone, Debug)]
pub(crate) struct TakenBack {
    placed: Placed,
    /// What it spends.
    pub coins: Vec<Coin>,
}

impl TakenBack {
    /// Asks the chain for it; `None` where no block has it.
    pub fn find(node: &Bitcoind, txid: Hex32) -> anyhow::Result<Option<Self>> {
        let Some(placed) = place(node, txid)?.filter(|placed| placed.height.is_some()) else {
            return Ok(None);
        };
        let mut coins = Vec::new();
        for input in &placed.transaction.input {
            let (txid, vout) = (input.previous_output.txid, input.previous_output.vout);
            let previous = node.transaction(txid)?.context("the chain has what its transactions spend")?;
            let output = usize::try_from(vout).ok().and_then(|index| previous.output.get(index));
            let value = output.context("an input that its previous transaction does not have")?.value;
            coins.push(Coin { txid: txid.to_string(), vout, value_sat: Sat(value.to_sat()) });
        }
        Ok(Some(Self { placed, coins }))
    }

    /// What came back.
    pub fn back_sat(&self) -> Sat {
        let outputs = self.placed.transaction.output.iter();
        Sat(outputs.map(|output| output.value.to_sat()).sum())
    }

    /// Its record. All that it pays is change of whoever made it, `provider` or `buyer`.
    pub fn record(&self, whose: &str, both: &Both) -> TxRecord {
        let mut record = record("cancel", &self.placed, &self.coins, both);
        for output in &mut record.outputs {
            output.owner = format!("{whose} change");
        }
        record
    }
}
