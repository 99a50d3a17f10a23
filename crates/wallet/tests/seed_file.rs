//! The seed at rest.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;
use wallet::{Argon2Cost, Seed, SeedFileError};

/// Cheap, so that the tests are quick; the file says what it cost.
const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("seed");
    (folder, path)
}

#[test]
fn a_plain_seed_comes_back_and_only_its_owner_can_read_it() {
    let (_folder, path) = place();
    let seed = Seed::generate().unwrap();
    seed.save(&path, None).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Seed::load(&path, None).unwrap().words(), seed.words());
    let given = Seed::load(&path, Some("not needed")).unwrap();
    assert_eq!(given.words(), seed.words());
}

#[test]
fn a_seed_that_others_can_read_is_refused() {
    let (_folder, path) = place();
    Seed::generate().unwrap().save(&path, None).unwrap();
    for mode in [0o640, 0o604, 0o660, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = Seed::load(&path, None).unwrap_err();
        assert!(matches!(refused, SeedFileError::LoosePermissions { mode: found, .. } if found == mode));
    }
}

#[test]
fn an_existing_seed_is_never_overwritten() {
    let (_folder, path) = place();
    let first = Seed::generate().unwrap();
    first.save(&path, None).unwrap();
    assert!(matches!(Seed::generate().unwrap().save(&path, None), Err(SeedFileError::Io { .. })));
    assert_eq!(Seed::load(&path, None).unwrap().words(), first.words());
}

#[test]
fn an_encrypted_seed_opens_with_its_passphrase_only() {
    let (_folder, path) = place();
    let seed = Seed::generate().unwrap();
    seed.save_with_cost(&path, Some("correct horse"), CHEAP).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(seed.words().split(' ').all(|word| !text.contains(&format!(" {word} "))), "no word in the clear");
    assert_eq!(Seed::load(&path, Some("correct horse")).unwrap().words(), seed.words());
    assert!(matches!(Seed::load(&path, Some("battery")), Err(SeedFileError::WrongPassphrase { .. })));
    assert!(matches!(Seed::load(&path, None), Err(SeedFileError::PassphraseNeeded { .. })));
}

#[test]
fn a_changed_header_does_not_open() {
    let (_folder, path) = place();
    Seed::generate().unwrap().save_with_cost(&path, Some("correct horse"), CHEAP).unwrap();
    let load = |from: &str, to: &str| {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(&path, text.replace(from, to)).unwrap();
        let result = Seed::load(&path, Some("correct horse")).unwrap_err();
        fs::write(&path, text).unwrap();
        result
    };
    let passes = load(r#""passes": 1"#, r#""passes": 2"#);
    assert!(matches!(passes, SeedFileError::WrongPassphrase { .. }));
    let version = load(r#""v": 1"#, r#""v": 2"#);
    assert!(matches!(version, SeedFileError::Field { field: "v", .. }));
    let greedy = load(r#""memory_kib": 64"#, r#""memory_kib": 4000000000"#);
    assert!(matches!(greedy, SeedFileError::Field { field: "cost", .. }), "refused before memory is taken");
    let salt = load(r#""salt": ""#, r#""salt": "zz"#);
    assert!(matches!(salt, SeedFileError::Field { field: "salt", .. }));
    let unknown = load(r#""v": 1"#, r#""v": 1, "extra": 0"#);
    assert!(matches!(unknown, SeedFileError::Format { .. }));
}

#[test]
fn rubbish_is_an_error_that_names_the_file() {
    let (_folder, path) = place();
    assert!(matches!(Seed::load(&path, None), Err(SeedFileError::Io { .. })));
    let private = |text: &str| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Seed::load(&path, None).unwrap_err()
    };
    assert!(matches!(private(""), SeedFileError::Format { .. }));
    assert!(matches!(private(r#"{"kind":"plain","v":1,"words":"one two"}"#), SeedFileError::Seed { .. }));
    assert!(matches!(private(&" ".repeat(20_000)), SeedFileError::Field { field: "size", .. }));
    assert!(private("[]").to_string().contains(path.to_str().unwrap()));
}
