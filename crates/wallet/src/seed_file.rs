//! The seed at rest: one JSON file, mode 0600, with the words plain or sealed under a passphrase.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Seed, SeedError};

/// Far above what a seed file needs, far below what would hurt.
const MAX_FILE_BYTES: u64 = 16 * 1024;
/// Bounds of the cost read from a file: whoever can write the file must not make us allocate without end.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_PASSES: u32 = 64;
const MAX_LANES: u32 = 16;

/// Why a seed file was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum SeedFileError {
    /// The file system said no. A file that exists already is never overwritten.
    #[error("seed file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner may read or write the file.
    #[error("seed file {path}: mode {mode:o} lets others in; it must be 600")]
    LoosePermissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a seed file, or one of a later version.
    #[error("seed file {path}: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What does not parse.
        source: serde_json::Error,
    },
    /// The header has values that no version of this program writes.
    #[error("seed file {path}: bad field {field}")]
    Field {
        /// The file.
        path: PathBuf,
        /// Which field.
        field: &'static str,
    },
    /// The file is encrypted and no passphrase was given.
    #[error("seed file {path} is encrypted: a passphrase is needed")]
    PassphraseNeeded {
        /// The file.
        path: PathBuf,
    },
    /// Wrong passphrase, or a damaged file; the cipher cannot tell which.
    #[error("seed file {path}: wrong passphrase or damaged file")]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The words inside are no seed.
    #[error("seed file {path}: {source}")]
    Seed {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        source: SeedError,
    },
    /// The operating system gave no randomness for salt and nonce.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(getrandom::Error),
}

/// What argon2id spends on a passphrase; stored in the file, so later versions may raise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argon2Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Argon2Cost {
    /// RFC 9106's second recommended option: 64 MiB, three passes, four lanes.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Contents {
    Plain { v: u32, words: String },
    Argon2idXchacha20poly1305 { v: u32, cost: Argon2Cost, salt: String, nonce: String, sealed: String },
}

impl Seed {
    /// Writes the seed to a new file that only its owner can read, and syncs file and folder.
    ///
    /// # Errors
    /// [`SeedFileError::Io`] when the file exists already or cannot be written.
    pub fn save(&self, path: &Path, passphrase: Option<&str>) -> Result<(), SeedFileError> {
        self.save_with_cost(path, passphrase, Argon2Cost::default())
    }

    /// As [`Seed::save`], with an own cost for the passphrase.
    ///
    /// # Errors
    /// As [`Seed::save`], and [`SeedFileError::Field`] for a cost out of bounds.
    pub fn save_with_cost(
        &self,
        path: &Path,
        passphrase: Option<&str>,
        cost: Argon2Cost,
    ) -> Result<(), SeedFileError> {
        let words = self.words();
        let contents = match passphrase {
            None => Contents::Plain { v: 1, words: words.to_string() },
            Some(passphrase) => seal(path, &words, passphrase, cost)?,
        };
        let text = serde_json::to_string_pretty(&contents).map(Zeroizing::new);
        if let Contents::Plain { words, .. } = contents {
            drop(Zeroizing::new(words));
        }
        let text = text.map_err(|source| SeedFileError::Format { path: path.into(), source })?;
        write_new(path, text.as_bytes()).map_err(|source| SeedFileError::Io { path: path.into(), source })
    }

    /// Reads a seed file.
    ///
    /// # Errors
    /// [`SeedFileError::LoosePermissions`] when others may read it, [`SeedFileError::PassphraseNeeded`] and
    /// [`SeedFileError::WrongPassphrase`] for an encrypted one, and the rest for what is no seed file.
    pub fn load(path: &Path, passphrase: Option<&str>) -> Result<Self, SeedFileError> {
        let text = read_private(path)?;
        let contents: Contents = serde_json::from_str(&text)
            .map_err(|source| SeedFileError::Format { path: path.into(), source })?;
        let words = match contents {
            Contents::Plain { v: 1, words } => Zeroizing::new(words),
            Contents::Argon2idXchacha20poly1305 { v: 1, cost, salt, nonce, sealed } => {
                let passphrase =
                    passphrase.ok_or_else(|| SeedFileError::PassphraseNeeded { path: path.into() })?;
                open(path, passphrase, cost, &salt, &nonce, &sealed)?
            }
            _ => return Err(SeedFileError::Field { path: path.into(), field: "v" }),
        };
        Seed::from_words(&words).map_err(|source| SeedFileError::Seed { path: path.into(), source })
    }
}

