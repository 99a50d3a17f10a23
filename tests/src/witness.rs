//! The chain as witness: what became of the money, from the Bitcoin node's RPC and the published JSON alone.

use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, OutPoint, Transaction, Txid};
use protocol::owner::EscrowView;
use terms::Hex32;

use crate::{Party, World};

/// The two transactions of an escrow that ended, both on the chain.
#[derive(Debug)]
pub struct Witness {
    /// What locked.
    pub funding: Transaction,
    /// What paid out.
    pub closing: Transaction,
    /// The output of the first that the second spends.
    pub locked: OutPoint,
}

impl Witness {
    /// Finds both on the chain, by the ids that a node tells.
    ///
    /// # Panics
    /// When one is not there, or the second does not spend the first.
    #[must_use]
    pub fn call(world: &World, view: &EscrowView) -> Self {
        let funding = on_chain(world, view.funding_txid.expect("the escrow names its funding transaction"));
        let closing = on_chain(world, view.closing_txid.expect("the escrow names its closing transaction"));
        assert_eq!(
            closing.input.len(),
            1,
            "the closing transaction spends the funding output and nothing else"
        );
        let locked = closing.input[0].previous_output;
        assert_eq!(
            locked.txid,
            funding.compute_txid(),
            "the closing transaction spends the funding transaction"
        );
        Self { funding, closing, locked }
    }

    /// What was locked.
    ///
    /// # Panics
    /// Never for one that [`Witness::call`] made.
    #[must_use]
    pub fn locked_value(&self) -> Amount {
        self.funding.output[self.locked.vout as usize].value
    }

    /// The closing transaction's fee: all that was locked and is not paid out.
    #[must_use]
    pub fn closing_fee(&self) -> Amount {
        self.locked_value() - total(&self.closing)
    }

    /// The funding transaction's fee, its inputs looked up on the chain.
    ///
    /// # Panics
    /// When an input's transaction is not on the chain.
    #[must_use]
    pub fn funding_fee(&self, world: &World) -> Amount {
        let inputs: Amount = self.funding.input.iter().map(|input| value(world, input.previous_output)).sum();
        inputs - total(&self.funding)
    }

    /// Insists that the closing transaction pays exactly this, in whole outputs that nobody has spent.
    ///
    /// # Panics
    /// When it does not.
    pub fn pays(&self, world: &World, mut expected: Vec<u64>) {
        expected.retain(|sat| *sat > 0);
        expected.sort_unstable();
        let mut paid: Vec<u64> = self.closing.output.iter().map(|output| output.value.to_sat()).collect();
        paid.sort_unstable();
        assert_eq!(paid, expected, "the closing transaction's outputs");
        let txid = self.closing.compute_txid();
        for (vout, output) in self.closing.output.iter().enumerate() {
            let coin = OutPoint::new(txid, u32::try_from(vout).expect("few outputs"));
            assert_eq!(world.bitcoind.unspent(coin).expect("the node answers"), Some(output.value));
        }
        assert_eq!(world.bitcoind.unspent(self.locked).expect("the node answers"), None);
    }
}

/// Insists that an escrow paid exactly so much to each, that each wallet has its part, and that of all the money both
/// began with nothing is missing but the fees of the two transactions. Returns the witness.
///
/// # Panics
/// When any of it does not hold.
pub async fn paid_out(world: &World, id: &str, provider_sat: u64, buyer_sat: u64) -> Witness {
    let view = world.provider.escrow(id).await;
    let witness = Witness::call(world, &view);
    witness.pays(world, vec![provider_sat, buyer_sat]);
    received(&world.provider, &witness.closing, provider_sat).await;
    received(&world.buyer, &witness.closing, buyer_sat).await;
    conserved(world, &witness).await;
    witness
}

/// What one wallet got from a transaction.
async fn received(party: &Party, tx: &Transaction, expected: u64) {
    let txid = shown(tx.compute_txid());
    let transactions = party.owner.transactions().await.expect("the node answers");
    let got = transactions.iter().find(|entry| entry.txid == txid).map_or(0, |entry| entry.received_sat.0);
    assert_eq!(got, expected, "what a wallet got from the closing transaction");
}

async fn conserved(world: &World, witness: &Witness) {
    let began: Amount =
        world.provider.coins.iter().chain(&world.buyer.coins).map(|coin| value(world, *coin)).sum();
    let have = world.provider.available_sat().await + world.buyer.available_sat().await;
    let fees = witness.funding_fee(world) + witness.closing_fee();
    assert!(fees > Amount::ZERO, "miners are paid");
    assert_eq!(began.to_sat(), have + fees.to_sat(), "every satoshi is somewhere: {fees} went to miners");
}

/// The value of an output, spent or not.
///
/// # Panics
/// When its transaction is not on the chain.
#[must_use]
pub fn value(world: &World, coin: OutPoint) -> Amount {
    on_chain(world, shown(coin.txid)).output[coin.vout as usize].value
}

/// A transaction that the node has, by the id that our API tells.
///
/// # Panics
/// When it has none.
#[must_use]
pub fn on_chain(world: &World, txid: Hex32) -> Transaction {
    let found = world.bitcoind.transaction(read(txid)).expect("the node answers");
    found.unwrap_or_else(|| panic!("the transaction {txid} is neither on the chain nor in the mempool"))
}

/// A transaction id as our API tells it.
#[must_use]
pub fn shown(txid: Txid) -> Hex32 {
    let mut bytes = txid.to_byte_array();
    bytes.reverse();
    Hex32(bytes)
}

/// The transaction id that our API tells.
#[must_use]
pub fn read(txid: Hex32) -> Txid {
    let mut bytes = txid.0;
    bytes.reverse();
    Txid::from_byte_array(bytes)
}

fn total(tx: &Transaction) -> Amount {
    tx.output.iter().map(|output| output.value).sum()
}
