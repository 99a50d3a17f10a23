//! Finding the addresses of names in another way than the system's, such as one that refuses some of them.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The addresses of a name, or why there are none that may be asked.
pub type Resolved = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a name. It is asked at each connection, so that what it refuses is not reached, whatever the name
/// meant a moment ago. An address that stands in a URL itself has no name, and is for the caller to judge.
pub type Resolver = Arc<dyn Fn(String) -> Resolved + Send + Sync>;

/// Where an address leads in the end: one of IPv6 that stands for one of IPv4 is mapped (RFC 4291), translated (`64:ff9b::/96`,
/// RFC 6052) or tunnelled (6to4, RFC 3056). Whoever judges addresses judges this one.
#[must_use]
pub fn innermost(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => v4(g, h),
        [0x2002, ..] => v4(b, c),
        _ => address,
    }
}

/// A [`Resolver`] as the transport has it.
pub(crate) struct By(pub(crate) Resolver);

impl Resolve for By {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = (self.0)(name.as_str().to_owned());
        Box::pin(async move {
            let found = addresses.await?;
            // The port is the URL's.
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}
