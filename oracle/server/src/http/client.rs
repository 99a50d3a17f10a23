//! Whose request it is, as far as the network tells, and whether it may come now.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
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
    let client = behind_proxies(peer, request.headers(), &settings.config.rate.trusted_proxies);
    request.extensions_mut().insert(Client(client));
    match oracle.rates.of_address(client) {
        Ok(()) => next.run(request).await,
        Err(too_soon) => {
            oracle.metrics.limited(too_soon.from);
            Failure::from(too_soon).into_response()
        }
    }
}

/// Each proxy adds the address that it was asked from to the end of `X-Forwarded-For`. The last one that no believed
/// proxy has is the client's; what stands before it, anybody could have written.
fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let mut client = peer.to_canonical();
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !trusted.contains(&client) {
            break;
        }
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        client = hop.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<IpAddr> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        behind_proxies(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_can_not_say_who_it_is() {
        assert_eq!(client("192.0.2.9", &["198.51.100.1"], &[]), "192.0.2.9");
        assert_eq!(client("192.0.2.9", &["198.51.100.1"], &["192.0.2.1"]), "192.0.2.9");
    }

    #[test]
    fn a_believed_proxy_says_who_asked_it_and_no_more() {
        let proxies = ["127.0.0.1", "192.0.2.1"];
        assert_eq!(client("127.0.0.1", &["198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(client("::ffff:127.0.0.1", &["9.9.9.9, 198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(client("127.0.0.1", &["9.9.9.9", "198.51.100.1, 192.0.2.1"], &proxies), "198.51.100.1");
        assert_eq!(client("127.0.0.1", &[], &proxies), "127.0.0.1");
        assert_eq!(client("127.0.0.1", &["8.8.8.8, nonsense"], &proxies), "127.0.0.1");
    }
}
