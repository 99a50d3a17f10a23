//! `earnest terms ...`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::forecast;

/// A period of the calendar; one of them is given.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct NamedPeriod {
    /// A day, such as 2026-03-29.
    #[arg(long, value_name = "DAY")]
    pub day: Option<String>,
    /// A week from Monday (ISO 8601), such as 2026-W13.
    #[arg(long, value_name = "WEEK")]
    pub week: Option<String>,
    /// A month, such as 2026-03.
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// A quarter, such as 2026-Q1.
    #[arg(long, value_name = "QUARTER")]
    pub quarter: Option<String>,
}

/// What to do with documents.
#[derive(Debug, Subcommand)]
pub enum Terms {
    /// What an agreement pays: at one outcome, or at every one.
    ///
    /// Prints `provider_sat` and `buyer_sat`, before fees. Without --outcome or --all the runs of outcomes that pay
    /// the same are listed.
    Payout {
        /// The agreement.
        agreement: PathBuf,
        /// One value, or the name of a level, or `indeterminate`.
        #[arg(long, conflicts_with = "all")]
        outcome: Option<String>,
        /// Every outcome, one line each.
        #[arg(long)]
        all: bool,
    },
    /// Check an agreement, and print its hash, its event's id and its canonical form's length.
    Check {
        /// The agreement.
        agreement: PathBuf,
    },
    /// What an agreement means for both sides at every outcome, in figures and in words.
    Outlook(forecast::Outlook),
    /// Check a measurement, and print its event's id.
    CheckMeasurement {
        /// The measurement.
        measurement: PathBuf,
    },
    /// Give a measurement the window of a calendar, and maintenance that recurs as its exclusions.
    ///
    /// Prints the whole document. Days begin at the zone's midnight, so one on which clocks change has 23 or 25 hours.
    Window {
        /// The measurement; its own window and exclusions are replaced.
        measurement: PathBuf,
        #[command(flatten)]
        period: NamedPeriod,
        /// The time zone, as the IANA database names it.
        #[arg(long, value_name = "ZONE", default_value = "UTC")]
        zone: String,
        /// Times that don't count, such as "every Sunday 02:00-04:00 Europe/Berlin"; may be given several times.
        #[arg(long, value_name = "RULE")]
        maintenance: Vec<String>,
    },
    /// The schedules that well-known services publish.
    Presets,
}
