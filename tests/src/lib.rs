//! Earnest from outside: the built binaries on a real regtest chain, driven over HTTP, RPC and the command line.
//!
//! A [`World`] is one replay's worth of everything: a bitcoind, an oracle, a provider's and a buyer's node as
//! processes of their own, the service that is measured, and the time, which stands still while the test looks and
//! moves when the test says so. Blocks are mined by the test, in step with that time. The tests in `tests/` are the
//! stories, one file for each subject.
//!
//! This crate deliberately knows nothing of the insides: it links neither engine nor contract nor wallet, and what it
//! claims about money it reads from the Bitcoin node ([`witness`]). Start reading at [`World::begin`].

mod agent;
mod documents;
mod full_disk;
mod http;
mod mortal;
mod oracle;
mod party;
pub mod proxy;
pub mod raw;
pub mod stranger;
mod vantage;
pub mod witness;
mod world;

pub use agent::{Agent, Door, Told};
pub use documents::{Times, credit, draft, measurement, step};
pub use full_disk::FullDisk;
pub use mortal::Mortal;
pub use oracle::Oracle;
pub use party::{Party, Setting, fresh_key};
pub use proxy::Proxy;
pub use stranger::Stranger;
pub use vantage::Vantage;
pub use world::World;
