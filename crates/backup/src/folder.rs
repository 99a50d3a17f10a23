//! The target: a folder on another disk.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::BackupError;

/// Without this file in it a folder is not written to: the mount point of a disk that is not there looks like an empty
/// folder, and would take everything.
const MARKER: &str = "earnest-backup-target";
/// Larger than any record.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// A folder that keeps sealed files.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at a path. Nothing is asked of it yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder where it is missing, and marks it as a target.
    ///
    /// # Errors
    /// [`BackupError::Io`].
    pub fn prepare(&self) -> Result<(), BackupError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path).map_err(failed(&self.path))?;
        if self.path.join(MARKER).exists() {
            return Ok(());
        }
        self.write(MARKER, b"Earnest keeps sealed records here (docs/node.md, \"Backup and recovery\").\n")
    }

    /// Keeps a file, in place of an older one of this name. When this returns, the file survives the loss of power:
    /// it was written under another name, synced, renamed, and the folder was synced.
    ///
    /// # Errors
    /// [`BackupError::NotATarget`] and [`BackupError::Io`]. Then the older file, if any, is still there.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        self.marked()?;
        self.write(name, bytes)
    }

    /// A file's content, where there is one of this name.
    ///
    /// # Errors
    /// [`BackupError::NotATarget`] and [`BackupError::Io`].
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>, BackupError> {
        self.marked()?;
        let path = self.path.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(BackupError::Io { path, source }),
        };
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(failed(&path))?;
        Ok(Some(bytes))
    }

    /// The names of all files, in order. Those that are not text are not ours, and left out.
    ///
    /// # Errors
    /// [`BackupError::NotATarget`] and [`BackupError::Io`].
    pub fn list(&self) -> Result<Vec<String>, BackupError> {
        self.marked()?;
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed(&self.path))? {
            let entry = entry.map_err(failed(&self.path))?;
            names.extend(entry.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn marked(&self) -> Result<(), BackupError> {
        match self.path.join(MARKER).try_exists() {
            Ok(true) => Ok(()),
            Ok(false) => Err(BackupError::NotATarget { path: self.path.clone() }),
            Err(source) => Err(BackupError::Io { path: self.path.clone(), source }),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        let (path, partial) = (self.path.join(name), self.path.join(format!("{name}.part")));
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&partial);
        let mut file = file.map_err(failed(&partial))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed(&partial))?;
        std::fs::rename(&partial, &path).map_err(failed(&path))?;
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(failed(&self.path))
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { path, source }
}
