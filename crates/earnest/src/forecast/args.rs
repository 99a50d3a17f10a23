//! The arguments of what looks ahead.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::units::{duration_ms, percent_ppm};

/// Arguments of `simulate`.
#[derive(Clone, Debug, Args)]
pub struct Simulate {
    /// The agreement; also an offer, or the draft of one.
    pub document: PathBuf,
    #[command(flatten)]
    pub windows: Windows,
    /// Draw both distributions into this file, as SVG.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}

/// Arguments of `price`.
#[derive(Clone, Debug, Args)]
pub struct Price {
    /// The draft of an offer; also an offer or an agreement. Its price does not matter.
    pub document: PathBuf,
    #[command(flatten)]
    pub windows: Windows,
    #[command(flatten)]
    pub costs: Costs,
    /// What the service itself is to bring in, with its own costs and profit; without it the promise alone is priced.
    #[arg(long, value_name = "SAT", default_value_t = 0)]
    pub service_sat: u64,
    /// The share of the distance from the expected payout to the one at the percentile that the asking price covers.
    #[arg(long, value_name = "PPM", default_value_t = 500_000)]
    pub loading_ppm: u64,
}

/// Arguments of `worth`.
#[derive(Clone, Debug, Args)]
pub struct Worth {
    /// The offer or the agreement. Its price does not matter.
    pub document: PathBuf,
    #[command(flatten)]
    pub windows: Windows,
    #[command(flatten)]
    pub costs: Costs,
    /// What an hour of uptime is worth to the buyer.
    #[arg(long, value_name = "SAT")]
    pub hour_sat: u64,
}

/// Arguments of `terms outlook`.
#[derive(Clone, Debug, Args)]
pub struct Outlook {
    /// The agreement; also an offer, or the draft of one.
    pub agreement: PathBuf,
}

/// How the service fails, and how many windows of it are imagined.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("service").required(true).args(["mtbf", "history", "slip"]))]
pub struct Windows {
    /// The mean time from a repair to the next failure, such as 30d, 12h or 1d12h.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, requires = "mttr")]
    pub mtbf: Option<u64>,
    /// The mean time from a failure to its repair, such as 10m.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, requires = "mtbf")]
    pub mttr: Option<u64>,
    /// Measured failures to draw from, as CSV: outages (start,end), an oracle's samples or failures, or for lateness
    /// deliveries (deadline,delivered). docs/pricing.md tells the columns.
    #[arg(long, value_name = "FILE.csv")]
    pub history: Option<PathBuf>,
    /// For how long the history watched, where it does not say so itself, such as 365d.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, requires = "history")]
    pub over: Option<u64>,
    /// For lateness: the mean time by which the delivery slips.
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    pub slip: Option<u64>,
    /// For lateness: for how long before its deadline the delivery is planned.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, requires = "slip", default_value = "0s")]
    pub lead: u64,
    /// The chance that the oracle cannot measure enough.
    #[arg(long, value_name = "PPM", default_value_t = 0)]
    pub indeterminate_ppm: u64,
    /// The chance that the oracle attests nothing.
    #[arg(long, value_name = "PPM", default_value_t = 0)]
    pub silent_ppm: u64,
    /// How many windows are imagined.
    #[arg(long, value_name = "N", default_value_t = 10_000,
        value_parser = clap::value_parser!(u64).range(1..=negotiation::simulate::MAX_RUNS))]
    pub runs: u64,
    /// The same seed imagines the same windows, on every machine.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The fee rate in sat/vB, for the draft of an offer that names none.
    #[arg(long, value_name = "SAT_VB", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub fee_rate: u64,
}

/// What a side spends.
#[derive(Clone, Debug, Args)]
pub struct Costs {
    /// What a satoshi that is locked for a year costs, in parts per million of it.
    #[arg(long, value_name = "PPM", default_value_t = 0)]
    pub collateral_ppm_year: u64,
    /// For how long coins are locked. Without it: from the funding deadline until the refund is valid, the longest.
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    pub lock: Option<u64>,
    /// The own part of all fees. Without it: with one input, by the document's fee rate.
    #[arg(long, value_name = "SAT")]
    pub fees_sat: Option<u64>,
    /// The percentile of the payout that is told, and loaded, in per cent.
    #[arg(long, value_name = "PERCENT", value_parser = percent_ppm, default_value = "95")]
    pub percentile: u64,
}
