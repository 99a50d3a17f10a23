//! `earnest discover ...` and `earnest listing ...`

use clap::{Args, Subcommand, ValueEnum};
use discovery::Order;

use super::{ConfigFile, Retry};

/// Arguments of `discover`.
#[derive(Debug, Args)]
pub struct Discover {
    /// Providers' addresses, such as `http://provider.example:7811`.
    #[arg(value_name = "URL", required_unless_present = "directory")]
    pub urls: Vec<String>,
    /// Ask this directory for providers as well; may be given several times. It is trusted with nothing.
    #[arg(long, value_name = "URL")]
    pub directory: Vec<String>,
    /// Only offers about the service at this host.
    #[arg(long, value_name = "HOST")]
    pub service: Option<String>,
    /// Only offers with this indicator: availability, latency, lateness or metric.
    #[arg(long, value_name = "NAME")]
    pub indicator: Option<String>,
    /// Only offers that cost no more satoshis than this, or can be negotiated to it.
    #[arg(long, value_name = "SAT")]
    pub max_price: Option<u64>,
    /// Only offers on this chain.
    #[arg(long, value_name = "NAME")]
    pub network: Option<String>,
    /// By what the table is sorted.
    #[arg(long, value_enum, default_value_t = Sort::Service)]
    pub sort: Sort,
    /// Judge as of this moment, in unix seconds, instead of now: for nodes in simulated time.
    #[arg(long, value_name = "UNIX_S")]
    pub at: Option<u64>,
}

/// By what offers are sorted.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Sort {
    /// Those about one service beside each other, the cheapest hour in front.
    Service,
    /// The lowest price in front.
    Price,
    /// The lowest price for an hour of the window in front.
    PerHour,
    /// The highest bond in front.
    Bond,
    /// In front what pays most back at a breach.
    Back,
    /// The window that begins first in front.
    Window,
    /// What expires first in front.
    Expiry,
}

impl From<Sort> for Order {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Service => Self::Service,
            Sort::Price => Self::Price,
            Sort::PerHour => Self::PricePerHour,
            Sort::Bond => Self::Bond,
            Sort::Back => Self::Back,
            Sort::Window => Self::Window,
            Sort::Expiry => Self::Expiry,
        }
    }
}

/// What to do with this node's listing.
#[derive(Debug, Subcommand)]
pub enum Listing {
    /// What was signed last, and how each directory stands.
    Show(ConfigFile),
    /// Take it back: the directories give it out no more, and keep out what was signed before.
    Withdraw {
        #[command(flatten)]
        file: ConfigFile,
        #[command(flatten)]
        retry: Retry,
    },
    /// Have this node listed again after `withdraw`.
    Publish {
        #[command(flatten)]
        file: ConfigFile,
        #[command(flatten)]
        retry: Retry,
    },
}
