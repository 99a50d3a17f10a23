//! A certificate authority, and an HTTPS service whose certificate a test chooses.

#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Vouches for certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// Seconds since 2021-06-08T00:00:00Z.
pub type Seconds = u64;

/// A certificate with its key.
pub struct Identity {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    /// Valid for the whole century.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2099, 1, 1));
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for `host`, from 2021-01-01 on and for the whole century.
    pub fn vouch(&self, host: &str) -> Identity {
        self.sign(host, |_| ())
    }

    /// A certificate for `edge.example` whose last second is this one.
    pub fn vouch_until(&self, last: Seconds) -> Identity {
        self.sign("edge.example", |params| {
            params.not_after = date_time_ymd(2021, 6, 8) + Duration::from_secs(last);
        })
    }

    /// A certificate for `edge.example` that the machine's own clock has so many seconds left for.
    pub fn vouch_until_now_and(&self, seconds: Seconds) -> Identity {
        let end = SystemTime::now() + Duration::from_secs(seconds);
        self.sign("edge.example", |params| params.not_after = end.into())
    }

    /// A certificate for `edge.example` whose first second is this one.
    pub fn vouch_from(&self, first: Seconds) -> Identity {
        self.sign("edge.example", |params| {
            params.not_before = date_time_ymd(2021, 6, 8) + Duration::from_secs(first);
        })
    }

    fn sign(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2021, 1, 1), date_time_ymd(2099, 1, 1));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Identity { certificate: params.signed_by(&key, &self.0).unwrap(), key }
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
            config: server(identity),
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
        self.shared.lock().unwrap().config = server(identity);
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

fn server(identity: Identity) -> Arc<ServerConfig> {
    let key = PrivatePkcs8KeyDer::from(identity.key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.der().clone()], key)
        .unwrap();
    Arc::new(config)
}
