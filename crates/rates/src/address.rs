//! Which address a request comes from, and what stands for it.

use std::net::{IpAddr, Ipv6Addr};

/// What stands for an address: itself, or the first 64 bits of IPv6, of which whoever has one has all.
///
/// ```
/// let network = |text: &str| rates::network(text.parse().unwrap()).to_string();
/// assert_eq!(network("2001:db8::7"), "2001:db8::");
/// assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
/// ```
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

/// The client's address behind proxies that are believed; `forwarded` are the lines of `X-Forwarded-For`, in order.
///
/// Each proxy adds the address that it was asked from to the end. The last one that no believed proxy has is the client's;
/// what stands before it, anybody could have written.
pub fn behind_proxies<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[IpAddr],
) -> IpAddr {
    let mut client = peer.to_canonical();
    for hop in forwarded.rev().flat_map(|line| line.rsplit(',')) {
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
        let trusted: Vec<IpAddr> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        behind_proxies(peer.parse().unwrap(), lines.iter().copied(), &trusted).to_string()
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
