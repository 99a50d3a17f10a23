//! An oracle that announces and attests, with keys and nonces that tests can know.

use bitcoin::hashes::{Hash, sha256};
use dlc_messages::TlvRecord;
use dlc_messages::oracle_msgs::{
    DigitDecompositionEventDescriptor, EnumEventDescriptor, EventDescriptor, OracleAnnouncement,
    OracleAttestation, OracleEvent, tagged_announcement_msg, tagged_attestation_msg,
};
use secp256k1_zkp::{Keypair, SECP256K1, SecretKey};
use terms::{Agreement, Hex32, Outcome, Scale};

use super::documents::WINDOW_END;

/// Ten minutes from the window's end to maturity.
pub const MATURITY: u32 = WINDOW_END as u32 + 600;

pub struct Oracle {
    index: usize,
    keypair: Keypair,
}

fn secret(seed: &str) -> SecretKey {
    SecretKey::from_slice(sha256::Hash::hash(seed.as_bytes()).as_byte_array()).unwrap()
}

impl Oracle {
    pub fn new(index: usize) -> Self {
        Self { index, keypair: Keypair::from_secret_key(SECP256K1, &secret(&format!("oracle {index}"))) }
    }

    pub fn key(&self) -> Hex32 {
        Hex32(self.keypair.x_only_public_key().0.serialize())
    }

    pub fn nonce(&self, digit: usize) -> Keypair {
        Keypair::from_secret_key(SECP256K1, &secret(&format!("nonce {digit} of oracle {}", self.index)))
    }

    pub fn event(&self, agreement: &Agreement) -> OracleEvent {
        let (nonces, event_descriptor) = match &agreement.measurement.outcome {
            Scale::Numeric(scale) => {
                let descriptor = DigitDecompositionEventDescriptor {
                    base: 2,
                    is_signed: false,
                    unit: scale.unit.clone(),
                    precision: 0,
                    nb_digits: scale.digits as u16,
                };
                (scale.digits as usize, EventDescriptor::DigitDecompositionEvent(descriptor))
            }
            Scale::Enum(scale) => {
                let mut outcomes: Vec<String> = scale.levels.iter().map(|level| level.name.clone()).collect();
                outcomes.push(scale.indeterminate.clone());
                (1, EventDescriptor::EnumEvent(EnumEventDescriptor { outcomes }))
            }
        };
        OracleEvent {
            oracle_nonces: (0..nonces).map(|digit| self.nonce(digit).x_only_public_key().0).collect(),
            event_maturity_epoch: MATURITY,
            event_descriptor,
            event_id: agreement.event_id.to_string(),
        }
    }

    /// Signs any event, also one that it should not.
    pub fn sign_event(&self, oracle_event: OracleEvent) -> OracleAnnouncement {
        OracleAnnouncement {
            announcement_signature: SECP256K1
                .sign_schnorr_no_aux_rand(&tagged_announcement_msg(&oracle_event), &self.keypair),
            oracle_public_key: self.keypair.x_only_public_key().0,
            oracle_event,
        }
    }

    /// Its key pair, for tests in which it is the thief.
    pub fn keypair(&self) -> Keypair {
        self.keypair
    }

    pub fn announce(&self, agreement: &Agreement) -> OracleAnnouncement {
        self.sign_event(self.event(agreement))
    }

    /// Signs any strings, also such as are no outcome.
    pub fn sign_strings(&self, event_id: &str, outcomes: &[&str]) -> OracleAttestation {
        let signatures = outcomes
            .iter()
            .enumerate()
            .map(|(digit, outcome)| {
                dlc::secp_utils::schnorrsig_sign_with_nonce(
                    SECP256K1,
                    &tagged_attestation_msg(outcome),
                    &self.keypair,
                    &self.nonce(digit).secret_bytes(),
                )
            })
            .collect();
        OracleAttestation {
            event_id: event_id.to_owned(),
            oracle_public_key: self.keypair.x_only_public_key().0,
            signatures,
            outcomes: outcomes.iter().map(|outcome| (*outcome).to_owned()).collect(),
        }
    }

    /// Signs a number that its scale may not say, digit by digit.
    pub fn attest_number(&self, agreement: &Agreement, value: u64) -> Vec<u8> {
        let digits = self.event(agreement).oracle_nonces.len();
        let signed: Vec<&str> =
            (0..digits).rev().map(|place| if value >> place & 1 == 1 { "1" } else { "0" }).collect();
        self.sign_strings(agreement.event_id.as_str(), &signed).to_tlv_bytes()
    }

    pub fn attest(&self, agreement: &Agreement, outcome: &Outcome) -> Vec<u8> {
        let signed = agreement.measurement.outcome.encode(outcome).unwrap();
        let signed: Vec<&str> = signed.iter().map(String::as_str).collect();
        self.sign_strings(agreement.event_id.as_str(), &signed).to_tlv_bytes()
    }
}
