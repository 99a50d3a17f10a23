//! Checking an oracle's word, from outside and with nothing of its own but what it published.
//!
//! [`findings`] tells what the audit of one bundle found; [`prove`] shows that two attestations contradict each other,
//! [`forked`] that two checkpoints do. [`audit_log`] goes through everything that an oracle
//! published: [`walk`] reads the log, [`said`] what it says of each event, [`event`] compares that with announcement and
//! evidence, and [`kept`] is what the next audit goes on from.

pub mod audit_log;
pub mod event;
pub mod findings;
pub mod forked;
pub mod kept;
pub mod progress;
pub mod prove;
pub mod records;
pub mod said;
pub mod source;
pub mod walk;
