//! What fuzzing feeds with bytes: one plain function for each kind of bytes that a stranger can send us.
//!
//! The same functions serve libFuzzer (`fuzz/`, `scripts/fuzz`) and the stable test that replays every file of
//! `fuzz/corpus`. Each asserts more than that nothing panics: what is taken has one spelling, reads back as the same, keeps
//! its hash, and keeps within its bounds. Signatures cannot be guessed, so the fixtures sign what bytes say where a
//! signature would otherwise end every run at the door.

#![allow(clippy::unwrap_used, reason = "the fixtures are known to work")]

#[path = "../../../crates/transcript/tests/bundles.rs"]
mod bundles;
#[path = "../../../crates/contract/tests/common/mod.rs"]
mod common;
mod documents;
mod found;
mod messages;
mod oracles;
mod transcripts;

/// Takes bytes, asserts what must hold of them, and says whether they were taken as good.
pub type Target = fn(&[u8]) -> bool;

/// Every target by the name of its folder in `fuzz/corpus`.
pub const TARGETS: [(&str, Target); 14] = [
    ("envelope", documents::envelope),
    ("card", found::card),
    ("listing", found::listing),
    ("agreement", documents::agreement),
    ("measurement", documents::measurement),
    ("scenario", documents::scenario),
    ("import", documents::import),
    ("offer", messages::offer),
    ("accept", messages::accept),
    ("sign", messages::sign),
    ("announcement", oracles::announcement),
    ("attestation", oracles::attestation),
    ("transcript", transcripts::transcript),
    ("reference", transcripts::reference),
];

/// Runs one target.
///
/// # Panics
/// When what must hold does not, and when there is no such target.
pub fn run(name: &str, bytes: &[u8]) -> bool {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target of this name");
    target(bytes)
}

/// Good bytes of the DLC and oracle kinds, made by the fixtures: target, name of the file, content. Those of the
/// documents are files of the repository already.
pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    [messages::seeds(), oracles::seeds(), transcripts::seeds()].concat()
}
