//! The oracle's HTTP API: what others read, and where measurements are asked for.

mod admission;
mod beats;
mod caching;
mod client;
mod kormir;
mod list;
mod log;
mod measurements;
mod metrics;
mod objections;
mod openapi;
mod own;
mod p2pd;
mod problem;
mod sending;
mod signed;
mod stream;
mod vantage;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use listening::Limits;
use tokio::net::TcpListener;

use crate::oracle::Oracle;
use admission::Door;
use sending::Room;

/// Every route, behind the door.
pub fn router(oracle: Arc<Oracle>) -> Router {
    let door = Door::new(&oracle);
    let room = Room::new(sending::MOST_KIB, oracle.metrics.burdened());
    routes()
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(DefaultBodyLimit::max(terms::canonical::MAX_DOCUMENT_BYTES))
        .layer(from_fn(problem::readable_path))
        .layer(from_fn(caching::revalidate))
        .layer(from_fn_with_state(room, sending::bound))
        .layer(from_fn_with_state(door, admission::admit))
        .layer(from_fn_with_state(Arc::clone(&oracle), client::limit))
        .layer(from_fn_with_state(Arc::clone(&oracle), metrics::count))
        .with_state(oracle)
}

/// Every route. A test compares them with their description in [`openapi`].
fn routes() -> Router<Arc<Oracle>> {
    Router::new()
        .merge(own::routes())
        .merge(list::routes())
        .merge(measurements::routes())
        .merge(kormir::routes())
        .merge(log::routes())
        .merge(metrics::routes())
        .merge(stream::routes())
        .merge(objections::routes())
        .merge(crate::pages::routes())
        .merge(openapi::routes())
        .merge(p2pd::routes())
        .merge(vantage::routes())
        .merge(beats::routes())
}

/// Serves until the oracle is to stop, and then until the answers under way are given.
///
/// # Errors
/// When the listener fails.
pub async fn serve(oracle: Arc<Oracle>, listener: TcpListener) -> io::Result<()> {
    let stop = oracle.stop.clone();
    let settings = oracle.settings();
    let (limits, rate) = (&settings.config.limits, &settings.config.rate);
    let limits = Limits { connections: limits.connections, of_one: rate.connections, ..Limits::default() };
    let counted = |peer| oracle.settings().config.rate.counted(peer);
    let refused = || oracle.metrics.overrun();
    let router = router(Arc::clone(&oracle));
    listening::serve(listener, router, limits, counted, refused, stop.cancelled_owned()).await
}
