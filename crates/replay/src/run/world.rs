//! Everything that runs in a replay.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clock::Clock;
use clock::barrier::Barrier;
use terms::{Hex32, UnixSeconds};
use testbed::{Bitcoind, FailingTarget, free_addr};

use super::config::{self, Listens, Reaches};
use super::lines::Lines;
use super::programs::{Oracle, Party, Programs};
use super::service::Service;
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

/// So long a transaction may wait in the mempool, in hours: years, since months pass in seconds.
const MEMPOOL_EXPIRY_H: u32 = 200_000;

impl World {
    /// Starts everything, with time standing still at the scenario's start.
    pub(super) async fn start(scenario: &Scenario, folder: &Path, seed: u64) -> anyhow::Result<Self> {
        let spikes = scenario.faults.iter().any(|fault| matches!(fault.what, Happening::FeeSpike(_)));
        let bitcoind = start_bitcoind(folder.join("bitcoind"), scenario.starts(), spikes).await?;
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
        let programs = Programs { folder, barrier: barrier.addr(), seed };
        let mut setup = Setup { scenario, programs, lines: Lines::default() };
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

/// What starting the parties needs to know.
struct Setup<'a> {
    scenario: &'a Scenario,
    programs: Programs<'a>,
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
        let data_dir = self.programs.folder.join("oracle");
        let text = config::oracle(self.scenario, &data_dir, listen, target, reference)?;
        Ok((self.programs.oracle(&text, listen).await?, listen))
    }

    async fn node(
        &mut self,
        who: Victim,
        bitcoind: &Bitcoind,
        oracle: (SocketAddr, Hex32),
    ) -> anyhow::Result<Party> {
        let name = who.name();
        let listens = Listens { owner: free_addr()?, peer: free_addr()? };
        let reaches = Reaches {
            bitcoind: self.lines.lay(self.scenario, Line::ToBitcoind(who), bitcoind.rpc_addr()).await?,
            cookie: bitcoind.cookie_file(),
            oracle: (self.lines.lay(self.scenario, Line::ToOracle(who), oracle.0).await?, oracle.1),
        };
        let text = config::node(self.scenario, &self.programs.folder.join(name), listens, &reaches);
        let party = self.programs.node(name, &text, listens).await?;
        let door = match who {
            Victim::Provider => self.lines.lay(self.scenario, Line::BuyerProvider, listens.peer).await?,
            _ => listens.peer,
        };
        Ok(Party { peer_url: format!("http://{door}"), ..party })
    }
}
