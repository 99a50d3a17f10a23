//! A block of samples as bytes. Version 1:
//!
//! ```text
//! 1, vantages, causes, count, samples      a list of names: its length, then each behind its length
//! sample: probe - the one before | vantage and verdict | moment - the one before | latency | cause, 0 for none | reading
//! reading: its length, 0 for none, and its text
//! ```
//!
//! All numbers are LEB128; moments, which may go back from one vantage to the next, are zigzagged before.

use ledger::{Sample, Verdict};
use terms::Decimal;

const VERSION: u8 = 1;

/// A sample with the index of its probe and why it is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aged {
    /// The probe's index in the window.
    pub probe: u64,
    /// The sample.
    pub sample: Sample,
    /// Why it is not good.
    pub cause: Option<String>,
}

/// The block of these samples.
pub(super) fn encode(samples: &[Aged]) -> Vec<u8> {
    let (mut vantages, mut causes) = (Vec::new(), Vec::new());
    let mut body = Vec::new();
    let (mut probe, mut unix_ms) = (0, 0);
    for aged in samples {
        // Named one by one, so that a sample that has more to say does not lose it here.
        let Sample { unix_ms: at_ms, vantage, verdict, latency_ms, value } = &aged.sample;
        number(&mut body, aged.probe.wrapping_sub(probe));
        number(&mut body, position(&mut vantages, vantage) << 2 | bits(*verdict));
        number(&mut body, zigzag(at_ms.wrapping_sub(unix_ms).cast_signed()));
        number(&mut body, u64::from(*latency_ms));
        number(&mut body, aged.cause.as_deref().map_or(0, |cause| position(&mut causes, cause) + 1));
        text(&mut body, &value.map(|value| value.to_string()).unwrap_or_default());
        (probe, unix_ms) = (aged.probe, *at_ms);
    }
    let mut block = vec![VERSION];
    for names in [&vantages, &causes] {
        number(&mut block, names.len() as u64);
        for name in names {
            text(&mut block, name);
        }
    }
    number(&mut block, samples.len() as u64);
    block.extend(body);
    block
}

/// The samples of a block; `None` where it is none, or has a byte too many or too few.
pub(super) fn decode(block: &[u8]) -> Option<Vec<Aged>> {
    let mut reader = Reader(block.strip_prefix(&[VERSION])?);
    let (vantages, causes) = (reader.names()?, reader.names()?);
    let count = usize::try_from(reader.number()?).ok()?;
    // A sample takes six bytes at least, so a wrong count reserves no memory that is not there.
    let mut samples = Vec::with_capacity(count.min(reader.0.len() / 6));
    let (mut probe, mut unix_ms) = (0_u64, 0_u64);
    for _ in 0..count {
        probe = probe.wrapping_add(reader.number()?);
        let head = reader.number()?;
        unix_ms = unix_ms.wrapping_add(unzigzag(reader.number()?).cast_unsigned());
        let latency_ms = u32::try_from(reader.number()?).ok()?;
        let cause = match reader.number()? {
            0 => None,
            place => Some(causes.get(usize::try_from(place - 1).ok()?)?.clone()),
        };
        let vantage = vantages.get(usize::try_from(head >> 2).ok()?)?.clone();
        let value = match reader.text()? {
            "" => None,
            text => Some(Decimal::parse(text)?),
        };
        let sample = Sample { unix_ms, vantage, verdict: verdict(head & 3)?, latency_ms, value };
        samples.push(Aged { probe, sample, cause });
    }
    reader.0.is_empty().then_some(samples)
}

/// Where a name stands in a list; it is added where it does not.
fn position<'a>(names: &mut Vec<&'a str>, name: &'a str) -> u64 {
    let place = names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    });
    place as u64
}

fn bits(verdict: Verdict) -> u64 {
    match verdict {
        Verdict::Bad => 0,
        Verdict::Good => 1,
        Verdict::Unknown => 2,
    }
}

fn verdict(bits: u64) -> Option<Verdict> {
    match bits {
        0 => Some(Verdict::Bad),
        1 => Some(Verdict::Good),
        2 => Some(Verdict::Unknown),
        _ => None,
    }
}

/// Small numbers stay small, whatever their sign.
fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

fn number(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    number(bytes, text.len() as u64);
    bytes.extend(text.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let low = u64::from(byte & 0x7f);
            if shift == 63 && low > 1 {
                return None;
            }
            value |= low << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn names(&mut self) -> Option<Vec<String>> {
        let count = self.number()?;
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(self.text()?.to_owned());
        }
        Some(names)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]
mod tests {
    use super::*;

    fn sample(probe: u64, unix_ms: u64, vantage: &str, verdict: Verdict, cause: Option<&str>) -> Aged {
        let value = (verdict == Verdict::Good).then(|| Decimal::parse("137.25").unwrap());
        let sample = Sample { unix_ms, vantage: vantage.to_owned(), verdict, latency_ms: 137, value };
        Aged { probe, sample, cause: cause.map(str::to_owned) }
    }

    fn samples() -> Vec<Aged> {
        vec![
            sample(7, 1_623_110_405_123, "fra1", Verdict::Good, None),
            sample(7, 1_623_110_404_001, "nyc2", Verdict::Bad, Some("status 503")),
            sample(8, 1_623_110_419_999, "fra1", Verdict::Unknown, Some("references")),
            sample(4_000, u64::MAX, "fra1", Verdict::Bad, Some("status 503")),
        ]
    }

    #[test]
    fn a_block_gives_back_what_went_in() {
        assert_eq!(decode(&encode(&samples())), Some(samples()));
        assert_eq!(decode(&encode(&[])), Some(Vec::new()));
    }

    #[test]
    fn a_block_that_was_cut_or_grew_is_none() {
        let block = encode(&samples());
        for end in 0..block.len() {
            assert_eq!(decode(&block[..end]), None, "{end}");
        }
        assert_eq!(decode(&[block.as_slice(), &[0]].concat()), None);
    }

    #[test]
    fn a_block_of_any_bytes_is_read_without_a_panic() {
        let block = encode(&samples());
        for at in 0..block.len() {
            for bit in 0..8 {
                let mut changed = block.clone();
                changed[at] ^= 1 << bit;
                assert_ne!(decode(&changed), Some(samples()), "{at} {bit}");
            }
        }
    }
}
