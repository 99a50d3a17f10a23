//! Schedules and definitions that well-known services publish, each with its source.
//!
//! The services pay in credits on a future bill, on claim; a preset takes over the percentages, the way uptime is
//! counted, and the side to which it is rounded. Where a page defines downtime by things that a probe from outside
//! can't see, [`Preset::counting`] says what stands in for it. None of them knows a bond: what the provider locks goes
//! back to it at every outcome.

use crate::measurement::{Method, Rounding};
use crate::payout::{Credit, Payout, Piece, Schedule, Side};
use crate::units::Ppm;

/// What one service publishes about its own failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The name under which [`find`] finds it.
    pub name: &'static str,
    /// The service.
    pub service: &'static str,
    /// The public page that it follows.
    pub source: &'static str,
    /// How long the service counts before it pays: `month` or `quarter`.
    pub period: &'static str,
    /// How uptime is counted, and what of it is ours.
    pub counting: &'static str,
    /// What of it we could not check on the page itself; `None` where nothing is in doubt.
    pub doubt: Option<&'static str>,
    /// The budgeting method that counts so.
    pub method: Method,
    /// Length of a slice in seconds.
    pub slice_s: u64,
    /// `Up` where the page says "below 99.9 %", `Down` where it says "99.9 % or less".
    pub rounding: Rounding,
    /// The pieces over a scale of unavailability in ppm, such as [`crate::NumericScale::ppm`].
    pub pieces: &'static [Piece],
    /// The ramps' quantum in bits; 0 where there are only steps.
    pub quantum_bits: u64,
}

impl Preset {
    /// The schedule, ready for an agreement.
    pub fn schedule(&self) -> Schedule {
        Schedule::Numeric { pieces: self.pieces.to_vec(), quantum_bits: self.quantum_bits }
    }

    /// The schedule with what the services' pages are silent about: what "nobody could measure" pays, and who gets
    /// fractions of a satoshi.
    pub fn payout(&self, indeterminate: Credit, round_to: Side) -> Payout {
        Payout { schedule: self.schedule(), indeterminate, round_to }
    }
}

/// All presets.
pub fn all() -> &'static [Preset] {
    &ALL
}

/// The preset of that name.
///
/// ```
/// let preset = terms::presets::find("amazon-s3-standard").unwrap();
/// assert_eq!(preset.slice_s, 300);
/// ```
pub fn find(name: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.name == name)
}

/// A slice is bad when all of its probes are: no slice of fewer than a million probes has a share between.
const ALL_PROBES_BAD: Method = Method::Timeslices { bad_above_ppm: Ppm(999_999) };

const NONE: Piece = Piece::step(0, Credit::NONE);

/// From a value of unavailability on, this share of the price goes back.
const fn back(from_ppm: u64, percent: u64) -> Piece {
    Piece::step(from_ppm, Credit::of_price(percent * 10_000))
}

/// Proportional at these two values and between them.
const fn proportional(from_ppm: u64, to_ppm: u64) -> Piece {
    Piece::ramp(from_ppm, Credit::of_price(from_ppm), Credit::of_price(to_ppm))
}

