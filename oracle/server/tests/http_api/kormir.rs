//! What clients of other oracles read here.

use dlc_messages::oracle_msgs::{EventDescriptor, OracleAnnouncement, OracleAttestation};
use serde_json::json;

use crate::common::{Http, START, World, measurement};

#[tokio::test(flavor = "multi_thread")]
async fn what_kormirs_clients_read_is_what_they_expect() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;

    let pubkey = http.json("/pubkey").await;
    let json = http.json(&format!("/announcement/{id}")).await;
    assert_eq!(pubkey["pubkey"], json["oraclePublicKey"]);
    let announcement: OracleAnnouncement = serde_json::from_value(json).unwrap();
    announcement.validate(secp256k1_zkp::SECP256K1).unwrap();
    assert_eq!(announcement.oracle_event.event_id, id.as_str());
    let EventDescriptor::DigitDecompositionEvent(digits) = &announcement.oracle_event.event_descriptor else {
        panic!("a numeric event");
    };
    assert_eq!((digits.base, digits.is_signed, digits.precision, digits.nb_digits), (2, false, 0, 20));

    world.until(START + 3_600 + 601).await;
    let attestation: OracleAttestation =
        serde_json::from_value(http.json(&format!("/attestation/{id}")).await).unwrap();
    attestation.validate(secp256k1_zkp::SECP256K1, &announcement).unwrap();
    assert_eq!(attestation.outcomes.len(), 20);
    let listed = http.json("/list-events").await;
    assert_eq!(listed[0]["signatures"].as_array().map(Vec::len), Some(20));
    let tlv = http.json(&format!("/attestation/{id}?format=tlv")).await;
    assert_eq!(tlv["attestation"], json!(http.event(&id).await.attestation_hex.unwrap().to_string()));
    world.stop(oracle).await;
}
