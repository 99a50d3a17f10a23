//! The key of a node's backup, and the names that it gives.

use terms::{Hex32, canonical};
use zeroize::Zeroizing;

/// What all record files end with.
const SUFFIX: &str = ".record";

/// Seals a node's records and names their files. Grows from one secret, which the seed gives; wiped when dropped.
pub struct BackupKey {
    seal: Zeroizing<[u8; 32]>,
    name: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for BackupKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BackupKey(..)")
    }
}

impl BackupKey {
    /// The key that grows from a secret.
    #[must_use]
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self {
            seal: derive(b"earnest/backup/v1/seal", secret),
            name: derive(b"earnest/backup/v1/name", secret),
        }
    }

    /// The file of the node's own record.
    #[must_use]
    pub fn node_file(&self) -> String {
        format!("{}-node{SUFFIX}", self.tag())
    }

    /// The file of an escrow's record. Its name follows from the id under the key, so that it tells nobody else which
    /// escrow it is.
    #[must_use]
    pub fn escrow_file(&self, escrow: Hex32) -> String {
        let name = derive(&escrow.0, &self.name);
        format!("{}-{}{SUFFIX}", self.tag(), hex::encode(&name[..16]))
    }

    /// Whether a file's name says that it is one of this key's escrow records.
    #[must_use]
    pub fn names_escrow(&self, file: &str) -> bool {
        file.starts_with(&format!("{}-", self.tag())) && file.ends_with(SUFFIX) && file != self.node_file()
    }

    pub(crate) fn sealing(&self) -> &[u8; 32] {
        &self.seal
    }

    /// Tells the files of several nodes in one target apart.
    fn tag(&self) -> String {
        hex::encode(&derive(b"tag", &self.name)[..8])
    }
}

/// One key out of another. The label comes first and is followed by 32 bytes, so no two derivations hash the same.
fn derive(label: &[u8], secret: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let text = Zeroizing::new([label, secret.as_slice()].concat());
    Zeroizing::new(canonical::sha256(&text))
}
