//! Two attestations of one event that cannot both be honest.
//!
//! An attestation's nonces are announced, so two that differ share a nonce, and the secret key follows from them:
//! `x = (s - s') / (e - e')`. Here it is worked out to show that the two really cost the oracle its key, compared with the
//! public key, and erased; nothing returns it. With it anybody could attest any outcome of every open event.

use dlc_messages::oracle_msgs::{
    OracleAnnouncement, OracleAttestation, tagged_announcement_msg, tagged_attestation_msg,
};
use secp256k1_zkp::schnorr::Signature;
use secp256k1_zkp::{SECP256K1, Scalar, SecretKey, XOnlyPublicKey};
use terms::Hex32;

use crate::check::{CheckError, check_attestation};
use crate::hash::tagged;

/// The order of the curve less two: `a` to this power is the inverse of `a` (Fermat).
const ORDER_LESS_TWO: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x3f,
];

/// The proof that an oracle signed two outcomes of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Whose attestations they are.
    pub oracle: XOnlyPublicKey,
    /// The event that both name.
    pub event_id: String,
    /// Where they differ, ascending: positions of digits, most significant first; 0 for a level.
    pub places: Vec<usize>,
    /// Both were compared with the oracle's announcement of the event. Without it the event's id is only what the two
    /// say, since no signature covers it; that the oracle used a nonce twice is proven all the same.
    pub announced: bool,
}

/// Why two attestations prove nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoConflict {
    /// Two oracles may be of different opinion.
    #[error("they are two oracles': {a} and {b}")]
    Oracles {
        /// The first one's key.
        a: Hex32,
        /// The second one's.
        b: Hex32,
    },
    /// An oracle may attest two events.
    #[error("they are about two events: {a} and {b}")]
    Events {
        /// The first one's event.
        a: String,
        /// The second one's.
        b: String,
    },
    /// They say the same.
    #[error("they attest the same outcome")]
    Same,
    /// One of them has another number of outcomes than signatures, or than the other.
    #[error(
        "{which} has {outcomes} outcomes and {signatures} signatures, where there must be as many in both"
    )]
    Count {
        /// `A` or `B`.
        which: char,
        /// Its outcomes.
        outcomes: usize,
        /// Its signatures.
        signatures: usize,
    },
    /// Their signatures were made with different nonces: at most one of them answers the announcement.
    #[error("signature {place}: they use two nonces, so at most one of them is the announced event's")]
    Nonces {
        /// The position.
        place: usize,
    },
    /// A signature is not the oracle's.
    #[error("{which}, signature {place}: does not verify")]
    Signature {
        /// `A` or `B`.
        which: char,
        /// The position.
        place: usize,
    },
    /// The announcement is not signed by the key that it names.
    #[error("the announcement is not signed by its oracle")]
    Announcement,
    /// One of them does not answer the announcement.
    #[error("{which} does not answer the announcement: {error}")]
    NotAnnounced {
        /// `A` or `B`.
        which: char,
        /// What is wrong.
        error: CheckError,
    },
    /// The arithmetic failed, which no valid pair of signatures makes it do.
    #[error("the key does not follow from the two, though both verify: this program or machine is broken")]
    Broken,
}

/// Checks that two attestations conflict: one key, one event, the same nonces, all signatures valid, two outcomes. Where
/// the announcement is given, both must answer it.
///
/// # Errors
/// Says why they prove nothing.
pub fn prove_conflict(
    a: &OracleAttestation,
    b: &OracleAttestation,
    announcement: Option<&OracleAnnouncement>,
) -> Result<Conflict, NoConflict> {
    compare(a, b)?;
    for (which, attestation) in [('A', a), ('B', b)] {
        check_signatures(which, attestation)?;
        check_announced(which, attestation, announcement)?;
    }
    let differ = a.outcomes.iter().zip(&b.outcomes).enumerate().filter(|(_, (a, b))| a != b);
    let places: Vec<usize> = differ.map(|(place, _)| place).collect();
    let Some(&place) = places.first() else { return Err(NoConflict::Same) };
    if !reveals_the_key(a, b, place).unwrap_or(false) {
        return Err(NoConflict::Broken);
    }
    let (oracle, event_id) = (a.oracle_public_key, a.event_id.clone());
    Ok(Conflict { oracle, event_id, places, announced: announcement.is_some() })
}

