//! Files that are replaced whole, and are on the disk when that is done.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use crashpoint::here;

/// Replaces a file's contents, or makes it: whoever reads it finds the old or the new, never half.
///
/// # Errors
/// When its folder can't be written to; the file is as it was.
pub fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let mut file = File::create(&draft)?;
    file.write_all(contents)?;
    file.sync_all()?;
    here!("replace.drafted");
    std::fs::rename(&draft, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    here!("replace.after");
    Ok(())
}
