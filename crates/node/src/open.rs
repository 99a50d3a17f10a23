//! Opening a data folder: the wallet from its changes, the escrows from their events.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use backup::{Folder, WalletPlace};
use bitcoin::consensus::encode::deserialize;
use bitcoin::{OutPoint, Transaction, Txid};
use crashpoint::here;
use engine::{Escrow, Event, Status};
use storage::{Fact, Store};
use tokio::sync::watch;
use tokio::task::block_in_place;
use wallet::{Birth, Bitcoind, ChangeSet, Follower, Merge as _, RpcAuth, Seed, Wallet};

use crate::book::Book;
use crate::config::{BitcoindConfig, Config};
use crate::core::{Change, Core};
use crate::directory::Standings;
use crate::error::NodeError;
use crate::guard::Guard;
use crate::keeper::{self, Keeper};
use crate::keys::{self, Keys};
use crate::money::short;
use crate::money::supply::Supply;
use crate::money::sweep::Sweep;
use crate::oracles::attestations::Pace;
use crate::standing;

/// Final escrows are watched for this many blocks more: no reorganisation reaches further.
const WATCHED_BEYOND_FINAL: u32 = 144;
/// So many blocks before an escrow began its transactions may still be found, after a reorganisation.
const LOOKED_BACK: u32 = 144;
/// So many changes of the wallet are merged into one.
const MERGED_CHANGES: usize = 64;

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
        on_our_network(&chain, network)?;
        let wallet = open_wallet(&seed, network, &store, &chain).await?;
        let mut core = Self {
            keys: Keys::derive_at(&seed, network, crate::rotate::stored_index(&store).await?),
            wallet,
            follower: Follower::new(chain.clone()),
            chain,
            escrows: BTreeMap::new(),
            archived: BTreeSet::new(),
            contracts: BTreeMap::new(),
            reserved: reservations(&store).await?,
            refused: BTreeSet::new(),
            market: None,
            peer_coins: BTreeMap::new(),
            payments: payments(&store).await?,
            payment_waits: true,
            guard: Guard::load(&store).await?,
            book: Book::load(&store).await?,
            orders: standing::orders(&store).await?,
            standing_offers: standing::offers(&store).await?,
            supply: Supply::default(),
            sweep: Sweep::read(store.fact(Fact::LastSweep).await?.as_deref())?,
            short_of_coins: short::read(store.fact(Fact::ShortOfCoins).await?.as_deref())?,
            unsaved: Vec::new(),
            keeper: None,
            studied: BTreeSet::new(),
            pace: Pace::default(),
            standings: Standings::default(),
            news: watch::Sender::default(),
            published: watch::Sender::default(),
            tidy_at: 0,
            store,
            config,
        };
        core.load_escrows(now).await?;
        core.keeper = core.new_keeper(&seed).await?;
        core.commit(Change::default(), now).await?;
        core.tidy(now).await?;
        Ok(core)
    }

    async fn new_keeper(&self, seed: &Seed) -> Result<Option<Keeper>, NodeError> {
        let Some(config) = &self.config.backup else { return Ok(None) };
        let key = keeper::backup_key(seed, self.config.bitcoin_network());
        let safe = self.store.backed_up().await?.into_iter().collect();
        let live = self.escrows.keys().filter(|id| !self.archived.contains(*id)).copied();
        Ok(Some(Keeper::new(key, Folder::new(&config.target), safe, live)))
    }

    async fn load_escrows(&mut self, now: u64) -> Result<(), NodeError> {
        let damaged = || NodeError::Damaged { what: "event" };
        for id in self.store.escrows().await? {
            let stored = self.store.events(id).await?;
            let events: Vec<Event> = stored
                .iter()
                .map(|row| serde_json::from_str(&row.json).map_err(|_| damaged()))
                .collect::<Result<_, _>>()?;
            let escrow = Escrow::replay(&events).ok_or_else(damaged)?;
            let from = escrow.opened.height.saturating_sub(LOOKED_BACK);
            let over = is_over(&escrow, self.wallet.height(), now);
            self.escrows.insert(id, escrow);
            if over {
                self.archived.insert(id);
            } else {
                self.watch(id, from);
            }
        }
        Ok(())
    }
}

