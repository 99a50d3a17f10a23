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

/// One of each kind of target, a metric and a confirmation; they came later and are version 1 as well.
const OTHERS: [(&[u8], &str); 6] = [
    (
        include_bytes!("golden/measurement-http-v1.json"),
        "sla1-b4811f34a84d88469370f446a4100ad3649b40b09c1aa5a6bffae59c8a4156ba",
    ),
    (
        include_bytes!("golden/measurement-tcp-v1.json"),
        "sla1-13dc85f8f34a6fcd0031734addc3192178d6e051cb177b3e56ec69a4e1783659",
    ),
    (
        include_bytes!("golden/measurement-tls-v1.json"),
        "sla1-8b521e210712ba05ad23817ff19b2f4c24673b513db277177ee18e7aa06930c9",
    ),
    (
        include_bytes!("golden/measurement-dns-v1.json"),
        "sla1-0c9127aa74e88e8630af9cd14af26960b94534b90ed3f6f888f7c5acf325c897",
    ),
    (
        include_bytes!("golden/measurement-heartbeat-v1.json"),
        "sla1-4f0ffbb32d6bc43b41a8f92c02f6cd7b36b183854636abf0d92c2bc40abd39d1",
    ),
    (
        include_bytes!("golden/measurement-metric-v1.json"),
        "sla1-d3c649d2b1d18eba49189167a5a0644a8e30a3a0e8ffa9e911e4ec19df191b4f",
    ),
];

#[test]
fn measurements_of_every_kind_keep_their_event_ids() {
    for (bytes, event_id) in OTHERS {
        let measurement = Measurement::parse(bytes).unwrap();
        assert_eq!(measurement.event_id().as_str(), event_id, "{}", measurement.target);
    }
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

#[test]
fn the_late_delivery_of_version_1_keeps_its_hashes_and_pays_along_its_ramp() {
    let agreement = Agreement::parse(include_bytes!("golden/agreement-ramp-v1.json")).unwrap();
    assert_eq!(
        agreement.event_id.as_str(),
        "sla1-70745fd9da95fc461d96bf89734a71d0387991b14b79576e98b9573ec5634b77"
    );
    assert_eq!(
        agreement.terms_hash().to_string(),
        "4166346dd8f99646776b47117f724f67274a63895b2d440cf993e26cf48a436c"
    );
    // Quanta of 4 hours: 12 is a fifth of the way from 4 to 44, from 100,000 to 900,000 ppm of the price.
    assert_eq!(agreement.provider_sat(OutcomeValue(13)), Ok(Some(Sat(1_240_000))));
}

#[test]
fn the_levels_of_version_1_keep_their_hashes_and_round_to_the_provider() {
    let agreement = Agreement::parse(include_bytes!("golden/agreement-levels-v1.json")).unwrap();
    assert_eq!(
        agreement.event_id.as_str(),
        "sla1-e43b8c7a4f9c9f3585640cdc2ade43da2695a4f0fb69ff8fb0c748ef7ef8e6c1"
    );
    assert_eq!(
        agreement.terms_hash().to_string(),
        "432d15eeecb42f6fe40dc78f7e77287fa43e94a7d404f7e22ff91b259fa83e95"
    );
    // 1,000,001 + 1,500,001 are locked. Slow: a fifth of the price, 200,000.2, goes back. Unusable: the price and
    // half the bond, 1,750,001.5. The fractions stay with the provider.
    let table = agreement.compile().unwrap();
    let at = |level: &str| table.at(&Outcome::Level(level.to_owned()));
    assert_eq!(at("fast"), Some(Sat(2_500_002)));
    assert_eq!(at("slow"), Some(Sat(2_300_002)));
    assert_eq!(at("unusable"), Some(Sat(750_001)));
    assert_eq!(table.at(&Outcome::Indeterminate), Some(Sat(2_500_002)));
}