/// What can be compared without looking at signatures.
fn compare(a: &OracleAttestation, b: &OracleAttestation) -> Result<(), NoConflict> {
    if a.oracle_public_key != b.oracle_public_key {
        let [a, b] = [a, b].map(|one| Hex32(one.oracle_public_key.serialize()));
        return Err(NoConflict::Oracles { a, b });
    }
    if a.event_id != b.event_id {
        return Err(NoConflict::Events { a: a.event_id.clone(), b: b.event_id.clone() });
    }
    for (which, one) in [('A', a), ('B', b)] {
        let (outcomes, signatures) = (one.outcomes.len(), one.signatures.len());
        if outcomes != signatures || outcomes != a.outcomes.len() {
            return Err(NoConflict::Count { which, outcomes, signatures });
        }
    }
    if a.outcomes == b.outcomes {
        return Err(NoConflict::Same);
    }
    let other = a.signatures.iter().zip(&b.signatures).position(|(a, b)| nonce(a) != nonce(b));
    other.map_or(Ok(()), |place| Err(NoConflict::Nonces { place }))
}

fn check_signatures(which: char, attestation: &OracleAttestation) -> Result<(), NoConflict> {
    let signed = attestation.signatures.iter().zip(&attestation.outcomes);
    for (place, (signature, outcome)) in signed.enumerate() {
        SECP256K1
            .verify_schnorr(signature, &tagged_attestation_msg(outcome), &attestation.oracle_public_key)
            .map_err(|_| NoConflict::Signature { which, place })?;
    }
    Ok(())
}

fn check_announced(
    which: char,
    attestation: &OracleAttestation,
    announcement: Option<&OracleAnnouncement>,
) -> Result<(), NoConflict> {
    let Some(announcement) = announcement else { return Ok(()) };
    let message = tagged_announcement_msg(&announcement.oracle_event);
    SECP256K1
        .verify_schnorr(&announcement.announcement_signature, &message, &announcement.oracle_public_key)
        .map_err(|_| NoConflict::Announcement)?;
    check_attestation(announcement, attestation).map_err(|error| NoConflict::NotAnnounced { which, error })
}

/// Whether the key that follows from the two signatures at this place is the oracle's. `None` when nothing follows.
fn reveals_the_key(a: &OracleAttestation, b: &OracleAttestation, place: usize) -> Option<bool> {
    let key = a.oracle_public_key;
    let part = |of: &OracleAttestation| {
        let (signature, outcome) = (of.signatures.get(place)?, of.outcomes.get(place)?);
        Some((scalar(&signature.as_ref()[32..])?, challenge(signature, &key, outcome)?))
    };
    let ((s_a, e_a), (s_b, e_b)) = (part(a)?, part(b)?);
    let mut secret = difference(s_a, s_b)?.mul_tweak(&inverse(difference(e_a, e_b)?)?.into()).ok()?;
    let follows = secret.x_only_public_key(SECP256K1).0 == key;
    secret.non_secure_erase();
    Some(follows)
}

/// BIP340's `e`.
fn challenge(signature: &Signature, key: &XOnlyPublicKey, outcome: &str) -> Option<SecretKey> {
    let message = tagged_attestation_msg(outcome);
    scalar(&tagged("BIP0340/challenge", &[nonce(signature), &key.serialize(), message.as_ref()]))
}

fn nonce(signature: &Signature) -> &[u8] {
    &signature.as_ref()[..32]
}

/// A number below the curve's order; all but one in `2^128` hashes are one.
fn scalar(bytes: &[u8]) -> Option<SecretKey> {
    SecretKey::from_slice(bytes).ok()
}

fn difference(a: SecretKey, b: SecretKey) -> Option<SecretKey> {
    a.add_tweak(&b.negate().into()).ok()
}

/// `a` to the power of the order less two, by squaring.
fn inverse(a: SecretKey) -> Option<SecretKey> {
    let factor = Scalar::from(a);
    let bits = ORDER_LESS_TWO.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    // The first bit is set, and stands for `a` itself.
    bits.skip(1).try_fold(a, |power, bit| {
        let square = power.mul_tweak(&power.into()).ok()?;
        if bit { square.mul_tweak(&factor).ok() } else { Some(square) }
    })
}
