//! `probe`: this process as a vantage of oracles elsewhere; and the key that it needs.

use std::path::PathBuf;

use anyhow::Context;
use signer::{KeyOptions, VantageKey};

use super::{Failed, Signals, bad_input, environment_passphrase, load, opened_clock, prepared, told_to_stop};
use crate::cli::Probe;
use crate::config::Config;
use crate::{service, vantage};

/// Measures until told to stop.
pub(super) fn probe(arguments: &Probe) -> Result<(), Failed> {
    let config = load(&arguments.file)?;
    if !config.is_vantage() {
        let path = arguments.file.config.display();
        return Err(bad_input(anyhow::anyhow!(
            "{path}: oracle: must be there: whom does this vantage serve?"
        )));
    }
    let runtime = prepared(&config, arguments.simulated_time.is_some())?;
    Ok(runtime.block_on(async {
        let signals = Signals::listen()?;
        let clock = opened_clock(arguments.simulated_time, &arguments.simulated_name).await?;
        let passphrase = service::passphrase(&config, environment_passphrase())?;
        let running = vantage::start(config, clock, passphrase).await?;
        until_told(&running, signals).await?;
        running.stop().await;
        anyhow::Ok(())
    })?)
}

/// Waits for SIGTERM or SIGINT, or until simulated time is lost. The configuration is read at the start alone.
async fn until_told(running: &vantage::Running, mut signals: Signals) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return told_to_stop(),
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.context("SIGINT can't be listened to")?;
                return told_to_stop();
            }
            lost = running.clock().lost() => {
                tracing::error!(?lost, "simulated time is lost");
                return Ok(());
            }
            _ = signals.hangup.recv() => tracing::info!("a vantage reads its configuration at its start alone"),
        }
    }
}

/// Makes a vantage's key: its file, and its public part.
pub(super) fn make_key(config: &Config, options: &KeyOptions) -> anyhow::Result<(PathBuf, String)> {
    let path = config.vantage_key_file();
    let key = VantageKey::create(&path, options).with_context(|| format!("the key {}", path.display()))?;
    Ok((path, key.public().to_string()))
}
