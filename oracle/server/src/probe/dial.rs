//! Connecting: name, address, TCP, TLS, each timed by itself. All probes connect this way, and no other.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::cause::Cause;
use super::names::{Endpoint, Names};
use super::own::is_own;
use super::timing::Trip;
use super::tls::{Speaks, Tls, Validity};

/// An address that does not answer gets this long before the next one is tried beside it (RFC 8305, section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// Connects probes: to nowhere but where they may.
#[derive(Debug)]
pub(super) struct Dialer {
    names: Names,
    tls: Tls,
}

/// A connection with TLS over it, and how long its certificate lasts.
pub(super) type Secured = (TlsStream<TcpStream>, Validity);

impl Dialer {
    pub(super) fn new(names: Names, tls: Tls) -> Self {
        Self { names, tls }
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    pub(super) fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Looks the host up and connects to it.
    pub(super) async fn tcp(&self, endpoint: &Endpoint, trip: &mut Trip) -> Result<TcpStream, Cause> {
        let addresses = self.look_up(endpoint, trip).await?;
        let started = Instant::now();
        let connected = first_to_answer(addresses).await;
        trip.phases.add_connect(started);
        let stream = connected.map_err(|error| Cause::of_connecting(&error))?;
        stream.set_nodelay(true).map_err(|_| Cause::Connect)?;
        Ok(stream)
    }

    /// Connects, and shakes hands over it.
    pub(super) async fn secured(
        &self,
        endpoint: &Endpoint,
        speaks: Speaks,
        trip: &mut Trip,
    ) -> Result<Secured, Cause> {
        let stream = self.tcp(endpoint, trip).await?;
        let name = server_name(endpoint).ok_or(Cause::Tls)?;
        let connector = TlsConnector::from(self.tls.config(speaks));
        let started = Instant::now();
        let shaken = connector.connect(name.clone(), stream).await;
        trip.phases.add_tls(started);
        let stream = shaken.map_err(|error| Cause::of_handshake(&error))?;
        let validity = self.tls.validity(stream.get_ref().1.peer_certificates().unwrap_or_default(), &name);
        Ok((stream, validity))
    }

    /// A lookup is timed where there was one: not for addresses that are written out, nor for a configured one.
    async fn look_up(&self, endpoint: &Endpoint, trip: &mut Trip) -> Result<Vec<SocketAddr>, Cause> {
        let started = Instant::now();
        let addresses = self.names.addresses(endpoint, trip).await;
        if self.names.looks_up(&endpoint.host) {
            trip.phases.add_dns(started);
        }
        addresses
    }
}

fn server_name(endpoint: &Endpoint) -> Option<ServerName<'static>> {
    match &endpoint.host {
        url::Host::Domain(name) => ServerName::try_from(name.clone()).ok(),
        url::Host::Ipv4(ip) => Some(ServerName::IpAddress(std::net::IpAddr::from(*ip).into())),
        url::Host::Ipv6(ip) => Some(ServerName::IpAddress(std::net::IpAddr::from(*ip).into())),
    }
}

/// The first of these addresses that takes a connection. One that is silent holds the others up for a moment only.
async fn first_to_answer(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    if let [only] = addresses[..] {
        return TcpStream::connect(only).await;
    }
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut refused = io::Error::from(io::ErrorKind::NotFound);
    loop {
        if let Some(next) = waiting.next() {
            attempts.spawn(TcpStream::connect(next));
        }
        let more = waiting.len() > 0;
        tokio::select! {
            joined = attempts.join_next() => match joined {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) if !is_own(&refused) => refused = error,
                Some(Ok(Err(_))) => {}
                Some(Err(_)) => {}
                None => return Err(refused),
            },
            () = tokio::time::sleep(NEXT_ADDRESS), if more => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_with_one_living_address_is_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let living = listener.local_addr().unwrap();
        let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for addresses in [vec![dead, living], vec![living, dead], vec![dead, dead, living]] {
            let stream = first_to_answer(addresses).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), living);
        }
        assert!(first_to_answer(vec![dead, dead]).await.is_err());
        assert!(first_to_answer(Vec::new()).await.is_err());
    }
}
