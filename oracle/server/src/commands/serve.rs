//! `serve`: the oracle as a process, until it is told to stop.

use std::time::Duration;

use anyhow::Context;

use super::{
    Failed, Signals, bad_input, environment_passphrase, opened_clock, prepared, refuse_vantage, told_to_stop,
};
use crate::cli::Serve;
use crate::operating::reload::{self, Source};
use crate::service::{self, Running};

/// How often the configuration file is looked at.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// Serves until told to stop.
pub(super) fn serve(arguments: Serve) -> Result<(), Failed> {
    let path = arguments.file.config.clone();
    let source = Source::new(arguments.file.config, arguments.listen);
    let config = source.load().map_err(bad_input)?;
    refuse_vantage(&config, &path, "for `probe`")?;
    let runtime = prepared(&config, arguments.simulated_time.is_some())?;
    Ok(runtime.block_on(async {
        let signals = Signals::listen()?;
        let clock = opened_clock(arguments.simulated_time, &arguments.simulated_name).await?;
        let passphrase = service::passphrase(&config, environment_passphrase())?;
        let running = service::start(config, clock, passphrase).await?;
        until_told(&running, source, signals).await?;
        running.stop().await
    })?)
}

/// Waits for SIGTERM or SIGINT, or until simulated time is lost. At a SIGHUP, and when the configuration file was changed,
/// it is read again.
async fn until_told(running: &Running, mut source: Source, mut signals: Signals) -> anyhow::Result<()> {
    let clock = running.oracle().clock.clone();
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return told_to_stop(),
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.context("SIGINT can't be listened to")?;
                return told_to_stop();
            }
            lost = clock.lost() => {
                tracing::error!(?lost, "simulated time is lost");
                return Ok(());
            }
            _ = signals.hangup.recv() => {
                // What is read now is not read once more because it was changed.
                source.has_changed();
                reload(running, &source).await;
            }
            // How a file is watched is no part of simulated time.
            () = tokio::time::sleep(WATCH_EVERY) => {
                if source.has_changed() {
                    reload(running, &source).await;
                }
            }
        }
    }
}

async fn reload(running: &Running, source: &Source) {
    match reload::reload(running.oracle(), source).await {
        Ok(kept) if kept.is_empty() => tracing::info!("the configuration was read again"),
        Ok(kept) => {
            let fields = kept.join(", ");
            tracing::warn!(%fields, "the configuration was read again, but for fields that need a restart");
        }
        Err(error) => tracing::error!(%error, "the configuration was not taken; the one before it stays"),
    }
}
