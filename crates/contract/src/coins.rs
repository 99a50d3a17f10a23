//! Coins: what a side brings, and what our own node says about the coins that a peer names.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction};
use secp256k1_zkp::PublicKey;

/// The own side of a contract: key, coins, scripts and the serial ids that order them in the transactions.
#[derive(Clone, Debug)]
pub struct PartyFunding {
    /// The contract key of [`crate::ContractKeys`].
    pub funding_pubkey: PublicKey,
    /// The coins, none for a side that locks nothing.
    pub inputs: Vec<FundingCoin>,
    /// Where payouts and the refund go: P2WPKH, P2WSH or P2TR.
    pub payout_spk: ScriptBuf,
    /// Orders the payout in the CETs.
    pub payout_serial_id: u64,
    /// Where the change of the funding transaction goes: P2WPKH, P2WSH or P2TR.
    pub change_spk: ScriptBuf,
    /// Orders the change in the funding transaction.
    pub change_serial_id: u64,
}

/// One native P2WPKH or P2TR coin.
#[derive(Clone, Debug)]
pub struct FundingCoin {
    /// The transaction that created it.
    pub prev_tx: Transaction,
    /// Its output there.
    pub vout: u32,
    /// Orders it in the funding transaction.
    pub serial_id: u64,
}

impl FundingCoin {
    /// The coin's outpoint.
    pub fn outpoint(&self) -> OutPoint {
        OutPoint { txid: self.prev_tx.compute_txid(), vout: self.vout }
    }
}

impl PartyFunding {
    /// A side whose serial ids come from 32 random bytes.
    pub fn new(
        funding_pubkey: PublicKey,
        coins: Vec<(Transaction, u32)>,
        payout_spk: ScriptBuf,
        change_spk: ScriptBuf,
        serials: &mut Serials,
    ) -> Self {
        let inputs = coins
            .into_iter()
            .map(|(prev_tx, vout)| FundingCoin { prev_tx, vout, serial_id: serials.next_id() })
            .collect();
        Self {
            funding_pubkey,
            inputs,
            payout_spk,
            payout_serial_id: serials.next_id(),
            change_spk,
            change_serial_id: serials.next_id(),
        }
    }
}

/// A stream of serial ids out of 32 random bytes, so that randomness is one argument.
#[derive(Clone, Debug)]
pub struct Serials {
    seed: [u8; 32],
    given: u64,
}

impl Serials {
    /// Starts the stream.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, given: 0 }
    }

    /// The next id.
    pub fn next_id(&mut self) -> u64 {
        let mut preimage = self.seed.to_vec();
        preimage.extend(self.given.to_be_bytes());
        self.given += 1;
        let digest = sha256::Hash::hash(&preimage).to_byte_array();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(id)
    }
}

/// What our own node and wallet say about everything a peer's message names. What is not in here is unknown,
/// and refused.
#[derive(Clone, Debug, Default)]
pub struct ForeignCoins {
    coins: BTreeMap<OutPoint, CoinReport>,
    own_scripts: BTreeSet<ScriptBuf>,
}

/// One coin, as our node and wallet see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoinReport {
    /// Our wallet can spend it, or has reserved it.
    pub ours: bool,
    /// What the chain says.
    pub state: CoinState,
}

/// What the chain says about a coin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoinState {
    /// Our node knows no such output.
    Unknown,
    /// It is spent, in a block or in the mempool.
    Spent,
    /// It can be spent (`gettxout` with the mempool included).
    Unspent {
        /// Its value.
        value: Amount,
        /// Its script.
        script: ScriptBuf,
        /// How deep it is; 0 in the mempool.
        confirmations: u32,
        /// It comes from a coinbase.
        coinbase: bool,
    },
}

impl ForeignCoins {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what is known about a coin.
    pub fn insert(&mut self, outpoint: OutPoint, report: CoinReport) {
        self.coins.insert(outpoint, report);
    }

    /// Adds a script of ours that the message names.
    pub fn insert_own_script(&mut self, script: ScriptBuf) {
        self.own_scripts.insert(script);
    }

    pub(crate) fn get(&self, outpoint: &OutPoint) -> Option<&CoinReport> {
        self.coins.get(outpoint)
    }

    pub(crate) fn is_own_script(&self, script: &ScriptBuf) -> bool {
        self.own_scripts.contains(script)
    }
}
