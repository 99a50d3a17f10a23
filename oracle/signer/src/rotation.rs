//! One key after the other: the old one says which the new one is.

use secp256k1_zkp::schnorr::Signature;
use secp256k1_zkp::{Message, SECP256K1, XOnlyPublicKey};

use crate::hash::tagged;
use crate::key::OracleKey;

/// The old key's word that another one takes its place from a moment on, and the new one's that it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The key that signs new events no longer.
    pub from: XOnlyPublicKey,
    /// The key that signs them from now on.
    pub to: XOnlyPublicKey,
    /// When that was said, in unix seconds.
    pub since: u64,
    /// By the old key.
    pub signature: Signature,
    /// By the new one: nobody can be named a key's successor who does not have the other.
    pub acceptance: Signature,
}

impl Rotation {
    /// Both keys sign the same statement (BIP340, tag `earnest/oracle/rotation/v1`, over the old key, the new key, and the
    /// moment as eight bytes).
    pub fn sign(from: &OracleKey, to: &OracleKey, since: u64) -> Self {
        let message = message(&from.public(), &to.public(), since);
        let sign = |key: &OracleKey| SECP256K1.sign_schnorr_no_aux_rand(&message, key.keypair());
        Self { from: from.public(), to: to.public(), since, signature: sign(from), acceptance: sign(to) }
    }

    /// A rotation as it is published: `keys` are the old and the new one, `signatures` theirs. `None` unless both have
    /// signed it.
    pub fn stated(
        keys: (&[u8; 32], &[u8; 32]),
        since: u64,
        signatures: (&[u8; 64], &[u8; 64]),
    ) -> Option<Self> {
        let rotation = Self {
            from: XOnlyPublicKey::from_slice(keys.0).ok()?,
            to: XOnlyPublicKey::from_slice(keys.1).ok()?,
            since,
            signature: Signature::from_slice(signatures.0).ok()?,
            acceptance: Signature::from_slice(signatures.1).ok()?,
        };
        rotation.holds().then_some(rotation)
    }

    /// Whether both keys have signed it.
    pub fn holds(&self) -> bool {
        let message = message(&self.from, &self.to, self.since);
        SECP256K1.verify_schnorr(&self.signature, &message, &self.from).is_ok()
            && SECP256K1.verify_schnorr(&self.acceptance, &message, &self.to).is_ok()
    }
}

fn message(from: &XOnlyPublicKey, to: &XOnlyPublicKey, since: u64) -> Message {
    let parts: [&[u8]; 3] = [&from.serialize(), &to.serialize(), &since.to_be_bytes()];
    Message::from_digest(tagged("earnest/oracle/rotation/v1", &parts))
}
