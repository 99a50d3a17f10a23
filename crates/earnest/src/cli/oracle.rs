//! Oracles.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigFile;

/// `earnest oracle ...`
#[derive(Debug, Subcommand)]
pub enum Oracle {
    /// The oracles of the configuration: whether they still announce with the keys that they are held to, and if not, what
    /// they have signed about that.
    List(ConfigFile),
    /// Make a key that signs requests to oracles, and print its public part, for the oracle's operator.
    Key {
        /// The file to write; it must not exist.
        file: PathBuf,
    },
    /// Ask an oracle to announce a measurement. Asked again, it tells the same event.
    ///
    /// Where it has a price, the refusal says how to pay; then ask again with --payment.
    Request(OracleRequest),
}

/// Arguments of `oracle request`.
#[derive(Debug, Args)]
pub struct OracleRequest {
    /// The measurement document (docs/terms.md).
    pub measurement: PathBuf,
    /// The oracle's address, such as `https://oracle.example`.
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// Sign the request with the key in this file, for an oracle that knows its requesters by their keys.
    #[arg(long, value_name = "FILE", conflicts_with = "token_file")]
    pub key: Option<PathBuf>,
    /// Show the token in this file, for an oracle that wants one.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// What was paid with, as the oracle said.
    #[arg(long, value_name = "REFERENCE")]
    pub payment: Option<String>,
}
