//! A provider's or buyer's node, with its wallet.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

use bitcoin::{Address, Amount, Network, OutPoint};
use client::OwnerClient;
use protocol::owner::{EscrowView, PurchaseRequest};
use terms::Hex32;
use testbed::{Bitcoind, Service, free_addr};

/// The longest a node waits between two looks, in seconds.
pub(crate) const POLL_S: u64 = 20;

/// What differs between the worlds of two stories.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Lines of the provider's `[mandate]`.
    pub provider_mandate: String,
    /// Lines of the buyer's `[mandate]`.
    pub buyer_mandate: String,
    /// Whether the nodes keep their escrows in a backup target.
    pub backup: bool,
    /// The depth at which both nodes count something as final.
    pub confirmations: u32,
    /// Arguments of the Bitcoin node, such as `-maxmempool=5`.
    pub bitcoind: Vec<String>,
    /// Lines of the oracles' configuration, before its tables.
    pub oracle: String,
    /// Publication delays of further oracles, in seconds: one for each.
    pub more_oracles: Vec<u64>,
    /// What the provider's wallet has to begin with.
    pub provider_coins: Vec<Amount>,
    /// What the buyer's wallet has to begin with.
    pub buyer_coins: Vec<Amount>,
}

impl Default for Setting {
    fn default() -> Self {
        let mandate = "max_contract_sat = 1_000_000\nmax_locked_sat = 1_000_000\nmax_per_counterparty_sat = 1_000_000\n";
        let coins = vec![Amount::from_sat(400_000), Amount::from_sat(300_000)];
        Self {
            provider_mandate: mandate.to_owned(),
            buyer_mandate: mandate.to_owned(),
            backup: false,
            confirmations: 2,
            oracle: String::new(),
            bitcoind: Vec::new(),
            more_oracles: Vec::new(),
            provider_coins: coins.clone(),
            buyer_coins: coins,
        }
    }
}

/// Where a node finds everything.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub bitcoind_url: String,
    pub cookie_file: PathBuf,
    pub backup: bool,
    pub confirmations: u32,
    /// URL and key of each oracle.
    pub oracles: Vec<(String, Hex32)>,
}

/// A provider's or buyer's node: a process with an own folder, and a client for its owner.
#[derive(Debug)]
pub struct Party {
    /// The process.
    pub service: Service,
    /// The owner's client.
    pub owner: OwnerClient,
    /// The identity key.
    pub key: Hex32,
    /// The coins that the wallet has to begin with.
    pub coins: Vec<OutPoint>,
    owner_addr: SocketAddr,
    peer_addr: SocketAddr,
    mandate: String,
    lines: String,
    surroundings: Surroundings,
}

impl Party {
    /// Sets a node up; it does not run yet.
    pub(crate) fn set_up(name: &str, home: &Path, mandate: &str, surroundings: Surroundings) -> Self {
        let owner_addr = free_addr().expect("there are free ports");
        let peer_addr = free_addr().expect("there are free ports");
        let service = Service::node(name, home, owner_addr).expect("`earnest` is built and fresh");
        service
            .configure(&config(&service, owner_addr, peer_addr, mandate, "", &surroundings))
            .expect("is written");
        let made = service.init().expect("`earnest init` works");
        let key = made["key"].as_str().and_then(Hex32::parse).expect("`earnest init` prints the key");
        let owner = owner_of(&service, owner_addr);
        let coins = Vec::new();
        let (mandate, lines) = (mandate.to_owned(), String::new());
        Self { service, owner, key, coins, owner_addr, peer_addr, mandate, lines, surroundings }
    }

    /// Another node with an empty wallet, which finds everything where this one does; it does not run yet.
    pub(crate) fn newcomer(&self, name: &str, home: &Path, lines: &str) -> Self {
        let mut party = Self::set_up(name, home, &self.mandate, self.surroundings.clone());
        party.use_lines(lines);
        party
    }

    /// Pays the wallet, in confirmed coins.
    pub(crate) async fn receive(&mut self, bitcoind: &Bitcoind, amounts: &[Amount]) {
        if amounts.is_empty() {
            return;
        }
        let address = self.address().await;
        self.coins.extend(bitcoind.fund(&address, amounts).expect("the testbed has coins"));
    }

    /// A fresh address of the wallet.
    pub async fn address(&self) -> Address {
        let made = self.owner.new_address(&fresh_key()).await.expect("the node gives addresses");
        let address: Address<_> = made.address.parse().expect("is an address");
        address.require_network(Network::Regtest).expect("is one of regtest")
    }

    /// Where peers reach it.
    #[must_use]
    pub fn peer_url(&self) -> String {
        format!("http://{}", self.peer_addr)
    }

