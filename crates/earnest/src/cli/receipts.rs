//! Arguments of the commands about receipts.

use std::path::PathBuf;

use clap::Subcommand;

use super::ConfigFile;

/// What to do with receipts.
#[derive(Debug, Subcommand)]
pub enum Receipts {
    /// Print every receipt, as JSON lines that can be verified, or as a table for spreadsheets.
    Export {
        #[command(flatten)]
        file: ConfigFile,
        /// A table for spreadsheets, which cannot be verified.
        #[arg(long)]
        csv: bool,
        /// Open only these receipts, by their numbers with commas between; the others stay commitments.
        #[arg(long, value_name = "SEQ,...", value_delimiter = ',')]
        open: Option<Vec<u64>>,
    },
    /// Find what was edited, dropped, reordered or inserted in an exported file. Needs no node.
    Verify {
        /// The file, as `receipts export` wrote it.
        receipts: PathBuf,
        /// The identity key that must have signed it; may be given several times, for a node that rotated its key.
        #[arg(long, value_name = "KEY")]
        key: Vec<String>,
    },
}
