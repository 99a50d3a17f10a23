//! Version 1 of both documents is frozen: these files, their ids and their payouts never change.
//! The hashes were computed by another program (Python's `json.dumps` with sorted keys, and `hashlib`).

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use terms::{Agreement, Measurement, Outcome, OutcomeValue, Sat};

const MEASUREMENT: &[u8] = include_bytes!("golden/measurement-v1.json");
const AGREEMENT: &[u8] = include_bytes!("golden/agreement-v1.json");

const EVENT_ID: &str = "sla1-feb50f6100d1eb0915925a9c3129864ce74b8f48c496d3ba2c189b3d82c24dbb";
const TERMS_HASH: &str = "f49ed30c3d0213f11bdb8dfc2e8d32ec1b7dce49523a65a7366cbdbac5b4bba1";

#[test]
fn the_measurement_of_version_1_keeps_its_event_id() {
    let measurement = Measurement::parse(MEASUREMENT).unwrap();
    assert_eq!(measurement.event_id().as_str(), EVENT_ID);
}

#[test]
fn the_agreement_of_version_1_keeps_its_terms_hash() {
    let agreement = Agreement::parse(AGREEMENT).unwrap();
    assert_eq!(agreement.terms_hash().to_string(), TERMS_HASH);
}

#[test]
fn a_month_at_1002_ppm_gives_the_buyer_a_tenth_of_the_price_back() {
    let table = Agreement::parse(AGREEMENT).unwrap().compile().unwrap();
    // 500,000 bond + 900,000 of the price.
    assert_eq!(table.at(&Outcome::Value(OutcomeValue(1002))), Some(Sat(1_400_000)));
    // 100,000 of the price.
    assert_eq!(table.total_sat(), Sat(1_400_000 + 100_000));
}
