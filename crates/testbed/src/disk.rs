//! A disk that is full when it shall be, for one process and one folder.
//!
//! The process runs with a library before the C library (`full_disk.c` beside this file), which refuses to write below the
//! folder while a flag lies on the table. So nobody needs to be root, and no other process is hurt.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use thiserror::Error;

/// Why there is no such disk.
#[derive(Debug, Error)]
pub enum DiskError {
    /// The machine's own disk.
    #[error("{path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The library needs a C compiler.
    #[error("a full disk is simulated by a small C library, and cc can't be run (install gcc or clang)")]
    NoCompiler(#[source] io::Error),
    /// The C compiler does not like the library.
    #[error("a full disk is simulated by a small C library, and cc failed: {said}")]
    Compiling {
        /// What it said.
        said: String,
    },
}

/// The disk under a folder. There is space at first.
#[derive(Debug)]
pub struct FullDisk {
    folder: TempDir,
    below: PathBuf,
}

impl FullDisk {
    /// A disk under `below`, for a process that is started with [`FullDisk::envs`].
    ///
    /// # Errors
    /// When there is no C compiler, or no space for its library.
    pub fn under(below: &Path) -> Result<Self, DiskError> {
        let folder = TempDir::new().map_err(|source| failed(&std::env::temp_dir(), source))?;
        // With a slash at its end, so that a neighbour whose name begins alike is not meant.
        let disk = Self { folder, below: below.join("") };
        let source = disk.folder.path().join("full_disk.c");
        std::fs::write(&source, include_str!("full_disk.c")).map_err(|error| failed(&source, error))?;
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]);
        let output = cc.arg(disk.library()).arg(&source).arg("-ldl").output();
        let output = output.map_err(DiskError::NoCompiler)?;
        match output.status.success() {
            true => Ok(disk),
            false => Err(DiskError::Compiling { said: String::from_utf8_lossy(&output.stderr).into_owned() }),
        }
    }

    /// What the process needs in its environment.
    #[must_use]
    pub fn envs(&self) -> [(&'static str, OsString); 3] {
        [
            ("LD_PRELOAD", self.library().into()),
            ("EARNEST_FULL_DISK", self.flag().into()),
            ("EARNEST_FULL_DISK_BELOW", self.below.clone().into()),
        ]
    }

    /// From now on nothing can be written.
    ///
    /// # Errors
    /// When the machine's own disk is full.
    pub fn fill(&self) -> Result<(), DiskError> {
        std::fs::write(self.flag(), "").map_err(|source| failed(&self.flag(), source))
    }

    /// What calls [`FullDisk::fill`] from elsewhere, such as a proxy's rule.
    pub fn filler(&self) -> impl Fn() -> Result<(), DiskError> + Send + use<> {
        let flag = self.flag();
        move || std::fs::write(&flag, "").map_err(|source| failed(&flag, source))
    }

    /// From now on there is space again.
    ///
    /// # Errors
    /// When it was not full.
    pub fn free(&self) -> Result<(), DiskError> {
        std::fs::remove_file(self.flag()).map_err(|source| failed(&self.flag(), source))
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("full_disk.so")
    }

    fn flag(&self) -> PathBuf {
        self.folder.path().join("full")
    }
}

fn failed(path: &Path, source: io::Error) -> DiskError {
    DiskError::Io { path: path.to_owned(), source }
}
