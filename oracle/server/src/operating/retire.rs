//! Taking an old key away, once no event needs it.

use anyhow::{Context as _, bail};
use protocol::oracle::Provisional;
use secp256k1_zkp::XOnlyPublicKey;
use signer::{Journal, wire};

use crate::config::Config;
use crate::operating::keyring::Keyring;
use crate::service;
use crate::store::Event;

/// Retires a key: signs the roots of its events' evidence for the last time, notes that it is retired, and erases its file.
/// Cut off anywhere, it can be said again.
///
/// # Errors
/// When an open event needs the key, or something can't be written.
pub async fn retire(
    config: &Config,
    keys: Keyring,
    journal: &Journal,
    public: &XOnlyPublicKey,
) -> anyhow::Result<()> {
    keys.may_retire(public)?;
    let store = service::open_store(config, false).await?;
    for id in store.all_event_ids().await? {
        let Some(event) = store.event(&id).await? else { continue };
        let announcement = wire::parse_announcement(&event.announcement).context("the database")?;
        if announcement.oracle_public_key != *public {
            continue;
        }
        if event.attestation.is_none() && !journal.view(&id).abandoned {
            bail!("{id} is announced by this key and not attested yet");
        }
        if let (Some(key), Some(root_signature)) = (keys.of(public), &event.provisional) {
            let closed: Provisional = serde_json::from_str(root_signature).context("the database")?;
            let signature = signer::sign_root(key, &id, &closed.root, event.measurement.slice_count());
            store.keep_root_signature(event.key, &signature.to_string()).await?;
        }
    }
    store.close().await;
    keys.retire(config, public)
}

/// The key that an event was announced by.
pub fn key_of(event: &Event) -> Option<XOnlyPublicKey> {
    wire::parse_announcement(&event.announcement).ok().map(|announcement| announcement.oracle_public_key)
}