static ALL: [Preset; 12] = [
    Preset {
        name: "amazon-s3-standard",
        service: "Amazon S3 Standard",
        source: "https://aws.amazon.com/s3/sla/",
        period: "month",
        counting: "100 % minus the mean of the error rates of 5-minute intervals",
        doubt: None,
        method: Method::RatioTimeslices {},
        slice_s: 300,
        rounding: Rounding::Up,
        pieces: &[NONE, back(1_001, 10), back(10_001, 25), back(50_001, 100)],
        quantum_bits: 0,
    },
    Preset {
        name: "amazon-s3-infrequent-access",
        service: "Amazon S3 Infrequent Access and Intelligent-Tiering",
        source: "https://aws.amazon.com/s3/sla/",
        period: "month",
        counting: "100 % minus the mean of the error rates of 5-minute intervals",
        doubt: None,
        method: Method::RatioTimeslices {},
        slice_s: 300,
        rounding: Rounding::Up,
        pieces: &[NONE, back(10_001, 10), back(20_001, 25), back(50_001, 100)],
        quantum_bits: 0,
    },
    Preset {
        name: "amazon-ec2-region",
        service: "Amazon EC2, region",
        source: "https://aws.amazon.com/compute/sla/",
        period: "month",
        counting: "share of minutes \"Region Unavailable\"; here a minute in which every probe fails",
        doubt: None,
        method: ALL_PROBES_BAD,
        slice_s: 60,
        rounding: Rounding::Up,
        pieces: &[NONE, back(101, 10), back(10_001, 30), back(50_001, 100)],
        quantum_bits: 0,
    },
    Preset {
        name: "amazon-dax-multi-az",
        service: "Amazon DynamoDB Accelerator, several zones",
        source: "https://aws.amazon.com/dynamodbaccelerator/sla/",
        period: "month",
        counting: "the percentages are the page's; a minute in which every probe fails is ours",
        doubt: None,
        method: ALL_PROBES_BAD,
        slice_s: 60,
        rounding: Rounding::Up,
        pieces: &[NONE, back(101, 10), back(10_001, 25), back(50_001, 100)],
        quantum_bits: 0,
    },
    Preset {
        name: "amazon-dax-single-az",
        service: "Amazon DynamoDB Accelerator, one zone",
        source: "https://aws.amazon.com/dynamodbaccelerator/sla/",
        period: "month",
        counting: "the percentages are the page's; a minute in which every probe fails is ours",
        doubt: None,
        method: ALL_PROBES_BAD,
        slice_s: 60,
        rounding: Rounding::Up,
        pieces: &[NONE, back(5_001, 10), back(10_001, 25), back(50_001, 100)],
        quantum_bits: 0,
    },
    Preset {
        name: "amazon-cloud-directory",
        service: "Amazon Cloud Directory",
        source: "https://aws.amazon.com/cloud-directory/sla/",
        period: "month",
        counting: "the percentages are the page's; the mean of 5-minute error rates is ours",
        doubt: None,
        method: Method::RatioTimeslices {},
        slice_s: 300,
        rounding: Rounding::Up,
        pieces: &[NONE, back(1_001, 10), back(10_001, 25), back(50_001, 100)],
        quantum_bits: 0,
    },
    Preset {
        name: "amazon-lambda",
        service: "AWS Lambda",
        source: "https://aws.amazon.com/lambda/sla/",
        period: "month",
        counting: "100 % minus the mean of the error rates of 5-minute intervals; an error is a 500 or a 503, so that other statuses are to be expected; an interval without requests counts as 100 %, here it is unmeasured",
        doubt: Some(
            "99.95 % is confirmed by copies of the page, the two larger credits are as of Amazon's other services",
        ),
        method: Method::RatioTimeslices {},
        slice_s: 300,
        rounding: Rounding::Up,
        pieces: &[NONE, back(501, 10), back(10_001, 25), back(50_001, 100)],
        quantum_bits: 0,
    },
    Preset {
        name: "azure-virtual-machines",
        service: "Azure virtual machines in several availability zones",
        source: "https://azure.microsoft.com/en-us/support/legal/sla/virtual-machines/",
        period: "month",
        counting: "share of minutes without connectivity; here a minute in which every probe fails",
        doubt: None,
        method: ALL_PROBES_BAD,
        slice_s: 60,
        rounding: Rounding::Up,
        pieces: &[NONE, back(101, 10), back(10_001, 25), back(50_001, 100)],
        quantum_bits: 0,
    },
    Preset {
        name: "google-cloud-functions",
        service: "Google Cloud Functions",
        source: "https://cloud.google.com/functions/sla",
        period: "month",
        counting: "share of minutes with more than 10 % errors; minutes of fewer than 100 executions count as up, here those of fewer than `least_samples` probes are unmeasured",
        doubt: None,
        method: Method::Timeslices { bad_above_ppm: Ppm(100_000) },
        slice_s: 60,
        rounding: Rounding::Up,
        pieces: &[NONE, back(5_001, 10), back(10_001, 25), back(50_001, 50)],
        quantum_bits: 0,
    },
    Preset {
        name: "google-cloud-interconnect",
        service: "Google Cloud Interconnect, production-level applications",
        source: "https://cloud.google.com/network-connectivity/docs/interconnect/sla",
        period: "month",
        counting: "downtime counts from 120 seconds in a row on; here in slices of 120 seconds in which every probe fails",
        doubt: None,
        method: ALL_PROBES_BAD,
        slice_s: 120,
        rounding: Rounding::Up,
        pieces: &[NONE, back(101, 10), back(10_001, 25)],
        quantum_bits: 0,
    },
    Preset {
        name: "github-enterprise-cloud",
        service: "GitHub Enterprise Cloud",
        source: "https://docs.github.com/en/site-policy/site-policy-deprecated/github-enterprise-service-level-agreement",
        period: "quarter",
        counting: "share of minutes with more than 5 % errors",
        doubt: None,
        method: Method::Timeslices { bad_above_ppm: Ppm(50_000) },
        slice_s: 60,
        rounding: Rounding::Down,
        // "99.9 % or less" is 1000 ppm and more. "Below 99.0 %" is more than 10,000 ppm: in a quarter a minute is
        // more than 7 ppm, so nothing lies between 10,000 and 10,001 that rounding down could lose.
        pieces: &[NONE, back(1_000, 10), back(10_001, 25)],
        quantum_bits: 0,
    },
    Preset {
        name: "cloudflare-enterprise",
        service: "Cloudflare Enterprise",
        source: "https://www.cloudflare.com/enterprise-support-sla/",
        period: "month",
        counting: "outage minutes times the share of customers affected, over scheduled minutes; here bad probes over all",
        doubt: Some("the formula and its rounding are from copies of the page; read the contract"),
        method: Method::Occurrences {},
        slice_s: 60,
        rounding: Rounding::Down,
        // The share that failed goes back. In steps of 2^12 ppm (3 hours of a month), below that of 2^10 (44 minutes),
        // none larger than the share itself; nearly everything counts as everything, so that no output is dust.
        pieces: &[
            NONE,
            Piece::step(1 << 10, Credit::of_price(1 << 10)),
            Piece::step(2 << 10, Credit::of_price(2 << 10)),
            Piece::step(3 << 10, Credit::of_price(3 << 10)),
            proportional(1 << 12, 240 << 12),
            Piece::step(240 << 12, Credit::of_price(1_000_000)),
        ],
        quantum_bits: 12,
    },
];
