//! What is probed: one of several kinds of target.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::expect::Expectations;
use crate::units::Hex32;

/// What is probed.
///
/// An HTTP target is written as its fields, as it was when there was no other kind; the others are an object under the
/// name of their kind: `{"tcp": {...}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "Wire")]
#[expect(clippy::large_enum_variant, reason = "a measurement has one, and nearly always the large one")]
pub enum Target {
    /// A TCP connection that comes about.
    Tcp(TcpTarget),
    /// A TLS handshake with a valid certificate.
    Tls(TlsTarget),
    /// An answer of the domain name system.
    Dns(DnsTarget),
    /// Signed signs of life that the service sends by itself.
    Heartbeat(HeartbeatTarget),
    /// An HTTP request and its answer.
    #[serde(untagged)]
    Http(HttpTarget),
}

/// An HTTP request, and what a good answer to it looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HttpTarget {
    /// An `http` or `https` URL, named as the service's users name it.
    pub url: String,
    /// `GET`, `HEAD` or `POST`.
    pub method: String,
    /// Headers that are sent, ascending by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// The body of a `POST`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// So many redirects are followed at most; absent: none, and a redirect is an answer like any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirects: Option<u64>,
    /// A probe without a whole answer after this time is bad.
    pub timeout_ms: u64,
    /// What a good answer looks like.
    pub expect: Expectations,
}

/// A header of a request. Like everything in a measurement it is public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name, in lower case.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A port to which a connection must come about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpTarget {
    /// A host name, or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// A probe without a connection after this time is bad.
    pub timeout_ms: u64,
}

/// A port with which a TLS handshake must come about, its certificate valid for the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsTarget {
    /// A host name, or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// A probe whose handshake is not over after this time is bad.
    pub timeout_ms: u64,
    /// The host's certificate is valid for at least so many seconds more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_valid_s: Option<u64>,
}

/// A question to the domain name system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsTarget {
    /// The name that is asked for, in lower case and without a dot at its end.
    pub name: String,
    /// The type of record that is asked for.
    pub record: RecordType,
    /// A probe without an answer after this time is bad.
    pub timeout_ms: u64,
    /// Each of these must be among the answers; absent: any answer of the type is good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// The server that is asked, `host:port`; absent: the oracle's own resolver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// A type of DNS record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// The name that an alias stands for.
    Cname,
    /// Mail exchangers: preference and name.
    Mx,
    /// Name servers.
    Ns,
    /// Texts.
    Txt,
}

/// Signs of life: a slot with a beat that `key` signed is good, one without is bad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatTarget {
    /// The service's name.
    pub name: String,
    /// The x-only key (BIP340) that signs its beats.
    pub key: Hex32,
}

/// A target as it is written. It is flat so that the path of an error leads to the field itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    tcp: Option<TcpTarget>,
    tls: Option<TlsTarget>,
    dns: Option<DnsTarget>,
    heartbeat: Option<HeartbeatTarget>,
    url: Option<String>,
    method: Option<String>,
    #[serde(default)]
    headers: Vec<Header>,
    body: Option<String>,
    redirects: Option<u64>,
    timeout_ms: Option<u64>,
    expect: Option<Expectations>,
}

impl TryFrom<Wire> for Target {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let Wire { tcp, tls, dns, heartbeat, url, method, headers, body, redirects, timeout_ms, expect } =
            wire;
        let tagged =
            [tcp.map(Self::Tcp), tls.map(Self::Tls), dns.map(Self::Dns), heartbeat.map(Self::Heartbeat)];
        let mut tagged = tagged.into_iter().flatten();
        let Some(target) = tagged.next() else {
            return Ok(Self::Http(HttpTarget {
                url: url.ok_or("missing field `url`")?,
                method: method.ok_or("missing field `method`")?,
                headers,
                body,
                redirects,
                timeout_ms: timeout_ms.ok_or("missing field `timeout_ms`")?,
                expect: expect.ok_or("missing field `expect`")?,
            }));
        };
        let http = url.is_some() || method.is_some() || timeout_ms.is_some() || expect.is_some();
        let extras = !headers.is_empty() || body.is_some() || redirects.is_some();
        if tagged.next().is_some() || http || extras {
            return Err(
                "must be one kind of target: the fields of an HTTP request, or one of tcp, tls, dns, heartbeat",
            );
        }
        Ok(target)
    }
}

impl Target {
    /// The HTTP request; `None` for another kind.
    pub fn http(&self) -> Option<&HttpTarget> {
        match self {
            Self::Http(http) => Some(http),
            _ => None,
        }
    }

    /// As [`Target::http`], to change it.
    pub fn http_mut(&mut self) -> Option<&mut HttpTarget> {
        match self {
            Self::Http(http) => Some(http),
            _ => None,
        }
    }

    /// After this time a probe is bad; `None` for heartbeats, which nobody waits for.
    pub fn timeout_ms(&self) -> Option<u64> {
        match self {
            Self::Http(it) => Some(it.timeout_ms),
            Self::Tcp(it) => Some(it.timeout_ms),
            Self::Tls(it) => Some(it.timeout_ms),
            Self::Dns(it) => Some(it.timeout_ms),
            Self::Heartbeat(_) => None,
        }
    }

    /// The host of the measured service, without its port: what is measured there fails together. A heartbeat has no host,
    /// and is told by its key.
    pub fn host(&self) -> String {
        match self {
            Self::Http(it) => {
                let url = url::Url::parse(&it.url).ok();
                let host = url.as_ref().and_then(url::Url::host_str).unwrap_or(&it.url);
                host.trim_matches(['[', ']']).to_owned()
            }
            Self::Tcp(it) => it.host.to_ascii_lowercase(),
            Self::Tls(it) => it.host.to_ascii_lowercase(),
            Self::Dns(it) => it.name.clone(),
            Self::Heartbeat(it) => format!("heartbeat:{}", it.key),
        }
    }

    /// Does a probe of it judge a certificate?
    pub fn needs_certificates(&self) -> bool {
        match self {
            // A redirect may lead from http to https.
            Self::Http(it) => it.url.starts_with("https:") || it.redirects.is_some(),
            Self::Tls(_) => true,
            Self::Tcp(_) | Self::Dns(_) | Self::Heartbeat(_) => false,
        }
    }

    /// The kind's name in a document: `http`, `tcp`, `tls`, `dns` or `heartbeat`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Tcp(_) => "tcp",
            Self::Tls(_) => "tls",
            Self::Dns(_) => "dns",
            Self::Heartbeat(_) => "heartbeat",
        }
    }
}

impl HttpTarget {
    /// A plain `GET`.
    pub fn get(url: impl Into<String>, timeout_ms: u64, expect: Expectations) -> Self {
        Self {
            url: url.into(),
            method: "GET".to_owned(),
            headers: Vec::new(),
            body: None,
            redirects: None,
            timeout_ms,
            expect,
        }
    }
}

/// The target in a few words, for a person: a URL, or what comes nearest to one.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(it) => f.write_str(&it.url),
            Self::Tcp(it) => write!(f, "tcp://{}", authority(&it.host, it.port)),
            Self::Tls(it) => write!(f, "tls://{}", authority(&it.host, it.port)),
            Self::Dns(it) => write!(f, "dns:{}?type={}", it.name, it.record),
            Self::Heartbeat(it) => write!(f, "heartbeat:{}", it.name),
        }
    }
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Txt => "TXT",
        })
    }
}
