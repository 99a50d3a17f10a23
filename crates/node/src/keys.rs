//! The secrets of a data folder: seed, identity, contract keys, the owner's token.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use bitcoin::Network;
use bitcoin::secp256k1::Keypair;
use contract::ContractKeys;
use terms::Hex32;
use wallet::{Seed, SeedFileError};
use zeroize::Zeroizing;

use crate::error::NodeError;

/// The environment variable with the seed file's passphrase, where it has one.
pub const PASSPHRASE: &str = "EARNEST_PASSPHRASE";

/// A shorter token is a file whose writing was cut off, or one that can be guessed.
const LEAST_TOKEN: usize = 32;

/// What the seed gives: each key on a BIP32 branch of its own.
#[derive(Debug)]
pub struct Keys {
    /// Signs envelopes and cards.
    pub identity: Keypair,
    /// One funding key for each contract.
    pub contracts: ContractKeys,
}

impl Keys {
    /// Derives the keys.
    pub fn derive(seed: &Seed, network: Network) -> Self {
        Self {
            identity: seed.identity_key(network, 0),
            contracts: ContractKeys::from_xprv(seed.contract_branch(network)),
        }
    }

    /// The identity's public half.
    pub fn public(&self) -> Hex32 {
        protocol::public_key(&self.identity)
    }
}

/// Where a data folder keeps its seed.
pub fn seed_path(data_dir: &Path) -> PathBuf {
    data_dir.join("seed")
}

/// Where a data folder keeps the owner's bearer token.
pub fn token_path(data_dir: &Path) -> PathBuf {
    data_dir.join("owner-token")
}

/// Reads a data folder's seed, with the passphrase of [`PASSPHRASE`] where that is set.
///
/// # Errors
/// When the file is missing, readable by others, or encrypted with another passphrase.
pub fn load_seed(data_dir: &Path) -> Result<Seed, SeedFileError> {
    Seed::load(&seed_path(data_dir), std::env::var(PASSPHRASE).ok().as_deref())
}

/// The words of a data folder's seed.
///
/// # Errors
/// As for the seed: missing, readable by others, or encrypted with another passphrase.
pub fn load_words(data_dir: &Path) -> Result<Zeroizing<String>, SeedFileError> {
    Ok(load_seed(data_dir)?.words())
}

/// Makes a new owner token, readable by the owner of the folder alone. One that exists is left as it is.
///
/// # Errors
/// When the file cannot be written.
pub fn create_token(data_dir: &Path) -> Result<(), NodeError> {
    let path = token_path(data_dir);
    if path.exists() {
        return Ok(());
    }
    let failed = |source| NodeError::File { path: path.clone(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    let token = hex::encode(random()?);
    file.write_all(token.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

/// Reads the owner's token.
///
/// # Errors
/// When the file is missing, others can read it, or it holds fewer than 32 characters.
pub fn load_token(data_dir: &Path) -> Result<String, NodeError> {
    let path = token_path(data_dir);
    let failed = |source| NodeError::File { path: path.clone(), source };
    let mode = std::fs::metadata(&path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let reason = "others can read it; make it private: chmod 600";
        return Err(failed(std::io::Error::new(std::io::ErrorKind::PermissionDenied, reason)));
    }
    let token = std::fs::read_to_string(&path).map_err(failed)?.trim().to_owned();
    if token.len() < LEAST_TOKEN {
        let reason = "holds no whole token; remove it and run `earnest init`";
        return Err(failed(std::io::Error::new(std::io::ErrorKind::InvalidData, reason)));
    }
    Ok(token)
}

/// Thirty-two random bytes of the system.
///
/// # Errors
/// When the system gives none.
pub fn random() -> Result<[u8; 32], NodeError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| NodeError::Randomness)?;
    Ok(bytes)
}
