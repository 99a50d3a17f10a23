//! Services that the operator has measured: their windows follow a calendar, and are announced ahead without being asked for.

use std::collections::BTreeSet;

use calendar::{Calendar, CalendarError, Maintenance, Period};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use terms::presets::{self, Preset};
use terms::{DocumentError, Measurement, NumericScale, Target, TimeRange, UnixSeconds, canonical};

/// A service that is measured in one window after the other.
///
/// The fields from `target` on are those of the measurement document (docs/terms.md); what is not given has the default
/// that the operator's page names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Its name in addresses and in the database: 1 to 32 characters of `a-z`, `0-9` and `-`. It is kept through changes.
    pub name: String,
    /// What people read.
    pub title: String,
    /// How long a window is.
    pub windows: Period,
    /// The time zone in which days begin, as the IANA database names it.
    #[serde(default = "default_zone")]
    pub zone: String,
    /// Maintenance that recurs: such as `every Sunday 02:00-04:00 Europe/Berlin`.
    #[serde(default)]
    pub maintenance: Vec<String>,
    /// A window is announced so many seconds before it starts.
    #[serde(default = "default_announce_ahead_s")]
    pub announce_ahead_s: u64,
    /// A published definition (`earnest terms presets`): method, slice and rounding, where they are not given here.
    #[serde(default)]
    pub preset: Option<String>,
    target: Value,
    /// The target, once it was read.
    #[serde(skip)]
    read_target: Option<Target>,
    #[serde(default)]
    indicator: Option<Value>,
    #[serde(default)]
    slice_s: Option<u64>,
    probe_every_ms: u64,
    #[serde(default)]
    method: Option<Value>,
    #[serde(default)]
    quorum: Option<Value>,
    #[serde(default)]
    confirm: Option<Value>,
    #[serde(default)]
    least_samples: Option<u64>,
    #[serde(default)]
    indeterminate_above_ppm: Option<u64>,
    #[serde(default)]
    rounding: Option<Value>,
    #[serde(default)]
    outcome: Option<Value>,
}

