//! An oracle that has seen another's nonces can cancel them: t of n guards against silence and error, and against such
//! an oracle only where nonces are proven.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use bitcoin::Amount;
use bitcoin::hashes::{Hash, sha256};
use common::documents::Draft;
use common::{Escrow, Oracle, read};
use contract::{Deal, Message, Rule, nonces};
use dlc::secp_utils::schnorrsig_compute_sig_point;
use dlc_messages::oracle_msgs::{OracleAnnouncement, tagged_attestation_msg};
use dlc_messages::{AcceptDlc, TlvRecord as _};
use secp256k1_zkp::schnorr::Signature;
use secp256k1_zkp::{Parity, PublicKey, SECP256K1, Scalar, SecretKey, XOnlyPublicKey};

const WANTED: &str = "lost";

/// BIP340's challenge.
fn challenge(nonce: &XOnlyPublicKey, key: &XOnlyPublicKey, message: &[u8]) -> Scalar {
    let tag = sha256::Hash::hash(b"BIP0340/challenge").to_byte_array();
    let parts = [&tag[..], &tag, &nonce.serialize(), &key.serialize(), message].concat();
    Scalar::from_be_bytes(sha256::Hash::hash(&parts).to_byte_array()).unwrap()
}

/// The secret of a key with an even y, as BIP340 signs with it.
fn even_secret(oracle: &Oracle) -> SecretKey {
    let secret = oracle.keypair().secret_key();
    if oracle.keypair().x_only_public_key().1 == Parity::Odd { secret.negate() } else { secret }
}

/// What an oracle's signature of an outcome would be, times G.
fn point(announcement: &OracleAnnouncement, outcome: &str) -> PublicKey {
    let nonce = &announcement.oracle_event.oracle_nonces[0];
    let message = tagged_attestation_msg(outcome);
    schnorrsig_compute_sig_point(SECP256K1, &announcement.oracle_public_key, nonce, &message).unwrap()
}

/// A nonce `xG - S` for the victim's point S, and x.
fn cancelling_nonce(victim: &PublicKey) -> (XOnlyPublicKey, SecretKey) {
    (1u8..=255)
        .find_map(|seed| {
            let x = SecretKey::from_slice(&[seed; 32]).unwrap();
            let nonce = x.public_key(SECP256K1).combine(&victim.negate(SECP256K1)).unwrap();
            let (nonce, parity) = nonce.x_only_public_key();
            (parity == Parity::Even).then_some((nonce, x))
        })
        .unwrap()
}

/// Two of three: the second announces last, with a nonce that cancels the first's at the outcome that it wants. Gives
/// the escrow and the secret that unlocks this outcome, which nobody has attested.
fn rigged() -> (Escrow, SecretKey) {
    let mut escrow = Escrow::of(Draft { oracles: 3, threshold: 2, ..Draft::levels() });
    let mut announcements = escrow.deal.announcements().as_slice().to_vec();
    let (nonce, x) = cancelling_nonce(&point(&announcements[0], WANTED));
    let thief = &escrow.oracles[1];
    let mut event = thief.event(escrow.agreement());
    event.oracle_nonces = vec![nonce];
    announcements[1] = thief.sign_event(event);
    let e = challenge(&nonce, &announcements[1].oracle_public_key, tagged_attestation_msg(WANTED).as_ref());
    let secret = even_secret(thief).mul_tweak(&e).unwrap().add_tweak(&Scalar::from(x)).unwrap();
    let both = point(&announcements[0], WANTED).combine(&point(&announcements[1], WANTED)).unwrap();
    assert_eq!(secret.public_key(SECP256K1), both, "the first oracle's part is gone");
    escrow.deal = Deal::new(escrow.agreement().clone(), announcements).unwrap();
    (escrow, secret)
}

/// No check of announcements alone can see it: the gate takes the deal, and before anybody attests the buyer, who is in
/// league with one oracle, has the provider's valid signature of the outcome that pays the buyer everything.
#[test]
fn an_oracle_that_announces_last_can_unlock_one_outcome_alone() {
    let (escrow, secret) = rigged();
    let (contract, _) = escrow.signed();
    let accept: AcceptDlc = read(&contract.accept_bytes());
    // Three combinations a level; "lost" is the third level, the first two oracles are its first combination.
    let adaptor = &accept.cet_adaptor_signatures.ecdsa_adaptor_signatures[2 * 3].signature;
    let stolen = adaptor.decrypt(&secret).unwrap();
    let transactions = contract.transactions();
    assert_eq!(transactions.cets[2].provider_sat.0, 0);
    dlc::verify_tx_input_sig(
        SECP256K1,
        &stolen,
        &transactions.cets[2].transaction,
        0,
        &transactions.funding_script,
        Amount::from_sat(transactions.funding_value.0),
        &accept.funding_pubkey,
    )
    .unwrap();
}

