//! Exponential draws without floats: `-ln(u)` in fixed point.

/// Binary places of [`negative_ln`].
pub(super) const PLACES: u32 = 40;

/// `ln 2` in units of `2^-64`, rounded down.
const LN_2: u128 = 0xB172_17F7_D1CF_79AB;

/// `-ln(u) * mean`, rounded down, where `u = (bits + 1) / 2^64`. Saturates.
pub(super) fn scaled(bits: u64, mean: u64) -> u64 {
    let product = u128::from(negative_ln(bits)) * u128::from(mean);
    u64::try_from(product >> PLACES).unwrap_or(u64::MAX)
}

/// `-ln((bits + 1) / 2^64)` in units of `2^-40`. Never off by more than three of them, and never more for more bits.
pub(super) fn negative_ln(bits: u64) -> u64 {
    let Some(numerator) = bits.checked_add(1) else {
        return 0;
    };
    let log_2 = log_2(numerator);
    let negative = (64_u128 << PLACES) - u128::from(log_2);
    u64::try_from((negative * LN_2) >> 64).unwrap_or(u64::MAX)
}

/// The logarithm to base 2 of a number from 1, in units of `2^-40`, rounded down: the place of its highest bit, and then
/// one binary place for each squaring of what is left, a number from 1 to below 2.
fn log_2(number: u64) -> u64 {
    let highest = 63 - number.leading_zeros();
    // From 2^63 to below 2^64 for 1 to below 2.
    let mut rest = u128::from(number) << (63 - highest);
    let mut log = u64::from(highest);
    for _ in 0..PLACES {
        rest = (rest * rest) >> 63;
        let carry = rest >> 64;
        rest >>= carry;
        log = (log << 1) | u64::from(carry == 1);
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(bits, -ln((bits + 1) / 2^64) in units of 2^-40)`, worked out with 50 decimal places.
    const KNOWN: [(u64, u64); 9] = [
        (u64::MAX, 0),
        (u64::MAX / 2, 762_123_384_785),                // 1/2
        (u64::MAX / 4, 1_524_246_769_571),              // 1/4
        (1_844_674_407_370_955_161, 2_531_719_083_690), // 1/10
        (922_337_203_685_477_580, 3_293_842_468_476),   // 1/20
        (184_467_440_737_095_516, 5_063_438_167_381),   // 1/100
        (16_602_069_666_338_596_454, 115_845_112_074),  // 9/10
        (18_428_297_329_635_842_064, 1_100_061_750),    // 999/1000
        (0, 48_775_896_626_291),                        // the smallest, 2^-64
    ];

    #[test]
    fn known_quantiles_come_out() {
        for (bits, expected) in KNOWN {
            let got = negative_ln(bits);
            assert!(got.abs_diff(expected) <= 3, "{bits}: {got}, not {expected}");
        }
    }

    #[test]
    fn a_mean_is_scaled_by_the_quantile() {
        let mean = 1_000_000_000;
        assert_eq!(scaled(u64::MAX / 2, mean), 693_147_180);
        assert_eq!(scaled(u64::MAX / 4, mean), 1_386_294_361);
        assert_eq!(scaled(u64::MAX, mean), 0);
        assert_eq!(scaled(0, u64::MAX), u64::MAX);
    }

    #[test]
    fn more_bits_are_never_a_longer_wait() {
        let bits = |step: u64| step * (u64::MAX / 10_000);
        assert!((0..10_000).all(|step| negative_ln(bits(step)) >= negative_ln(bits(step + 1))));
    }
}
