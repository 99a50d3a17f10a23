//! Everything that runs in a market.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clock::Clock;
use clock::barrier::Barrier;
use testbed::{Bitcoind, FailingTarget, free_addr};

use super::config;
use crate::market::file::{Limits, Market};
use crate::market::record::Side;
use crate::run::config::{Listens, Reaches, node_of};
use crate::run::programs::{Oracle, Party, Programs};
use crate::run::service::Service;
use crate::run::world::start_bitcoind;

/// The name of the directory's process.
const DIRECTORY: &str = "directory";

/// Everything that runs. Dropping it ends it all; the folder stays.
#[derive(Debug)]
pub struct World {
    /// One for everybody.
    pub(super) bitcoind: Arc<Bitcoind>,
    pub(super) barrier: Barrier,
    pub(super) clock: Clock,
    /// By the providers' numbers.
    pub(super) services: Vec<FailingTarget>,
    /// Stays up: the oracle asks it whether the fault is its own.
    _reference: FailingTarget,
    pub(super) oracle: Oracle,
    pub(super) directory: Party,
    /// Providers, then buyers, in the file's order.
    pub(super) members: Vec<Member>,
    /// Where everything lies.
    pub(super) folder: PathBuf,
}

/// A provider or a buyer with its node.
#[derive(Debug)]
pub(super) struct Member {
    pub name: String,
    pub side: Side,
    pub party: Party,
}

impl World {
    /// Starts everything, with time standing still at the market's start.
    pub(super) async fn start(market: &Market, folder: &Path, seed: u64) -> anyhow::Result<Self> {
        let bitcoind = start_bitcoind(folder.join("bitcoind"), market.starts(), false).await?;
        let barrier = Barrier::bind(market.starts().0 * 1000).await.context("the time barrier")?;
        let clock = barrier.clock().await.context("the time barrier")?;
        // Held until the director takes its own, so that time can't move while the programs start.
        let busy = clock.busy().await;
        let services = targets(market).await?;
        let reference = FailingTarget::start().await.context("the reference target")?;
        let programs = Programs { folder, barrier: barrier.addr(), seed };
        let (oracle, oracle_addr) = start_oracle(market, &programs, &services, reference.addr()).await?;
        let reaches = Reaches {
            bitcoind: bitcoind.rpc_addr(),
            cookie: bitcoind.cookie_file(),
            oracle: (oracle_addr, oracle.key),
        };
        let setup = Setup { market, programs, reaches };
        let directory = setup.directory().await?;
        let members = setup.members(&directory.peer_url).await?;
        drop(busy);
        let folder = folder.to_owned();
        Ok(Self {
            bitcoind,
            barrier,
            clock,
            services,
            _reference: reference,
            oracle,
            directory,
            members,
            folder,
        })
    }

    /// Where the chain's RPC is, and the file with its cookie, for a check from outside.
    pub fn rpc(&self) -> (String, PathBuf) {
        (self.bitcoind.rpc_url(), self.bitcoind.cookie_file())
    }

    /// Fails when a program ended by itself.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        let members = self.members.iter_mut().map(|member| &mut member.party.service);
        let others = [&mut self.oracle.service, &mut self.directory.service];
        others.into_iter().chain(members).try_for_each(Service::check)
    }

    /// A provider's node, by its number.
    pub(super) fn provider(&self, number: usize) -> &Member {
        &self.members[number]
    }

    /// A buyer's node, by its number.
    pub(super) fn buyer(&self, number: usize) -> &Member {
        &self.members[self.services.len() + number]
    }
}

async fn targets(market: &Market) -> anyhow::Result<Vec<FailingTarget>> {
    let mut targets = Vec::new();
    for _ in &market.providers {
        let target = FailingTarget::start().await.context("a service")?;
        target.set_body(market.body.clone());
        targets.push(target);
    }
    Ok(targets)
}

async fn start_oracle(
    market: &Market,
    programs: &Programs<'_>,
    services: &[FailingTarget],
    reference: SocketAddr,
) -> anyhow::Result<(Oracle, SocketAddr)> {
    let listen = free_addr()?;
    let addrs: Vec<SocketAddr> = services.iter().map(FailingTarget::addr).collect();
    let text = config::oracle(market, &programs.folder.join("oracle"), listen, &addrs, reference)?;
    Ok((programs.oracle(&text, listen, &[]).await?, listen))
}

/// What starting the nodes needs to know.
struct Setup<'a> {
    market: &'a Market,
    programs: Programs<'a>,
    reaches: Reaches,
}

impl Setup<'_> {
    async fn directory(&self) -> anyhow::Result<Party> {
        self.node(DIRECTORY, |data_dir, listens| {
            config::directory(self.market, data_dir, listens, &self.reaches)
        })
        .await
    }

    async fn members(&self, directory: &str) -> anyhow::Result<Vec<Member>> {
        let mut members = Vec::new();
        for provider in &self.market.providers {
            let text = |data_dir: &Path, listens| {
                config::provider(self.market, provider, data_dir, listens, &self.reaches, directory)
            };
            let party = self.node(&provider.name, text).await?;
            members.push(Member { name: provider.name.clone(), side: Side::Provider, party });
        }
        for buyer in &self.market.buyers {
            let party = self.buyer(&buyer.name, &buyer.mandate).await?;
            members.push(Member { name: buyer.name.clone(), side: Side::Buyer, party });
        }
        Ok(members)
    }

    async fn buyer(&self, name: &str, mandate: &Limits) -> anyhow::Result<Party> {
        let text = |data_dir: &Path, listens| {
            node_of(&self.market.chain, data_dir, listens, &self.reaches, &mandate.lines())
        };
        self.node(name, text).await
    }

    async fn node(&self, name: &str, text: impl FnOnce(&Path, Listens) -> String) -> anyhow::Result<Party> {
        let listens = Listens { owner: free_addr()?, peer: free_addr()? };
        let text = text(&self.programs.folder.join(name), listens);
        self.programs.node(name, &text, listens, &[]).await
    }
}
