//! Replays: a scenario file becomes real processes on a real chain in simulated time, and what came
//! of it becomes a table, JSON, and a page that a person wants to look at.
//!
//! A scenario ([`scenario`]) says what is agreed, what goes wrong and what must be true at the end.
//! The runner starts a bitcoind, an oracle, two nodes and a target that fails as told, and lets
//! simulated time run. It then asks the chain and the parties' public surfaces what happened, and
//! collects it in one record, from which all output is made.
//! A file about many parties is a [`market::Market`]; [`play::Play`] is either kind.
//!
//! This crate deliberately knows nothing of how nodes decide or how oracles sign: it drives the
//! built binaries through the same HTTP as any user, and takes the chain as the witness. Start
//! reading at [`scenario::Scenario`].

pub mod agree;
pub mod catalogue;
pub mod checks;
pub mod cli;
pub mod done;
pub mod files;
pub mod import;
pub mod many;
pub mod market;
pub mod mask;
mod one_cpu;
pub mod papers;
pub mod plan;
pub mod play;
pub mod progress;
pub mod record;
pub mod report;
pub mod run;
pub mod scenario;
pub mod seen;
pub mod stored;
pub mod table;
pub mod text;
