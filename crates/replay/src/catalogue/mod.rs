//! Scenario files on disk: one, or all that lie below a folder; what each says, and new ones.

mod error;
mod find;
mod overview;
mod template;

pub use error::CatalogueError;
pub use find::find;
pub use overview::{Overview, overview};
pub use template::{DEFAULT_PRESET, template};
