//! The secrets of a data folder: seed, identity, contract keys, the owner's token.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use bitcoin::Network;
use bitcoin::secp256k1::Keypair;
use contract::ContractKeys;
use crashpoint::here;
use protocol::{MAX_SUCCESSIONS, Succession};
use terms::{Hex32, canonical};
use wallet::{IdentityBranch, Seed, SeedFileError};
use zeroize::Zeroizing;

use crate::error::NodeError;

/// The environment variable with the seed file's passphrase, where it has one.
pub const PASSPHRASE: &str = "EARNEST_PASSPHRASE";

/// The key of the branch of identities that is never an identity, and of which delegated keys' tokens are made: the last.
const TOKEN_INDEX: u32 = (1 << 31) - 1;
const TOKEN_TAG: &[u8] = b"earnest/delegated-token/v1";

/// A shorter token is a file whose writing was cut off, or one that can be guessed.
const LEAST_TOKEN: usize = 32;

/// What the seed gives: each key on a BIP32 branch of its own.
#[derive(Debug)]
pub struct Keys {
    /// Signs cards, and the envelopes of new sessions.
    pub identity: Keypair,
    /// Its index on the branch of identities: what a backup has to know beside the seed.
    pub index: u32,
    /// The identities before it, the first one in front.
    former: Vec<Keypair>,
    identities: IdentityBranch,
    /// One funding key for each contract.
    pub contracts: ContractKeys,
}

impl Keys {
    /// Derives the keys, with the first identity.
    pub fn derive(seed: &Seed, network: Network) -> Self {
        Self::derive_at(seed, network, 0)
    }

    /// Derives the keys, with the identity of an index as the current one.
    pub fn derive_at(seed: &Seed, network: Network, index: u32) -> Self {
        let identities = seed.identity_branch(network);
        Self {
            identity: identities.key(index),
            index,
            former: (0..index).map(|former| identities.key(former)).collect(),
            identities,
            contracts: ContractKeys::from_xprv(seed.contract_branch(network)),
        }
    }

    /// The identity's public half.
    pub fn public(&self) -> Hex32 {
        protocol::public_key(&self.identity)
    }

    /// The public halves of the identities before it.
    pub fn former(&self) -> Vec<Hex32> {
        self.former.iter().map(protocol::public_key).collect()
    }

    /// The own identity of a public key, current or former: a session goes on under the key with which it began.
    pub fn of(&self, public: Hex32) -> Option<&Keypair> {
        let own = self.former.iter().chain([&self.identity]);
        own.into_iter().find(|key| protocol::public_key(key) == public)
    }

    /// The token of a delegated key that was made with this salt: whoever has the database and not the seed cannot work it
    /// out.
    pub fn token(&self, salt: Hex32) -> String {
        let secret = self.identities.key(TOKEN_INDEX).secret_bytes();
        hex::encode(canonical::sha256(&[TOKEN_TAG, &secret, &salt.0].concat()))
    }

    /// The public key of the identity that comes next.
    pub fn next(&self) -> Hex32 {
        protocol::public_key(&self.identities.key(self.index + 1))
    }

    /// Takes the next identity. To be stored before.
    pub fn rotate(&mut self) {
        self.index += 1;
        let former = std::mem::replace(&mut self.identity, self.identities.key(self.index));
        self.former.push(former);
    }

    /// Each former key's word on which key followed it, the newest ones.
    pub fn successions(&self) -> Vec<Succession> {
        let successors = self.former.iter().skip(1).chain([&self.identity]);
        let all = self.former.iter().zip(successors);
        let newest = all.skip(self.former.len().saturating_sub(MAX_SUCCESSIONS));
        newest.map(|(former, next)| Succession::seal(former, protocol::public_key(next))).collect()
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

/// Puts a new token in the place of the old one, and returns it. The file holds one of the two whole at every instant.
///
/// # Errors
/// When a file cannot be written; the old token is still there then.
pub fn replace_token(data_dir: &Path) -> Result<String, NodeError> {
    let path = token_path(data_dir);
    let next = path.with_extension("new");
    let failed = |source| NodeError::File { path: next.clone(), source };
    // What a crash left behind may have any mode.
    match std::fs::remove_file(&next) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next).map_err(failed)?;
    let token = hex::encode(random()?);
    file.write_all(token.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    here!("token.written");
    std::fs::rename(&next, &path).map_err(failed)?;
    std::fs::File::open(data_dir).and_then(|folder| folder.sync_all()).map_err(failed)?;
    here!("token.replaced");
    Ok(token)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_contract_keys_token_and_identities_are_separate() {
        let seed = Seed::generate().unwrap();
        let network = Network::Regtest;
        let keys = Keys::derive_at(&seed, network, 3);
        let secp = bitcoin::secp256k1::Secp256k1::new();
        let mut secrets: Vec<[u8; 32]> = keys.former.iter().map(Keypair::secret_bytes).collect();
        secrets.push(keys.identity.secret_bytes());
        secrets.push(keys.contracts.secret([1; 32]).unwrap().secret_bytes());
        secrets.push(keys.contracts.secret([2; 32]).unwrap().secret_bytes());
        secrets.push(seed.wallet_account(network).to_keypair(&secp).secret_bytes());
        let folders = [tempfile::TempDir::new().unwrap(), tempfile::TempDir::new().unwrap()];
        for folder in &folders {
            create_token(folder.path()).unwrap();
            secrets.push(Hex32::parse(&load_token(folder.path()).unwrap()).unwrap().0);
            secrets.push(Hex32::parse(&replace_token(folder.path()).unwrap()).unwrap().0);
        }
        // Two folders with one seed still have tokens of their own, so a token does not follow from the seed.
        let all = secrets.len();
        secrets.sort_unstable();
        secrets.dedup();
        assert_eq!((secrets.len(), all), (11, 11));
    }

    #[test]
    fn a_token_is_replaced_whole_and_stays_private_also_after_a_cut_off_attempt() {
        let folder = tempfile::TempDir::new().unwrap();
        create_token(folder.path()).unwrap();
        let old = load_token(folder.path()).unwrap();
        std::fs::write(folder.path().join("owner-token.new"), "half").unwrap();
        let new = replace_token(folder.path()).unwrap();
        assert_eq!(load_token(folder.path()).unwrap(), new);
        assert_ne!(old, new);
        let mode = std::fs::metadata(token_path(folder.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!folder.path().join("owner-token.new").exists());
    }

    #[test]
    fn an_identity_rotated_at_run_time_is_the_one_that_is_derived_at_the_next_start() {
        let seed = Seed::generate().unwrap();
        let mut keys = Keys::derive(&seed, Network::Regtest);
        assert_eq!(keys.successions(), []);
        for index in 1..=20 {
            let next = keys.next();
            keys.rotate();
            let derived = Keys::derive_at(&seed, Network::Regtest, index);
            assert_eq!((keys.public(), keys.former()), (next, derived.former()));
            assert_eq!(keys.public(), derived.public());
            assert_eq!(keys.successions(), derived.successions());
            assert_eq!(protocol::check_successions(&keys.successions(), keys.public()), Ok(()));
        }
        assert_eq!(keys.successions().len(), MAX_SUCCESSIONS);
        assert!(keys.former().into_iter().all(|key| keys.of(key).is_some()));
    }
}
