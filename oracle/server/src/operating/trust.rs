//! The operator's word after a restore: this database shall be used.

use anyhow::Context;
use clock::Clock;
use signer::Journal;
use terms::EventId;

use crate::config::Config;
use crate::operating::keyring::Keyring;
use crate::public_log::{PublicLog, PublicLogError};
use crate::service;
use crate::store::Store;

/// What it came to.
#[derive(Debug)]
pub struct Trusted {
    /// How many events the database knows.
    pub known: usize,
    /// The commit from which on it is trusted.
    pub mark: u64,
    /// Events that the journal knows and the database does not.
    pub missing: Vec<EventId>,
    /// Events that may have been signed at a time that database and journal have both forgotten.
    pub abandoned: Vec<EventId>,
}

/// Takes the database as it is. Where the journal is a backup's copy, or the checkpoint that is held elsewhere shows that
/// database and journal were both rolled back, every event that has matured without an attestation here is given up: it may have been signed,
/// and a second signature could reveal the key. Those that have not matured cannot have been signed.
///
/// # Errors
/// When database, journal or the held checkpoint cannot be read or written.
pub async fn trust(config: &Config, keys: &Keyring, journal: &mut Journal) -> anyhow::Result<Trusted> {
    let store = service::open_store(config, false).await?;
    let log = PublicLog::new(keys, config.checkpoint_copy.clone());
    let abandoned = match log.compare(&store).await {
        Ok(()) if journal.is_copy() => matured(&store).await?,
        Ok(()) => Vec::new(),
        Err(PublicLogError::RolledBack { .. } | PublicLogError::CopyMissing { .. }) => {
            matured(&store).await?
        }
        Err(error) => return Err(error.into()),
    };
    let (known, mark) = (store.commitments().await?, store.mark().await?);
    let missing = service::lost_events(journal, &known);
    for id in &abandoned {
        journal.abandon(id).context("the signing journal")?;
    }
    journal.trust_database(&known, mark)?;
    log.hold(&store).await?;
    store.close().await;
    Ok(Trusted { known: known.len(), mark, missing, abandoned })
}

async fn matured(store: &Store) -> anyhow::Result<Vec<EventId>> {
    let now_s = Clock::system().now_s();
    let open = store.open_events().await?;
    Ok(open.into_iter().filter(|event| event.maturity <= now_s).map(|event| event.id).collect())
}
