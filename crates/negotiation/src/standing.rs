//! The same service, window after window: what a standing order takes for the same, and which offers a standing offer
//! makes.

mod like;
mod series;

pub use like::{Unlike, Wanted};
pub use series::{Series, SeriesError};
