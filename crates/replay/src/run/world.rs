//! Everything that runs in a replay.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use client::{OracleClient, OwnerClient};
use clock::Clock;
use clock::barrier::Barrier;
use terms::Hex32;
use testbed::{Bitcoind, FailingTarget, ProcessBuilder, free_addr};

use super::config::{self, Listens, Reaches};
use super::lines::Lines;
use super::seed;
use super::service::{Service, read_token, run_to_end};
use crate::scenario::{Happening, Line, Scenario, Victim};

/// Everything that runs. Dropping it ends it all; the folder stays.
#[derive(Debug)]
pub struct World {
    pub(super) bitcoind: Arc<Bitcoind>,
    pub(super) barrier: Barrier,
    pub(super) clock: Clock,
    pub(super) target: FailingTarget,
    pub(super) reference: FailingTarget,
    pub(super) oracle: Oracle,
    pub(super) provider: Party,
    pub(super) buyer: Party,
    /// The lines between them that the scenario cuts.
    pub(super) lines: Lines,
    /// Where everything lies.
    pub(super) folder: PathBuf,
}

/// The oracle as a process, and the way to talk to it.
#[derive(Debug)]
pub(super) struct Oracle {
    pub service: Service,
    pub client: OracleClient,
    pub key: Hex32,
}

/// A node as a process, and the way to talk to it.
#[derive(Debug)]
pub(super) struct Party {
    pub service: Service,
    pub owner: OwnerClient,
    pub key: Hex32,
    pub peer_url: String,
}

/// So long a transaction may wait in the mempool, in hours: years, since months pass in seconds.
const MEMPOOL_EXPIRY_H: u32 = 200_000;

impl World {
    /// Starts everything, with time standing still at the scenario's start.
    pub(super) async fn start(scenario: &Scenario, folder: &Path, seed: u64) -> anyhow::Result<Self> {
        let bitcoind = start_bitcoind(folder.join("bitcoind"), scenario).await?;
        let barrier = Barrier::bind(scenario.starts().0 * 1000).await.context("the time barrier")?;
        for (victim, ahead_ms) in scenario.clocks.wrong() {
            barrier.skew(victim.name(), *ahead_ms);
        }
        let clock = barrier.clock().await.context("the time barrier")?;
        // Held until the director takes its own, so that time can't move while the programs start.
        let busy = clock.busy().await;
        let target = FailingTarget::start().await.context("the target")?;
        let reference = FailingTarget::start().await.context("the reference target")?;
        target.set_body(scenario.body.clone());
        let mut setup = Setup { scenario, folder, barrier: barrier.addr(), seed, lines: Lines::default() };
        let (oracle, oracle_addr) = setup.oracle(target.addr(), reference.addr()).await?;
        let provider = setup.node(Victim::Provider, &bitcoind, (oracle_addr, oracle.key)).await?;
        let buyer = setup.node(Victim::Buyer, &bitcoind, (oracle_addr, oracle.key)).await?;
        drop(busy);
        let (lines, folder) = (setup.lines, folder.to_owned());
        Ok(Self { bitcoind, barrier, clock, target, reference, oracle, provider, buyer, lines, folder })
    }

    /// Where the chain's RPC is, and the file with its cookie, for a check from outside.
    pub fn rpc(&self) -> (String, PathBuf) {
        (self.bitcoind.rpc_url(), self.bitcoind.cookie_file())
    }

    /// One of the programs of ours.
    pub(super) fn service(&mut self, victim: Victim) -> Option<&mut Service> {
        match victim {
            Victim::Oracle => Some(&mut self.oracle.service),
            Victim::Provider => Some(&mut self.provider.service),
            Victim::Buyer => Some(&mut self.buyer.service),
            Victim::Bitcoind => None,
        }
    }
}

async fn start_bitcoind(folder: PathBuf, scenario: &Scenario) -> anyhow::Result<Arc<Bitcoind>> {
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let builder = Bitcoind::builder()
        .folder(folder)
        .mock_time(scenario.starts().0)
        .arg(format!("-mempoolexpiry={MEMPOOL_EXPIRY_H}"));
    let spikes = scenario.faults.iter().any(|fault| matches!(fault.what, Happening::FeeSpike(_)));
    // As small as it may be, so that it is soon full.
    let builder = if spikes { builder.arg("-maxmempool=5") } else { builder };
    let started =
        tokio::task::spawn_blocking(move || builder.start()).await.context("a thread ended badly")?;
    Ok(Arc::new(started?))
}

/// What starting a program needs to know.
struct Setup<'a> {
    scenario: &'a Scenario,
    folder: &'a Path,
    barrier: SocketAddr,
    /// What the nodes' seeds grow from.
    seed: u64,
    /// The lines laid so far.
    lines: Lines,
}

impl Setup<'_> {
    async fn oracle(
        &self,
        target: SocketAddr,
        reference: SocketAddr,
    ) -> anyhow::Result<(Oracle, SocketAddr)> {
        let listen = free_addr()?;
        let text = config::oracle(self.scenario, &self.folder.join("oracle"), listen, target, reference)?;
        let config = self.write("oracle.toml", &text)?;
        let log = self.folder.join("oracle.log");
        let command = |verb: &str| -> anyhow::Result<ProcessBuilder> {
            let command = ProcessBuilder::binary("earnest-oracle", &log)?.called("oracle");
            Ok(command.arg(verb).arg("--config").arg(&config))
        };
        run_to_end(command("init")?.arg("--simulated"), "earnest-oracle init").await?;
        let serve = command("serve")?.arg("--simulated-time").arg(self.barrier.to_string());
        let service = Service::start(serve, listen).await?;
        let client = OracleClient::new(&format!("http://{listen}"))?;
        let key = client.pubkey().await?;
        Ok((Oracle { service, client, key }, listen))
    }

    async fn node(
        &mut self,
        who: Victim,
        bitcoind: &Bitcoind,
        oracle: (SocketAddr, Hex32),
    ) -> anyhow::Result<Party> {
        let name = who.name();
        let data_dir = self.folder.join(name);
        let listens = Listens { owner: free_addr()?, peer: free_addr()? };
        let reaches = Reaches {
            bitcoind: self.lines.lay(self.scenario, Line::ToBitcoind(who), bitcoind.rpc_addr()).await?,
            cookie: bitcoind.cookie_file(),
            oracle: (self.lines.lay(self.scenario, Line::ToOracle(who), oracle.0).await?, oracle.1),
        };
        let text = config::node(self.scenario, &data_dir, listens, &reaches);
        let config = self.write(&format!("{name}.toml"), &text)?;
        let log = self.folder.join(format!("{name}.log"));
        let command = |verb: &str| -> anyhow::Result<ProcessBuilder> {
            let command = ProcessBuilder::binary("earnest", &log)?.called(name);
            Ok(command.arg(verb).arg("--config").arg(&config))
        };
        seed::plant(&data_dir, self.seed, name)?;
        run_to_end(command("init")?, "earnest init").await?;
        let serve = command("serve")?;
        let serve =
            serve.arg("--simulated-time").arg(self.barrier.to_string()).arg("--simulated-name").arg(name);
        let service = Service::start(serve, listens.owner).await?;
        let token = read_token(&data_dir.join("owner-token"))?;
        let owner = OwnerClient::new(&format!("http://{}", listens.owner), &token)?;
        let key = owner.info().await?.key;
        let door = match who {
            Victim::Provider => self.lines.lay(self.scenario, Line::BuyerProvider, listens.peer).await?,
            _ => listens.peer,
        };
        Ok(Party { service, owner, key, peer_url: format!("http://{door}") })
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(path)
    }
}
