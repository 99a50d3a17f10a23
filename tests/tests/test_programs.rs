//! A crate that lists its tests in `tests/all.rs`, to be linked once, lists all of them: a file that is forgotten there
//! would never run, and nobody would know.

use std::fs;
use std::path::{Path, PathBuf};

/// The crates whose manifest turns the discovery of tests off.
fn listing_crates() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rooms =
        ["crates", "oracle"].into_iter().flat_map(|room| fs::read_dir(root.join(room)).expect("a room"));
    let crates = rooms.map(|entry| entry.expect("a crate").path());
    crates.filter(|path| manifest(path).lines().any(|line| line == "autotests = false")).collect()
}

fn manifest(path: &Path) -> String {
    fs::read_to_string(path.join("Cargo.toml")).unwrap_or_default()
}

/// What `all.rs` must declare: each other file of `tests`, and each folder with a `main.rs` or `mod.rs`.
fn modules(tests: &Path) -> Vec<String> {
    let entries = fs::read_dir(tests).expect("tests").map(|entry| entry.expect("an entry").path());
    let is_module = |path: &PathBuf| {
        path.extension().is_some_and(|ending| ending == "rs")
            || ["main.rs", "mod.rs"].iter().any(|name| path.join(name).exists())
    };
    let name = |path: PathBuf| path.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
    entries.filter(is_module).filter_map(name).filter(|name| name != "all").collect()
}

#[test]
fn every_file_of_tests_is_in_its_crates_program() {
    let crates = listing_crates();
    assert!(crates.len() >= 8, "the crates are found: {crates:?}");
    for path in crates {
        let all = fs::read_to_string(path.join("tests/all.rs")).expect("all.rs");
        for module in modules(&path.join("tests")) {
            let declared = all.lines().any(|line| line == format!("mod {module};"));
            assert!(declared, "{}: all.rs lacks `mod {module};`", path.display());
        }
    }
}
