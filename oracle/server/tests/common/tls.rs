//! A certificate authority for a test, and an HTTPS service whose certificate a test chooses.

#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
pub use testbed::Identity;
use testbed::THE_CENTURY;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::common::START;

/// Vouches for certificates.
pub struct Authority(testbed::Authority);

/// Seconds since 2021-06-08T00:00:00Z.
pub type Seconds = u64;

/// Certificates last for the whole century, unless a test says otherwise.
impl Authority {
    pub fn new(name: &str) -> Self {
        Self(testbed::Authority::new(name).unwrap())
    }

    pub fn vouch(&self, host: &str) -> Identity {
        self.0.vouch(host, THE_CENTURY).unwrap()
    }

    /// A certificate for `edge.example` whose last second is this one.
    pub fn vouch_until(&self, last: Seconds) -> Identity {
        self.until(START + last)
    }

    /// A certificate for `edge.example` that the machine's own clock has so many seconds left for.
    pub fn vouch_until_now_and(&self, seconds: Seconds) -> Identity {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        self.until(now.as_secs() + seconds)
    }

    /// A certificate for `edge.example` whose first second is this one.
    pub fn vouch_from(&self, first: Seconds) -> Identity {
        self.0.vouch("edge.example", START + first..=*THE_CENTURY.end()).unwrap()
    }

    fn until(&self, last: u64) -> Identity {
        self.0.vouch("edge.example", *THE_CENTURY.start()..=last).unwrap()
    }

    /// Writes the authority's own certificate.
    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.0.pem()).unwrap();
    }

    /// The authority's own certificate.
    pub fn der(&self) -> &[u8] {
        self.0.der()
    }
}

/// What a service saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub handshakes: u32,
    pub requests: u32,
    /// The name that the last handshake asked for.
    pub sni: Option<String>,
    /// The last request's `Host` header.
    pub host: Option<String>,
}

/// An HTTPS service that says 200 to everything and keeps its connections.
#[derive(Clone)]
pub struct TlsService {
    pub addr: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    config: Arc<ServerConfig>,
    answer: String,
    seen: Seen,
}

impl TlsService {
    pub async fn start(identity: Identity) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Shared {
            config: identity.server().unwrap(),
            answer: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned(),
            seen: Seen::default(),
        };
        let service = Self { addr, shared: Arc::new(Mutex::new(shared)) };
        let serving = service.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = serving.clone();
                tokio::spawn(async move { service.converse(stream).await });
            }
        });
        service
    }

    /// New connections get this certificate; the others stay as they are.
    pub fn present(&self, identity: Identity) {
        self.shared.lock().unwrap().config = identity.server().unwrap();
    }

    /// Answers with these bytes from now on.
    pub fn answer(&self, bytes: &str) {
        bytes.clone_into(&mut self.shared.lock().unwrap().answer);
    }

    pub fn seen(&self) -> Seen {
        self.shared.lock().unwrap().seen.clone()
    }

    async fn converse(&self, stream: TcpStream) -> Option<()> {
        let config = Arc::clone(&self.shared.lock().unwrap().config);
        stream.set_nodelay(true).ok()?; // Or every handshake waits for the kernel's delayed acknowledgement.
        let mut stream = TlsAcceptor::from(config).accept(stream).await.ok()?;
        {
            let seen = &mut self.shared.lock().unwrap().seen;
            seen.handshakes += 1;
            seen.sni = stream.get_ref().1.server_name().map(str::to_owned);
        }
        loop {
            let head = head(&mut stream).await?;
            let answer = {
                let mut shared = self.shared.lock().unwrap();
                shared.seen.requests += 1;
                shared.seen.host =
                    head.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned);
                shared.answer.clone()
            };
            stream.write_all(answer.as_bytes()).await.ok()?;
            stream.flush().await.ok()?;
        }
    }
}

/// One request; the probes send no bodies.
async fn head(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
