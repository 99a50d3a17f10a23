//! `keys.json`: the keys in their order, with what each of them signed about the others.

use std::path::Path;

use anyhow::{Context as _, bail};
use secp256k1_zkp::XOnlyPublicKey;
use secp256k1_zkp::schnorr::Signature;
use serde::{Deserialize, Serialize};
use signer::{OracleKey, Rotation};

/// The file of the first key, which `init` makes.
pub(super) const FIRST: &str = "oracle.key";

/// One key.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub public: XOnlyPublicKey,
    /// The name of its file in the data folder.
    pub file: String,
    /// Its signature over the log's key.
    pub log_key_signature: Signature,
    /// How it came after the key before it; the first came after none.
    pub rotation: Option<Rotation>,
    pub retired: bool,
}

/// All keys, oldest first.
#[derive(Debug)]
pub(super) struct KeyList {
    pub records: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    v: u64,
    keys: Vec<WrittenKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    public: XOnlyPublicKey,
    file: String,
    log_key_signature: Signature,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotation: Option<WrittenRotation>,
    retired: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRotation {
    since: u64,
    signature: Signature,
    acceptance: Signature,
}

impl Record {
    /// The only key of an oracle that never changed it.
    pub(super) fn first(key: &OracleKey, log_key: &str) -> Self {
        let log_key_signature = signer::sign_log_key(key, log_key);
        Self {
            public: key.public(),
            file: FIRST.to_owned(),
            log_key_signature,
            rotation: None,
            retired: false,
        }
    }
}

impl KeyList {
    /// The list in a file, where there is one. Every statement in it has been checked.
    pub(super) fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let written: Written = serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?;
        if written.v != 1 {
            bail!("{}: v must be 1", path.display());
        }
        let mut records: Vec<Record> = Vec::new();
        for key in written.keys {
            let before = records.last().map(|record| record.public);
            let rotation = before.zip(key.rotation).map(|(from, said)| Rotation {
                from,
                to: key.public,
                since: said.since,
                signature: said.signature,
                acceptance: said.acceptance,
            });
            if before.is_some() && !rotation.as_ref().is_some_and(Rotation::holds) {
                bail!("{}: the key before it did not name {} as the next", path.display(), key.public);
            }
            let WrittenKey { public, file, log_key_signature, retired, .. } = key;
            records.push(Record { public, file, log_key_signature, rotation, retired });
        }
        Ok(Some(Self { records }))
    }

    /// The list as it is written.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let key = |record: &Record| WrittenKey {
            public: record.public,
            file: record.file.clone(),
            log_key_signature: record.log_key_signature,
            rotation: record.rotation.as_ref().map(|rotation| WrittenRotation {
                since: rotation.since,
                signature: rotation.signature,
                acceptance: rotation.acceptance,
            }),
            retired: record.retired,
        };
        let written = Written { v: 1, keys: self.records.iter().map(key).collect() };
        serde_json::to_vec_pretty(&written).expect("a list of keys holds only strings and integers")
    }
}
