//! What the oracle counts about itself, for Prometheus.
//!
//! Counters are kept here and count from the process's start; what the database knows is asked for when somebody reads.

use std::sync::atomic::AtomicU64;

use ledger::Verdict;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::oracle::Oracle;
use crate::store::StoreError;

/// A probe that begins this long after its moment is called late, in milliseconds.
const LATE_MS: u64 = 1_000;

type Count = Gauge<u64, AtomicU64>;

/// A label with one of a few values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// What a request was and how it was answered. The route is the pattern, never the path: paths are anybody's choice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) route: String,
    pub(crate) status: u16,
}

/// The counters, and what they are called.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    probes: Family<Kind, Counter>,
    late: Counter,
    missed: Counter,
    slices: Counter,
    closed: Counter,
    signed: Counter,
    announced: Counter,
    requests: Family<Request, Counter>,
    limited: Family<Kind, Counter>,
    events: Family<Kind, Count>,
    alarms: Family<Kind, Count>,
    queues: Family<Kind, Count>,
    objections: Count,
    database_bytes: Count,
    log_entries: Count,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("earnest_oracle"),
            probes: Family::default(),
            late: Counter::default(),
            missed: Counter::default(),
            slices: Counter::default(),
            closed: Counter::default(),
            signed: Counter::default(),
            announced: Counter::default(),
            requests: Family::default(),
            limited: Family::default(),
            events: Family::default(),
            alarms: Family::default(),
            queues: Family::default(),
            objections: Count::default(),
            database_bytes: Count::default(),
            log_entries: Count::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let Self { registry, .. } = self;
        registry.register("probes", "Probes made, by their verdict: good, bad, unknown", self.probes.clone());
        registry.register(
            "probes_late",
            "Probes that began over a second after their moment",
            self.late.clone(),
        );
        registry.register(
            "probes_missed",
            "Probes not made because the machine was too late",
            self.missed.clone(),
        );
        registry.register("slices", "Slices closed", self.slices.clone());
        registry.register("windows_closed", "Windows closed", self.closed.clone());
        registry.register("announced", "Events announced", self.announced.clone());
        registry.register("signed", "Events attested", self.signed.clone());
        registry.register("http_requests", "Requests, by route and status", self.requests.clone());
        registry.register("http_limited", "Requests refused, by what was exceeded", self.limited.clone());
        registry.register("events", "Events, by state", self.events.clone());
        registry.register(
            "alarms",
            "Events that do not get on: stuck wait for the operator",
            self.alarms.clone(),
        );
        registry.register("queue", "What is under way or waits", self.queues.clone());
        registry.register(
            "objections_unanswered",
            "Objections without an answer, to events that can still be signed or withheld",
            self.objections.clone(),
        );
        registry.register("database_bytes", "Size of the database", self.database_bytes.clone());
        registry.register("log_entries", "Entries of the public log", self.log_entries.clone());
    }

    /// A probe begins, at `now_ms` instead of `at_ms`.
    pub fn probe_begins(&self, at_ms: u64, now_ms: u64) {
        if now_ms.saturating_sub(at_ms) > LATE_MS {
            self.late.inc();
        }
    }

    /// A probe is not made: its slot was over.
    pub fn probe_missed(&self) {
        self.missed.inc();
    }

    /// A probe was made.
    pub fn probed(&self, verdict: Verdict) {
        let kind = match verdict {
            Verdict::Good => "good",
            Verdict::Bad => "bad",
            Verdict::Unknown => "unknown",
        };
        self.probes.get_or_create(&Kind { kind }).inc();
    }

    /// A slice was closed.
    pub fn slice_closed(&self) {
        self.slices.inc();
    }

    /// A window was closed.
    pub fn window_closed(&self) {
        self.closed.inc();
    }

    /// An event was announced.
    pub fn announced(&self) {
        self.announced.inc();
    }

    /// An event was attested.
    pub fn signed(&self) {
        self.signed.inc();
    }

    /// A request was answered.
    pub(crate) fn answered(&self, request: &Request) {
        self.requests.get_or_create(request).inc();
    }

    /// A request was refused for the rate of an address or key.
    pub fn limited(&self, from: rates::From) {
        let kind = match from {
            rates::From::Address => "address",
            rates::From::Key => "key",
        };
        self.limited.get_or_create(&Kind { kind }).inc();
    }

    /// A connection was refused because there were as many as may be.
    pub fn overrun(&self) {
        self.limited.get_or_create(&Kind { kind: "connections" }).inc();
    }

    /// Counts requests that are refused because too many large answers are on their way.
    pub fn burdened(&self) -> Counter {
        self.limited.get_or_create(&Kind { kind: "answers" }).clone()
    }

    /// A request was refused because too many were being answered.
    pub fn crowded(&self) {
        self.limited.get_or_create(&Kind { kind: "requests" }).inc();
    }

    /// Everything, as OpenMetrics text.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self, oracle: &Oracle) -> Result<String, StoreError> {
        self.ask_database(oracle).await?;
        self.look_at_queues(oracle);
        let mut page = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut page, &self.registry);
        Ok(page)
    }

    async fn ask_database(&self, oracle: &Oracle) -> Result<(), StoreError> {
        let counts = oracle.store.count_events(oracle.clock.now_s()).await?;
        let states = [
            ("announced", counts.announced),
            ("measuring", counts.measuring),
            ("provisional", counts.provisional),
            ("withheld", counts.withheld),
            ("attested", counts.attested),
        ];
        for (kind, count) in states {
            self.events.get_or_create(&Kind { kind }).set(count);
        }
        self.objections.set(oracle.store.count_unanswered_objections().await?);
        self.database_bytes.set(oracle.store.size_bytes().await?);
        self.log_entries.set(oracle.store.log().await?.size());
        Ok(())
    }

    fn look_at_queues(&self, oracle: &Oracle) {
        let troubles = oracle.troubles();
        let stuck = troubles.values().filter(|trouble| trouble.is_stuck()).count();
        let alarms = [("stuck", stuck), ("waiting", troubles.len() - stuck)];
        for (kind, count) in alarms {
            self.alarms.get_or_create(&Kind { kind }).set(count as u64);
        }
        let settings = oracle.settings();
        let readers = settings.config.limits.stream_readers - oracle.listeners.available_permits();
        let queues = [
            ("probes_under_way", settings.prober.under_way()),
            ("stream_readers", readers),
            ("tasks", oracle.tasks.len()),
        ];
        for (kind, count) in queues {
            self.queues.get_or_create(&Kind { kind }).set(count as u64);
        }
    }
}
