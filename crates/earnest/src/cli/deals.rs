//! Offers, and taking them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigFile, Dry, Retry};

/// What to do with offers.
#[derive(Debug, Subcommand)]
pub enum Offer {
    /// Publish an offer: its oracles announce the measurement, then it stands on this node's card.
    Publish {
        #[command(flatten)]
        file: ConfigFile,
        /// The offer as JSON: measurement, price, bond, payout, oracles, deadlines (docs/protocol.md).
        offer: PathBuf,
        #[command(flatten)]
        dry: Dry,
        #[command(flatten)]
        retry: Retry,
    },
    /// The offers of this node.
    List(ConfigFile),
    /// One of them, and what it may pay.
    Show {
        #[command(flatten)]
        file: ConfigFile,
        /// Its id.
        id: String,
    },
}

/// Arguments of `buy`.
#[derive(Debug, Args)]
pub struct Buy {
    #[command(flatten)]
    pub file: ConfigFile,
    /// The provider's address.
    pub url: String,
    /// The offer's id, from `discover`.
    pub offer_id: String,
    /// Buy only if so many settled windows of the provider count (`earnest reputation show`).
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub min_settled: u64,
    #[command(flatten)]
    pub dry: Dry,
    #[command(flatten)]
    pub haggle: crate::negotiate::Haggle,
    #[command(flatten)]
    pub retry: Retry,
}

/// Arguments of `renew`.
#[derive(Debug, Args)]
pub struct Renew {
    #[command(flatten)]
    pub file: ConfigFile,
    /// The escrow's id.
    pub id: String,
    #[command(flatten)]
    pub dry: Dry,
    #[command(flatten)]
    pub retry: Retry,
}
