//! Stories of one node in this process, on a real Bitcoin node: what comes back after a crash, what is let through.

mod directory;
mod doors;
mod fees;
mod guard;
mod money;
mod names;
mod networks;
mod payments;
mod receipts;
mod reputation;
mod requests;
mod restarts;

use std::str::FromStr as _;
use std::sync::Arc;

use bitcoin::{Address, Amount, Network};
use clock::Clock;
use tempfile::TempDir;
use testbed::Bitcoind;

use crate::{Config, Node};

/// A folder, its configuration, and the Bitcoin node beside it.
struct World {
    folder: TempDir,
    network: &'static str,
    bitcoind: Bitcoind,
    /// More lines of the configuration: of the mandate, then tables.
    more: String,
}

impl World {
    fn begin() -> Self {
        Self::with(Bitcoind::start().unwrap())
    }

    fn with(bitcoind: Bitcoind) -> Self {
        Self::on("regtest", bitcoind)
    }

    fn on(network: &'static str, bitcoind: Bitcoind) -> Self {
        let world = Self { folder: TempDir::new().unwrap(), network, bitcoind, more: String::new() };
        crate::init(&world.config()).unwrap();
        world
    }

    fn config(&self) -> Config {
        let file = self.folder.path().join("earnest.toml");
        std::fs::write(&file, self.text()).unwrap();
        Config::load(&file).unwrap()
    }

    fn text(&self) -> String {
        let acknowledged = match self.network {
            "mainnet" => format!("mainnet_acknowledgement = '{}'\n", crate::MAINNET_ACKNOWLEDGEMENT),
            _ => String::new(),
        };
        format!(
            "{acknowledged}network = '{}'\ndata_dir = 'data'\nowner_listen = '127.0.0.1:1'\npeer_listen = '127.0.0.1:2'\n\
             [bitcoind]\nurl = '{}'\ncookie_file = '{}'\n\
             [mandate]\nmax_contract_sat = 1_000_000\nmax_locked_sat = 1_000_000\nmax_per_counterparty_sat = 1_000_000\n{}",
            self.network,
            self.bitcoind.rpc_url(),
            self.bitcoind.cookie_file().display(),
            self.more,
        )
    }

    async fn open(&self) -> Arc<Node> {
        Node::open(self.config(), Clock::system()).await.unwrap()
    }

    /// A node whose wallet has one coin of so many satoshis.
    async fn rich(&self, sat: u64) -> Arc<Node> {
        let node = self.open().await;
        let address = node.core.lock().await.wallet.new_address();
        self.bitcoind.fund(&address, &[Amount::from_sat(sat)]).unwrap();
        self.look(&node).await;
        node
    }

    /// What the driving task does at every look.
    async fn look(&self, node: &Node) {
        node.core.lock().await.sync(node.now()).await.unwrap();
        node.look().await;
    }
}

/// Somebody else's address.
fn elsewhere() -> Address {
    let address = Address::from_str("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080").unwrap();
    address.require_network(Network::Regtest).unwrap()
}
