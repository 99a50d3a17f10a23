//! What the oracle publishes verifies with code that is not ours: the library's own types, from the JSON and the bytes
//! that existing clients read.

use blackbox::{World, raw};
use dlc_messages::lightning::util::ser::{BigSize, Readable};
use dlc_messages::oracle_msgs::{EventDescriptor, OracleAnnouncement, OracleAttestation};
use protocol::Offer;
use secp256k1_zkp::SECP256K1;
use serde_json::Value;
use terms::{EnumScale, Level, LevelPayout, OutcomeValue, Scale, Schedule, Worse};
use testbed::Phase;

async fn json<T: serde::de::DeserializeOwned>(world: &World, path: &str) -> T {
    let answer = raw::get(&format!("{}{path}", world.oracle.client.base()), None).await;
    assert_eq!(answer.status, 200);
    serde_json::from_slice(&answer.body).expect("the library reads our JSON")
}

fn read<T: Readable>(hex: &Value) -> T {
    let bytes = hex::decode(hex.as_str().unwrap()).unwrap();
    // A TLV: type, length, value. The library's types read the value.
    let mut value = bytes.as_slice();
    let [_kind, length] = [(); 2].map(|()| BigSize::read(&mut value).expect("a TLV has type and length").0);
    assert_eq!(length, value.len() as u64);
    T::read(&mut value).expect("the library reads our bytes")
}

async fn published_and_signed(world: &mut World, offer: &Offer) -> (OracleAnnouncement, OracleAttestation) {
    let id = offer.measurement.event_id();
    let pubkey: Value = json(world, "/pubkey").await;
    let announcement: OracleAnnouncement = json(world, &format!("/announcement/{id}")).await;
    announcement.validate(SECP256K1).expect("the announcement's signature is good");
    assert_eq!(announcement.oracle_public_key.to_string(), pubkey["pubkey"].as_str().unwrap());
    assert_eq!(announcement.oracle_event.event_id, id.as_str());

    let window = offer.measurement.window;
    world.pass_until(window.start.0).await;
    world.target.set(Phase::ErrorShare { ppm: 500_000 });
    world.pass_until(window.end.0 + 65).await;
    let attestation: OracleAttestation = json(world, &format!("/attestation/{id}")).await;
    attestation.validate(SECP256K1, &announcement).expect("the attestation's signatures are good");
    assert_eq!(attestation.event_id, id.as_str());
    let both: Value = json(world, &format!("/announcement/{id}?format=tlv")).await;
    assert_eq!(read::<OracleAnnouncement>(&both["announcement"]), announcement);
    assert_eq!(read::<OracleAttestation>(&both["attestation"]), attestation);
    (announcement, attestation)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_numeric_event_verifies_with_ddk_messages() {
    let mut world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    let (announcement, attestation) = published_and_signed(&mut world, &offer).await;
    let EventDescriptor::DigitDecompositionEvent(digits) = &announcement.oracle_event.event_descriptor else {
        panic!("a number is announced as digits");
    };
    assert_eq!((digits.base, digits.is_signed, digits.nb_digits), (2, false, 20));
    assert_eq!(announcement.oracle_event.oracle_nonces.len(), 20);
    assert_eq!(
        u64::from(announcement.oracle_event.event_maturity_epoch),
        offer.measurement.window.end.0 + 60
    );
    assert_eq!(attestation.signatures.len(), 20, "the library would accept fewer, so we count");
    let value = u64::from_str_radix(&attestation.outcomes.concat(), 2).unwrap();
    assert_eq!(value, 500_000);
    let listed: Value = json(&world, "/list-events").await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_named_levels_verifies_with_ddk_messages() {
    let mut world = World::begin().await;
    let mut draft = world.draft();
    let levels = [("good", 0), ("poor", 1_001)];
    draft.measurement.outcome = Scale::Enum(EnumScale {
        levels: levels.map(|(name, from)| Level { name: name.to_owned(), from: OutcomeValue(from) }).to_vec(),
        indeterminate: "no-data".to_owned(),
        worse: Worse::Higher,
    });
    let payouts = levels.map(|(name, from)| LevelPayout {
        level: name.to_owned(),
        credit: blackbox::credit(from.min(1) * 500_000, 0),
    });
    draft.payout.schedule = Schedule::Levels(payouts.to_vec());
    let offer = world.publish(&draft).await;
    let (announcement, attestation) = published_and_signed(&mut world, &offer).await;
    let EventDescriptor::EnumEvent(outcomes) = &announcement.oracle_event.event_descriptor else {
        panic!("levels are announced as an enum");
    };
    assert_eq!(outcomes.outcomes, ["good", "poor", "no-data"]);
    assert_eq!(attestation.outcomes, ["poor"]);
    assert_eq!(attestation.signatures.len(), 1);
}

/// What each party published about an escrow verifies without our code, too: announcement and attestation from the
/// owner's API.
#[tokio::test(flavor = "multi_thread")]
async fn the_announcement_and_attestation_of_an_escrow_are_the_oracles_own() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    world.both_reach(&id, "settled").await;
    let view = world.buyer.escrow(&id).await;
    let event: Value = json(&world, &format!("/announcement/{}?format=tlv", view.event_id)).await;
    let hex = |bytes: &protocol::HexBytes| hex::encode(&bytes.0);
    assert_eq!(
        view.announcements.iter().map(hex).collect::<Vec<_>>(),
        [event["announcement"].as_str().unwrap()]
    );
    assert_eq!(
        view.attestations.iter().map(hex).collect::<Vec<_>>(),
        [event["attestation"].as_str().unwrap()]
    );
    assert_eq!(world.provider.escrow(&id).await.attestations, view.attestations);
}
