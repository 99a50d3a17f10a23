//! The key's file, its lock, and nonces at rest.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use common::{Oracle, ppm};
use serde_json::Value;
use signer::{
    Expected, InstanceLock, KeyError, KeyOptions, LockError, NonceError, Nonces, OracleKey, Passphrase,
};
use tempfile::{TempDir, tempdir};
use terms::EventId;

const REGTEST: Expected<'static> = Expected { network: "regtest", simulated: false };

fn options(passphrase: Option<&str>) -> KeyOptions {
    let passphrase = passphrase.map(|text| Passphrase::new(text.to_owned()));
    KeyOptions { network: "regtest".to_owned(), simulated: false, passphrase }
}

fn created(passphrase: Option<&str>) -> (TempDir, PathBuf, OracleKey) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key.json");
    let key = OracleKey::create(&path, &options(passphrase)).unwrap();
    (folder, path, key)
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut file);
    fs::write(path, serde_json::to_vec(&file).unwrap()).unwrap();
}

#[test]
fn a_key_is_private_random_and_found_again() {
    let (_folder, path, key) = created(None);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(OracleKey::load(&path, None, &REGTEST).unwrap().public(), key.public());
    assert_ne!(created(None).2.public(), key.public());
    assert!(!path.with_extension("json.new").exists(), "no draft stays behind");
}

#[test]
fn a_key_is_never_overwritten() {
    let (_folder, path, key) = created(None);
    let refused = OracleKey::create(&path, &options(None));
    assert!(matches!(refused, Err(KeyError::Exists { .. })), "{refused:?}");
    assert_eq!(OracleKey::load(&path, None, &REGTEST).unwrap().public(), key.public());
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let (_folder, path, _key) = created(None);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = OracleKey::load(&path, None, &REGTEST);
    assert!(matches!(refused, Err(KeyError::Permissions { mode: 0o640, .. })), "{refused:?}");
}

#[test]
fn a_passphrase_opens_the_key_and_nothing_else_does() {
    let (_folder, path, key) = created(Some("correct horse"));
    assert!(!fs::read_to_string(&path).unwrap().contains("plain"));
    let load = |text: &str| OracleKey::load(&path, Some(&Passphrase::new(text.to_owned())), &REGTEST);
    assert_eq!(load("correct horse").unwrap().public(), key.public());
    assert!(matches!(load("battery staple"), Err(KeyError::Sealed { .. })));
    let without = OracleKey::load(&path, None, &REGTEST);
    assert!(matches!(without, Err(KeyError::PassphraseNeeded { .. })));
    edit(&path, |file| file["simulated"] = true.into());
    assert!(matches!(load("correct horse"), Err(KeyError::Sealed { .. })), "the mark is authenticated too");
}

#[test]
fn an_empty_passphrase_and_an_absurd_cost_are_refused() {
    let folder = tempdir().unwrap();
    let refused = OracleKey::create(&folder.path().join("key"), &options(Some("")));
    assert!(matches!(refused, Err(KeyError::PassphraseEmpty)));
    let (_folder, path, _key) = created(Some("correct horse"));
    edit(&path, |file| file["secret"]["argon2id"]["cost"]["memory_kib"] = u32::MAX.into());
    let refused = OracleKey::load(&path, Some(&Passphrase::new("correct horse".to_owned())), &REGTEST);
    assert!(matches!(refused, Err(KeyError::Format { field: "secret.argon2id", .. })), "{refused:?}");
}

#[test]
fn a_key_of_simulated_time_is_refused_elsewhere_and_the_other_way_round() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key");
    OracleKey::create(&path, &KeyOptions { simulated: true, ..options(None) }).unwrap();
    let refused = OracleKey::load(&path, None, &REGTEST);
    assert!(matches!(refused, Err(KeyError::Simulated { key: true, process: false })));
    assert!(OracleKey::load(&path, None, &Expected { simulated: true, ..REGTEST }).is_ok());

    let (_folder, path, _key) = created(None);
    let refused = OracleKey::load(&path, None, &Expected { simulated: true, ..REGTEST });
    assert!(matches!(refused, Err(KeyError::Simulated { key: false, process: true })));
    let refused = OracleKey::load(&path, None, &Expected { network: "mainnet", ..REGTEST });
    assert!(matches!(refused, Err(KeyError::Network { .. })));
}

#[test]
fn a_broken_file_names_its_field() {
    let field = |change: fn(&mut Value)| {
        let (_folder, path, _key) = created(None);
        edit(&path, change);
        match OracleKey::load(&path, None, &REGTEST) {
            Err(KeyError::Format { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(field(|file| file["v"] = 2.into()), "v");
    assert_eq!(field(|file| file["secret"]["plain"] = "zz".into()), "secret.plain");
    assert_eq!(field(|file| file["secret"]["plain"] = "00".repeat(32).into()), "secret");
    assert_eq!(field(|file| file["public"] = "00".repeat(32).into()), "public");
    assert_eq!(field(|file| file["extra"] = 1.into()), "document");
}

#[test]
fn one_process_has_a_key_at_a_time() {
    let (_folder, path, _key) = created(None);
    let lock = InstanceLock::acquire(&path).unwrap();
    assert!(matches!(InstanceLock::acquire(&path), Err(LockError::Held { .. })));
    drop(lock);
    assert!(InstanceLock::acquire(&path).is_ok());
}

#[test]
fn secrets_are_not_printed() {
    let (_folder, path, key) = created(None);
    let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let secret = file["secret"]["plain"].as_str().unwrap().to_owned();
    let nonces = Nonces::generate(3).unwrap();
    let passphrase = Passphrase::new("hunter2".to_owned());
    let printed = format!("{key:?} {nonces:?} {passphrase:?}");
    assert!(!printed.contains(&secret) && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn nonces_are_fresh_each_time() {
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        for nonce in Nonces::generate(20).unwrap().public() {
            assert!(seen.insert(nonce.serialize()));
        }
    }
    for count in [0, signer::MAX_NONCES + 1] {
        assert_eq!(Nonces::generate(count).unwrap_err(), NonceError::Count { count });
    }
}

#[test]
fn sealed_nonces_open_for_their_key_and_event_only() {
    let (oracle, other) = (Oracle::new(), Oracle::new());
    let event_id = ppm().event_id();
    let nonces = Nonces::generate(20).unwrap();
    let sealed = nonces.seal(&oracle.key, &event_id).unwrap();
    assert_eq!(Nonces::open(&oracle.key, &event_id, &sealed).unwrap().public(), nonces.public());

    let other_event = EventId::from_digest([9; 32]);
    assert!(Nonces::open(&oracle.key, &other_event, &sealed).is_err());
    assert!(Nonces::open(&other.key, &event_id, &sealed).is_err());
    for index in [0, 1, 30, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[index] ^= 1;
        assert!(Nonces::open(&oracle.key, &event_id, &changed).is_err(), "byte {index}");
    }
    for length in 0..sealed.len() {
        assert!(Nonces::open(&oracle.key, &event_id, &sealed[..length]).is_err());
    }
    assert_ne!(nonces.seal(&oracle.key, &event_id).unwrap(), sealed, "sealed under a fresh nonce each time");
}
