//! Names that lead somewhere: hosts, ports, pointers into JSON.

use std::net::{IpAddr, Ipv6Addr};

use crate::canonical::{DocumentError, ensure};

const MAX_POINTER_BYTES: usize = 256;
const MAX_NAME_BYTES: usize = 253;

/// A host: a name, or an IP address in its normal form (no brackets).
pub(super) fn host(field: &str, text: &str) -> Result<(), DocumentError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        let normal = normal(address);
        return ensure(text == normal, field, &format!("must be in normal form: {normal}"));
    }
    ensure(is_host_name(text), field, HOST_RULE)
}

fn normal(address: IpAddr) -> String {
    address.to_string()
}

const HOST_RULE: &str = "must be an IP address, or a host name in lower case without a dot at its end";

/// A name of letters, digits and hyphens (RFC 1123), the last label no number: otherwise it would be an address.
pub(super) fn is_host_name(text: &str) -> bool {
    let last_is_number = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    is_name(text, false) && !last_is_number
}

/// A name that the domain name system may hold; services and keys live under labels with underscores.
pub(super) fn is_dns_name(text: &str) -> bool {
    is_name(text, true)
}

fn is_name(text: &str, underscores: bool) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-') || (underscores && b == b'_'))
    };
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.split('.').all(label)
}

/// A port.
pub(super) fn port(field: &str, port: u16) -> Result<(), DocumentError> {
    ensure(port > 0, field, "must be from 1 to 65535")
}

/// `host:port`, an IPv6 address in brackets.
pub(super) fn authority(field: &str, text: &str) -> Result<(), DocumentError> {
    let rule = "must be a host and a port, such as ns1.example:53 or [2001:db8::1]:53";
    let Some((name, port)) = text.rsplit_once(':') else {
        return Err(DocumentError::new(field, rule));
    };
    let number = port.parse::<u16>().ok().filter(|number| *number > 0 && number.to_string() == port);
    ensure(number.is_some(), field, rule)?;
    match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => {
            ensure(address.parse::<Ipv6Addr>().is_ok(), field, rule)?;
            host(field, address)
        }
        None => {
            ensure(!name.contains(':'), field, rule)?;
            host(field, name)
        }
    }
}

/// A JSON pointer (RFC 6901): empty, or steps that each begin with a slash, `~` only as `~0` and `~1`.
pub(super) fn pointer(field: &str, text: &str) -> Result<(), DocumentError> {
    ensure(text.len() <= MAX_POINTER_BYTES, field, "must be at most 256 bytes long")?;
    let begins = text.is_empty() || text.starts_with('/');
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    ensure(begins && escapes, field, "must be a JSON pointer (RFC 6901) such as /queue/0/length")
}
