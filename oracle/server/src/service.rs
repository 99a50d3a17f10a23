//! Starting and stopping the oracle as one thing, in a process of its own or inside a test.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clock::Clock;
use signer::{InstanceLock, Journal, Passphrase};
use terms::{EventId, Hex32};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::asking::ahead;
use crate::config::{Accept, Config, Network};
use crate::operating::aging;
use crate::operating::keyring::Keyring;
use crate::oracle::{Oracle, Parts};
use crate::probe::NO_ROOTS;
use crate::public_log::PublicLog;
use crate::store::{Durability, Event, Store};
use crate::{http, scheduler};

/// Tasks get this long to write down what they hold; then the process ends without them.
const STOPPING: Duration = Duration::from_secs(10);

/// What the operator can do when the log is not the one that is known elsewhere.
const TRUST: &str = "database and journal may both be old copies. Restore the newest ones; or, if there are none, say \
     `earnest-oracle trust-database`, whose --help says what that means";

/// A running oracle.
#[derive(Debug)]
pub struct Running {
    oracle: Arc<Oracle>,
    addr: SocketAddr,
    server: JoinHandle<io::Result<()>>,
    /// Released when the oracle has stopped.
    _lock: InstanceLock,
}

/// Opens key, journal and database, takes up the open events, and serves.
///
/// # Errors
/// When a part can't be opened, when another instance runs, when simulated time is asked for off
/// regtest, or when the database is older than the journal says.
pub async fn start(config: Config, clock: Clock, passphrase: Option<Passphrase>) -> anyhow::Result<Running> {
    allow_clock(config.network, clock.is_simulated())?;
    let busy = clock.busy().await;
    let keys = Keyring::load(&config, clock.is_simulated(), passphrase.as_ref())?;
    let lock = InstanceLock::acquire(&config.key_file())?;
    let journal = open_journal(&config, &keys)?;
    let store = open_store(&config, clock.is_simulated()).await?;
    refuse_old_copy(&store, &journal).await?;
    store.catch_up_status().await?;
    let log = PublicLog::new(&keys, config.checkpoint_copy.clone());
    log.compare(&store).await.context(TRUST)?;
    let token = read_token(&config)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("listen: {} can't be had", config.listen))?;
    let addr = listener.local_addr()?;
    let oracle = Oracle::new(Parts { config, clock, store, keys, journal, log, token })?;
    refuse_blindness(&oracle).await?;
    let open = scheduler::take_up(&oracle, &busy).await?;
    aging::keep_aging(&oracle, busy.share());
    ahead::name_services(&oracle).await?;
    ahead::keep_announcing(&oracle, busy.share());
    tracing::info!(%addr, pubkey = %oracle.key.public(), open_events = open, "the oracle serves");
    let server = tokio::spawn(http::serve(Arc::clone(&oracle), listener));
    Ok(Running { oracle, addr, server, _lock: lock })
}

impl Running {
    /// Where the HTTP API listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The oracle's parts.
    pub fn oracle(&self) -> &Arc<Oracle> {
        &self.oracle
    }

    /// Stops: takes no more connections, writes down every sample, closes the database.
    ///
    /// # Errors
    /// When the HTTP server had failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.oracle.stop.cancel();
        self.oracle.tasks.close();
        if tokio::time::timeout(STOPPING, self.oracle.tasks.wait()).await.is_err() {
            tracing::warn!("some events could not be put down in time");
        }
        let mut server = self.server;
        match tokio::time::timeout(STOPPING, &mut server).await {
            Ok(served) => served.context("the HTTP server broke down")?.context("the HTTP server failed")?,
            Err(_) => server.abort(),
        }
        self.oracle.store.close().await;
        Ok(())
    }
}

/// Simulated time, and keys made under it, exist on regtest only.
///
/// # Errors
/// Elsewhere.
pub fn allow_clock(network: Network, simulated: bool) -> anyhow::Result<()> {
    if simulated && network != Network::Regtest {
        bail!("simulated time is for regtest only; this oracle is configured for {}", network.name());
    }
    Ok(())
}

