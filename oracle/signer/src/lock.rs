//! One process to a key.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::files;

/// Held while this process uses a key; the operating system lets go of it when the process ends,
/// however it ends.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct InstanceLock {
    _file: File,
}

/// Why a key cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{}: another process uses this key", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be opened or locked.
    #[error("{}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl InstanceLock {
    /// Locks the file `<key_path>.lock`, without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process uses the key.
    pub fn acquire(key_path: &Path) -> Result<Self, LockError> {
        let path = files::sibling(key_path, "lock");
        let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = opened.map_err(|source| LockError::Io { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { path }),
            Err(TryLockError::Error(source)) => Err(LockError::Io { path, source }),
        }
    }
}
