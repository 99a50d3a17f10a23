//! Text that strangers write: envelopes, agreements, measurements; and scenarios, which users download.

use std::path::Path;

use protocol::{Body, Draft, Envelope};
use replay::scenario::Scenario;
use secp256k1_zkp::{Keypair, SECP256K1};
use serde::de::DeserializeOwned;
use serde_json::Value;
use terms::{Agreement, Measurement, OutcomeValue, PayoutTable, Scale};

/// More probes than these are not played through.
const MOST_PROBES: u64 = 2_000;

/// An envelope as it is, and once more with a signature of ours.
pub fn envelope(bytes: &[u8]) -> bool {
    if let Ok(envelope) = Envelope::verify(bytes) {
        keeps_its_spelling(&envelope);
    }
    let Some(draft) = draft(bytes) else { return false };
    let keypair = Keypair::from_seckey_slice(SECP256K1, &[3; 32]).unwrap();
    match Envelope::seal(draft, &keypair) {
        Ok(envelope) => {
            keeps_its_spelling(&envelope);
            true
        }
        Err(_) => false,
    }
}

fn keeps_its_spelling(envelope: &Envelope) {
    let bytes = envelope.bytes();
    let again = Envelope::verify(&bytes).expect("what we write can be read");
    assert_eq!(again, *envelope);
    assert_eq!(again.hash(), envelope.hash());
    assert_eq!(again.bytes(), bytes);
    assert!(bytes.len() <= protocol::envelope::MAX_BYTES);
    let lifetime = envelope.expires().0 - envelope.at().0;
    assert!((1..=protocol::envelope::MAX_LIFETIME_S).contains(&lifetime));
}

/// The fields of an envelope, whoever signed it.
fn draft(bytes: &[u8]) -> Option<Draft> {
    let value: Value = terms::canonical::parse_within(bytes, protocol::envelope::MAX_BYTES).ok()?;
    Some(Draft {
        v: field(&value, "v")?,
        id: field(&value, "id")?,
        session: field(&value, "session")?,
        seq: field(&value, "seq")?,
        to: field(&value, "to")?,
        at: field(&value, "at")?,
        expires: field(&value, "expires")?,
        prev: field(&value, "prev")?,
        body: Body::from_value(value.get("body")?.clone()).ok()?,
    })
}

fn field<T: DeserializeOwned>(value: &Value, name: &str) -> Option<T> {
    serde_json::from_value(value.get(name)?.clone()).ok()
}

/// An agreement: one canonical spelling, one hash, and at every outcome the whole collateral, in order.
pub fn agreement(bytes: &[u8]) -> bool {
    let Ok(agreement) = Agreement::parse(bytes) else { return false };
    let canonical = agreement.canonical();
    let again = Agreement::parse(&canonical).expect("what we write can be read");
    assert_eq!(again, agreement);
    assert_eq!(again.canonical(), canonical);
    assert_eq!(again.terms_hash(), agreement.terms_hash());
    assert_eq!(agreement.event_id, agreement.measurement.event_id());
    match agreement.compile() {
        Ok(table) => {
            pays_the_whole(&agreement, &table);
            true
        }
        Err(_) => false,
    }
}

fn pays_the_whole(agreement: &Agreement, table: &PayoutTable) {
    let total = agreement.total_sat();
    assert_eq!(table.total_sat(), total);
    let pays = |sat: u64| {
        assert!(sat <= total.0, "more than there is");
        for part in [sat, total.0 - sat] {
            assert!(part == 0 || part >= 1_000, "{part} sat would be burnt");
        }
    };
    match (table, &agreement.measurement.outcome) {
        (PayoutTable::Numeric { segments, digits, .. }, Scale::Numeric(_)) => {
            assert!(segments.len() as u64 <= PayoutTable::MAX_SEGMENTS);
            assert_eq!(segments.first().map(|first| first.start), Some(OutcomeValue(0)));
            assert_eq!(segments.last().map(|last| last.end), Some(OutcomeValue((1 << digits) - 1)));
            assert!(segments.windows(2).all(|pair| pair[0].end.0 + 1 == pair[1].start.0), "a gap");
            segments.iter().for_each(|segment| pays(segment.provider_sat.0));
        }
        (PayoutTable::Levels { levels, .. }, Scale::Enum(scale)) => {
            assert!(levels.iter().map(|(name, _)| name.as_str()).eq(scale.names()));
            levels.iter().for_each(|(_, sat)| pays(sat.0));
        }
        _ => panic!("a table of another scale"),
    }
}

/// A measurement: one canonical spelling, one event id, and outcomes that come back as they went.
pub fn measurement(bytes: &[u8]) -> bool {
    let Ok(measurement) = Measurement::parse(bytes) else { return false };
    let canonical = measurement.canonical();
    let again = Measurement::parse(&canonical).expect("what we write can be read");
    assert_eq!(again, measurement);
    assert_eq!(again.canonical(), canonical);
    assert_eq!(again.event_id(), measurement.event_id());
    assert!(measurement.probe_count() >= measurement.slice_count());
    assert!(measurement.probes_per_slice() >= 1);
    assert!(!measurement.target.to_string().chars().any(char::is_control), "it is shown to people");
    let patterns = measurement.target.http().and_then(|http| http.expect.body_matches.as_deref());
    assert!(
        patterns.is_none_or(|text| terms::measurement::pattern(text).is_some()),
        "it compiles for whoever probes"
    );
    for reading in [0, 1, 999, 1_000_000, u64::MAX] {
        let outcome = measurement.outcome.classify(reading);
        let signed = measurement.outcome.encode(&outcome).expect("a classified reading is an outcome");
        assert_eq!(measurement.outcome.decode(&signed), Some(outcome));
    }
    true
}

/// A scenario: read twice it is the same, its times are in order, and a short one can be played through.
pub fn scenario(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let file = Path::new("fuzzed.toml");
    let Ok(scenario) = Scenario::parse(text, file) else { return false };
    assert_eq!(Scenario::parse(text, file).ok().as_ref(), Some(&scenario));
    assert!(scenario.starts() < scenario.measurement.window.start);
    assert!(scenario.measurement.window.end <= scenario.maturity());
    assert!(scenario.maturity() < scenario.gives_up());
    if scenario.measurement.probe_count() <= MOST_PROBES {
        replay::plan::evaluate(&scenario).expect("a checked scenario can be evaluated");
    }
    true
}

/// An incident list or a monitor's export: what comes out is in order, on slots, and is read back as the same phases.
pub fn import(bytes: &[u8]) -> bool {
    const GRID_S: u64 = 60;
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(spans) = replay::import::read(text, GRID_S) else { return false };
    assert!(spans.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start), "they overlap");
    for span in &spans {
        assert!(span.range.start < span.range.end);
        assert!(span.range.start.0.is_multiple_of(GRID_S) && span.range.end.0.is_multiple_of(GRID_S));
    }
    let written = replay::import::timeline(&spans, GRID_S);
    let phases = written.lines().filter(|line| *line == "[[timeline]]").count();
    assert_eq!(phases, spans.len());
    true
}
