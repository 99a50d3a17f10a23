//! Everything that runs in a replay.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clock::Clock;
use clock::barrier::Barrier;
use terms::UnixSeconds;
use testbed::{Bitcoind, FullDisk, free_addr};

use super::bell::Bell;
use super::config::{self, Listens, Reaches};
use super::lines::Lines;
use super::measurers::{self, Sight, Vantage};
use super::programs::{Env, Oracle, Party, Programs};
use super::service::Service;
use crate::scenario::{Fault, Happening, Line, Place, Scenario, Victim};

/// Everything that runs. Dropping it ends it all; the folder stays.
#[derive(Debug)]
pub struct World {
    pub(super) bitcoind: Arc<Bitcoind>,
    pub(super) barrier: Barrier,
    pub(super) clock: Clock,
    /// What each place takes for the service, in the order of the scenario's places.
    pub(super) sights: Vec<Sight>,
    /// In the file's order; at least one.
    pub(super) oracles: Vec<Oracle>,
    pub(super) vantages: Vec<Vantage>,
    pub(super) provider: Party,
    pub(super) buyer: Party,
    /// The lines between them that the scenario cuts.
    pub(super) lines: Lines,
    /// Rung when a message trips one of them.
    pub(super) bell: Bell,
    /// The disks that the scenario fills.
    pub(super) disks: BTreeMap<Victim, FullDisk>,
    /// Where everything lies.
    pub(super) folder: PathBuf,
}

/// So long a transaction may wait in the mempool, in hours: years, since months pass in seconds.
const MEMPOOL_EXPIRY_H: u32 = 200_000;

impl World {
    /// Starts everything, with time standing still at the scenario's start.
    pub(super) async fn start(scenario: &Scenario, folder: &Path, seed: u64) -> anyhow::Result<Self> {
        let spikes = scenario.faults.iter().any(|fault| matches!(fault.what, Happening::FeeSpike(_)));
        let barrier = Barrier::bind(scenario.starts().0 * 1000).await.context("the time barrier")?;
        for (victim, ahead_ms) in scenario.clocks.wrong() {
            barrier.skew(victim.name(&scenario.cast), *ahead_ms);
        }
        let clock = barrier.clock().await.context("the time barrier")?;
        // Held until the director takes its own, so that time can't move while the programs start.
        let busy = clock.busy().await;
        let programs = Programs { folder, barrier: barrier.addr(), seed };
        let bell = Bell::new(clock.clone());
        let (lines, disks) = (Lines::default(), BTreeMap::new());
        let mut setup = Setup { scenario, programs, lines, bell: bell.clone(), disks };
        let bitcoind = start_bitcoind(folder.join("bitcoind"), scenario.starts(), spikes);
        let (bitcoind, (sights, oracles, vantages)) = tokio::try_join!(bitcoind, setup.measurers(&barrier))?;
        let provider = setup.node(Victim::Provider, &bitcoind, &oracles).await?;
        let buyer = setup.node(Victim::Buyer, &bitcoind, &oracles).await?;
        let (provider, buyer) = tokio::try_join!(provider.start(programs), buyer.start(programs))?;
        drop(busy);
        let (lines, disks, folder) = (setup.lines, setup.disks, folder.to_owned());
        Ok(Self {
            bitcoind,
            barrier,
            clock,
            sights,
            oracles,
            vantages,
            provider,
            buyer,
            lines,
            bell,
            disks,
            folder,
        })
    }

    /// Where the chain's RPC is, and the file with its cookie, for a check from outside.
    pub fn rpc(&self) -> (String, PathBuf) {
        (self.bitcoind.rpc_url(), self.bitcoind.cookie_file())
    }

    /// One of the programs of ours.
    pub(super) fn service(&mut self, victim: Victim) -> Option<&mut Service> {
        match victim {
            Victim::Place(Place::Oracle(number)) => {
                self.oracles.get_mut(number).map(|oracle| &mut oracle.service)
            }
            Victim::Place(Place::Vantage(number)) => {
                self.vantages.get_mut(number).map(|vantage| &mut vantage.service)
            }
            Victim::Provider => Some(&mut self.provider.service),
            Victim::Buyer => Some(&mut self.buyer.service),
            Victim::Bitcoind => None,
        }
    }

