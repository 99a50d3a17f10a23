//! `[mcp]`: where agents reach the node's tools over HTTP.

use std::net::SocketAddr;

use serde::Deserialize;

use super::ConfigError;

/// The most names, and the most origins, that are let in.
const MOST_NAMES: usize = 16;
/// The longest of them.
const LONGEST_NAME: usize = 200;

/// Streamable HTTP for MCP clients; see `docs/mcp.md`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpConfig {
    /// Where it listens; loopback, and not where the owner's API does.
    pub listen: SocketAddr,
    /// Names of this machine that a proxy in front passes on as `Host`, beside the loopback names.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// Web pages that may ask, as browsers write them in `Origin`, such as `https://agent.example:443`. Left out: none.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
}

impl McpConfig {
    pub(super) fn check(&self, owner: SocketAddr) -> Result<(), ConfigError> {
        let rules = [
            (
                self.listen.ip().is_loopback(),
                "mcp.listen",
                "must be a loopback address; put a proxy with TLS in front of it",
            ),
            (self.listen != owner, "mcp.listen", "must be another address than owner_listen"),
            (
                self.allowed_hosts.len() <= MOST_NAMES && self.allowed_hosts.iter().all(|name| is_host(name)),
                "mcp.allowed_hosts",
                "must be at most 16 host names, with or without a port",
            ),
            (
                self.allowed_origins.len() <= MOST_NAMES
                    && self.allowed_origins.iter().all(|name| is_origin(name)),
                "mcp.allowed_origins",
                "must be at most 16 origins with their ports, such as https://agent.example:443",
            ),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            None => Ok(()),
            Some((_, field, rule)) => Err(ConfigError::Rule { field, rule }),
        }
    }
}

fn is_host(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(plain)
}

/// With a port, without which another would be let in as well.
fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let port = |rest: &str| rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    rest.is_some_and(|rest| is_host(rest) && port(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_names_its_port() {
        assert!(is_origin("https://agent.example:443") && is_origin("http://[::1]:8000"));
        for wrong in
            ["agent.example:443", "https://agent.example", "https://agent.example:*", "https://:x", "*", ""]
        {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }
}
