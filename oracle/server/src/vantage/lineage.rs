//! The keys of the oracle that a vantage serves: those before the one that it was told, and the one after it.

use protocol::oracle::OracleKeyInfo;
use signer::Rotation;
use terms::Hex32;

/// Where the told key stands among an oracle's keys, as far as rotations say so that both of their keys have signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lineage {
    /// The keys before it. Events that they announced are still this oracle's to decide.
    pub earlier: Vec<Hex32>,
    /// The key that announces new events by now, where that is another one.
    pub successor: Option<Hex32>,
}

impl Lineage {
    /// Reads it off what the oracle publishes. Whoever answers in the oracle's name can leave keys out, and add none.
    pub fn of(told: &Hex32, keys: &[OracleKeyInfo]) -> Self {
        let Some(place) = keys.iter().position(|key| key.pubkey == *told) else { return Self::default() };
        let follows =
            |pair: &&[OracleKeyInfo]| matches!(pair, [before, after] if takes_the_place(before, after));
        let (before, after) = (keys.get(..=place).unwrap_or_default(), keys.get(place..).unwrap_or_default());
        let earlier = before.windows(2).rev().take_while(follows).filter_map(|pair| pair.first());
        let later = after.windows(2).take_while(follows).filter_map(|pair| pair.last());
        Self {
            earlier: earlier.map(|key| key.pubkey).collect(),
            successor: later.last().map(|key| key.pubkey),
        }
    }
}

fn takes_the_place(before: &OracleKeyInfo, after: &OracleKeyInfo) -> bool {
    let Some(said) = &after.rotation else { return false };
    let keys = (&before.pubkey.0, &after.pubkey.0);
    Rotation::stated(keys, said.since.0, (&said.signature.0, &said.acceptance.0)).is_some()
}

#[cfg(test)]
mod tests {
    use protocol::Hex64;
    use protocol::oracle::KeyRotation;
    use signer::{KeyOptions, OracleKey};
    use terms::UnixSeconds;

    use super::*;

    /// The published keys of an oracle that changed its key so often.
    fn published(changes: usize) -> Vec<OracleKeyInfo> {
        let dir = tempfile::tempdir().unwrap();
        let options = || KeyOptions { network: "regtest".to_owned(), simulated: true, passphrase: None };
        let make =
            |number: usize| OracleKey::create(&dir.path().join(number.to_string()), &options()).unwrap();
        let keys: Vec<OracleKey> = (0..=changes).map(make).collect();
        let rotation = |pair: &[OracleKey]| {
            let said = Rotation::sign(&pair[0], &pair[1], 1_700_000_000);
            let (from, since) = (Hex32(said.from.serialize()), UnixSeconds(said.since));
            let (signature, acceptance) = (Hex64(*said.signature.as_ref()), Hex64(*said.acceptance.as_ref()));
            Some(KeyRotation { from, since, signature, acceptance })
        };
        let rotations = std::iter::once(None).chain(keys.windows(2).map(rotation));
        let info = |(key, rotation): (&OracleKey, _)| OracleKeyInfo {
            pubkey: Hex32(key.public().serialize()),
            retired: false,
            rotation,
        };
        keys.iter().zip(rotations).map(info).collect()
    }

    #[test]
    fn a_told_key_stands_between_those_before_it_and_the_newest() {
        let keys = published(3);
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|index: usize| keys[index].pubkey);
        assert_eq!(Lineage::of(&first, &keys), Lineage { earlier: vec![], successor: Some(fourth) });
        let middle = Lineage { earlier: vec![second, first], successor: Some(fourth) };
        assert_eq!(Lineage::of(&third, &keys), middle);
        assert_eq!(Lineage::of(&fourth, &keys).successor, None);
        assert_eq!(Lineage::of(&fourth, &[]), Lineage::default());
        assert_eq!(Lineage::of(&Hex32([7; 32]), &keys), Lineage::default(), "another oracle's keys");
    }

    #[test]
    fn nobody_is_a_predecessor_or_successor_without_the_signatures_of_both() {
        let mut keys = published(2);
        let (first, second, third) = (keys[0].pubkey, keys[1].pubkey, keys[2].pubkey);
        keys[1].rotation.as_mut().unwrap().since.0 += 1;
        assert_eq!(Lineage::of(&third, &keys).earlier, [second]);
        assert_eq!(Lineage::of(&first, &keys), Lineage::default());
        keys[2].rotation = None;
        assert_eq!(Lineage::of(&second, &keys), Lineage::default());
    }
}
