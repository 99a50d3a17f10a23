//! Reading the configuration again while the oracle runs: no probe is lost, and no connection dropped.
//!
//! A file that breaks a rule changes nothing. Neither does one with which an open event could not be probed any more. Some
//! fields are read at the start alone, since what they made is in use: they stay, and are named.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use terms::{DocumentError, EventId};

use crate::asking::ahead;
use crate::asking::announce::can_be_measured;
use crate::config::{Config, ConfigError};
use crate::oracle::{Oracle, Settings};
use crate::probe::{Prober, ProberError};
use crate::scheduler;
use crate::service;
use crate::store::StoreError;

/// Why a configuration was not taken; the one before it stays.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The file is not there, or breaks a rule.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Targets can't be probed with it.
    #[error(transparent)]
    Prober(#[from] ProberError),
    /// A file that it names can't be read.
    #[error("{0:#}")]
    File(anyhow::Error),
    /// An event that is announced could not be probed any more.
    #[error("{event} is announced and could not be measured any more: {error}")]
    Event {
        /// The event.
        event: EventId,
        /// What is in the way.
        error: DocumentError,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the configuration again and goes on with it, also with events that could not be measured with the one before. Returns the fields that differ and are read at the start alone.
///
/// # Errors
/// Says why it was not taken.
pub async fn reload(oracle: &Arc<Oracle>, source: &Source) -> Result<Vec<&'static str>, ReloadError> {
    let busy = oracle.clock.busy().await;
    let mut config = source.load()?;
    let before = oracle.settings();
    let kept = keep_fixed(&mut config, &before.config);
    let token = service::read_token(&config).map_err(ReloadError::File)?;
    let prober = Prober::new(&config, &oracle.clock)?.after(&before.prober);
    for event in oracle.store.open_events().await? {
        if event.provisional.is_none() {
            can_be_measured(&prober, &event.measurement)
                .map_err(|error| ReloadError::Event { event: event.id.clone(), error })?;
        }
    }
    oracle.change_settings(Settings { config, prober: Arc::new(prober), token });
    for event in oracle.take_stuck() {
        scheduler::follow(oracle, event, busy.share());
    }
    ahead::name_services(oracle).await?;
    oracle.services_changed.wake(&busy);
    Ok(kept)
}

/// Puts back what is read at the start alone. Returns the names of these fields, where they differ.
fn keep_fixed(config: &mut Config, before: &Config) -> Vec<&'static str> {
    let mut kept = Vec::new();
    macro_rules! keep {
        ($($name:literal: $($field:ident).+),* $(,)?) => {
            $(if config.$($field).+ != before.$($field).+ {
                config.$($field).+ = before.$($field).+.clone();
                kept.push($name);
            })*
        };
    }
    keep!(
        "network": network,
        "listen": listen,
        "data_dir": data_dir,
        "vantage": vantage,
        "journal": journal,
        "checkpoint_copy": checkpoint_copy,
        "passphrase_file": passphrase_file,
        "limits.connections": limits.connections,
        "limits.requests": limits.requests,
        "limits.probes": limits.probes,
        "limits.stream_readers": limits.stream_readers,
        "rate.per_minute": rate.per_minute,
        "rate.burst": rate.burst,
        "rate.key_per_minute": rate.key_per_minute,
        "rate.key_burst": rate.key_burst,
        "rate.connections": rate.connections,
        "rate.loopback": rate.loopback,
        "probe.jitter": probe.jitter,
        "probe.flush_every_s": probe.flush_every_s,
    );
    kept
}

/// Where the configuration comes from.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    /// Said on the command line, and stronger than the file.
    listen: Option<SocketAddr>,
    /// When the file was last changed.
    stamp: Option<(SystemTime, u64)>,
}

impl Source {
    /// A file, and what the command line says beside it. It is watched from now on.
    pub fn new(path: PathBuf, listen: Option<SocketAddr>) -> Self {
        let stamp = stamp(&path);
        Self { path, listen, stamp }
    }

    /// Reads the file and puts the command line's word in.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load(&self) -> Result<Config, ConfigError> {
        let config = Config::load(&self.path)?;
        Ok(Config { listen: self.listen.unwrap_or(config.listen), ..config })
    }

    /// Whether the file was changed since this was last asked. One that is away for a moment, while an editor replaces
    /// it, was not.
    pub fn has_changed(&mut self) -> bool {
        let stamp = stamp(&self.path);
        let changed = stamp.is_some() && stamp != self.stamp;
        if changed {
            self.stamp = stamp;
        }
        changed
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}
