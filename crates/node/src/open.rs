//! Opening a data folder: the wallet from its changes, the escrows from their events.

use std::collections::BTreeMap;
use std::str::FromStr;

use bitcoin::OutPoint;
use engine::{Escrow, Event};
use storage::Store;
use tokio::task::block_in_place;
use wallet::{Birth, Bitcoind, ChangeSet, Follower, Merge as _, RpcAuth, Seed, Wallet};

use crate::config::{BitcoindConfig, Config};
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys::{self, Keys};

/// Final escrows are watched for this many blocks more: no reorganisation reaches further.
const WATCHED_BEYOND_FINAL: u32 = 144;

impl Core {
    /// Opens a node's data folder. The Bitcoin node must answer when the wallet is new.
    ///
    /// # Errors
    /// When seed, database or Bitcoin node cannot be used.
    pub async fn open(config: Config, now: u64) -> Result<Self, NodeError> {
        let network = config.bitcoin_network();
        let seed = keys::load_seed(&config.data_dir)?;
        let store = Store::open(&config.data_dir, &config.network).await?;
        let chain = Bitcoind::new(&config.bitcoind.url, auth(&config.bitcoind))?;
        let wallet = open_wallet(&seed, network, &store, &chain).await?;
        let mut core = Self {
            keys: Keys::derive(&seed, network),
            wallet,
            follower: Follower::new(chain.clone()),
            chain,
            escrows: BTreeMap::new(),
            contracts: BTreeMap::new(),
            reserved: reservations(&store).await?,
            unsaved: Vec::new(),
            store,
            config,
        };
        core.load_escrows().await?;
        core.commit(Change::default(), now).await?;
        Ok(core)
    }

    async fn load_escrows(&mut self) -> Result<(), NodeError> {
        let damaged = || NodeError::Damaged { what: "event" };
        for id in self.store.escrows().await? {
            let stored = self.store.events(id).await?;
            let events: Vec<Event> = stored
                .iter()
                .map(|row| serde_json::from_str(&row.json).map_err(|_| damaged()))
                .collect::<Result<_, _>>()?;
            let escrow = Escrow::replay(&events).ok_or_else(damaged)?;
            let settled_long_ago =
                escrow.noted.is_final() && escrow.noted_height + WATCHED_BEYOND_FINAL < self.wallet.height();
            self.escrows.insert(id, escrow);
            if !settled_long_ago {
                self.watch(id);
            }
        }
        Ok(())
    }
}

async fn reservations(store: &Store) -> Result<BTreeMap<OutPoint, terms::Hex32>, NodeError> {
    let rows = store.reservations().await?;
    rows.into_iter()
        .map(|row| {
            let outpoint = OutPoint::from_str(&row.outpoint);
            Ok((outpoint.map_err(|_| NodeError::Damaged { what: "reservation" })?, row.escrow))
        })
        .collect()
}

fn auth(config: &BitcoindConfig) -> RpcAuth {
    match (&config.cookie_file, &config.user, &config.password) {
        (None, Some(user), Some(password)) => RpcAuth::UserPassword(user.clone(), password.clone()),
        (cookie, ..) => RpcAuth::Cookie(cookie.clone().unwrap_or_default()),
    }
}

async fn open_wallet(
    seed: &Seed,
    network: bitcoin::Network,
    store: &Store,
    chain: &Bitcoind,
) -> Result<Wallet, NodeError> {
    let mut merged: Option<ChangeSet> = None;
    for json in store.wallet_changes().await? {
        let next: ChangeSet =
            serde_json::from_str(&json).map_err(|_| NodeError::Damaged { what: "wallet change" })?;
        merged.get_or_insert_default().merge(next);
    }
    if let Some(changes) = merged {
        return Ok(Wallet::load(seed, network, changes)?);
    }
    // A new seed has no coins in old blocks.
    let tip = block_in_place(|| chain.tip())?;
    Ok(Wallet::create(seed, network, Birth { height: tip.height, hash: tip.hash })?)
}