/// Opens the signing journal.
///
/// # Errors
/// When it is not this key's, or was changed.
pub fn open_journal(config: &Config, keys: &Keyring) -> anyhow::Result<Journal> {
    let path = config.journal_file();
    let (journal, torn) = Journal::open_named(&path, keys.first())
        .with_context(|| format!("the signing journal {}", path.display()))?;
    if let Some(torn) = torn {
        tracing::warn!(
            line = torn.line,
            bytes = torn.bytes,
            "the signing journal's last line was torn by a crash and is ignored"
        );
    }
    Ok(journal)
}

/// Opens the database.
///
/// # Errors
/// When it is not ours, or of a newer version.
pub async fn open_store(config: &Config, simulated: bool) -> anyhow::Result<Store> {
    let path = config.database_file();
    let durability = if simulated { Durability::Process } else { Durability::Machine };
    Store::open(&path, durability).await.with_context(|| format!("the database {}", path.display()))
}

/// An old copy of the database has forgotten what was announced and signed, so nothing goes on with it.
async fn refuse_old_copy(store: &Store, journal: &Journal) -> anyhow::Result<()> {
    if journal.is_copy() {
        bail!(
            "the signing journal is a backup's copy: it does not know what was announced and signed after the backup was \
             made. Restore the newest journal; or, if there is none, say `earnest-oracle trust-database`, whose --help \
             says what that means"
        );
    }
    let mark = store.mark().await?;
    let lost = lost_events(journal, &store.commitments().await?);
    // What the operator's word covered already is lost, and no news.
    let news = lost.iter().filter(|id| !journal.view(id).authorised_before_trust).count();
    if mark >= journal.newest_mark() && news == 0 {
        return Ok(());
    }
    bail!(
        "the database is older than the signing journal: it is at commit {mark}, the journal knows of {}, and {news} \
         announced events are missing. Restore the newest database; or, if there is none, say `earnest-oracle \
         trust-database`, whose --help says what that means",
        journal.newest_mark(),
    );
}

/// Without roots every `https` target would look down, and that would be this machine's fault.
async fn refuse_blindness(oracle: &Oracle) -> anyhow::Result<()> {
    if !oracle.settings().prober.roots().is_empty() {
        return Ok(());
    }
    tracing::warn!("no root certificates: https targets are refused");
    let open = oracle.store.open_events().await?;
    let needs = |event: &&Event| event.provisional.is_none() && event.measurement.target.needs_certificates();
    match open.iter().find(needs) {
        Some(event) => bail!("{} can't be measured: it is about https, and {NO_ROOTS}", event.id),
        None => Ok(()),
    }
}

/// Events that the journal knows and the database doesn't.
pub fn lost_events(journal: &Journal, known: &[(EventId, Hex32)]) -> Vec<EventId> {
    let known: BTreeSet<&EventId> = known.iter().map(|(id, _)| id).collect();
    journal.missing(|id| known.contains(id))
}

/// The requesters' token, where the policy asks for one.
///
/// # Errors
/// When it can't be read, or is too short.
pub fn read_token(config: &Config) -> anyhow::Result<Option<String>> {
    if config.policy.accept != Accept::Token {
        return Ok(None);
    }
    let path = config.token_file();
    let token = read_line(&path).with_context(|| format!("the requesters' token {}", path.display()))?;
    if token.len() < 16 {
        bail!("the requesters' token {} must have at least 16 characters", path.display());
    }
    Ok(Some(token))
}

/// The passphrase of the key: from `EARNEST_ORACLE_PASSPHRASE`, or the configured file.
///
/// # Errors
/// When the file can't be read.
pub fn passphrase(config: &Config, from_environment: Option<String>) -> anyhow::Result<Option<Passphrase>> {
    if let Some(text) = from_environment {
        return Ok(Some(Passphrase::new(text)));
    }
    let Some(path) = &config.passphrase_file else {
        return Ok(None);
    };
    let text = read_line(path).with_context(|| format!("passphrase_file: {}", path.display()))?;
    Ok(Some(Passphrase::new(text)))
}

fn read_line(path: &Path) -> io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim_end_matches(['\r', '\n']).to_owned())
}
