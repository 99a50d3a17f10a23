//! Where an address leads, as far as it says: who may send us there.
//!
//! A directory names addresses that we visit. One on the internet must not send us to our own machine or into our own
//! network. What a name says of itself is looked at first, and then, at each connection, what it resolves to ([`resolver`]).

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use client::{Resolver, innermost};
use url::{Host, Url};

/// The ends of names that only a network of one's own knows (RFC 6762, RFC 8375, and what is used for it).
const OWN_NAMES: [&str; 5] = [".local", ".internal", ".lan", ".home", ".home.arpa"];

/// Where an address leads; who is further in may send us there, and to all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// To the internet, or to a name that may be known there.
    Public,
    /// Into a private network.
    Private,
    /// To this machine.
    Machine,
    /// Nowhere that a provider could be.
    Nowhere,
}

impl Place {
    /// Where a URL leads; `None` for what is none.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        Some(match url.host()? {
            Host::Domain(name) => of_name(name),
            Host::Ipv4(v4) => of_address(IpAddr::V4(v4)),
            Host::Ipv6(v6) => of_address(IpAddr::V6(v6)),
        })
    }

    /// Whether a directory here may send us to an address.
    fn admits(self, address: IpAddr) -> bool {
        self.may_name(of_address(address))
    }

    /// Whether a directory here may send us there.
    pub(crate) fn may_name(self, other: Self) -> bool {
        other <= self && other != Self::Nowhere
    }
}

/// Resolves names as the system does, to those addresses to which a directory at this place may send us.
pub(crate) fn resolver(directory: Place) -> Resolver {
    Arc::new(move |name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            admitted(directory, found.map(|address| address.ip()))
        })
    })
}

fn admitted(directory: Place, found: impl Iterator<Item = IpAddr>) -> std::io::Result<Vec<IpAddr>> {
    let admitted: Vec<IpAddr> = found.filter(|address| directory.admits(*address)).collect();
    match admitted.is_empty() {
        true => Err(Error::new(
            ErrorKind::PermissionDenied,
            "leads to no address to which its directory may send us",
        )),
        false => Ok(admitted),
    }
}

fn of_name(name: &str) -> Place {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        Place::Machine
    } else if !name.contains('.') || OWN_NAMES.iter().any(|end| name.ends_with(end)) {
        Place::Private
    } else {
        Place::Public
    }
}

fn of_address(address: IpAddr) -> Place {
    match innermost(address) {
        IpAddr::V4(v4) => of_v4(v4),
        IpAddr::V6(v6) => of_v6(v6),
    }
}

fn of_v4(v4: Ipv4Addr) -> Place {
    let [a, b, ..] = v4.octets();
    // 100.64.0.0/10, which carriers share among their customers (RFC 6598).
    let shared = a == 100 && (64..128).contains(&b);
    // This network, groups, what is reserved, and broadcast.
    let nobodys = a == 0 || v4.is_multicast() || a >= 240;
    if v4.is_loopback() {
        Place::Machine
    } else if v4.is_link_local() || nobodys {
        Place::Nowhere
    } else if v4.is_private() || shared {
        Place::Private
    } else {
        Place::Public
    }
}

fn of_v6(v6: Ipv6Addr) -> Place {
    if v6.is_loopback() {
        Place::Machine
    } else if v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() {
        Place::Nowhere
    } else if v6.is_unique_local() {
        Place::Private
    } else {
        Place::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_where_it_leads_however_it_is_written() {
        for (url, place) in [
            ("https://provider.example", Place::Public),
            ("http://192.0.2.1:7811", Place::Public),
            ("http://10.1.2.3", Place::Private),
            ("http://router", Place::Private),
            ("http://Metadata.google.internal.", Place::Private),
            ("http://nas.home.arpa", Place::Private),
            ("http://100.64.0.1", Place::Private),
            ("http://[fd00::1]", Place::Private),
            ("http://127.0.0.1:7811", Place::Machine),
            ("http://2130706433", Place::Machine),
            ("http://0x7f.1", Place::Machine),
            ("http://[::1]:7811", Place::Machine),
            ("http://[::ffff:127.0.0.1]", Place::Machine),
            ("http://[64:ff9b::7f00:1]", Place::Machine),
            ("http://[2002:0a00:0001::]", Place::Private),
            ("http://[64:ff9b::a9fe:a9fe]", Place::Nowhere),
            ("http://LOCALHOST.:7811", Place::Machine),
            ("http://169.254.169.254", Place::Nowhere),
            ("http://[fe80::1]", Place::Nowhere),
            ("http://0.0.0.0", Place::Nowhere),
            ("http://0.1.2.3", Place::Nowhere),
            ("http://240.0.0.1", Place::Nowhere),
        ] {
            assert_eq!(Place::of(url), Some(place), "{url}");
        }
        assert_eq!(Place::of("nonsense"), None);
    }

    #[test]
    fn a_name_leads_no_further_in_than_its_directory_is_whatever_it_resolves_to() {
        let found = ["192.0.2.1", "10.0.0.1", "127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"];
        let found = found.map(|address| address.parse::<IpAddr>().unwrap());
        let left = |directory| admitted(directory, found.into_iter()).unwrap();
        assert_eq!(left(Place::Public), found[..1]);
        assert_eq!(left(Place::Private), found[..2]);
        assert_eq!(left(Place::Machine), [&found[..3], &found[4..]].concat());
        let refused = admitted(Place::Public, found[1..].iter().copied()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn who_is_further_in_may_send_us_further_in() {
        use Place::{Machine, Nowhere, Private, Public};
        assert!(Machine.may_name(Machine) && Machine.may_name(Private) && Private.may_name(Public));
        assert!(!Public.may_name(Private) && !Public.may_name(Machine) && !Private.may_name(Machine));
        assert!([Public, Private, Machine, Nowhere].into_iter().all(|place| !place.may_name(Nowhere)));
    }
}
