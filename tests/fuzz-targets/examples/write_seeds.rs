//! Writes the seeds that the fixtures make, and copies the documents of the repository, into `fuzz/corpus`. To be run when
//! a format changes: `cargo run -p fuzz-targets --example write_seeds`

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn write(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = root().join("fuzz/corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

/// Every document of a folder whose name begins so, under its own name without ending.
fn copy(target: &str, folder: &str, prefix: &str) -> io::Result<()> {
    let entries = fs::read_dir(root().join(folder))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_file())) {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(prefix) {
            write(target, &name, &fs::read(&path)?)?;
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    for (target, name, bytes) in fuzz_targets::seeds() {
        write(target, &name, &bytes)?;
    }
    copy("agreement", "crates/terms/tests/golden", "agreement")?;
    copy("measurement", "crates/terms/tests/golden", "measurement")?;
    for folder in ["scenarios", "scenarios/faults"] {
        copy("scenario", folder, "")?;
    }
    copy("card", "crates/protocol/tests/golden", "card")?;
    copy("listing", "crates/protocol/tests/golden", "listing")?;
    let session = fs::read_to_string(root().join("crates/protocol/tests/golden/session-v1.jsonl"))?;
    for (number, line) in session.lines().enumerate() {
        write("envelope", &format!("session-{number}"), line.as_bytes())?;
    }
    Ok(())
}
