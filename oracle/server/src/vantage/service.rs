//! Starting and stopping a vantage as one thing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use client::VantageClient;
use clock::Clock;
use signer::{Expected, InstanceLock, Passphrase, VantageKey};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::errand::Errand;
use super::{Outpost, Spool};
use crate::config::Config;
use crate::oracle::flush_every_ms;
use crate::probe::Prober;
use crate::service::allow_clock;
use crate::store::Durability;

/// Tasks get this long to write down what they hold; then the process ends without them.
const STOPPING: Duration = Duration::from_secs(10);

/// A running vantage.
#[derive(Debug)]
pub struct Running {
    outpost: Arc<Outpost>,
    /// Released when the vantage has stopped.
    _lock: InstanceLock,
}

/// Opens key and spool, takes up what the spool holds, and serves the configured oracles.
///
/// # Errors
/// When a part can't be opened, another instance runs, or simulated time is asked for off regtest.
pub async fn start(config: Config, clock: Clock, passphrase: Option<Passphrase>) -> anyhow::Result<Running> {
    let simulated = clock.is_simulated();
    allow_clock(config.network, simulated)?;
    let busy = clock.busy().await;
    let path = config.vantage_key_file();
    let expected = Expected { network: config.network.name(), simulated };
    let key = VantageKey::load(&path, passphrase.as_ref(), &expected).map_err(|error| {
        let hint = if error.is_missing() { "; `earnest-oracle init --vantage` makes one" } else { "" };
        anyhow::Error::from(error).context(format!("the key {} can't be used{hint}", path.display()))
    })?;
    let lock = InstanceLock::acquire(&path)?;
    let durability = if simulated { Durability::Process } else { Durability::Machine };
    let spool = Spool::open(&config.spool_file(), durability).await?;
    let outpost = Arc::new(Outpost {
        prober: Arc::new(Prober::new(&config, &clock)?),
        flush_every_ms: flush_every_ms(&config, simulated),
        config,
        clock,
        key,
        spool,
        clock_fits: AtomicBool::new(true),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
    });
    for oracle in &outpost.config.oracles {
        let client = VantageClient::new(oracle.url.as_str()).context("oracle.url")?;
        let errand = Errand::new(Arc::clone(&outpost), oracle.key, client);
        outpost.tasks.spawn(errand.run(busy.share()));
    }
    tracing::info!(key = %outpost.key.public(), oracles = outpost.config.oracles.len(), "the vantage measures");
    Ok(Running { outpost, _lock: lock })
}

impl Running {
    /// The vantage's time.
    pub fn clock(&self) -> &Clock {
        &self.outpost.clock
    }

    /// Stops: writes down every sample, and closes the spool.
    pub async fn stop(self) {
        self.outpost.stop.cancel();
        self.outpost.tasks.close();
        if tokio::time::timeout(STOPPING, self.outpost.tasks.wait()).await.is_err() {
            tracing::warn!("some events could not be put down in time");
        }
        self.outpost.spool.close().await;
    }
}
