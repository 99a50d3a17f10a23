//! Setting up a data folder.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use backup::Folder;
use terms::Hex32;
use wallet::Seed;

use crate::config::Config;
use crate::error::NodeError;
use crate::keys::{self, Keys, PASSPHRASE};

/// What `earnest init` made or found.
#[derive(Debug)]
pub struct Initialised {
    /// The seed's first identity key. The database of a running node knows whether it was rotated since.
    pub key: Hex32,
    /// Whether a new seed was made.
    pub new_seed: bool,
}

/// Makes what a data folder lacks: the folder itself (0700), a seed and an owner token (0600 each). What exists is
/// left as it is.
///
/// # Errors
/// When something cannot be written, or exists and cannot be read.
pub fn init(config: &Config) -> Result<Initialised, NodeError> {
    let folder = &config.data_dir;
    create_folder(folder)?;
    let path = keys::seed_path(folder);
    let new_seed = !path.exists();
    if new_seed {
        let passphrase = std::env::var(PASSPHRASE).ok();
        Seed::generate().map_err(|_| NodeError::Randomness)?.save(&path, passphrase.as_deref())?;
    }
    if let Some(backup) = &config.backup {
        Folder::new(&backup.target).prepare()?;
    }
    keys::create_token(folder)?;
    let seed = keys::load_seed(folder)?;
    Ok(Initialised { key: Keys::derive(&seed, config.bitcoin_network()).public(), new_seed })
}

pub(crate) fn create_folder(path: &Path) -> Result<(), NodeError> {
    let mut builder = std::fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(path);
    made.map_err(|source| NodeError::File { path: path.to_owned(), source })
}
