//! Who measures: oracles and vantages as processes, and what each of them takes for the service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clock::barrier::Barrier;
use terms::Hex32;
use testbed::{FailingTarget, Phase as Behaviour, free_addr};

use super::agenda::Behaviours;
use super::config::{self, Site};
use super::front::Front;
use super::programs::{Oracle, within};
use super::service::Service;
use super::world::Setup;
use crate::scenario::{Line, Place, Says, Scenario, Victim};

/// How long a vantage may take, in real time, until it takes part in simulated time.
const JOIN_LIMIT: Duration = Duration::from_secs(60);

/// What a place takes for the service and for its reference target. Each has its own: what only some see, or what a liar
/// makes itself see, is nobody else's, and shares of requests are counted for each alone.
#[derive(Debug)]
pub(super) struct Sight {
    front: Front,
    reference: FailingTarget,
    /// It looks at something of its own.
    lies: bool,
}

impl Sight {
    /// `roots` is the file with whom the place believes about certificates.
    pub(super) async fn start(scenario: &Scenario, roots: PathBuf) -> anyhow::Result<Self> {
        let front = Front::start(scenario, roots).await?;
        let reference = FailingTarget::start().await.context("a reference target")?;
        Ok(Self { front, reference, lies: false })
    }

    /// The service behaves like this. A liar does not look.
    pub(super) fn show(&self, behaviours: &Behaviours) -> anyhow::Result<()> {
        if !self.lies {
            self.front.behave(behaviours)?;
            self.reference.set(behaviours.reference.clone());
        }
        Ok(())
    }

    /// From now on it is this that is seen, whatever the service does.
    pub(super) fn lie(&mut self, says: Says) -> anyhow::Result<()> {
        self.lies = true;
        self.reference.set(Behaviour::Up);
        self.front.only(match says {
            Says::Up => Behaviour::Up,
            Says::Down => Behaviour::Down,
        })
    }
}

/// A vantage elsewhere as a process.
#[derive(Debug)]
pub(super) struct Vantage {
    pub service: Service,
}

/// Waits until a vantage that was started takes part in simulated time.
pub(super) async fn joined(barrier: &Barrier, name: &str) -> anyhow::Result<()> {
    let joined = tokio::time::timeout(JOIN_LIMIT, barrier.wait_for(&[name])).await;
    joined.with_context(|| format!("the vantage {name} does not take part in simulated time"))
}

impl Setup<'_> {
    /// Starts all who measure, and what each of them takes for the service.
    pub(super) async fn measurers(
        &mut self,
        barrier: &Barrier,
    ) -> anyhow::Result<(Vec<Sight>, Vec<Oracle>, Vec<Vantage>)> {
        let cast = &self.scenario.cast;
        let (mut sights, mut oracles, mut vantages) = (Vec::new(), Vec::new(), Vec::new());
        for place in cast.places() {
            let roots = self.programs.folder.join(format!("roots-{}.pem", cast.name(place)));
            sights.push(Sight::start(self.scenario, roots).await?);
        }
        let keys = self.vantage_keys(&sights).await?;
        for number in 0..cast.oracles() {
            oracles.push(self.oracle(number, &sights, &keys).await?);
        }
        for number in 0..cast.vantages() {
            vantages.push(self.vantage(number, &sights, &oracles, barrier).await?);
        }
        Ok((sights, oracles, vantages))
    }

    /// Makes the vantages' keys, which the oracles must know before they start. Names and keys, in the file's order.
    async fn vantage_keys(&self, sights: &[Sight]) -> anyhow::Result<Vec<(String, String)>> {
        let mut keys = Vec::new();
        for number in 0..self.scenario.cast.vantages() {
            let config = self.configure_vantage(number, sights, &[])?;
            let mut command = tokio::process::Command::new(testbed::binary("earnest-oracle")?);
            command.args(["init", "--vantage", "--simulated", "--json", "--config"]).arg(&config);
            let made = command.kill_on_drop(true).output().await.context("earnest-oracle init --vantage")?;
            if !made.status.success() {
                bail!("earnest-oracle init --vantage: {}", String::from_utf8_lossy(&made.stderr));
            }
            let made: serde_json::Value = serde_json::from_slice(&made.stdout).context("what init prints")?;
            let key = made.get("pubkey").and_then(serde_json::Value::as_str).context("a vantage's key")?;
            keys.push((self.scenario.cast.name(Place::Vantage(number)).to_owned(), key.to_owned()));
        }
        Ok(keys)
    }

    async fn oracle(
        &mut self,
        number: usize,
        sights: &[Sight],
        vantages: &[(String, String)],
    ) -> anyhow::Result<Oracle> {
        let place = Place::Oracle(number);
        let name = self.scenario.cast.name(place);
        let listen = free_addr()?;
        let data_dir = self.programs.folder.join(name);
        let envs = self.disk_under(Victim::Place(place), &data_dir)?;
        let site = self.site(place, sights, &data_dir)?;
        let text = config::oracle(self.scenario, &site, listen, vantages);
        match self.scenario.cast.names_oracles() {
            true => self.programs.oracle_called(name, &text, listen, &envs).await,
            false => self.programs.oracle(&text, listen, &envs).await,
        }
    }

    /// Starts a vantage whose key is there, now that its oracles run.
    async fn vantage(
        &mut self,
        number: usize,
        sights: &[Sight],
        oracles: &[Oracle],
        barrier: &Barrier,
    ) -> anyhow::Result<Vantage> {
        let mut reached = Vec::new();
        for (oracle, found) in oracles.iter().enumerate() {
            reached.push((self.lay(Line::Report(number, oracle), found.addr).await?, found.key));
        }
        let config = self.configure_vantage(number, sights, &reached)?;
        let name = self.scenario.cast.name(Place::Vantage(number));
        let command = self.programs.oracle_command(name, "probe", &config)?;
        let envs =
            self.disk_under(Victim::Place(Place::Vantage(number)), &self.programs.folder.join(name))?;
        let command = within(self.programs.in_simulated_time(command, name), &envs);
        let service = Service::start_unheard(command).await?;
        joined(barrier, name).await?;
        Ok(Vantage { service })
    }

    fn configure_vantage(
        &self,
        number: usize,
        sights: &[Sight],
        oracles: &[(SocketAddr, Hex32)],
    ) -> anyhow::Result<PathBuf> {
        let place = Place::Vantage(number);
        let name = self.scenario.cast.name(place);
        let data_dir = self.programs.folder.join(name);
        let site = self.site(place, sights, &data_dir)?;
        self.programs.write(&format!("{name}.toml"), &config::vantage(self.scenario, &site, oracles))
    }

    fn site<'b>(
        &self,
        place: Place,
        sights: &[Sight],
        data_dir: &'b std::path::Path,
    ) -> anyhow::Result<Site<'b>> {
        let sight =
            sights.get(self.scenario.cast.index(place)).context("a place that nothing was made for")?;
        Ok(Site { data_dir, services: sight.front.lines(), reference: sight.reference.addr() })
    }
}
