//! Our oracle, asked and judged by code that is not ours: ddk's clients of kormir and p2pderivatives over HTTP, unchanged,
//! and the messages' own `validate`.
//!
//! The tests begin where ddk begins, with an oracle's address, and end where it would settle, with an attestation that
//! fits the announcement. Nothing of ours is linked but the helper that runs our program as a process.

mod oracle;
mod p2pd;

use std::time::Duration;

use ddk::oracle::kormir::KormirOracleClient;
use ddk_manager::Oracle as _;
use ddk_messages::oracle_msgs::{EventDescriptor, OracleAnnouncement, OracleAttestation};
use oracle::{Failure, Oracle, now_s};
use secp256k1_zkp::SECP256K1;
use serde_json::{Value, json};

/// Every probe failed, in parts of a million, and as twenty digits with the most significant first.
const ALL_BAD_PPM: u64 = 1_000_000;
const ALL_BAD_DIGITS: &str = "11110100001001000000";

const POLL: Duration = Duration::from_millis(200);
/// How often to ask for an attestation: for two minutes, where some ten seconds are due.
const POLLS: u32 = 600;

#[tokio::test]
async fn ddks_client_reads_a_number_that_it_can_settle_on() -> Result<(), Failure> {
    let oracle = Oracle::start().await?;
    let client = oracle.client().await?;
    let id = oracle.announce(ppm()).await?;
    let announcement = announced(&client, &id).await?;
    let EventDescriptor::DigitDecompositionEvent(scale) = &announcement.oracle_event.event_descriptor else {
        panic!("a numeric event");
    };
    assert_eq!((scale.base, scale.is_signed, scale.precision, scale.nb_digits), (2, false, 0, 20));
    assert_eq!(scale.unit, "ppm");

    let attestation = attested(&client, &announcement).await?;
    assert_eq!(attestation.outcomes.concat(), ALL_BAD_DIGITS);
    assert!(attestation.outcomes.iter().all(|digit| digit.len() == 1));
    assert_eq!(u64::from_str_radix(ALL_BAD_DIGITS, 2)?, ALL_BAD_PPM);
    assert_eq!(oracle.outcome(&id).await?, json!({ "value": ALL_BAD_PPM }));
    listed(&client, &attestation).await
}

#[tokio::test]
async fn ddks_client_reads_a_level_that_it_can_settle_on() -> Result<(), Failure> {
    let oracle = Oracle::start().await?;
    let client = oracle.client().await?;
    let id = oracle.announce(levels()).await?;
    let announcement = announced(&client, &id).await?;
    let EventDescriptor::EnumEvent(scale) = &announcement.oracle_event.event_descriptor else {
        panic!("an enum event");
    };
    assert_eq!(scale.outcomes, ["kept", "missed", "no-data"]);

    let attestation = attested(&client, &announcement).await?;
    assert_eq!(attestation.outcomes, ["missed"]);
    assert_eq!(oracle.outcome(&id).await?, json!({ "level": "missed" }));
    listed(&client, &attestation).await
}

#[tokio::test]
async fn ddks_client_takes_nothing_for_an_answer_about_an_event_that_does_not_exist() -> Result<(), Failure> {
    let oracle = Oracle::start().await?;
    let client = oracle.client().await?;
    let unknown = format!("sla1-{}", "0".repeat(64));
    assert!(client.get_announcement(&unknown).await.is_err());
    assert!(client.get_attestation(&unknown).await.is_err());
    assert_eq!(client.list_events().await?.len(), 0);
    Ok(())
}

fn ppm() -> Value {
    json!({ "numeric": {
        "unit": "ppm", "digits": 20, "max": ALL_BAD_PPM, "indeterminate_from": 1_015_808, "worse": "higher"
    } })
}

fn levels() -> Value {
    json!({ "enum": {
        "levels": [{ "name": "kept", "from": 0 }, { "name": "missed", "from": 1_001 }],
        "indeterminate": "no-data", "worse": "higher"
    } })
}

/// Fetches the announcement by its id and from the list, and has it validated.
async fn announced(client: &KormirOracleClient, id: &str) -> Result<OracleAnnouncement, Failure> {
    let announcement = client.get_announcement(id).await?;
    announcement.validate(SECP256K1)?;
    assert_eq!(announcement.oracle_event.event_id, id);
    assert_eq!(announcement.oracle_public_key, client.get_public_key());
    let mut changed = announcement.clone();
    changed.oracle_event.event_maturity_epoch += 1;
    assert!(changed.validate(SECP256K1).is_err(), "a changed announcement passes for signed");

    let list = client.list_events().await?;
    let [event] = list.as_slice() else { panic!("{} events are listed", list.len()) };
    assert_eq!((&event.event_id, &event.announcement), (&announcement.oracle_event.event_id, &announcement));
    assert!(event.attestation().is_none(), "attested before anything was measured");
    Ok(announcement)
}

/// Asks until there is an attestation, which is not before maturity, and has it validated.
async fn attested(
    client: &KormirOracleClient,
    announcement: &OracleAnnouncement,
) -> Result<OracleAttestation, Failure> {
    let event = &announcement.oracle_event;
    assert!(client.get_attestation(&event.event_id).await.is_err(), "attested before anything was measured");
    let attestation = wait_for_attestation(client, &event.event_id).await?;
    assert!(now_s() >= u64::from(event.event_maturity_epoch), "attested before maturity");

    attestation.validate(SECP256K1, announcement)?;
    assert_eq!(attestation.event_id, event.event_id);
    assert_eq!(attestation.oracle_public_key, announcement.oracle_public_key);
    // The library's validation does not count, so this test does.
    assert_eq!(attestation.signatures.len(), event.oracle_nonces.len());
    assert_eq!(attestation.outcomes.len(), event.oracle_nonces.len());
    let mut changed = attestation.clone();
    changed.outcomes[0] = "0".to_owned();
    assert!(changed.validate(SECP256K1, announcement).is_err(), "another outcome passes for signed");
    Ok(attestation)
}

async fn wait_for_attestation(client: &KormirOracleClient, id: &str) -> Result<OracleAttestation, Failure> {
    for _ in 0..POLLS {
        if let Ok(attestation) = client.get_attestation(id).await {
            return Ok(attestation);
        }
        tokio::time::sleep(POLL).await;
    }
    Err(format!("{id} is not attested after {POLLS} questions").into())
}

/// The list now carries the same attestation.
async fn listed(client: &KormirOracleClient, attestation: &OracleAttestation) -> Result<(), Failure> {
    let list = client.list_events().await?;
    let listed = list.first().and_then(|event| event.attestation());
    assert_eq!(listed.as_ref(), Some(attestation));
    Ok(())
}