/// What is wrong with a configured service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// A field of the service itself.
    #[error("{field}: {rule}")]
    Field {
        /// The field.
        field: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// Zone or maintenance.
    #[error("{field}: {error}")]
    Calendar {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        error: CalendarError,
    },
    /// What it makes of a window breaks a rule of measurements.
    #[error(transparent)]
    Measurement(#[from] DocumentError),
}

fn default_zone() -> String {
    "UTC".to_owned()
}

/// A week: parties need time to agree and to fund.
fn default_announce_ahead_s() -> u64 {
    7 * 86_400
}

/// The longest time ahead: a year and a day.
const MAX_ANNOUNCE_AHEAD_S: u64 = 366 * 86_400;
/// The most services.
const MAX_SERVICES: usize = 10_000;
/// The slice of a service that names neither one nor a preset.
const SLICE_S: u64 = 300;
/// 2026-01-01T00:00:00Z: a window of every service is made from here when the configuration is read.
const SAMPLE_MOMENT: UnixSeconds = UnixSeconds(1_767_225_600);

impl ServiceConfig {
    /// The first window that starts at a moment or after it.
    ///
    /// # Errors
    /// When the zone is none, or the moment outside the time that documents can speak of.
    pub fn next_window(&self, moment: UnixSeconds) -> Result<TimeRange, ServiceError> {
        let named = |error| ServiceError::Calendar { field: "zone", error };
        Calendar::new(self.windows, &self.zone).and_then(|calendar| calendar.next(moment)).map_err(named)
    }

    /// What is measured in a window.
    ///
    /// # Errors
    /// Names the field that breaks a rule.
    pub fn measurement(&self, window: TimeRange) -> Result<Measurement, ServiceError> {
        let preset = self.preset()?;
        let slice_s = self.slice_s.or(preset.map(|preset| preset.slice_s)).unwrap_or(SLICE_S);
        let mut document = json!({
            "v": 1,
            "target": self.target,
            "indicator": self.indicator.clone().unwrap_or_else(|| json!({ "availability": {} })),
            "window": window,
            "slice_s": slice_s,
            "probe_every_ms": self.probe_every_ms,
            "method": self.method.clone().unwrap_or_else(|| method(preset)),
            "quorum": self.quorum.clone().unwrap_or_else(|| json!({ "agree": 1, "vantages": 1 })),
            "least_samples": self.least_samples.unwrap_or_else(|| half_of_a_slice(slice_s, self.probe_every_ms)),
            "indeterminate_above_ppm": self.indeterminate_above_ppm.unwrap_or(100_000),
            "rounding": self.rounding.clone().unwrap_or_else(|| preset.map_or(json!("up"), |it| json!(it.rounding))),
            "outcome": self.outcome.clone().unwrap_or_else(|| json!({ "numeric": NumericScale::ppm() })),
        });
        if let Some(document) = document.as_object_mut() {
            self.add_optional(document, window, slice_s)?;
        }
        Ok(Measurement::parse(&canonical::bytes(&document))?)
    }

    /// What a document leaves out where there is nothing to say.
    fn add_optional(
        &self,
        document: &mut Map<String, Value>,
        window: TimeRange,
        slice_s: u64,
    ) -> Result<(), ServiceError> {
        let named = |error| ServiceError::Calendar { field: "maintenance", error };
        let rules: Result<Vec<Maintenance>, _> = self.maintenance.iter().map(|rule| rule.parse()).collect();
        let exclusions = calendar::exclusions(&rules.map_err(named)?, window, slice_s).map_err(named)?;
        if !exclusions.is_empty() {
            document.insert("exclusions".to_owned(), json!(exclusions));
        }
        if let Some(confirm) = &self.confirm {
            document.insert("confirm".to_owned(), confirm.clone());
        }
        Ok(())
    }

    /// What it probes; none before it was checked.
    pub fn target(&self) -> Option<&Target> {
        self.read_target.as_ref()
    }

    fn preset(&self) -> Result<Option<&'static Preset>, ServiceError> {
        let Some(name) = &self.preset else { return Ok(None) };
        let unknown = ServiceError::Field {
            field: "preset",
            rule: "must be one of those that `earnest terms presets` lists",
        };
        presets::find(name).map(Some).ok_or(unknown)
    }

    /// Checks it, a window of it included, and reads its target.
    fn check(&mut self) -> Result<(), ServiceError> {
        let rule = |holds: bool, field, rule| {
            if holds { Ok(()) } else { Err(ServiceError::Field { field, rule }) }
        };
        rule(super::load::is_label(&self.name), "name", "must be 1 to 32 characters of a-z, 0-9 and -")?;
        let title = self.title.trim();
        rule(
            title == self.title
                && (1..=100).contains(&title.chars().count())
                && !title.chars().any(char::is_control),
            "title",
            "must be 1 to 100 characters, without space around them",
        )?;
        rule(self.announce_ahead_s <= MAX_ANNOUNCE_AHEAD_S, "announce_ahead_s", "must be at most 366 days")?;
        self.read_target = Some(self.measurement(self.next_window(SAMPLE_MOMENT)?)?.target);
        Ok(())
    }
}

/// What a service without a method is counted by.
fn method(preset: Option<&Preset>) -> Value {
    preset.map_or_else(|| json!({ "ratio_timeslices": {} }), |preset| json!(preset.method))
}

/// So many decided probes make a slice measured.
fn half_of_a_slice(slice_s: u64, probe_every_ms: u64) -> u64 {
    let probes = slice_s.saturating_mul(1000).checked_div(probe_every_ms).unwrap_or(0);
    probes.div_ceil(2).max(1)
}

/// Checks all services. The first that breaks a rule is named.
pub(super) fn check_services(services: &mut [ServiceConfig]) -> Result<(), (String, ServiceError)> {
    let named = |service: &ServiceConfig, error| (service.name.chars().take(64).collect(), error);
    let field = |rule| ServiceError::Field { field: "name", rule };
    let mut names = BTreeSet::new();
    for (index, service) in services.iter_mut().enumerate() {
        service.check().map_err(|error| named(service, error))?;
        if !names.insert(service.name.clone()) {
            return Err(named(service, field("must not be another service's too")));
        }
        if index >= MAX_SERVICES {
            return Err(named(service, field("is one too many: there may be at most 10,000 services")));
        }
    }
    Ok(())
}
