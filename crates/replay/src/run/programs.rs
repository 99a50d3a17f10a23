//! Starting the programs of a replay, each with its configuration, in a folder and on a barrier of their own.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use client::{OracleClient, OwnerClient};
use terms::Hex32;
use testbed::ProcessBuilder;

use super::config::Listens;
use super::seed;
use super::service::{Service, read_token, run_to_end};

/// The oracle as a process, and the way to talk to it.
#[derive(Debug)]
pub(crate) struct Oracle {
    pub service: Service,
    pub client: OracleClient,
    pub key: Hex32,
    /// Where it listens.
    pub addr: SocketAddr,
}

/// A node as a process, and the way to talk to it.
#[derive(Debug)]
pub(crate) struct Party {
    pub service: Service,
    pub owner: OwnerClient,
    pub key: Hex32,
    pub peer_url: String,
}

/// A variable of a program's environment.
pub(crate) type Env = (&'static str, OsString);

/// What starting a program needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Programs<'a> {
    /// Where everything lies.
    pub folder: &'a Path,
    /// What their clocks follow.
    pub barrier: SocketAddr,
    /// What the nodes' seeds grow from.
    pub seed: u64,
}

impl Programs<'_> {
    /// An oracle with this configuration, whose data folder is `oracle`.
    pub(crate) async fn oracle(
        &self,
        text: &str,
        listen: SocketAddr,
        envs: &[Env],
    ) -> anyhow::Result<Oracle> {
        self.oracle_called("oracle", text, listen, envs).await
    }

    /// An oracle of this name with this configuration, whose data folder is the name; it runs with `envs` besides all that
    /// is in ours.
    pub(crate) async fn oracle_called(
        &self,
        name: &str,
        text: &str,
        listen: SocketAddr,
        envs: &[Env],
    ) -> anyhow::Result<Oracle> {
        let config = self.write(&format!("{name}.toml"), text)?;
        let command = |verb| self.oracle_command(name, verb, &config);
        run_to_end(command("init")?.arg("--simulated"), "earnest-oracle init").await?;
        let service =
            Service::start(within(self.in_simulated_time(command("serve")?, name), envs), listen).await?;
        let client = OracleClient::new(&format!("http://{listen}"))?;
        let key = client.pubkey().await?;
        Ok(Oracle { service, client, key, addr: listen })
    }

    /// A command of `earnest-oracle` with this configuration, for an oracle or a vantage.
    pub(super) fn oracle_command(
        &self,
        name: &str,
        verb: &str,
        config: &Path,
    ) -> anyhow::Result<ProcessBuilder> {
        let log = self.folder.join(format!("{name}.log"));
        let command = ProcessBuilder::binary("earnest-oracle", log)?.called(name);
        Ok(command.arg(verb).arg("--config").arg(config))
    }

    /// The command takes its time from the barrier, under this name.
    pub(super) fn in_simulated_time(&self, command: ProcessBuilder, name: &str) -> ProcessBuilder {
        let command = command.arg("--simulated-time").arg(self.barrier.to_string());
        command.arg("--simulated-name").arg(name)
    }

    /// A node of this name with this configuration, whose data folder is the name; with `envs` as an oracle.
    pub(crate) async fn node(
        &self,
        name: &str,
        text: &str,
        listens: Listens,
        envs: &[Env],
    ) -> anyhow::Result<Party> {
        let data_dir = self.folder.join(name);
        let config = self.write(&format!("{name}.toml"), text)?;
        let log = self.folder.join(format!("{name}.log"));
        let command = |verb: &str| -> anyhow::Result<ProcessBuilder> {
            let command = ProcessBuilder::binary("earnest", &log)?.called(name);
            Ok(command.arg(verb).arg("--config").arg(&config))
        };
        seed::plant(&data_dir, self.seed, name)?;
        run_to_end(command("init")?, "earnest init").await?;
        let serve = self.in_simulated_time(command("serve")?, name);
        let service = Service::start(within(serve, envs), listens.owner).await?;
        let token = read_token(&data_dir.join("owner-token"))?;
        let owner = OwnerClient::new(&format!("http://{}", listens.owner), &token)?;
        let key = owner.info().await?.key;
        Ok(Party { service, owner, key, peer_url: format!("http://{}", listens.peer) })
    }

    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(path)
    }
}

/// The command with these variables in its environment.
pub(crate) fn within(command: ProcessBuilder, envs: &[Env]) -> ProcessBuilder {
    envs.iter().fold(command, |command, (name, value)| command.env(name, value))
}
