//! An operator's work on an oracle: its keys, its backups, its configuration, its old samples.
//!
//! [`keyring`] holds the keys, and [`retire`] takes an old one away. [`backup`] copies all that the oracle keeps, and
//! [`trust`] is the operator's word after a copy was put back. [`reload`] reads the configuration again while the oracle
//! runs, [`aging`] moves old samples into their compact form.

pub mod aging;
pub mod backup;
pub mod durable;
pub mod keyring;
pub mod open_files;
pub mod reload;
pub mod retire;
pub mod trust;