    /// Where peers reach it.
    #[must_use]
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer_addr
    }

    /// Where its owner reaches it.
    #[must_use]
    pub fn owner_url(&self) -> String {
        format!("http://{}", self.owner_addr)
    }

    /// From its next start on it talks to the Bitcoin node at this URL.
    pub fn use_bitcoind(&mut self, url: &str) {
        url.clone_into(&mut self.surroundings.bitcoind_url);
        self.configure();
    }

    /// From its next start on it asks the first oracle at this URL.
    pub fn use_oracle(&mut self, url: &str) {
        self.use_oracle_at(0, url);
    }

    /// From its next start on it asks this oracle, by its place among all, at this URL.
    pub fn use_oracle_at(&mut self, place: usize, url: &str) {
        url.clone_into(&mut self.surroundings.oracles[place].0);
        self.configure();
    }

    /// From its next start on it may count on this key of the oracle at this URL as well.
    pub fn pin_oracle(&mut self, url: &str, key: Hex32) {
        self.surroundings.oracles.push((url.to_owned(), key));
        self.configure();
    }

    /// From its next start on these are the lines of its `[mandate]`.
    pub fn use_mandate(&mut self, lines: &str) {
        lines.clone_into(&mut self.mandate);
        self.configure();
    }

    /// From its next start on these lines stand at the top of its configuration.
    pub fn use_lines(&mut self, lines: &str) {
        lines.clone_into(&mut self.lines);
        self.configure();
    }

    fn configure(&self) {
        let (mandate, lines) = (&self.mandate, &self.lines);
        let text = config(&self.service, self.owner_addr, self.peer_addr, mandate, lines, &self.surroundings);
        self.service.configure(&text).expect("is written");
    }

    /// Takes an offer of the provider at `url`. Returns the escrow's id.
    ///
    /// # Errors
    /// What the node answers.
    pub async fn purchase(&self, url: &str, offer_id: Hex32) -> Result<String, client::ClientError> {
        let request = PurchaseRequest { provider_url: url.to_owned(), offer_id };
        Ok(self.owner.purchase(&request, &fresh_key()).await?.escrow_id)
    }

    /// An escrow, as the node tells it now.
    pub async fn escrow(&self, id: &str) -> EscrowView {
        self.try_escrow(id).await.expect("the node knows the escrow")
    }

    /// An escrow, where the node knows it.
    pub async fn try_escrow(&self, id: &str) -> Option<EscrowView> {
        self.owner.escrow(id).await.expect("the node answers")
    }

    /// The names of what happened to an escrow, in order.
    pub async fn history(&self, id: &str) -> Vec<String> {
        self.escrow(id).await.history.into_iter().map(|entry| entry.event).collect()
    }

    /// What the wallet has and no escrow holds.
    pub async fn available_sat(&self) -> u64 {
        self.owner.balance().await.expect("the node answers").available_sat.0
    }

    /// Where it keeps its escrows.
    #[must_use]
    pub fn target(&self) -> PathBuf {
        target_of(&self.service)
    }

    /// Its seed's words, as its owner has written them down.
    ///
    /// # Panics
    /// When the node does not tell them.
    #[must_use]
    pub fn words(&self) -> String {
        let told = self.service.json(&["words", "--json"]).expect("`earnest words` works");
        told["words"].as_str().expect("are words").to_owned()
    }

    /// Loses the whole data folder.
    ///
    /// # Panics
    /// When it can't be removed.
    pub fn lose_everything(&self) {
        std::fs::remove_dir_all(self.service.data_dir()).expect("the data folder can be removed");
    }

    /// Runs `earnest restore` with the seed's words on its standard input, and takes the new owner token.
    #[must_use]
    pub fn restore(&mut self, words: &str, arguments: &[&str]) -> Output {
        let mut all = vec!["restore", "--words", "--json"];
        all.extend(arguments);
        let output = self.service.command_reading(&all, words).expect("`earnest` runs");
        if output.status.success() {
            self.owner = owner_of(&self.service, self.owner_addr);
        }
        output
    }

    /// Runs a command of `earnest` against the node.
    #[must_use]
    pub fn cli(&self, arguments: &[&str]) -> Output {
        self.service.command(arguments).expect("`earnest` runs")
    }
}

fn owner_of(service: &Service, addr: SocketAddr) -> OwnerClient {
    let token = std::fs::read_to_string(service.data_dir().join("owner-token")).expect("there is a token");
    OwnerClient::new(&format!("http://{addr}"), token.trim()).expect("is a good URL")
}

/// Beside the node's folder, as on another disk.
fn target_of(service: &Service) -> PathBuf {
    service.folder().with_extension("target")
}

fn config(
    service: &Service,
    owner: SocketAddr,
    peer: SocketAddr,
    mandate: &str,
    lines: &str,
    around: &Surroundings,
) -> String {
    let backup = match around.backup {
        true => format!("[backup]\ntarget = \"{}\"\n\n", target_of(service).display()),
        false => String::new(),
    };
    let oracle = |(url, key): &(String, Hex32)| format!("[[oracle]]\nurl = \"{url}\"\nkey = \"{key}\"\n\n");
    format!(
        "{lines}network = \"regtest\"\ndata_dir = \"{data}\"\nowner_listen = \"{owner}\"\npeer_listen = \"{peer}\"\n\
         poll_every_s = {POLL_S}\nconfirmations = {confirmations}\n\n\
         {backup}\
         [bitcoind]\nurl = \"{url}\"\ncookie_file = \"{cookie}\"\n\n\
         {oracles}[mandate]\n{mandate}",
        confirmations = around.confirmations,
        data = service.data_dir().display(),
        url = around.bitcoind_url,
        cookie = around.cookie_file.display(),
        oracles = around.oracles.iter().map(oracle).collect::<String>(),
    )
}

/// An idempotency key that was never used before.
#[must_use]
pub fn fresh_key() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("blackbox-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
