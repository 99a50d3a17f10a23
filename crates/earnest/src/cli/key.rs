//! Delegated keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigFile, Retry};

/// What to do with delegated keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key, and print its token once. Give it to the agent as EARNEST_TOKEN.
    Create(KeyCreate),
    /// Print a new token for a key; the old one is refused from then on.
    Rotate {
        #[command(flatten)]
        key: KeyName,
        #[command(flatten)]
        retry: Retry,
    },
    /// Take a key back for ever: its token, its offers, and what it began and is not signed yet.
    Revoke {
        #[command(flatten)]
        key: KeyName,
        #[command(flatten)]
        retry: Retry,
    },
    /// All keys, also those that were revoked.
    List(ConfigFile),
    /// What a key asked that could change something, the newest first.
    Requests(KeyName),
}

/// Arguments of `key create`.
#[derive(Debug, Args)]
pub struct KeyCreate {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Its name: 1 to 32 of a to z, 0 to 9, - and _. It is never used again.
    pub name: String,
    /// Its limits: a TOML file with the fields of `[mandate]`. Needed where it may buy or provide.
    #[arg(long, value_name = "FILE")]
    pub limits: Option<PathBuf>,
    /// What it may do beside reading: buy, provide, close; may be given several times. With --limits and without this: buy.
    #[arg(long, value_name = "SCOPE")]
    pub scope: Vec<String>,
    /// How long each of its tokens lives: a number and s, m, h or d.
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub expires: String,
    #[command(flatten)]
    pub retry: Retry,
}

/// A delegated key.
#[derive(Debug, Args)]
pub struct KeyName {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Its name.
    pub name: String,
}
