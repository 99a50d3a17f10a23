//! A party with a wallet on a bitcoind of its own, and the shortest words for what the stories need.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::collections::BTreeSet;
use std::sync::Arc;

use bdk_wallet::chain::Merge;
use bitcoin::absolute::LockTime;
use bitcoin::address::NetworkUnchecked;
use bitcoin::psbt::Psbt;
use bitcoin::transaction::Version;
use bitcoin::{Address, Amount, FeeRate, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut};
use wallet::{
    Birth, Bitcoind, ChangeSet, CoinRequest, Follower, Payment, RpcAuth, Seed, SignedTx, Synced, Wallet,
};

pub const REGTEST: Network = Network::Regtest;

/// A wallet, its follower, and what a database would hold of it.
pub struct Party {
    pub seed: Seed,
    pub wallet: Wallet,
    pub follower: Follower,
    pub chain: Bitcoind,
    pub stored: ChangeSet,
    now_s: u64,
}

impl Party {
    /// A new party whose wallet begins at the node's tip.
    pub fn new(node: &testbed::Bitcoind) -> Self {
        let tip = connect(node).tip().unwrap();
        Self::from_seed(node, Seed::generate().unwrap(), Birth { height: tip.height, hash: tip.hash })
    }

    pub fn from_seed(node: &testbed::Bitcoind, seed: Seed, birth: Birth) -> Self {
        let wallet = Wallet::create(&seed, REGTEST, birth).unwrap();
        Self::around(node, seed, wallet, ChangeSet::default())
    }

    fn around(node: &testbed::Bitcoind, seed: Seed, wallet: Wallet, stored: ChangeSet) -> Self {
        let chain = connect(node);
        let follower = Follower::new(chain.clone());
        let mut party = Self { seed, wallet, follower, chain, stored, now_s: 1_800_000_000 };
        party.sync();
        party
    }

    /// What the same party is after a restart: nothing but its seed and what was stored.
    pub fn restarted(&mut self, node: &testbed::Bitcoind) -> Self {
        self.store();
        let seed = Seed::from_words(&self.seed.words()).unwrap();
        let wallet = Wallet::load(&seed, REGTEST, self.stored.clone()).unwrap();
        Self::around(node, seed, wallet, self.stored.clone())
    }

    /// Writes what is staged, through JSON as a database does.
    pub fn store(&mut self) {
        if let Some(staged) = self.wallet.take_staged() {
            let json = serde_json::to_string(&staged).unwrap();
            self.stored.merge(serde_json::from_str(&json).unwrap());
        }
    }

    /// Time stands still unless a story moves it: two looks within one second must work.
    pub fn sync(&mut self) -> Synced {
        let synced = self.follower.sync(&mut self.wallet, self.now_s).unwrap();
        self.store();
        synced
    }

    pub fn address(&mut self) -> Address {
        let address = self.wallet.new_address();
        self.store();
        address
    }

    /// Confirmed coins of these values, in the same order.
    pub fn funded(&mut self, node: &testbed::Bitcoind, sats: &[u64]) -> Vec<OutPoint> {
        let address = self.address();
        let amounts: Vec<_> = sats.iter().map(|&value| sat(value)).collect();
        let coins = node.fund(&address, &amounts).unwrap();
        self.sync();
        coins
    }

    pub fn pay(&mut self, to: &Address, payment: &Payment) -> SignedTx {
        self.wallet.pay(&unchecked(to), payment, rate(2), &BTreeSet::new()).unwrap()
    }

    /// Pays and sends, as a withdrawal does.
    pub fn send(&mut self, to: &Address, amount: u64) -> SignedTx {
        let signed = self.pay(to, &Payment::Amount(sat(amount)));
        self.wallet.insert_unconfirmed(Arc::new(signed.tx.clone()), self.now_s);
        self.store();
        self.chain.broadcast(&signed.tx).unwrap();
        signed
    }

    pub fn confirmed(&self) -> u64 {
        self.wallet.balance(&BTreeSet::new()).confirmed.to_sat()
    }

    pub fn unconfirmed(&self) -> u64 {
        self.wallet.balance(&BTreeSet::new()).unconfirmed.to_sat()
    }
}

pub fn connect(node: &testbed::Bitcoind) -> Bitcoind {
    Bitcoind::new(&node.rpc_url(), RpcAuth::Cookie(node.cookie_file())).unwrap()
}

pub fn sat(value: u64) -> Amount {
    Amount::from_sat(value)
}

pub fn rate(sat_per_vb: u32) -> FeeRate {
    FeeRate::from_sat_per_vb_u32(sat_per_vb)
}

pub fn unchecked(address: &Address) -> Address<NetworkUnchecked> {
    address.as_unchecked().clone()
}

pub fn request(target: u64) -> CoinRequest {
    CoinRequest { target: sat(target), fee_per_input: sat(340), min_confirmations: 1 }
}

/// An unsigned transaction that spends these coins into one output.
pub fn spend(coins: &[OutPoint], to: ScriptBuf, value: Amount, lock_time: LockTime) -> Psbt {
    let input = |coin: &OutPoint| TxIn {
        previous_output: *coin,
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        ..TxIn::default()
    };
    let tx = Transaction {
        version: Version::TWO,
        lock_time,
        input: coins.iter().map(input).collect(),
        output: vec![TxOut { value, script_pubkey: to }],
    };
    Psbt::from_unsigned_tx(tx).unwrap()
}
