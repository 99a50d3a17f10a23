//! What the mempool holds, and at which rate a miner sees it.

use std::collections::BTreeMap;

use bitcoin::{Amount, Txid};
use serde::Deserialize;
use serde_json::json;

use super::calls::{INVALID_ADDRESS_OR_KEY, absent_if};
use super::{Bitcoind, ChainError, btc};

/// A transaction of the mempool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MempoolEntry {
    /// Its size.
    pub vsize: u64,
    /// Its own fee.
    pub fee: Amount,
    /// What it pays together with everything that hangs on it.
    pub with_descendants: Amount,
    /// The rate at which a miner sees it, in sat for each 1,000 vB: its own, or that of the package which one of its
    /// descendants pays for.
    pub seen_sat_kvb: u64,
}

#[derive(Deserialize)]
struct Entry {
    vsize: u64,
    ancestorsize: u64,
    fees: Fees,
}

#[derive(Deserialize)]
struct Fees {
    #[serde(deserialize_with = "btc::deserialize")]
    base: Amount,
    #[serde(deserialize_with = "btc::deserialize")]
    ancestor: Amount,
    #[serde(deserialize_with = "btc::deserialize")]
    descendant: Amount,
}

impl Entry {
    fn rate(&self) -> u64 {
        rate(self.fees.base, self.vsize)
    }

    fn package_rate(&self) -> u64 {
        rate(self.fees.ancestor, self.ancestorsize)
    }
}

impl Bitcoind {
    /// A transaction of the mempool, or `None` when it is not there (any more).
    ///
    /// # Errors
    /// Any of [`ChainError`].
    pub fn mempool_entry(&self, txid: &Txid) -> Result<Option<MempoolEntry>, ChainError> {
        let entry: Option<Entry> =
            absent_if(INVALID_ADDRESS_OR_KEY, self.call("getmempoolentry", &[json!(txid)]))?;
        let Some(entry) = entry else { return Ok(None) };
        let descendants: Option<BTreeMap<Txid, Entry>> = absent_if(
            INVALID_ADDRESS_OR_KEY,
            self.call("getmempooldescendants", &[json!(txid), json!(true)]),
        )?;
        let packages = descendants.unwrap_or_default().into_values().map(|child| child.package_rate());
        Ok(Some(MempoolEntry {
            vsize: entry.vsize,
            fee: entry.fees.base,
            with_descendants: entry.fees.descendant,
            seen_sat_kvb: packages.fold(entry.rate(), u64::max),
        }))
    }
}

fn rate(fee: Amount, vsize: u64) -> u64 {
    fee.to_sat().saturating_mul(1_000) / vsize.max(1)
}
