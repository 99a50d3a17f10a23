//! Where probes may connect to: not to the oracle's own network, unless its operator says so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use client::innermost;

/// Is this an address of the public internet?
pub fn is_public(ip: IpAddr) -> bool {
    match innermost(ip) {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// Public by its number, and yet each virtual machine's own host: it tells those inside what is theirs alone.
const AZURE_HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0 // this network
        || a >= 240 // reserved, and broadcast
        || (a == 100 && (64..128).contains(&b)) // carriers' own
        || (a == 198 && (b == 18 || b == 19)) // benchmarks
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || ip == AZURE_HOST;
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let first = ip.segments()[0];
    // Global unicast is 2000::/3, of which 2001::/23 is for protocols (Teredo's tunnels, benchmarks, ORCHID), 2001:db8::/32
    // and 3fff::/20 are for documents.
    (0x2000..0x4000).contains(&first)
        && !(first == 0x2001 && (ip.segments()[1] < 0x0200 || ip.segments()[1] == 0x0db8))
        && !(first == 0x3fff && ip.segments()[1] < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_internet_may_be_probed() {
        for text in ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "2001:4860:4860::8888"]
        {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn an_own_network_may_not_be_probed_however_its_address_is_written() {
        let own = [
            "127.0.0.1",
            "127.8.8.8",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "168.63.129.16",
            "::ffff:168.63.129.16",
            "0.0.0.0",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.2.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001:0:7f00:1::1",
            "2001:2::1",
            "2001:20::1",
            "::127.0.0.1",
        ];
        for text in own {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }
}
