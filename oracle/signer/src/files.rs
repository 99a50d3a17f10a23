//! Files that only their owner may read, and that are whole or not there.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Creates a file of mode 0600 with these contents, durable when this returns. Fails with
/// `AlreadyExists` rather than replace one.
pub(crate) fn create(path: &Path, contents: &[u8]) -> io::Result<()> {
    let draft = sibling(path, "new");
    // A draft that is there was left by a crash: it was never linked, so nobody relies on it.
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_and_link(&draft, path, contents);
    let removed = std::fs::remove_file(&draft);
    written.and(removed)?;
    sync_folder(path)
}

/// A hard link fails where a file is, which a rename does not.
fn write_and_link(draft: &Path, path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(contents)?;
    file.sync_all()?;
    std::fs::hard_link(draft, path)
}

/// `path` with a suffix.
pub(crate) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Who may do what with a file, as the nine permission bits.
pub(crate) fn mode(file: &File) -> io::Result<u32> {
    Ok(file.metadata()?.permissions().mode() & 0o777)
}

/// Makes a new name in a folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