fn seal(path: &Path, words: &str, passphrase: &str, cost: Argon2Cost) -> Result<Contents, SeedFileError> {
    let (mut salt, mut nonce) = ([0u8; 16], [0u8; 24]);
    getrandom::fill(&mut salt).map_err(SeedFileError::Randomness)?;
    getrandom::fill(&mut nonce).map_err(SeedFileError::Randomness)?;
    let key = stretch(path, passphrase, cost, &salt)?;
    let header = header(cost, &salt);
    let sealed = XChaCha20Poly1305::new((&*key).into())
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: words.as_bytes(), aad: &header })
        .map_err(|_| SeedFileError::Field { path: path.into(), field: "sealed" })?;
    Ok(Contents::Argon2idXchacha20poly1305 {
        v: 1,
        cost,
        salt: hex::encode(salt),
        nonce: hex::encode(nonce),
        sealed: hex::encode(sealed),
    })
}

fn open(
    path: &Path,
    passphrase: &str,
    cost: Argon2Cost,
    salt: &str,
    nonce: &str,
    sealed: &str,
) -> Result<Zeroizing<String>, SeedFileError> {
    let bad = |field| SeedFileError::Field { path: path.into(), field };
    let wrong = || SeedFileError::WrongPassphrase { path: path.into() };
    let salt: [u8; 16] = bytes(salt).ok_or_else(|| bad("salt"))?;
    let nonce: [u8; 24] = bytes(nonce).ok_or_else(|| bad("nonce"))?;
    let sealed = hex::decode(sealed).map_err(|_| bad("sealed"))?;
    let key = stretch(path, passphrase, cost, &salt)?;
    let words = XChaCha20Poly1305::new((&*key).into())
        .decrypt(XNonce::from_slice(&nonce), Payload { msg: &sealed, aad: &header(cost, &salt) })
        .map_err(|_| wrong())?;
    String::from_utf8(words).map(Zeroizing::new).map_err(|_| wrong())
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    hex::decode(text).ok()?.try_into().ok()
}

fn stretch(
    path: &Path,
    passphrase: &str,
    cost: Argon2Cost,
    salt: &[u8; 16],
) -> Result<Zeroizing<[u8; 32]>, SeedFileError> {
    let bad = || SeedFileError::Field { path: path.into(), field: "cost" };
    if cost.memory_kib > MAX_MEMORY_KIB || cost.passes > MAX_PASSES || cost.lanes > MAX_LANES {
        return Err(bad());
    }
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(|_| bad())?;
    let mut key = Zeroizing::new([0u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut())
        .map_err(|_| bad())?;
    Ok(key)
}

/// Bound to the ciphertext, so that a lowered cost or another version does not open.
fn header(cost: Argon2Cost, salt: &[u8; 16]) -> Vec<u8> {
    let Argon2Cost { memory_kib, passes, lanes } = cost;
    format!("earnest/seed/v1 {memory_kib} {passes} {lanes} {}", hex::encode(salt)).into_bytes()
}

fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(contents)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn read_private(path: &Path) -> Result<Zeroizing<String>, SeedFileError> {
    let io_error = |source| SeedFileError::Io { path: path.into(), source };
    let file = File::open(path).map_err(io_error)?;
    let metadata = file.metadata().map_err(io_error)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SeedFileError::LoosePermissions { path: path.into(), mode });
    }
    if metadata.size() > MAX_FILE_BYTES {
        return Err(SeedFileError::Field { path: path.into(), field: "size" });
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES as usize));
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(io_error)?;
    Ok(text)
}
