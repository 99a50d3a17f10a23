//! Two attestations of one event by one oracle that cannot both be true.

use super::attestation::{CheckedAttestation, check};
use crate::announcements::Announcements;

/// The proof that an oracle attested two outcomes of one event.
///
/// The two attestations are all of it: both verify, with the same key and the same announced nonces, over different
/// strings. Whoever holds them can work out the oracle's key, and with it any outcome of every open escrow that counts
/// on this oracle; so nothing here does, and a proof is best shown to those who hold both attestations already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// The oracle's place in the agreement.
    pub oracle: usize,
    /// The first digit at which they differ; 0 for levels.
    pub place: usize,
    /// Both attestations, the same way round whichever came first.
    pub attestations: [CheckedAttestation; 2],
}

/// Whether two attestations prove that their oracle equivocated. Both are checked again, against these announcements.
///
/// The same outcome twice is no conflict, and neither are two oracles of different opinion.
pub fn conflict(
    a: &CheckedAttestation,
    b: &CheckedAttestation,
    announcements: &Announcements,
) -> Option<Equivocation> {
    let a = check(a.attestation.clone(), announcements).ok()?;
    let b = check(b.attestation.clone(), announcements).ok()?;
    if a.oracle != b.oracle {
        return None;
    }
    let place = a.signed().iter().zip(b.signed()).position(|(a, b)| a != b)?;
    let oracle = a.oracle;
    let attestations = if a.signed() <= b.signed() { [a, b] } else { [b, a] };
    Some(Equivocation { oracle, place, attestations })
}
