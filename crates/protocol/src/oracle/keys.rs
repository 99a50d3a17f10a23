//! The keys of an oracle: how one took another's place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::{Hex32, UnixSeconds};

use super::OracleInfo;
use crate::bytes::Hex64;
use crate::{schema, signing};

/// The BIP340 tag under which both keys sign that one takes the other's place.
const TAG: &str = "earnest/oracle/rotation/v1";

/// Keys that an oracle has had, at most; more are not looked through.
const MAX_KEYS: usize = 1_000;

/// One of an oracle's keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OracleKeyInfo {
    /// The key (x-only).
    #[schemars(with = "schema::Bytes32")]
    pub pubkey: Hex32,
    /// It is erased: nothing more will be signed with it.
    pub retired: bool,
    /// How it took the place of the key before it; the first one took nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<KeyRotation>,
}

/// That one key takes another's place. Both have signed it (BIP340, tag `earnest/oracle/rotation/v1`, over the old key, the
/// new key, and `since` as eight bytes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyRotation {
    /// The key before it.
    #[schemars(with = "schema::Bytes32")]
    pub from: Hex32,
    /// Since when new events have the new key.
    #[schemars(with = "schema::UnixSeconds")]
    pub since: UnixSeconds,
    /// By the old key.
    pub signature: Hex64,
    /// By the new one.
    pub acceptance: Hex64,
}

impl KeyRotation {
    /// Whether the old key and the new one, `to`, both have signed it.
    pub fn holds(&self, to: Hex32) -> bool {
        let message = [&self.from.0[..], &to.0, &self.since.0.to_be_bytes()].concat();
        let hash = signing::tagged_bytes(TAG, &message);
        signing::verify(hash, self.from, self.signature).is_ok()
            && signing::verify(hash, to, self.acceptance).is_ok()
    }
}

/// How a key that somebody holds an oracle to stands to its present one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyStanding {
    /// It is the present one.
    Current,
    /// Others have taken its place, one after the other, each signed by the key before it and by itself: at least one, the
    /// last is the present one.
    Succeeded(Vec<Successor>),
    /// The oracle has another key, and nothing that was signed with this one leads to it.
    Foreign,
}

/// A key that took another's place, with both keys' statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Successor {
    /// The key.
    #[schemars(with = "schema::Bytes32")]
    pub to: Hex32,
    /// The statement.
    #[serde(flatten)]
    pub rotation: KeyRotation,
}

impl OracleInfo {
    /// How a key stands to the oracle's present one, as far as its statements are signed.
    pub fn standing_of(&self, key: Hex32) -> KeyStanding {
        if self.pubkey == key {
            return KeyStanding::Current;
        }
        let later = self.keys.iter().take(MAX_KEYS).skip_while(|known| known.pubkey != key).skip(1);
        let (mut last, mut successors) = (key, Vec::new());
        for next in later {
            let Some(rotation) = next.rotation.clone().filter(|it| it.from == last && it.holds(next.pubkey))
            else {
                return KeyStanding::Foreign;
            };
            last = next.pubkey;
            successors.push(Successor { to: next.pubkey, rotation });
        }
        if last == self.pubkey { KeyStanding::Succeeded(successors) } else { KeyStanding::Foreign }
    }
}

#[cfg(test)]
mod tests {
    use secp256k1_zkp::{Keypair, SECP256K1};

    use super::*;

    fn keypair(seed: u8) -> Keypair {
        Keypair::from_seckey_slice(SECP256K1, &[seed; 32]).expect("is a secret key")
    }

    fn key(seed: u8) -> Hex32 {
        signing::public_key(&keypair(seed))
    }

    /// What both keys sign when `to` takes the place of `from`.
    fn rotation(from: u8, to: u8) -> KeyRotation {
        let since = UnixSeconds(1_700_000_000);
        let message = [&key(from).0[..], &key(to).0, &since.0.to_be_bytes()].concat();
        let sign = |seed| signing::sign(signing::tagged_bytes(TAG, &message), &keypair(seed));
        KeyRotation { from: key(from), since, signature: sign(from), acceptance: sign(to) }
    }

    /// An oracle that has had these keys, of which the last is its present one.
    fn oracle(seeds: &[u8]) -> OracleInfo {
        let before = std::iter::once(None).chain(seeds.iter().copied().map(Some));
        let known = |(seed, before): (&u8, Option<u8>)| OracleKeyInfo {
            pubkey: key(*seed),
            retired: false,
            rotation: before.map(|before| rotation(before, *seed)),
        };
        let keys: Vec<_> = seeds.iter().zip(before).map(known).collect();
        let present = keys.last().expect("has a key").pubkey;
        let info = serde_json::json!({
            "version": "1", "pubkey": present, "network": "regtest", "vantage": "here", "publication_delay_s": 60,
            "accept": "open", "least_probe_every_ms": 1_000, "max_probes": 1, "max_body_bytes": 1, "references": 0,
            "references_needed": 0, "keys": keys, "now": 1_800_000_000, "simulated_time": false,
        });
        serde_json::from_value(info).expect("is an oracle's info")
    }

    #[test]
    fn a_key_is_the_present_one_or_one_that_signed_statements_lead_on_from() {
        let known = oracle(&[1, 2, 3]);
        assert_eq!(known.standing_of(key(3)), KeyStanding::Current);
        let KeyStanding::Succeeded(later) = known.standing_of(key(1)) else { panic!("was succeeded") };
        assert_eq!(later.iter().map(|next| next.to).collect::<Vec<_>>(), [key(2), key(3)]);
        let KeyStanding::Succeeded(later) = known.standing_of(key(2)) else { panic!("was succeeded") };
        assert_eq!(later, [Successor { to: key(3), rotation: rotation(2, 3) }]);
        assert_eq!(known.standing_of(key(4)), KeyStanding::Foreign);
    }

    #[test]
    fn what_not_both_keys_signed_or_does_not_lead_to_the_present_key_says_nothing() {
        let mut unsigned = oracle(&[1, 2]);
        unsigned.keys[1].rotation = None;
        let mut forged = oracle(&[1, 2]);
        forged.keys[1].rotation.as_mut().expect("has one").since = UnixSeconds(1);
        let mut unaccepted = oracle(&[1, 2]);
        let said = unaccepted.keys[1].rotation.as_mut().expect("has one");
        said.acceptance = said.signature;
        let mut elsewhere = oracle(&[1, 2]);
        elsewhere.pubkey = key(9);
        let mut skipped = oracle(&[1, 2, 3]);
        skipped.keys.remove(1);
        for info in [unsigned, forged, unaccepted, elsewhere, skipped] {
            assert_eq!(info.standing_of(key(1)), KeyStanding::Foreign, "{info:?}");
        }
    }
}
