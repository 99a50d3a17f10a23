//! The key's file: JSON with a version, the key's marks, and its secret, plain or sealed.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::files;
use crate::key::{KeyError, OracleKey, Passphrase};
use crate::seal;

const VERSION: u64 = 1;
const MAX_FILE_BYTES: u64 = 16 * 1024;

/// What argon2 costs: 64 MiB and three passes, above OWASP's least.
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 };

/// A file that asks for more than this is refused, so that a changed one cannot exhaust the machine.
const MAX_COST: Cost = Cost { memory_kib: 1024 * 1024, passes: 16, lanes: 16 };

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    v: u64,
    network: String,
    simulated: bool,
    public: String,
    secret: Secret,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Secret {
    /// The secret's hex.
    Plain(String),
    /// The secret, sealed under a passphrase.
    Argon2id(Sealed),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    cost: Cost,
    salt: String,
    xchacha20poly1305: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Writes the key to a new file.
pub(crate) fn write(path: &Path, key: &OracleKey, passphrase: Option<&Passphrase>) -> Result<(), KeyError> {
    let public = key.public().to_string();
    let secret = match passphrase {
        None => Secret::Plain(hex::encode(key.secret_bytes())),
        Some(passphrase) => Secret::Argon2id(seal_secret(key, &public, passphrase)?),
    };
    let file = KeyFile {
        v: VERSION,
        network: key.network().to_owned(),
        simulated: key.is_simulated(),
        public,
        secret,
    };
    let text =
        Zeroizing::new(serde_json::to_vec_pretty(&file).expect("a key file holds only strings and integers"));
    files::create(path, &text).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
        _ => KeyError::Io { path: path.to_owned(), source },
    })
}

/// Reads a key, whatever its marks.
pub(crate) fn read(path: &Path, passphrase: Option<&Passphrase>) -> Result<OracleKey, KeyError> {
    let broken = |field, rule| KeyError::Format { path: path.to_owned(), field, rule };
    let text = read_private(path)?;
    let file: KeyFile =
        serde_json::from_slice(&text).map_err(|_| broken("document", "must be a key file's JSON"))?;
    if file.v != VERSION {
        return Err(broken("v", "must be 1"));
    }
    let secret = open_secret(path, &file, passphrase)?;
    let key = OracleKey::from_secret(&secret, &file.network, file.simulated);
    let key = key.ok_or_else(|| broken("secret", "must be a key"))?;
    if key.public().to_string() != file.public {
        return Err(broken("public", "must be the secret's public key"));
    }
    Ok(key)
}

fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let failed = |source| KeyError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mode = files::mode(&file).map_err(failed)?;
    if mode & 0o077 != 0 {
        return Err(KeyError::Permissions { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(Vec::new());
    file.take(MAX_FILE_BYTES).read_to_end(&mut text).map_err(failed)?;
    Ok(text)
}

fn open_secret(
    path: &Path,
    file: &KeyFile,
    passphrase: Option<&Passphrase>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    match (&file.secret, passphrase) {
        (Secret::Plain(hex), _) => unhex(path, "secret.plain", hex).map(Zeroizing::new),
        (Secret::Argon2id(_), None) => Err(KeyError::PassphraseNeeded { path: path.to_owned() }),
        (Secret::Argon2id(sealed), Some(passphrase)) => {
            let salt = unhex(path, "secret.argon2id.salt", &sealed.salt)?;
            let boxed = unhex(path, "secret.argon2id.xchacha20poly1305", &sealed.xchacha20poly1305)?;
            let cost = allowed(path, sealed.cost)?;
            let key = stretch(passphrase, &salt, cost).ok_or_else(|| KeyError::Format {
                path: path.to_owned(),
                field: "secret.argon2id",
                rule: "must be parameters that argon2 takes",
            })?;
            let context = context(&file.network, file.simulated, &file.public);
            seal::open(&key, &context, &boxed).ok_or_else(|| KeyError::Sealed { path: path.to_owned() })
        }
    }
}

fn seal_secret(key: &OracleKey, public: &str, passphrase: &Passphrase) -> Result<Sealed, KeyError> {
    let salt = seal::random::<16>()?;
    let stretched = stretch(passphrase, &salt[..], COST).expect("argon2 takes the parameters of this file");
    let context = context(key.network(), key.is_simulated(), public);
    let boxed = seal::seal(&stretched, &context, &key.secret_bytes()[..])?;
    Ok(Sealed { cost: COST, salt: hex::encode(&salt[..]), xchacha20poly1305: hex::encode(boxed) })
}

/// The key's marks are authenticated with the secret: changing one makes the file unreadable.
fn context(network: &str, simulated: bool, public: &str) -> Vec<u8> {
    format!("earnest/oracle/key/v1|{network}|{simulated}|{public}").into_bytes()
}

fn stretch(passphrase: &Passphrase, salt: &[u8], cost: Cost) -> Option<Zeroizing<[u8; 32]>> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(passphrase.bytes(), salt, &mut key[..]).ok()?;
    Some(key)
}

fn allowed(path: &Path, cost: Cost) -> Result<Cost, KeyError> {
    let within = cost.memory_kib <= MAX_COST.memory_kib
        && cost.passes <= MAX_COST.passes
        && cost.lanes <= MAX_COST.lanes;
    let rule = "must cost at most 1 GiB, 16 passes and 16 lanes";
    within.then_some(cost).ok_or_else(|| KeyError::Format {
        path: path.to_owned(),
        field: "secret.argon2id",
        rule,
    })
}

fn unhex(path: &Path, field: &'static str, text: &str) -> Result<Vec<u8>, KeyError> {
    hex::decode(text).map_err(|_| KeyError::Format { path: path.to_owned(), field, rule: "must be hex" })
}

impl Drop for Secret {
    fn drop(&mut self) {
        if let Self::Plain(hex) = self {
            hex.zeroize();
        }
    }
}
