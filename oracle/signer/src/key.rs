//! The oracle's key.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use secp256k1_zkp::{Keypair, SECP256K1, SecretKey, XOnlyPublicKey};
use zeroize::Zeroizing;

use crate::keyfile;
use crate::seal::{self, RandomnessError};

/// The key that an oracle signs with. It never prints its secret, and erases it when dropped.
pub struct OracleKey {
    keypair: Keypair,
    network: String,
    simulated: bool,
}

/// How to make a key.
#[derive(Debug)]
pub struct KeyOptions {
    /// The chain whose contracts it serves: `regtest`, `signet`, `testnet4` or `mainnet`.
    pub network: String,
    /// Whether it is made under simulated time.
    pub simulated: bool,
    /// Encrypts the file, when given.
    pub passphrase: Option<Passphrase>,
}

/// Where a key is about to be used. A key made for elsewhere is refused.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The chain of this process.
    pub network: &'a str,
    /// Whether this process runs under simulated time.
    pub simulated: bool,
}

/// A passphrase; erased when dropped, never printed.
pub struct Passphrase(Zeroizing<String>);

/// Why a key cannot be made or loaded.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is a file already. It is never replaced: a lost key is lost for ever.
    #[error("{}: there is a file already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Others than the owner may read or write the file.
    #[error("{}: mode is {mode:03o}, must be 600", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not a key file of this version.
    #[error("{}, field {field}: {rule}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The field.
        field: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The file is encrypted.
    #[error("{}: is encrypted, and no passphrase is given", path.display())]
    PassphraseNeeded {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is wrong, or the file was changed.
    #[error("{}: wrong passphrase, or a changed file", path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
    },
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    PassphraseEmpty,
    /// The key is for another chain.
    #[error("the key is for {key}, this process runs on {process}")]
    Network {
        /// The key's chain.
        key: String,
        /// This process's chain.
        process: String,
    },
    /// The key belongs to simulated time and the process does not, or the other way round.
    #[error("key made under simulated time: {key}; process under simulated time: {process}")]
    Simulated {
        /// Whether the key was made under simulated time.
        key: bool,
        /// Whether this process runs under simulated time.
        process: bool,
    },
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

impl KeyError {
    /// Is there no file?
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl OracleKey {
    /// Makes a random key and writes it to a new file of mode 0600.
    ///
    /// # Errors
    /// [`KeyError::Exists`] when there is a file already; it is left as it is.
    pub fn create(path: &Path, options: &KeyOptions) -> Result<Self, KeyError> {
        if options.passphrase.as_ref().is_some_and(|passphrase| passphrase.0.is_empty()) {
            return Err(KeyError::PassphraseEmpty);
        }
        let key = Self::random(&options.network, options.simulated)?;
        keyfile::write(path, &key, options.passphrase.as_ref())?;
        Ok(key)
    }

    /// Loads a key for use in this process.
    ///
    /// # Errors
    /// Says what is wrong with the file, its mode, the passphrase, or the key's place.
    pub fn load(
        path: &Path,
        passphrase: Option<&Passphrase>,
        expected: &Expected<'_>,
    ) -> Result<Self, KeyError> {
        let key = keyfile::read(path, passphrase)?;
        if key.network != expected.network {
            return Err(KeyError::Network { key: key.network.clone(), process: expected.network.to_owned() });
        }
        if key.simulated != expected.simulated {
            return Err(KeyError::Simulated { key: key.simulated, process: expected.simulated });
        }
        Ok(key)
    }

    /// The public key, x-only as BIP340 has it: the oracle's name.
    pub fn public(&self) -> XOnlyPublicKey {
        self.keypair.x_only_public_key().0
    }

    /// The chain whose contracts it serves.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// Whether it was made under simulated time.
    pub fn is_simulated(&self) -> bool {
        self.simulated
    }

    pub(crate) fn keypair(&self) -> &Keypair {
        &self.keypair
    }

    pub(crate) fn secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.keypair.secret_bytes())
    }

    /// The key of these secret bytes; `None` when they are no key.
    pub(crate) fn from_secret(secret: &[u8], network: &str, simulated: bool) -> Option<Self> {
        let keypair = Keypair::from_seckey_slice(SECP256K1, secret).ok()?;
        Some(Self { keypair, network: network.to_owned(), simulated })
    }

    fn random(network: &str, simulated: bool) -> Result<Self, RandomnessError> {
        let mut secret = random_secret()?;
        let keypair = Keypair::from_secret_key(SECP256K1, &secret);
        secret.non_secure_erase();
        Ok(Self { keypair, network: network.to_owned(), simulated })
    }
}

/// A random scalar. All but one of `2^128` draws are one, so a few suffice.
pub(crate) fn random_secret() -> Result<SecretKey, RandomnessError> {
    for _ in 0..8 {
        if let Ok(secret) = SecretKey::from_slice(&seal::random::<32>()?[..]) {
            return Ok(secret);
        }
    }
    Err(RandomnessError(getrandom::Error::UNEXPECTED))
}

impl Drop for OracleKey {
    fn drop(&mut self) {
        self.keypair.non_secure_erase();
    }
}

impl fmt::Debug for OracleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OracleKey({}, {}, simulated: {})", self.public(), self.network, self.simulated)
    }
}

impl Passphrase {
    /// Takes a passphrase over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}
