//! Why something could not be kept, or not be read again.

use std::path::PathBuf;

/// Why something could not be kept, or not be read again.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder was never prepared as a target: most likely its disk is not mounted.
    #[error("{path}: is not a backup target; is it mounted? `earnest init` prepares a new one")]
    NotATarget {
        /// The folder.
        path: PathBuf,
    },
    /// Not sealed by this program, or by a later version of it.
    #[error("{name}: is no backup of this version of Earnest")]
    Format {
        /// The file.
        name: String,
    },
    /// Changed, cut off, under another's name, or sealed with another seed; the cipher cannot tell which.
    #[error("{name}: was changed or cut off, or belongs to another seed or another place")]
    Refused {
        /// The file.
        name: String,
    },
    /// It was sealed with this seed, and does not read as what it should be.
    #[error("{name}: {field} is not what it should be")]
    Field {
        /// The file.
        name: String,
        /// Which part.
        field: &'static str,
    },
    /// Made for another network.
    #[error("{name}: belongs to {stored}, not to {asked}")]
    OtherNetwork {
        /// The file.
        name: String,
        /// The network that it was made for.
        stored: String,
        /// The network that was asked for.
        asked: String,
    },
    /// An older copy of a record than the one that the node's own record tells of.
    #[error("{name}: is an older copy: revision {found}, and {listed} was kept after it")]
    Older {
        /// The file.
        name: String,
        /// The copy's revision.
        found: u64,
        /// The revision that was kept last.
        listed: u64,
    },
    /// A record of which the node's own record tells is not there.
    #[error("{name}: is missing")]
    Missing {
        /// The file.
        name: String,
    },
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Randomness,
}
