//! A provider's standing offers: an offer for each window of a sequence, published by the node itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::{DocumentError, Hex32, UnixSeconds};

use crate::offer::OfferDraft;
use crate::schema;

/// The most rules of maintenance.
pub const MAX_MAINTENANCE: usize = 32;
/// The longest rule of maintenance, or name of a zone, in bytes.
const LONGEST_RULE: usize = 200;
/// How long before a window its offer may be published, in seconds: a minute to a year.
const AHEAD_S: std::ops::RangeInclusive<u64> = 60..=366 * 86_400;

/// How long each window of a standing offer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// As long as the template's.
    #[default]
    Window,
    /// A day of the zone.
    Day,
    /// A week from Monday.
    Week,
    /// A month.
    Month,
    /// A quarter.
    Quarter,
}

/// `POST /v1/standing-offers`: publish an offer for each window, ahead of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StandingOfferRequest {
    /// The offer about the first window. The others have the same distances from their windows' beginning to everything
    /// that lies at a moment, and all else the same.
    pub template: OfferDraft,
    /// How the windows follow one another. With a calendar the first is the first of its periods that begins with the
    /// template's window or later.
    #[serde(default)]
    pub every: Every,
    /// The calendar's time zone, as the IANA database names it; UTC when left out.
    #[serde(default = "utc")]
    pub zone: String,
    /// Maintenance that recurs, such as `every Sunday 02:00-04:00 Europe/Berlin`: each window's exclusions. Left out: those
    /// of the template, at the same distance from the window's beginning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maintenance: Vec<String>,
    /// So many seconds before a window begins its offer is published.
    pub ahead_s: u64,
    /// After so many windows it is done; left out, and without `until`, it goes on until it is cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<u64>,
    /// It publishes none that begins at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::UnixSeconds>")]
    pub until: Option<UnixSeconds>,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl StandingOfferRequest {
    /// Checks what the types alone do not. Zone and maintenance are read by whoever knows calendars.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn check(&self) -> Result<(), DocumentError> {
        let window = self.template.measurement.window;
        let start = window.start;
        let rules = [
            (window.seconds() > 0, "template.measurement.window.end", "must come after the window's start"),
            (self.template.expires <= start, "template.expires", "must not come after the window's start"),
            (
                self.template.funding_deadline <= start,
                "template.funding_deadline",
                "must not come after the window's start",
            ),
            (AHEAD_S.contains(&self.ahead_s), "ahead_s", "must be 60 to 31622400 (a minute to 366 days)"),
            (self.windows != Some(0), "windows", "must be at least 1"),
            (self.maintenance.len() <= MAX_MAINTENANCE, "maintenance", "must be at most 32 rules"),
            (
                self.maintenance.iter().all(|rule| rule.len() <= LONGEST_RULE),
                "maintenance",
                "each rule must be at most 200 bytes",
            ),
            (self.zone.len() <= LONGEST_RULE, "zone", "must be at most 200 bytes"),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, field, rule)) => Err(DocumentError::new(field, rule)),
            None => Ok(()),
        }
    }
}

/// Where a standing offer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StandingOfferState {
    /// It goes on.
    Standing,
    /// It has published all its windows.
    Done,
    /// Somebody cancelled it. Offers that it has published stay.
    Cancelled,
    /// The delegated key in whose name it was is revoked.
    KeyRevoked,
}

/// The offer of one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedWindow {
    /// When the window begins.
    #[schemars(with = "schema::UnixSeconds")]
    pub start: UnixSeconds,
    /// When it ends.
    #[schemars(with = "schema::UnixSeconds")]
    pub end: UnixSeconds,
    /// The offer; left out where none was published before it was too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub offer_id: Option<Hex32>,
}

/// A standing offer. What its strategy is stays in the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StandingOfferView {
    /// Its id.
    #[schemars(with = "schema::Bytes32")]
    pub id: Hex32,
    /// What was asked for, without the template's strategy.
    pub standing: StandingOfferRequest,
    /// The delegated key in whose name it is; left out: the owner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where it stands.
    pub state: StandingOfferState,
    /// When it was given.
    #[schemars(with = "schema::UnixSeconds")]
    pub created_at: UnixSeconds,
    /// The next window, and when its offer is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NextWindow>,
    /// What it has published, the newest first, at most a hundred.
    pub published: Vec<PublishedWindow>,
}

/// The window whose offer comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextWindow {
    /// When it begins.
    #[schemars(with = "schema::UnixSeconds")]
    pub start: UnixSeconds,
    /// When its offer is published.
    #[schemars(with = "schema::UnixSeconds")]
    pub publish_at: UnixSeconds,
    /// Why that has not gone well so far.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trouble: String,
}
