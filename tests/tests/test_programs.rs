//! No test is forgotten: what a manifest says is not there, so that nothing is built in vain, really is not, and a crate
//! that lists its tests in `tests/all.rs`, to be linked once, lists all of them. Else a test would never run, and nobody
//! would know.

use std::fs;
use std::path::{Path, PathBuf};

/// The crates whose manifest has this line.
fn crates_that_say(line: &str) -> Vec<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = tests.join("..");
    let rooms = [root.join("crates"), root.join("oracle"), tests.to_owned()];
    let entries = rooms.into_iter().flat_map(|room| fs::read_dir(room).expect("a room"));
    let crates = entries.map(|entry| entry.expect("a crate").path()).chain([tests.to_owned()]);
    crates.filter(|path| manifest(path).lines().any(|said| said == line)).collect()
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

/// The lines of all sources of a crate's library.
fn source_lines(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder).expect("sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            lines.extend(source_lines(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let source = fs::read_to_string(&path).expect("a source");
            lines.extend(source.lines().map(|line| line.trim().to_owned()));
        }
    }
    lines
}

#[test]
fn a_library_whose_manifest_says_that_it_has_no_tests_of_its_own_has_none() {
    let crates = crates_that_say("test = false");
    assert!(crates.len() >= 10, "the crates are found: {crates:?}");
    for path in crates {
        let is_test =
            |line: &String| line.contains("#[cfg(test)]") || line.contains("test]") && line.starts_with("#[");
        let found = source_lines(&path.join("src")).into_iter().find(is_test);
        assert_eq!(found, None, "{}: its [lib] says `test = false`", path.display());
    }
}

#[test]
fn a_library_whose_manifest_says_that_it_has_no_examples_has_none() {
    let crates = crates_that_say("doctest = false");
    assert!(crates.len() >= 10, "the crates are found: {crates:?}");
    for path in crates {
        let is_example = |line: &String| ["/// ```", "//! ```"].iter().any(|fence| line.starts_with(fence));
        let found = source_lines(&path.join("src")).into_iter().find(is_example);
        assert_eq!(found, None, "{}: its [lib] says `doctest = false`", path.display());
    }
}

#[test]
fn every_file_of_tests_is_in_its_crates_program() {
    let crates = crates_that_say("autotests = false");
    assert!(crates.len() >= 8, "the crates are found: {crates:?}");
    for path in crates {
        let all = fs::read_to_string(path.join("tests/all.rs")).expect("all.rs");
        for module in modules(&path.join("tests")) {
            let declared = all.lines().any(|line| line == format!("mod {module};"));
            assert!(declared, "{}: all.rs lacks `mod {module};`", path.display());
        }
    }
}
