//! An oracle in a temporary folder, and a measurement for it.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![allow(dead_code, reason = "each test file uses its own part of these")]

use std::path::PathBuf;

use serde_json::{Value, json};
use signer::{Cleared, EventRow, Journal, KeyOptions, Nonces, OracleKey, SignDecision, announce, commitment};
use signer::{attest, decide_sign};
use tempfile::TempDir;
use terms::{Measurement, Outcome};

pub use dlc_messages::oracle_msgs::{OracleAnnouncement, OracleAttestation};

/// When the window starts and ends, and when the event matures.
pub const START_S: u64 = 1_622_505_600;
pub const END_S: u64 = START_S + 2400;
pub const MATURITY_S: u64 = END_S + 600;

pub fn measurement(changes: Value) -> Measurement {
    let mut document = json!({
        "v": 1,
        "target": {
            "url": "http://edge.example/health", "method": "GET", "timeout_ms": 5000,
            "expect": { "status_from": 200, "status_to": 299, "body_max_bytes": 65536 }
        },
        "indicator": { "availability": {} },
        "window": { "start": START_S, "end": END_S },
        "slice_s": 600,
        "probe_every_ms": 60_000,
        "method": { "ratio_timeslices": {} },
        "quorum": { "agree": 1, "vantages": 1 },
        "least_samples": 5,
        "indeterminate_above_ppm": 250_000,
        "rounding": "up",
        "outcome": { "numeric": {
            "unit": "ppm", "digits": 20, "max": 1_000_000, "indeterminate_from": 1_015_808, "worse": "higher"
        } }
    });
    for (field, value) in changes.as_object().unwrap() {
        document[field] = value.clone();
    }
    Measurement::parse(&serde_json::to_vec(&document).unwrap()).unwrap()
}

pub fn ppm() -> Measurement {
    measurement(json!({}))
}

pub fn levels() -> Measurement {
    measurement(json!({ "outcome": { "enum": {
        "levels": [{ "name": "kept", "from": 0 }, { "name": "missed", "from": 1001 }],
        "indeterminate": "no-data", "worse": "higher"
    } } }))
}

pub fn value(ppm: u64) -> Outcome {
    Outcome::Value(terms::OutcomeValue(ppm))
}

/// A key and a journal in a folder of their own.
pub struct Oracle {
    pub folder: TempDir,
    pub key: OracleKey,
    pub journal: Journal,
}

/// An announced event, as a database would hold it.
pub struct Event {
    pub measurement: Measurement,
    pub announcement: OracleAnnouncement,
    pub sealed: Vec<u8>,
    pub row: EventRow,
}

impl Oracle {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = KeyOptions { network: "regtest".to_owned(), simulated: true, passphrase: None };
        let key = OracleKey::create(&folder.path().join("key"), &options).unwrap();
        let (journal, torn) = Journal::open(&folder.path().join("journal"), &key).unwrap();
        assert_eq!(torn, None);
        Self { folder, key, journal }
    }

    pub fn journal_path(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    /// Closes the journal, changes its file, and opens it again.
    pub fn restart(self, change: impl FnOnce(&std::path::Path)) -> Self {
        let path = self.journal_path();
        let Self { folder, key, journal } = self;
        drop(journal);
        change(&path);
        let (journal, _) = Journal::open(&path, &key).unwrap();
        Self { folder, key, journal }
    }

    /// Prepares and announces an event in the right order.
    pub fn announced(&mut self, measurement: Measurement) -> Event {
        let event = self.prepared(measurement);
        self.journal.announce(&event.row.event_id, event.row.commitment).unwrap();
        event
    }

    /// Nonces and announcement, as yet unheard of.
    pub fn prepared(&self, measurement: Measurement) -> Event {
        let event_id = measurement.event_id();
        let nonces = Nonces::generate(Nonces::count_for(&measurement.outcome)).unwrap();
        let announcement = announce(&self.key, &measurement, MATURITY_S, &nonces).unwrap();
        let row = EventRow {
            event_id: event_id.clone(),
            maturity_s: MATURITY_S,
            commitment: commitment(&announcement),
            outcome: None,
            attested: false,
            database_mark: 0,
        };
        let sealed = nonces.seal(&self.key, &event_id).unwrap();
        Event { measurement, announcement, sealed, row }
    }

    pub fn nonces(&self, event: &Event) -> Nonces {
        Nonces::open(&self.key, &event.row.event_id, &event.sealed).unwrap()
    }

    pub fn decide(&self, event: &Event, now_s: u64) -> SignDecision {
        decide_sign(&event.row, &self.journal.view(&event.row.event_id), now_s)
    }

    /// The decision at maturity, which must be to sign.
    pub fn cleared(&self, event: &Event) -> Cleared {
        match self.decide(event, MATURITY_S) {
            SignDecision::Sign(cleared) => cleared,
            other => panic!("{other:?}"),
        }
    }

    /// All steps from a stored outcome to the attestation.
    pub fn sign(&mut self, event: &Event) -> OracleAttestation {
        let permit = self.journal.authorise(self.cleared(event)).unwrap();
        attest(&self.key, permit, self.nonces(event), &event.announcement).unwrap()
    }
}

impl Event {
    /// Stores an outcome in the row.
    pub fn decided(mut self, outcome: &Outcome) -> Self {
        self.row.outcome = Some(self.measurement.outcome.encode(outcome).unwrap());
        self
    }
}