    /// Starts one of them after it was killed.
    pub(super) async fn wake(&mut self, victim: Victim, scenario: &Scenario) -> anyhow::Result<()> {
        let service = self.service(victim).context("not a process of ours")?;
        service.start_again().await?;
        match victim {
            Victim::Place(Place::Vantage(_)) => {
                measurers::joined(&self.barrier, victim.name(&scenario.cast)).await
            }
            _ => Ok(()),
        }
    }
}

/// A Bitcoin node whose clock stands at this moment; with a small mempool where fees are to spike in it.
pub(crate) async fn start_bitcoind(
    folder: PathBuf,
    at: UnixSeconds,
    spikes: bool,
) -> anyhow::Result<Arc<Bitcoind>> {
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let builder =
        Bitcoind::builder().folder(folder).mock_time(at.0).arg(format!("-mempoolexpiry={MEMPOOL_EXPIRY_H}"));
    // As small as it may be, so that it is soon full.
    let builder = if spikes { builder.arg("-maxmempool=5") } else { builder };
    let started =
        tokio::task::spawn_blocking(move || builder.start()).await.context("a thread ended badly")?;
    Ok(Arc::new(started?))
}

/// What starting the programs of a scenario needs to know.
pub(super) struct Setup<'a> {
    pub scenario: &'a Scenario,
    pub programs: Programs<'a>,
    /// The lines laid so far.
    pub lines: Lines,
    /// What their gates ring.
    pub bell: Bell,
    /// The disks set up so far.
    pub disks: BTreeMap<Victim, FullDisk>,
}

/// A node that only needs to be started.
struct Node {
    name: &'static str,
    text: String,
    listens: Listens,
    envs: Vec<Env>,
    /// Where the other one reaches it.
    peer_url: String,
}

impl Node {
    async fn start(self, programs: Programs<'_>) -> anyhow::Result<Party> {
        let party = programs.node(self.name, &self.text, self.listens, &self.envs).await?;
        Ok(Party { peer_url: self.peer_url, ..party })
    }
}

impl Setup<'_> {
    async fn node(&mut self, who: Victim, bitcoind: &Bitcoind, oracles: &[Oracle]) -> anyhow::Result<Node> {
        let name = if who == Victim::Provider { "provider" } else { "buyer" };
        let listens = Listens { owner: free_addr()?, peer: free_addr()? };
        let mut ways = Vec::new();
        for (number, oracle) in oracles.iter().enumerate() {
            ways.push((self.lay(Line::ToOracle(who, number), oracle.addr).await?, oracle.key));
        }
        let (first, others) = ways.split_first().context("there is no oracle")?;
        let reaches = Reaches {
            bitcoind: self.lay(Line::ToBitcoind(who), bitcoind.rpc_addr()).await?,
            cookie: bitcoind.cookie_file(),
            oracle: *first,
        };
        let data_dir = self.programs.folder.join(name);
        let text = config::node(self.scenario, &data_dir, listens, &reaches, others);
        let envs = self.disk_under(who, &data_dir)?;
        let door = match who {
            Victim::Provider => self.lay(Line::BuyerProvider, listens.peer).await?,
            _ => listens.peer,
        };
        Ok(Node { name, text, listens, envs, peer_url: format!("http://{door}") })
    }

    /// Where a line is reached.
    pub(super) async fn lay(&mut self, line: Line, to: SocketAddr) -> anyhow::Result<SocketAddr> {
        self.lines.lay(self.scenario, line, to, &self.bell).await
    }

    /// What a process needs in its environment for a disk that can be full, where the scenario fills it.
    pub(super) fn disk_under(&mut self, who: Victim, data_dir: &Path) -> anyhow::Result<Vec<Env>> {
        let fills = |fault: &Fault| matches!(fault.what, Happening::FullDisk(victim, _) if victim == who);
        if !self.scenario.faults.iter().any(fills) {
            return Ok(Vec::new());
        }
        let disk = FullDisk::under(data_dir)?;
        let envs = disk.envs().to_vec();
        self.disks.insert(who, disk);
        Ok(envs)
    }
}
