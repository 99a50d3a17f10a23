//! What a node that changed its identity key says with the old one: which key follows it.

use secp256k1_zkp::Keypair;
use serde::{Deserialize, Serialize};
use terms::{DocumentError, Hex32};

use crate::bytes::Hex64;
use crate::signing;

/// The BIP340 tag of a statement's hash.
pub const TAG: &str = "earnest/succession/v1";

/// The most statements on a card: the newest.
pub const MAX_SUCCESSIONS: usize = 16;

/// One key names the key that follows it. Whether anybody heeds it is their owner's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Succession {
    /// The key that was used before.
    pub former: Hex32,
    /// The key that is used since.
    pub successor: Hex32,
    /// BIP340 by `former`, over the tagged hash of the two keys.
    pub sig: Hex64,
}

impl Succession {
    /// Names a successor. The same two keys always give the same bytes.
    pub fn seal(former: &Keypair, successor: Hex32) -> Self {
        let key = signing::public_key(former);
        let sig = signing::sign(hash(key, successor), former);
        Self { former: key, successor, sig }
    }

    /// Whether `former` has signed it.
    pub fn is_signed(&self) -> bool {
        signing::verify(hash(self.former, self.successor), self.former, self.sig).is_ok()
    }
}

fn hash(former: Hex32, successor: Hex32) -> Hex32 {
    #[derive(Serialize)]
    struct Unsigned {
        former: Hex32,
        successor: Hex32,
    }
    signing::tagged_hash(TAG, &Unsigned { former, successor })
}

/// Checks the statements of a card whose key is `key`: each signed, each naming the next one's key, the last one `key`.
///
/// # Errors
/// Names the statement and the rule that it breaks.
pub fn check_successions(successions: &[Succession], key: Hex32) -> Result<(), DocumentError> {
    if successions.len() > MAX_SUCCESSIONS {
        return Err(DocumentError::new("successions", "must hold at most 16"));
    }
    let next = successions.iter().skip(1).map(|next| next.former).chain([key]);
    for (index, (succession, next)) in successions.iter().zip(next).enumerate() {
        let broken = |field: &str, rule: &str| {
            Err(DocumentError::new(format!("successions[{index}].{field}"), rule.to_owned()))
        };
        if succession.successor != next {
            return broken("successor", "must be the next statement's key, and the last one's the card's");
        }
        if !succession.is_signed() {
            return broken("sig", "is not a signature of `former` over this succession");
        }
    }
    Ok(())
}
