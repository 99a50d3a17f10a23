//! Mutants: real messages with something wrong in them, byte by byte or field by field, so that some stay readable and
//! meet the rules behind the parser. The same seed gives the same mutants for ever.

mod accept;
mod offer;
mod parts;
mod sign;

pub use accept::mutant as accept;
pub use offer::mutant as offer;
pub use sign::mutant as sign;

/// SplitMix64: small, and the same for ever.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A number at the edge of some rule, now and then any at all.
    pub fn wild(&mut self) -> u64 {
        let edges = [
            0,
            1,
            546,
            999,
            1_000,
            2_100_000_000_000_001,
            1 << 32,
            (1 << 53) + 1,
            i64::MAX as u64,
            u64::MAX - 1,
            u64::MAX,
        ];
        if self.below(3) == 0 { self.next() } else { *self.one_of(&edges) }
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.next() as u8).collect()
    }
}

/// A broken message, and what was done to it.
pub struct Mutant {
    pub how: &'static str,
    pub bytes: Vec<u8>,
}

/// Draws until something has changed.
fn changed(original: &[u8], mut draw: impl FnMut() -> Mutant) -> Mutant {
    loop {
        let mutant = draw();
        if mutant.bytes != original {
            return mutant;
        }
    }
}

/// One to four changes: bits, bytes, lengths made huge, parts cut, doubled or moved.
pub fn bytes(original: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    while bytes == original {
        for _ in 0..=random.below(4) {
            change(&mut bytes, random);
        }
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        bytes.push(random.next() as u8);
        return;
    }
    let at = random.below(bytes.len());
    let length = random.below((bytes.len() - at).min(64)) + 1;
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => bytes[at..at + length].fill(0xff),
        3 => bytes[at..at + length].fill(0),
        4 => bytes.truncate(at),
        5 => drop(bytes.drain(at..at + length)),
        6 => bytes.insert(at, random.next() as u8),
        _ => {
            let part = bytes[at..at + length].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, part);
        }
    }
}
