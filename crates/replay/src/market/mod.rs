//! Markets: many providers and buyers, one oracle and one directory, in one scenario.
//!
//! A file with a `[market]` table ([`Market`]) says who offers what, what each buyer's agent values and may spend, which
//! services fail, and what each party must have at the end. The runner starts a node for every party, the agents find
//! offers through the directory and negotiate them by their strategies, everything locks, is measured, settles, and comes
//! out as one [`MarketRecord`] with a page of its own.
//!
//! What programs, time and chain need is `crate::run`'s; this module has what is about many parties. Start reading at
//! [`Market`], then at `run`.

mod agent;
mod file;
mod plan;
pub mod record;
mod report;
mod run;
mod table;

pub(crate) use file::read;
pub use file::{Buyer, Expected, Limits, Market, Provider};
pub use plan::evaluate;
pub use record::MarketRecord;
pub use report::page;
pub use run::{Finished, World, run};
pub use table::summary;
