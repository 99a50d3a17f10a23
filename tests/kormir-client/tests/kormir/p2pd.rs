//! The same oracle, asked by ddk's client of p2pderivatives' oracle: it knows an event by six characters and its maturity.

use ddk_manager::Oracle as _;
use ddk_messages::oracle_msgs::{EventDescriptor, OracleAttestation};
use secp256k1_zkp::SECP256K1;

use crate::oracle::{ASSET, Failure, Oracle};
use crate::{ALL_BAD_DIGITS, POLL, POLLS, ppm};

#[tokio::test]
async fn ddks_p2pderivatives_client_reads_an_alias_that_it_can_settle_on() -> Result<(), Failure> {
    let oracle = Oracle::start().await?;
    let client = oracle.p2pd_client().await?;
    let id = oracle.announce(ppm()).await?;
    let event_id = format!("{ASSET}{}", oracle.maturity(&id).await?);
    let announcement = client.get_announcement(&event_id).await?;
    announcement.validate(SECP256K1)?;
    assert_eq!(announcement.oracle_public_key, client.get_public_key());
    assert_eq!(announcement.oracle_event.event_id, id);
    let EventDescriptor::DigitDecompositionEvent(scale) = &announcement.oracle_event.event_descriptor else {
        panic!("a numeric event");
    };
    assert_eq!((scale.base, scale.is_signed, scale.nb_digits), (2, false, 20));
    assert!(client.get_attestation(&event_id).await.is_err(), "attested before anything was measured");

    let attestation = attested(&client, &event_id).await?;
    attestation.validate(SECP256K1, &announcement)?;
    assert_eq!((attestation.event_id.as_str(), attestation.signatures.len()), (id.as_str(), 20));
    assert_eq!(attestation.outcomes.concat(), ALL_BAD_DIGITS);
    Ok(())
}

#[tokio::test]
async fn ddks_p2pderivatives_client_takes_nothing_for_an_answer_about_what_is_not_there()
-> Result<(), Failure> {
    let oracle = Oracle::start().await?;
    let client = oracle.p2pd_client().await?;
    let id = oracle.announce(ppm()).await?;
    let maturity = oracle.maturity(&id).await?;
    for unknown in [format!("other1{maturity}"), format!("{ASSET}{}", maturity + 1), format!("{ASSET}0")] {
        assert!(client.get_announcement(&unknown).await.is_err(), "{unknown}");
        assert!(client.get_attestation(&unknown).await.is_err(), "{unknown}");
    }
    Ok(())
}

async fn attested(
    client: &ddk::oracle::p2p_derivatives::P2PDOracleClient,
    event_id: &str,
) -> Result<OracleAttestation, Failure> {
    for _ in 0..POLLS {
        if let Ok(attestation) = client.get_attestation(event_id).await {
            return Ok(attestation);
        }
        tokio::time::sleep(POLL).await;
    }
    Err(format!("{event_id} is not attested after {POLLS} questions").into())
}
