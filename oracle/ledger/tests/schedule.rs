//! Probes at moments that stay in their slots and that nobody foresees.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use common::{START_S, measurement};
use ledger::schedule::{probe_at_ms, seed_commitment};
use ledger::{Grid, Sample, Verdict};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn the_moment_of_a_probe_never_changes() {
    // A golden value: anybody who knows the seed must come to the same moments, in every version.
    let measurement = measurement(json!({}));
    let moments: Vec<_> =
        (0..3).map(|i| probe_at_ms(&measurement, &[7; 32], "fra1", i) - START_S * 1000).collect();
    assert_eq!(moments, GOLDEN_MOMENTS);
    assert_eq!(seed_commitment(&[7; 32]).to_string(), GOLDEN_COMMITMENT);
}

const GOLDEN_MOMENTS: [u64; 3] = [21_142, 84_585, 128_374];
const GOLDEN_COMMITMENT: &str = "89a835fcd81ab11112f777a0927fd697ed445790ae09cd8cf8963aae59c37e71";

#[test]
fn moments_spread_over_the_slot() {
    let measurement = measurement(json!({}));
    let offset = |i| (probe_at_ms(&measurement, &[1; 32], "fra1", i) - START_S * 1000) % 60_000;
    let thirds = (0..300).map(|i| offset(i) / 18_000).fold([0; 3], |mut thirds, third| {
        thirds[usize::try_from(third).unwrap()] += 1;
        thirds
    });
    assert!(thirds.iter().all(|third| *third > 60), "{thirds:?}");
}

proptest! {
    #[test]
    fn a_probe_begun_a_tenth_of_a_slot_late_still_belongs_to_it(
        seed in any::<[u8; 32]>(),
        vantage in "[a-z0-9]{1,8}",
        index in 0..40_u64,
        late_ms in 0..6000_u64,
    ) {
        let measurement = measurement(json!({}));
        let at = probe_at_ms(&measurement, &seed, &vantage, index);
        let grid = Grid::new(&measurement).unwrap();
        prop_assert!(at >= grid.probe_start_ms(index));
        let sample = Sample { unix_ms: at + late_ms, vantage, verdict: Verdict::Good, latency_ms: 1, value: None };
        prop_assert_eq!(sample.probe(&measurement), Some(index));
    }

    #[test]
    fn no_index_is_too_large(seed in any::<[u8; 32]>(), index in any::<u64>()) {
        let _ = probe_at_ms(&measurement(json!({})), &seed, "fra1", index);
    }
}
