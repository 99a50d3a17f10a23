//! What oracles say: attestations, from themselves or from a peer, and whether they contradict themselves.

pub(crate) mod attest;
pub(crate) mod attestations;
