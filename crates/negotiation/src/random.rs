//! Random numbers that are the same on every machine: ChaCha with eight rounds, seeded by one number.

mod exponential;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use terms::canonical::sha256;

/// Keeps these seeds apart from whatever else is hashed.
const TAG: &[u8] = b"earnest/random/v1";

/// A source of random numbers. For simulations and strategies only: nothing of it is secret.
#[derive(Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The numbers of a seed. Each stream of it is independent of all others, so that the thousandth timeline is the same
    /// whether or not the first was drawn.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::from_seed(sha256(&[TAG, &seed.to_be_bytes()].concat()));
        rng.set_stream(stream);
        Self(rng)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// 256 random bits.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A number below `limit`, each as likely as any other to within one part in 2^64 of `limit`; 0 when there is none.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The high half of a product of 64 by 64 bits.
        u64::try_from((u128::from(self.bits()) * u128::from(limit)) >> 64).unwrap_or(0)
    }

    /// A draw from the exponential distribution of this mean, rounded down.
    pub fn exponential(&mut self, mean: u64) -> u64 {
        exponential::scaled(self.bits(), mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(seed: u64, stream: u64) -> Vec<u64> {
        let mut random = Random::new(seed, stream);
        (0..4).map(|_| random.below(1_000_000)).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_on_every_machine() {
        // As ChaCha8 written down again in Python has it.
        assert_eq!(numbers(1, 0), [471_042, 260_099, 207_703, 105_796]);
        assert_eq!(numbers(1, 1), [761_963, 905_135, 823_822, 973_724]);
        assert_eq!(numbers(2, 0), [973_425, 431_216, 92_048, 425_080]);
    }

    #[test]
    fn exponential_draws_have_their_mean_and_their_median() {
        let mut random = Random::new(7, 0);
        let draws: Vec<u64> = (0..100_000).map(|_| random.exponential(1_000_000)).collect();
        let mean = draws.iter().sum::<u64>() / 100_000;
        let below_median = draws.iter().filter(|draw| **draw < 693_147).count();
        // Four standard errors: 1,000,000 / sqrt(100,000) and sqrt(100,000) / 2.
        assert!(mean.abs_diff(1_000_000) < 12_650, "{mean}");
        assert!(below_median.abs_diff(50_000) < 633, "{below_median}");
    }
}