/// Whether nothing that could still happen on the chain concerns an escrow any more. One that was dropped while its
/// peer could complete the funding is watched until the refund would be valid: funding that confirms after all is live.
pub(crate) fn is_over(escrow: &Escrow, height: u32, now: u64) -> bool {
    let buried = escrow.noted.is_final() && escrow.noted_height + WATCHED_BEYOND_FINAL < height;
    let could_return = escrow.noted == Status::Cancelled && escrow.funding.is_some();
    buried && !(could_return && now < escrow.refund_locktime())
}

async fn payments(store: &Store) -> Result<BTreeMap<Txid, Transaction>, NodeError> {
    let rows = store.payments().await?;
    rows.iter()
        .map(|row| {
            let tx: Transaction = deserialize(row).map_err(|_| NodeError::Damaged { what: "payment" })?;
            Ok((tx.compute_txid(), tx))
        })
        .collect()
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

/// Whether the Bitcoin node is on the configured network. One that does not answer now is asked at every look.
fn on_our_network(chain: &Bitcoind, network: bitcoin::Network) -> Result<(), NodeError> {
    match block_in_place(|| chain.info()) {
        Ok(info) if info.network != network => {
            Err(wallet::FollowError::OtherNetwork { node: info.network, wallet: network }.into())
        }
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::warn!(%error, "the Bitcoin node cannot be asked for its network yet");
            Ok(())
        }
    }
}

async fn open_wallet(
    seed: &Seed,
    network: bitcoin::Network,
    store: &Store,
    chain: &Bitcoind,
) -> Result<Wallet, NodeError> {
    let place = restored_place(store).await?;
    let mut wallet = match (wallet_changes(store).await?, place) {
        (Some(changes), _) => Wallet::load(seed, network, changes)?,
        (None, place) => Wallet::create(seed, network, birth(chain, place)?)?,
    };
    if let Some(place) = place {
        wallet.hand_out_up_to(place.receive_index, place.change_index);
    }
    Ok(wallet)
}

/// Where a restored wallet looks for its coins.
async fn restored_place(store: &Store) -> Result<Option<WalletPlace>, NodeError> {
    let Some(json) = store.fact(Fact::RestoredWallet).await? else { return Ok(None) };
    serde_json::from_str(&json).map(Some).map_err(|_| NodeError::Damaged { what: "restored wallet" })
}

/// A new seed has no coins in old blocks; a restored one has.
fn birth(chain: &Bitcoind, restored: Option<WalletPlace>) -> Result<Birth, NodeError> {
    let Some(WalletPlace { birth_height: height, .. }) = restored else {
        let tip = block_in_place(|| chain.tip())?;
        return Ok(Birth { height: tip.height, hash: tip.hash });
    };
    let hash = block_in_place(|| chain.block_hash(height))?.ok_or(NodeError::NoBlock { height })?;
    Ok(Birth { height, hash })
}

/// The wallet's changes as one. Where there are many they are stored as one too.
async fn wallet_changes(store: &Store) -> Result<Option<ChangeSet>, NodeError> {
    let stored = store.wallet_changes().await?;
    let mut merged: Option<ChangeSet> = None;
    for json in &stored {
        let next: ChangeSet =
            serde_json::from_str(json).map_err(|_| NodeError::Damaged { what: "wallet change" })?;
        merged.get_or_insert_default().merge(next);
    }
    if let Some(merged) = merged.as_ref().filter(|_| stored.len() >= MERGED_CHANGES) {
        let mut tx = store.begin().await?;
        tx.replace_wallet_changes(&crate::core::to_json(merged)?).await?;
        here!("merge.within");
        tx.commit().await?;
        here!("merge.after");
    }
    Ok(merged)
}
