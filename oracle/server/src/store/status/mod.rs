//! What the status pages show, kept up with the slices.

mod incidents;
mod read;
mod services;
mod slices;
mod write;

pub use incidents::IncidentRow;
pub use read::{ServiceRow, Watched};
pub use slices::{SliceBar, SliceLatency};

pub(super) use services::id_of_target;
pub(super) use write::insert;
