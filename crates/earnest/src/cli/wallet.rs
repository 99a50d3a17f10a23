//! `earnest send` and `earnest sweep`.

use clap::Args;

use super::{ConfigFile, Dry, Retry};

/// Arguments of `send`.
#[derive(Debug, Args)]
pub struct Send {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Where to.
    pub address: String,
    /// How much arrives, in satoshis; the fee comes on top.
    pub amount_sat: u64,
    #[command(flatten)]
    pub fee: Fee,
    #[command(flatten)]
    pub retry: Retry,
}

/// Arguments of `sweep`.
#[derive(Debug, Args)]
pub struct Sweep {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Where to.
    #[arg(required_unless_present = "status")]
    pub address: Option<String>,
    /// Only show the schedule of the configuration's `[sweep]`, and what became of its last moment.
    #[arg(long, conflicts_with_all = ["address", "fee_rate", "dry_run", "idempotency_key"])]
    pub status: bool,
    #[command(flatten)]
    pub fee: Fee,
    #[command(flatten)]
    pub retry: Retry,
}

/// What a payment may cost, and whether it is made at all.
#[derive(Debug, Args)]
pub struct Fee {
    /// Fee rate in sat/vB; without it the Bitcoin node's estimate.
    #[arg(long, value_name = "SAT_VB")]
    pub fee_rate: Option<u64>,
    #[command(flatten)]
    pub dry: Dry,
}
