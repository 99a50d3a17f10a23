//! What oracles say: attestations, from themselves or from a peer, whether they contradict themselves, whether their logs only
//! grow, and which keys they have.

pub(crate) mod attest;
pub(crate) mod attestations;
pub(crate) mod deciding;
pub(crate) mod keys;
pub(crate) mod logs;
pub(crate) mod trouble;
