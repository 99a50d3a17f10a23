//! Finding the addresses of names in another way than the system's, such as one that refuses some of them.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The addresses of a name, or why there are none that may be asked.
pub type Resolved = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a name. It is asked at each connection, so that what it refuses is not reached, whatever the name
/// meant a moment ago. An address that stands in a URL itself has no name, and is for the caller to judge.
pub type Resolver = Arc<dyn Fn(String) -> Resolved + Send + Sync>;

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
