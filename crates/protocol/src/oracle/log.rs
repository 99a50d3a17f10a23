//! The oracle's public log: whose it is, that it only grows, and what shows that it did not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::Hex32;

use crate::bytes::Hex64;
use crate::{schema, signing};

/// The BIP340 tag under which an oracle signs its log's key.
const TAG: &str = "earnest/log-key/v1";

/// `GET /v1/log`: the public log, whose files stand under `/checkpoint` and `/tile/` as C2SP's tlog-tiles has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogInfo {
    /// The key that signs its checkpoints, as C2SP's signed-note has it: `name+hash+base64`.
    pub public_key: String,
    /// The oracle's signature over that key, in hex.
    pub key_signature: String,
    /// What the oracle's former keys signed: the log goes on when its key changes, and whoever holds it to an older key can
    /// still tell that the log is its.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<LogVoucher>,
    /// How many entries it has.
    pub size: u64,
}

/// That the log is the oracle's, signed with one of its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogVoucher {
    /// The oracle's key.
    #[schemars(with = "schema::Bytes32")]
    pub oracle: Hex32,
    /// Its signature over the log's key (BIP340, tag `earnest/log-key/v1`, over the key's text).
    pub signature: Hex64,
}

impl LogInfo {
    /// The signature over the log's key that this key of the oracle made; `None` where there is none that holds.
    pub fn signature_by(&self, oracle: Hex32) -> Option<Hex64> {
        let former = self.former.iter().filter(|former| former.oracle == oracle);
        let said = former.map(|former| former.signature).chain(Hex64::parse(&self.key_signature));
        said.into_iter().find(|signature| is_vouched(oracle, &self.public_key, *signature))
    }
}

/// `GET /v1/log/proof?from=N`: the newest checkpoint, and that the log goes on from its first N entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogGrowth {
    /// The newest checkpoint, signed.
    pub checkpoint: String,
    /// The root of the first N entries; none where the log has not so many, or N is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub root: Option<Hex32>,
    /// That the log begins with these: the consistency proof (RFC 6962, section 2.1.2).
    #[serde(default)]
    #[schemars(with = "Vec<schema::Bytes32>")]
    pub proof: Vec<Hex32>,
}

/// A checkpoint of an oracle's public log, with what shows whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogSight {
    /// The oracle's key.
    #[schemars(with = "schema::Bytes32")]
    pub oracle: Hex32,
    /// The log's key, as C2SP's signed-note has it.
    pub log_key: String,
    /// The oracle's signature over that key.
    pub key_signature: Hex64,
    /// The checkpoint, signed with the log's key.
    pub checkpoint: String,
}

impl LogSight {
    /// Whether the oracle signed that the log is its. That the log signed the checkpoint is another question.
    pub fn is_vouched(&self) -> bool {
        is_vouched(self.oracle, &self.log_key, self.key_signature)
    }
}

/// Two checkpoints of an oracle's log that do not go together, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogContradiction {
    /// The one that was kept.
    pub kept: LogSight,
    /// The later one, which does not go on from it.
    pub shown: LogSight,
    /// The root that the later log has over as many entries as the kept one, where it told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Bytes32>")]
    pub root: Option<Hex32>,
    /// The consistency proof for that root.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<schema::Bytes32>")]
    pub proof: Vec<Hex32>,
    /// Whether all this proves by itself that the log was changed. Otherwise the log shrank, or its server shows no proof.
    pub proven: bool,
}

fn is_vouched(oracle: Hex32, log_key: &str, signature: Hex64) -> bool {
    signing::verify(signing::tagged_bytes(TAG, log_key.as_bytes()), oracle, signature).is_ok()
}
