//! Announcing ahead: the windows of configured services follow a calendar, and nobody has to ask for them.
//!
//! A window that was announced stays as it is. A change of the service's definition counts from the first window on that
//! is not announced yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use clock::Busy;
use crashpoint::here;
use terms::{TimeRange, UnixSeconds};

use crate::asking::announce::{self, Request, RequestError};
use crate::asking::requester::Requester;
use crate::config::{ServiceConfig, ServiceError};
use crate::oracle::Oracle;
use crate::store::{ServiceName, StoreError};

/// After a failure it is tried again this much later.
const RETRY_MS: u64 = 60_000;

/// Why a service's window was not announced.
#[derive(Debug, thiserror::Error)]
pub enum AheadError {
    /// The service's definition can't be measured in this window.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The announcement was refused or failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps announcing, in a task of its own, until the process is to stop.
pub fn keep_announcing(oracle: &Arc<Oracle>, busy: Busy) {
    oracle.tasks.spawn(keep_on(Arc::clone(oracle), busy));
}

/// Gives the services on the pages the names that the operator chose.
///
/// # Errors
/// When the database fails.
pub async fn name_services(oracle: &Oracle) -> Result<(), StoreError> {
    let settings = oracle.settings();
    let name = |service: &ServiceConfig| {
        let target = service.target()?.clone();
        Some(ServiceName { target, slug: service.name.clone(), title: service.title.clone() })
    };
    let names: Vec<ServiceName> = settings.config.services.iter().filter_map(name).collect();
    oracle.store.name_services(&names).await
}

async fn keep_on(oracle: Arc<Oracle>, mut busy: Busy) {
    loop {
        let again_ms = announce_due(&oracle, &busy).await;
        tokio::select! {
            biased;
            () = oracle.stop.cancelled() => return,
            _ = busy.sleep_until_or(again_ms, &oracle.services_changed) => {}
        }
    }
}

/// Announces what is due. Returns when something is due again, in unix milliseconds.
async fn announce_due(oracle: &Arc<Oracle>, busy: &Busy) -> u64 {
    let settings = oracle.settings();
    let mut troubles = BTreeMap::new();
    let mut again_ms = clock::NEVER;
    for service in &settings.config.services {
        let next_ms = match announce_service(oracle, service, busy).await {
            Ok(next) => next.0.saturating_mul(1000),
            Err(error) => {
                tracing::error!(service = %service.name, %error, "a window could not be announced");
                troubles.insert(service.name.clone(), error.to_string());
                oracle.clock.now_ms().saturating_add(RETRY_MS)
            }
        };
        again_ms = again_ms.min(next_ms);
    }
    oracle.note_service_troubles(troubles);
    again_ms
}

/// Announces a service's windows that start within its time ahead. Returns when the next one is to be announced.
async fn announce_service(
    oracle: &Arc<Oracle>,
    service: &ServiceConfig,
    busy: &Busy,
) -> Result<UnixSeconds, AheadError> {
    let now_s = oracle.clock.now_s();
    // A window is announced before it starts, so the one that runs is left out.
    let mut window = service.next_window(UnixSeconds(now_s.saturating_add(1)))?;
    while window.start.0 <= now_s.saturating_add(service.announce_ahead_s) {
        if oracle.store.service_event(&service.name, window.start.0).await?.is_none() {
            announce(oracle, service, window, busy).await?;
        }
        window = service.next_window(window.end)?;
    }
    Ok(UnixSeconds(window.start.0.saturating_sub(service.announce_ahead_s)))
}

async fn announce(
    oracle: &Arc<Oracle>,
    service: &ServiceConfig,
    window: TimeRange,
    busy: &Busy,
) -> Result<(), AheadError> {
    let document = service.measurement(window)?.canonical();
    let request = Request { document: &document, requester: Requester::Operator, payment: None };
    let announced = announce::request(oracle, request, busy).await?;
    here!("ahead.announced");
    oracle.store.add_service_event(&service.name, window.start.0, announced.event.key).await?;
    here!("ahead.noted");
    Ok(())
}
