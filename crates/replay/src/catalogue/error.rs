//! Why scenario files could not be found or made.

use std::path::PathBuf;

/// Why scenario files could not be found or made.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A file or folder can't be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder holds no scenario, nor does any folder in it.
    #[error("{}: holds no scenario (*.toml)", folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// There is more below a folder than a catalogue may have.
    #[error("{}: holds more than {most} scenarios, or folders more than {depth} deep", folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
        /// The most files.
        most: usize,
        /// The most levels of folders.
        depth: usize,
    },
    /// There is no preset of that name.
    #[error("--preset: must be one of {names}")]
    Preset {
        /// Those that there are.
        names: String,
    },
    /// A name that is no file's name.
    #[error("NAME: must be letters, digits, \"-\", \"_\" and \".\", and not begin with a dot or a dash")]
    Name,
    /// The file is there already.
    #[error("{}: is there already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
}
