//! Where bitcoind is. Only `scripts/bitcoind` knows where it comes from; here it is only asked.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use super::BitcoindError;

const SCRIPT: &str = "scripts/bitcoind";

/// The path found first, asked for once per process.
static FOUND: Mutex<Option<PathBuf>> = Mutex::new(None);

/// `$BITCOIND_EXE`, else what `scripts/bitcoind` of the checkout says, else `bitcoind` on the PATH.
pub(super) fn bitcoind() -> Result<PathBuf, BitcoindError> {
    // The lock is held meanwhile, so that tests starting together don't all run the script.
    let mut found = FOUND.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(path) = &*found {
        return Ok(path.clone());
    }
    let path = match env::var_os("BITCOIND_EXE") {
        Some(path) => PathBuf::from(path),
        None => match script() {
            Some(script) => ask(&script)?,
            None => PathBuf::from("bitcoind"),
        },
    };
    Ok(found.insert(path).clone())
}

/// The script of the checkout that we were built from, run in, or lie in.
fn script() -> Option<PathBuf> {
    let places =
        [Some(PathBuf::from(env!("CARGO_MANIFEST_DIR"))), env::current_dir().ok(), env::current_exe().ok()];
    places.into_iter().flatten().find_map(|place| above(&place))
}

fn above(place: &Path) -> Option<PathBuf> {
    let folders = place.ancestors();
    folders.map(|folder| folder.join(SCRIPT)).find(|script| script.is_file())
}

/// The script may take minutes where it has to build, and says so on the terminal.
fn ask(script: &Path) -> Result<PathBuf, BitcoindError> {
    let failed = || BitcoindError::Script { script: script.to_owned() };
    let output = Command::new(script).stderr(Stdio::inherit()).output().map_err(|_| failed())?;
    let path = String::from_utf8(output.stdout).map_err(|_| failed())?;
    match (output.status.success(), path.trim_end()) {
        (false, _) | (_, "") => Err(failed()),
        (true, path) => Ok(PathBuf::from(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn script_that(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("script");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn the_script_of_this_checkout_is_found_from_deep_inside() {
        let script = script().unwrap();
        assert!(script.ends_with(SCRIPT));
        let deep = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bitcoind");
        assert_eq!(above(&deep), above(&script));
    }

    #[test]
    fn a_script_that_fails_or_says_nothing_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["exit 1", "echo /some/path; exit 1", "true"] {
            let error = ask(&script_that(folder.path(), text)).unwrap_err();
            assert!(error.to_string().contains("script"), "{text}: {error}");
        }
        let script = script_that(folder.path(), "echo '/a path/bitcoind'");
        assert_eq!(ask(&script).unwrap(), Path::new("/a path/bitcoind"));
    }
}
