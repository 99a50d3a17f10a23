//! `earnest backup` and `earnest restore`.

use std::path::PathBuf;

use clap::Args;

use super::ConfigFile;

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    #[command(flatten)]
    pub file: ConfigFile,
    /// The file to write; it must not exist.
    pub to: PathBuf,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Read the seed's words from standard input. Without it the data folder must hold the file `seed`.
    #[arg(long)]
    pub words: bool,
    /// The backup target, instead of the configuration's.
    #[arg(long, value_name = "DIR")]
    pub target: Option<PathBuf>,
    /// A copy that `backup` made; the target adds what happened since.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// There is no target: only the wallet's coins come back, and the escrows of --from as far as it knows them.
    #[arg(long, conflicts_with = "target")]
    pub without_target: bool,
    /// The block from which on the wallet looks for coins. Default: what the target knows, or else the first.
    #[arg(long, value_name = "HEIGHT")]
    pub birth_height: Option<u32>,
    /// Without a target: go on with the escrows of --from that it knows to be unsigned, instead of ending them.
    #[arg(long, requires = "from")]
    pub keep_open: bool,
    /// Leave damaged records out, instead of restoring nothing.
    #[arg(long)]
    pub skip_damaged: bool,
}
