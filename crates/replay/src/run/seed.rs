//! A node's seed that is the same whenever the scenario is run again: the node keeps the one that it finds.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use bip39::Mnemonic;
use bitcoin::hashes::{Hash as _, sha256};
use serde_json::json;

/// Writes `seed` into a new data folder, as `earnest init` would, with words that follow from number and name alone. Good
/// for regtest and nothing else: anybody can work them out.
pub(super) fn plant(data_dir: &Path, seed: u64, name: &str) -> anyhow::Result<()> {
    DirBuilder::new().mode(0o700).create(data_dir).with_context(|| data_dir.display().to_string())?;
    let path = data_dir.join("seed");
    let text = json!({ "kind": "plain", "v": 1, "words": words(seed, name)?.to_string() });
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut file = file.with_context(|| path.display().to_string())?;
    file.write_all(text.to_string().as_bytes()).with_context(|| path.display().to_string())
}

fn words(seed: u64, name: &str) -> anyhow::Result<Mnemonic> {
    let entropy = sha256::Hash::hash(format!("earnest/replay/seed/v1/{seed}/{name}").as_bytes());
    Mnemonic::from_entropy(entropy.as_byte_array()).context("a seed's words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_name_alone_make_the_words() {
        let words = |seed, name| words(seed, name).unwrap().to_string();
        assert_eq!(words(1, "buyer"), words(1, "buyer"));
        assert_ne!(words(1, "buyer"), words(2, "buyer"));
        assert_ne!(words(1, "buyer"), words(1, "provider"));
        assert_eq!(words(1, "buyer").split(' ').count(), 24);
    }
}
