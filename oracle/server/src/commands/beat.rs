//! `beat`: one sign of life of a service, for its scheduler to send; and the key that signs it.

use std::path::Path;

use anyhow::Context;
use client::OracleClient;
use clock::Clock;
use protocol::beat::Beat;
use signer::{Expected, KeyOptions, VantageKey};

use super::{Failed, runtime, say};
use crate::cli;

/// The mark in the key's file: such a key is none of an oracle or a vantage.
const NETWORK: &str = "heartbeat";

/// Sends one beat, or makes the key.
pub(super) fn beat(arguments: &cli::Beat) -> Result<(), Failed> {
    if arguments.init {
        return init(&arguments.key);
    }
    let (Some(name), Some(url)) = (&arguments.name, &arguments.oracle) else {
        return Err(Failed::Input(anyhow::anyhow!("--name and --oracle: must be given to send a beat")));
    };
    let expected = Expected { network: NETWORK, simulated: false };
    let key = VantageKey::load(&arguments.key, None, &expected).map_err(|error| {
        let hint = if error.is_missing() { "; `--init` makes one" } else { "" };
        anyhow::Error::from(error).context(format!("the key {} can't be used{hint}", arguments.key.display()))
    })?;
    let client = OracleClient::new(url).context("--oracle").map_err(Failed::Input)?;
    let beat = Beat::sign(name, Clock::system().now_ms(), key.keypair());
    let heard = runtime(true)?.block_on(client.beat(&beat)).context("the beat was not taken")?;
    say(&format!("heard in the windows of {} events", heard.events))
}

fn init(path: &Path) -> Result<(), Failed> {
    let options = KeyOptions { network: NETWORK.to_owned(), simulated: false, passphrase: None };
    let key = VantageKey::create(path, &options).with_context(|| format!("the key {}", path.display()))?;
    eprintln!("The key is in {}; measurements name its public part as target.heartbeat.key.", path.display());
    say(&key.public().to_string())
}
