//! Directories: keeping the signed listings of others, and having our own kept.
//!
//! [`shelf`] is what a node does that serves as a directory, [`own`] what a provider says about itself, and [`renewal`] how
//! its listing gets to the directories of its configuration, and stays there. Nobody has to trust a directory: whoever
//! reads a listing checks its signature, so that a directory that lies can only withhold.

mod config;
mod own;
mod renewal;
mod shelf;
mod view;

pub use config::{DirectoryConfig, ListingConfig};
pub(crate) use renewal::Standings;
