//! The workspace's built binaries.
//!
//! Cargo gives a test no path to another package's binary, and does not build it for the test. So
//! whoever runs the tests builds the binaries first, and a missing or stale one is an error here: a
//! test against yesterday's program is worse than none.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use thiserror::Error;

/// The folder in which to look for binaries in place of Cargo's.
pub const BIN_DIR: &str = "EARNEST_BIN_DIR";

/// Why a binary can't be used.
#[derive(Debug, Error)]
pub enum BinaryError {
    /// It was not built.
    #[error("{} is missing; build it first: cargo build --bin {name}", path.display())]
    Missing {
        /// Its name.
        name: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// What it was built from has changed since.
    #[error("{} is older than {}; build it again: cargo build --bin {name}", path.display(), source_file.display())]
    Stale {
        /// Its name.
        name: String,
        /// Where it is.
        path: PathBuf,
        /// A source file that is newer, or gone.
        source_file: PathBuf,
    },
    /// The system does not say where we are, or a file can't be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The path of the workspace's binary `name`: in the folder `$EARNEST_BIN_DIR`, else in the one
/// where Cargo put, or would have put, the binaries of the running program's profile.
///
/// # Errors
/// When it is missing, or older than a file of ours that it was built from. Which ones these are says
/// the file `name.d` that Cargo leaves beside it; one that lies elsewhere without that file is
/// taken as it is.
pub fn binary(name: &str) -> Result<PathBuf, BinaryError> {
    let folder = match env::var_os(BIN_DIR) {
        Some(folder) => PathBuf::from(folder),
        None => profile_folder(&env::current_exe()?),
    };
    in_folder(&folder, name)
}

/// Tests lie in `deps` and examples in `examples` of their profile's folder, programs in itself.
fn profile_folder(exe: &Path) -> PathBuf {
    let folder = exe.parent().unwrap_or(Path::new("."));
    let up = folder.ends_with("deps") || folder.ends_with("examples");
    match (up, folder.parent()) {
        (true, Some(parent)) => parent.to_owned(),
        _ => folder.to_owned(),
    }
}

fn in_folder(folder: &Path, name: &str) -> Result<PathBuf, BinaryError> {
    let path = folder.join(name);
    let Some(built) = modified(&path)? else {
        return Err(BinaryError::Missing { name: name.to_owned(), path });
    };
    for source_file in sources(&folder.join(format!("{name}.d")))? {
        if modified(&source_file)?.is_none_or(|changed| changed > built) {
            return Err(BinaryError::Stale { name: name.to_owned(), path, source_file });
        }
    }
    Ok(path)
}

fn modified(path: &Path) -> io::Result<Option<SystemTime>> {
    match fs::metadata(path) {
        Ok(metadata) => metadata.modified().map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The files that a program was built from, as its dep-info says; none where it has none.
fn sources(dep_info: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_to_string(dep_info) {
        Ok(text) => Ok(parse_sources(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// A line `PROGRAM: FILE FILE ...`, with spaces in names written as `\ `.
fn parse_sources(dep_info: &str) -> Vec<PathBuf> {
    let line = dep_info.lines().next().unwrap_or_default();
    let files = line.split_once(": ").map_or("", |(_, files)| files);
    let files = files.replace("\\ ", "\0");
    files.split_whitespace().map(|file| PathBuf::from(file.replace('\0', " "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    struct Built(tempfile::TempDir);

    impl Built {
        /// A program built from one source file with a space in its path.
        fn new() -> Self {
            let built = Self(tempfile::tempdir().unwrap());
            let source = built.path("my source.rs");
            fs::write(&source, "fn main() {}").unwrap();
            fs::write(built.path("program"), "").unwrap();
            let escaped = source.to_str().unwrap().replace(' ', "\\ ");
            let text = format!("{}: {escaped}\n", built.path("program").display());
            fs::write(built.path("program.d"), text).unwrap();
            built
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn find(&self) -> Result<PathBuf, BinaryError> {
            in_folder(self.0.path(), "program")
        }

        /// Pretends that the program was built this long before, or after, its source changed.
        fn age(&self, seconds: u64, older: bool) {
            let changed = modified(&self.path("my source.rs")).unwrap().unwrap();
            let by = Duration::from_secs(seconds);
            let built = if older { changed - by } else { changed + by };
            let file = fs::File::options().write(true).open(self.path("program"));
            file.unwrap().set_modified(built).unwrap();
        }
    }

    #[test]
    fn a_program_newer_than_its_sources_is_taken() {
        let built = Built::new();
        built.age(1, false);
        assert_eq!(built.find().unwrap(), built.path("program"));
    }

    #[test]
    fn a_program_older_than_a_source_is_refused_by_its_name() {
        let built = Built::new();
        built.age(1, true);
        let error = built.find().unwrap_err().to_string();
        assert!(error.contains("my source.rs; build it again: cargo build --bin program"));
    }

    #[test]
    fn a_program_whose_source_is_gone_is_refused() {
        let built = Built::new();
        built.age(1, false);
        fs::remove_file(built.path("my source.rs")).unwrap();
        assert!(matches!(built.find(), Err(BinaryError::Stale { .. })));
    }

    #[test]
    fn a_missing_program_is_refused_with_the_command_that_builds_it() {
        let built = Built::new();
        fs::remove_file(built.path("program")).unwrap();
        let error = built.find().unwrap_err().to_string();
        assert!(error.ends_with("is missing; build it first: cargo build --bin program"));
    }

    #[test]
    fn a_program_that_cargo_did_not_build_there_is_taken_as_it_is() {
        let built = Built::new();
        built.age(1, true);
        fs::remove_file(built.path("program.d")).unwrap();
        assert!(built.find().is_ok());
    }

    #[test]
    fn programs_lie_beside_programs_and_above_tests() {
        let places = [
            ("/t/debug/deps/suite-1f", "/t/debug"),
            ("/t/debug/examples/demo", "/t/debug"),
            ("/t/release/earnest", "/t/release"),
        ];
        for (exe, folder) in places {
            assert_eq!(profile_folder(Path::new(exe)), Path::new(folder));
        }
    }
}
