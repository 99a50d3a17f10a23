//! Talking to the own node.

use anyhow::{Context as _, anyhow};
use client::OwnerClient;

use crate::cli::ConfigFile;
use crate::exit::Failure;

/// The environment variable with a delegated key's token; without it the owner's is read from the data folder.
pub const TOKEN: &str = "EARNEST_TOKEN";

/// A client of the node that a configuration file describes.
pub fn connect(file: &ConfigFile) -> Result<OwnerClient, Failure> {
    let config = node::Config::load(&file.config)?;
    let token = match std::env::var(TOKEN) {
        Ok(token) => token,
        Err(_) => node::load_token(&config.data_dir)
            .with_context(|| format!("{}: run `earnest init` first", config.data_dir.display()))?,
    };
    Ok(OwnerClient::new(&format!("http://{}", config.owner_listen), &token)?)
}

/// The key under which a request is answered once: the given one, or a fresh one.
pub fn idempotency_key(given: Option<String>) -> Result<String, Failure> {
    if let Some(key) = given {
        return Ok(key);
    }
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no randomness: {error}"))?;
    Ok(hex::encode(bytes))
}
