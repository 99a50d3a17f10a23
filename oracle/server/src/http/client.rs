//! Whose request it is, as far as the network tells, and whether it may come now.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Failure;
use crate::oracle::Oracle;

/// The address from which a request comes, behind proxies that are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client(pub(super) IpAddr);

/// Notes whose request it is, and refuses what comes too soon.
pub(super) async fn limit(State(oracle): State<Arc<Oracle>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let settings = oracle.settings();
    let lines = request.headers().get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let client = rates::behind_proxies(peer, lines, &settings.config.rate.trusted_proxies);
    request.extensions_mut().insert(Client(client));
    match oracle.rates.of_address(client) {
        Ok(()) => next.run(request).await,
        Err(too_soon) => {
            oracle.metrics.limited(too_soon.from);
            Failure::from(too_soon).into_response()
        }
    }
}
