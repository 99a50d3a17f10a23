//! When to probe: once in every slot, at a moment that nobody can foresee.
//!
//! A provider who knew the moments could serve only then. They follow from a secret seed; its
//! commitment is public before the window, the seed itself afterwards, so that anybody can check
//! that the oracle did not choose its moments either.

use terms::{Hex32, Measurement, canonical::sha256};

const JITTER_TAG: &[u8] = b"earnest/probe-jitter/v1";
const SEED_TAG: &[u8] = b"earnest/probe-seed/v1";

/// The moment of a probe in unix milliseconds: inside slot `index`, and at least a tenth of the slot
/// before its end, so that a probe which begins a little late still belongs to it.
///
/// Vantages probe at different moments of a slot. Saturates for indices far beyond the window.
pub fn probe_at_ms(measurement: &Measurement, seed: &[u8; 32], vantage: &str, index: u64) -> u64 {
    let every = measurement.probe_every_ms;
    let slot = measurement.window.start.0.saturating_mul(1000).saturating_add(index.saturating_mul(every));
    let room = every - every.div_ceil(10);
    slot.saturating_add(draw(seed, vantage, index, room))
}

/// What is published of the seed before the window.
pub fn seed_commitment(seed: &[u8; 32]) -> Hex32 {
    Hex32(tagged(SEED_TAG, &[seed]))
}

/// A number from 0 to below `room` (0 when there is none): the high half of a product of 64 by 64 bits.
fn draw(seed: &[u8; 32], vantage: &str, index: u64, room: u64) -> u64 {
    // The index has a fixed length and comes first, so that no two inputs are the same bytes.
    let digest = tagged(JITTER_TAG, &[seed, &index.to_be_bytes(), vantage.as_bytes()]);
    let [a, b, c, d, e, f, g, h, ..] = digest;
    let random = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    u64::try_from((u128::from(random) * u128::from(room)) >> 64).unwrap_or(0)
}

/// A tagged hash as BIP340 defines it.
fn tagged(tag: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let tag = sha256(tag);
    let mut message = [tag, tag].concat();
    message.extend(parts.concat());
    sha256(&message)
}
