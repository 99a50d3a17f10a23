//! `earnest order ...` and `earnest standing-offer ...`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{ConfigFile, Dry, Retry};
use crate::forecast::units::{duration_ms, percent_ppm};
use crate::negotiate::Shape;

/// What to do with standing orders.
#[derive(Debug, Subcommand)]
pub enum Order {
    /// Buy a service's windows one after another, within the mandate, without being asked again.
    ///
    /// The first window is the one that follows an escrow (--escrow), or an offer's (--offer). Only offers about the same
    /// measurement, with the same schedule and oracles and no smaller bond, are taken.
    Create(OrderCreate),
    /// All standing orders, the newest first.
    List(ConfigFile),
    /// One of them, and what came of each window.
    Show(Standing),
    /// Cancel one, at once. What has begun to lock goes on.
    Cancel(StandingWord),
}

/// Arguments of `order create`.
#[derive(Debug, Args)]
pub struct OrderCreate {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Buy again what this escrow is about; its window comes before the first.
    #[arg(long, value_name = "ID", required_unless_present = "offer", conflicts_with = "offer")]
    pub escrow: Option<String>,
    /// Buy this offer of the first provider, and what follows it.
    #[arg(long, value_name = "ID", requires = "provider")]
    pub offer: Option<String>,
    /// A provider's address; may be given several times, and the best offer is taken. With --escrow: from whom it was
    /// bought, unless said otherwise.
    #[arg(long, value_name = "URL")]
    pub provider: Vec<String>,
    /// The most that one window may cost, in satoshis.
    #[arg(long, value_name = "SAT")]
    pub max_price: u64,
    /// Negotiate each price this way; without it an offer is taken at its price, or not at all.
    #[arg(long, value_enum)]
    pub strategy: Option<Shape>,
    /// The first price that is proposed; without it the least that an offer lets anybody propose.
    #[arg(long, value_name = "SAT", requires = "strategy")]
    pub open_at: Option<u64>,
    /// After how many counters to stop; without it as many as an offer allows.
    #[arg(long, value_name = "N", requires = "strategy")]
    pub rounds: Option<u64>,
    /// What the prices are drawn from; without it something new for each window.
    #[arg(long, value_name = "NUMBER", requires = "strategy")]
    pub seed: Option<u64>,
    /// After so many windows it is done.
    #[arg(long, value_name = "N", required_unless_present = "until")]
    pub windows: Option<u64>,
    /// Buy none that begins at this moment or later, in unix seconds.
    #[arg(long, value_name = "UNIX_S")]
    pub until: Option<u64>,
    /// So long before a window begins its offer is looked for, such as 2h or 1d.
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = duration_ms)]
    pub lead: u64,
    /// How much of a window may be excluded from measuring, in per cent; without it as much as of what is bought again.
    #[arg(long, value_name = "PERCENT", value_parser = percent_ppm)]
    pub max_excluded: Option<u64>,
    #[command(flatten)]
    pub dry: Dry,
    #[command(flatten)]
    pub retry: Retry,
}

/// What to do with standing offers.
#[derive(Debug, Subcommand)]
pub enum StandingOffer {
    /// Publish an offer for each window of a sequence, ahead of time, announced by its oracles.
    Create(StandingOfferCreate),
    /// All standing offers, the newest first.
    List(ConfigFile),
    /// One of them, and what it has published.
    Show(Standing),
    /// Cancel one. Offers that it has published stay until they expire.
    Cancel(StandingWord),
}

/// Arguments of `standing-offer create`.
#[derive(Debug, Args)]
pub struct StandingOfferCreate {
    #[command(flatten)]
    pub file: ConfigFile,
    /// The offer about the first window as JSON, as for `offer publish`. The others keep the distances from their windows.
    pub offer: PathBuf,
    /// How the windows follow one another.
    #[arg(long, value_enum, default_value_t = Span::Window)]
    pub every: Span,
    /// The time zone of days, weeks, months and quarters.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub zone: String,
    /// Times that don't count, such as "every Sunday 02:00-04:00 Europe/Berlin"; may be given several times.
    #[arg(long, value_name = "RULE")]
    pub maintenance: Vec<String>,
    /// So long before a window begins its offer is published, such as 7d.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = duration_ms)]
    pub ahead: u64,
    /// After so many windows it is done.
    #[arg(long, value_name = "N")]
    pub windows: Option<u64>,
    /// Publish none that begins at this moment or later, in unix seconds.
    #[arg(long, value_name = "UNIX_S")]
    pub until: Option<u64>,
    #[command(flatten)]
    pub dry: Dry,
    #[command(flatten)]
    pub retry: Retry,
}

/// How long each window is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Span {
    /// As long as the first.
    Window,
    /// A day.
    Day,
    /// A week from Monday.
    Week,
    /// A month.
    Month,
    /// A quarter.
    Quarter,
}

/// A standing order or offer.
#[derive(Debug, Args)]
pub struct Standing {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Its id.
    pub id: String,
}

/// A standing order or offer to cancel.
#[derive(Debug, Args)]
pub struct StandingWord {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Its id.
    pub id: String,
    #[command(flatten)]
    pub retry: Retry,
}
