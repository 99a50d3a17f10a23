//! An oracle's announcements and attestations.

use std::sync::LazyLock;

use contract::announcements::read_announcement;
use contract::{Announcements, gate};
use dlc_messages::TlvRecord;
use dlc_messages::oracle_msgs::OracleAttestation;
use terms::{Outcome, OutcomeValue};

use crate::common::{Draft, Escrow};

static CASES: LazyLock<[Escrow; 2]> =
    LazyLock::new(|| [Escrow::of(Draft::levels()), Escrow::of(Draft::default())]);

/// An announcement as it is, and once more with the oracle's own signature over whatever it says.
pub fn announcement(bytes: &[u8]) -> bool {
    let Ok(read) = read_announcement(0, bytes) else { return false };
    assert_eq!(read.to_tlv_bytes(), bytes);
    let pass = |escrow: &Escrow| {
        let signed = escrow.oracles[0].sign_event(read.oracle_event.clone());
        let tlv = signed.to_tlv_bytes();
        assert_eq!(read_announcement(0, &tlv).ok().as_ref(), Some(&signed));
        let _ = Announcements::parse(escrow.agreement(), &[bytes]);
        let Ok(announcements) = Announcements::parse(escrow.agreement(), &[tlv.as_slice()]) else {
            return false;
        };
        assert_eq!(announcements.to_tlvs(), [tlv]);
        let maturity = announcements.latest_maturity();
        assert!(maturity >= escrow.agreement().measurement.window.end);
        // Whatever an oracle announces, the contract is built of it or refused.
        let _ = contract::Deal::new(escrow.agreement().clone(), announcements.as_slice().to_vec());
        true
    };
    CASES.iter().any(pass)
}

/// An attestation as it is, and once more with valid signatures over whatever it says.
pub fn attestation(bytes: &[u8]) -> bool {
    CASES.iter().any(|escrow| {
        let taken = takes_whole(bytes, escrow);
        let Ok(read) = OracleAttestation::from_tlv_bytes(bytes) else { return taken };
        // The fixture's oracle has a nonce for any digit, but making thousands of them is no use.
        if read.outcomes.len() > 64 {
            return taken;
        }
        let said: Vec<&str> = read.outcomes.iter().map(String::as_str).collect();
        let signed = escrow.oracles[0].sign_strings(&read.event_id, &said);
        takes_whole(&signed.to_tlv_bytes(), escrow) || taken
    })
}

/// One that is taken keeps its bytes, and means an outcome of the measurement's scale.
fn takes_whole(bytes: &[u8], escrow: &Escrow) -> bool {
    let Ok(taken) = gate::attestation(bytes, escrow.deal.announcements()) else { return false };
    assert_eq!(taken.bytes(), bytes);
    assert_eq!(gate::attestation(bytes, escrow.deal.announcements()), Ok(taken.clone()));
    let scale = &escrow.agreement().measurement.outcome;
    let outcome = taken.outcome(scale).expect("only outcomes of the scale are taken");
    assert!(escrow.deal.table().at(&outcome).is_some(), "{outcome:?} pays nothing");
    true
}

pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let [levels, steps] = &*CASES;
    let tlv = |escrow: &Escrow| escrow.deal.announcements().to_tlvs().remove(0);
    let says = |escrow: &Escrow, outcome: Outcome| escrow.oracles[0].attest(escrow.agreement(), &outcome);
    let value = |value| Outcome::Value(OutcomeValue(value));
    vec![
        ("announcement", "levels".to_owned(), tlv(levels)),
        ("announcement", "steps".to_owned(), tlv(steps)),
        ("attestation", "levels-late".to_owned(), says(levels, Outcome::Level("late".to_owned()))),
        ("attestation", "steps-0".to_owned(), says(steps, value(0))),
        ("attestation", "steps-24".to_owned(), says(steps, value(24))),
        ("attestation", "steps-indeterminate".to_owned(), says(steps, Outcome::Indeterminate)),
    ]
}