/// What honest oracles do beside their announcements.
fn prove(oracle: &Oracle, announcement: &OracleAnnouncement) -> Vec<Signature> {
    let message = nonces::proof_message(announcement);
    let digits = announcement.oracle_event.oracle_nonces.len();
    (0..digits)
        .map(|digit| SECP256K1.sign_schnorr_with_aux_rand(&message, &oracle.nonce(digit), &[7; 32]))
        .collect()
}

#[test]
fn an_honest_oracle_proves_its_nonces() {
    let escrow = Escrow::of(Draft { oracles: 3, threshold: 2, ..Draft::default() });
    for (index, announcement) in escrow.deal.announcements().as_slice().iter().enumerate() {
        let mut proofs = prove(&escrow.oracles[index], announcement);
        nonces::check_proofs(index, announcement, &proofs).unwrap();
        proofs.swap(3, 4);
        let error = nonces::check_proofs(index, announcement, &proofs).unwrap_err();
        assert_eq!((error.message, &*error.field), (Message::Announcement(index), "nonce_proofs[3]"));
        proofs.pop();
        let error = nonces::check_proofs(index, announcement, &proofs).unwrap_err();
        assert_eq!(error.rule, Rule::WrongCount { expected: 10, got: 9 });
    }
}

#[test]
fn an_oracle_that_cancels_anothers_nonce_cannot_prove_its_own() {
    let (escrow, secret) = rigged();
    let announcement = &escrow.deal.announcements().as_slice()[1];
    let message = nonces::proof_message(announcement);
    let nonce = &announcement.oracle_event.oracle_nonces[0];
    for known in [secret, even_secret(&escrow.oracles[1]), escrow.oracles[1].nonce(0).secret_key()] {
        let key = secp256k1_zkp::Keypair::from_secret_key(SECP256K1, &known);
        assert_ne!(key.x_only_public_key().0, *nonce, "nothing it knows opens the nonce");
        let proof = SECP256K1.sign_schnorr_no_aux_rand(&message, &key);
        let error = nonces::check_proofs(1, announcement, &[proof]).unwrap_err();
        assert_eq!(error.rule, Rule::BadSignature);
    }
    let honest = &escrow.deal.announcements().as_slice()[0];
    let copied = prove(&escrow.oracles[0], honest);
    nonces::check_proofs(1, announcement, &copied).unwrap_err();
}

/// An announcement, what its nonces sign, and their proofs. The oracle's crate is held to the same file.
const GOLDEN: &str = include_str!("golden/nonce-proofs.txt");

#[test]
fn what_nonces_sign_is_what_the_golden_file_says() {
    let mut lines = GOLDEN.lines().map(|line| hex::decode(line).unwrap());
    let announcement = OracleAnnouncement::from_tlv_bytes(&lines.next().unwrap()).unwrap();
    assert_eq!(nonces::proof_message(&announcement).as_ref()[..], lines.next().unwrap());
    let proofs: Vec<Signature> = lines.map(|proof| Signature::from_slice(&proof).unwrap()).collect();
    nonces::check_proofs(0, &announcement, &proofs).unwrap();
}

#[test]
fn each_oracle_of_a_contract_must_prove_its_own_nonces() {
    let escrow = Escrow::of(Draft { oracles: 3, threshold: 2, ..Draft::default() });
    let announcements = escrow.deal.announcements();
    let prove = |(index, announcement): (usize, &OracleAnnouncement)| {
        prove(&escrow.oracles[index], announcement).iter().map(|proof| *proof.as_ref()).collect()
    };
    let mut proofs: Vec<Vec<[u8; 64]>> = announcements.as_slice().iter().enumerate().map(prove).collect();
    nonces::check_all(announcements, &proofs).unwrap();
    proofs.swap(1, 2);
    let error = nonces::check_all(announcements, &proofs).unwrap_err();
    assert_eq!((error.message, &*error.field), (Message::Announcement(1), "nonce_proofs[0]"));
    proofs.truncate(1);
    let error = nonces::check_all(announcements, &proofs).unwrap_err();
    assert_eq!((error.message, &*error.field), (Message::Announcement(1), "nonce_proofs"));
}
