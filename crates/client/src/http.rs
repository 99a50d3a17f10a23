//! One request and its bounded answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use protocol::request::{Call, PAYMENT_REFERENCE};
use protocol::{Problem, text};
use reqwest::{ClientBuilder, Method, RequestBuilder, Response, redirect};
use rustls::ClientConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::ClientError;
use crate::resolve::{By, Resolver};
use crate::signer::{Asker, Signer};
use crate::tls;

/// The time to connect. A host that does not answer within it is called unreachable, soon enough for a person.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest problem that is read, in bytes.
const MAX_PROBLEM_BYTES: usize = 64 * 1024;

/// A server, and how long it may take to answer.
#[derive(Clone)]
pub(crate) struct Http {
    base: String,
    client: reqwest::Client,
    token: Option<String>,
}

/// Without the token, which must not reach a log.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("base", &self.base).finish_non_exhaustive()
    }
}

/// An answer whose status says yes.
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: u16,
    pub(crate) bytes: Vec<u8>,
}

impl Http {
    pub(crate) fn new(base: &str, timeout: Duration) -> Result<Self, ClientError> {
        let url = check_base(base)?;
        let tls = tls::for_scheme(url.scheme())
            .map_err(|rule| ClientError::BaseUrl { url: base.to_owned(), rule })?;
        Self::over(&url, timeout, tls)
    }

    /// As [`Http::new`], with names that are resolved otherwise.
    pub(crate) fn resolving(base: &str, timeout: Duration, resolver: Resolver) -> Result<Self, ClientError> {
        let url = check_base(base)?;
        let tls = tls::for_scheme(url.scheme())
            .map_err(|rule| ClientError::BaseUrl { url: base.to_owned(), rule })?;
        let builder = reqwest::Client::builder().timeout(timeout).dns_resolver(Arc::new(By(resolver)));
        Self::built(&url, builder, tls)
    }

    fn over(url: &Url, timeout: Duration, tls: ClientConfig) -> Result<Self, ClientError> {
        Self::built(url, reqwest::Client::builder().timeout(timeout), tls)
    }

    fn built(url: &Url, builder: ClientBuilder, tls: ClientConfig) -> Result<Self, ClientError> {
        let base = url.as_str().trim_end_matches('/').to_owned();
        let client = builder
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("earnest/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| ClientError::Unreachable { url: base.clone(), source })?;
        Ok(Self { base, client, token: None })
    }

    pub(crate) fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.trim().to_owned()), ..self }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) async fn get(&self, path: &str, max_bytes: usize) -> Result<Answer, ClientError> {
        self.send(path, self.request(Method::GET, path), max_bytes).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        body: Vec<u8>,
        max_bytes: usize,
    ) -> Result<Answer, ClientError> {
        let request = self.request(Method::POST, path).header("content-type", "application/json").body(body);
        self.send(path, request, max_bytes).await
    }

    /// As [`Self::get`], with a signature that says whose request it is.
    pub(crate) async fn get_signed(
        &self,
        path: &str,
        signer: &Signer<'_>,
        max_bytes: usize,
    ) -> Result<Answer, ClientError> {
        let credential = signer.sign(&Call { method: "GET", path, body: &[] })?;
        let request = self
            .client
            .request(Method::GET, format!("{}{path}", self.base))
            .header("authorization", credential.to_string());
        self.send(path, request, max_bytes).await
    }

    /// A request that says whose it is, and what it was paid with.
    pub(crate) async fn post_as(
        &self,
        path: &str,
        body: Vec<u8>,
        asker: &Asker<'_>,
        max_bytes: usize,
    ) -> Result<Answer, ClientError> {
        let mut request = match &asker.signer {
            None => self.request(Method::POST, path),
            Some(signer) => {
                let credential = signer.sign(&Call { method: "POST", path, body: &body })?;
                let url = format!("{}{path}", self.base);
                self.client.request(Method::POST, url).header("authorization", credential.to_string())
            }
        };
        if let Some(payment) = asker.payment {
            request = request.header(PAYMENT_REFERENCE, payment);
        }
        let request = request.header("content-type", "application/json").body(body);
        self.send(path, request, max_bytes).await
    }

    pub(crate) async fn post_once<T: Serialize>(
        &self,
        path: &str,
        body: &T,
        idempotency_key: &str,
        max_bytes: usize,
    ) -> Result<Answer, ClientError> {
        let request = self
            .request(Method::POST, path)
            .header("content-type", "application/json")
            .header(protocol::owner::IDEMPOTENCY_KEY, idempotency_key)
            .body(terms::canonical::bytes(body));
        self.send(path, request, max_bytes).await
    }

    /// Begins an answer that has no end, as far as it is not silent for too long.
    pub(crate) async fn listen(
        &self,
        path: &str,
        silence: Duration,
    ) -> Result<(String, Response), ClientError> {
        let url = check_base(&self.base)?;
        let tls = tls::for_scheme(url.scheme())
            .map_err(|rule| ClientError::BaseUrl { url: self.base.clone(), rule })?;
        let patient = Self::built(&url, reqwest::Client::builder().read_timeout(silence), tls)?;
        let patient = Self { token: self.token.clone(), ..patient };
        let url = format!("{}{path}", self.base);
        let response =
            patient.request(Method::GET, path).send().await.map_err(|error| transport(&url, error))?;
        let status = response.status();
        if status.is_success() {
            return Ok((url, response));
        }
        let body = read(response, &url, MAX_PROBLEM_BYTES).await.unwrap_or_default();
        Err(refusal(url, status.as_u16(), &body))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn send(
        &self,
        path: &str,
        request: RequestBuilder,
        max_bytes: usize,
    ) -> Result<Answer, ClientError> {
        let url = format!("{}{path}", self.base);
        let response = request.send().await.map_err(|e| transport(&url, e))?;
        let status = response.status();
        if status.is_success() {
            let bytes = read(response, &url, max_bytes).await?;
            return Ok(Answer { url, status: status.as_u16(), bytes });
        }
        let status = status.as_u16();
        let body = read(response, &url, MAX_PROBLEM_BYTES).await.unwrap_or_default();
        Err(refusal(url, status, &body))
    }
}

impl Answer {
    /// The answer as text.
    pub(crate) fn text(self) -> Result<String, ClientError> {
        let text = std::str::from_utf8(&self.bytes).map(str::to_owned);
        text.map_err(|error| self.malformed("body", error.to_string()))
    }

    /// Reads the answer as JSON. Fields that it does not know are ignored, so that an API can grow.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        let mut reader = serde_json::Deserializer::from_slice(&self.bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|e| {
            let path = e.path().to_string();
            self.malformed(if path == "." { "body" } else { &path }, e.inner().to_string())
        })?;
        reader.end().map_err(|e| self.malformed("body", e.to_string()))?;
        Ok(value)
    }

    pub(crate) fn malformed(&self, field: impl Into<String>, rule: impl Into<String>) -> ClientError {
        ClientError::Malformed { url: self.url.clone(), field: field.into(), rule: rule.into() }
    }
}

fn check_base(base: &str) -> Result<Url, ClientError> {
    let refuse = |rule| ClientError::BaseUrl { url: base.to_owned(), rule };
    let url = Url::parse(base).map_err(|_| refuse("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("must be an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("must not carry a user or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("must not carry a query or fragment"));
    }
    Ok(url)
}

/// Reads a body up to a bound, whatever its length header promises.
async fn read(mut response: Response, url: &str, max_bytes: usize) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| transport(url, e))? {
        if bytes.len() + chunk.len() > max_bytes {
            let rule = format!("is longer than {max_bytes} bytes");
            return Err(ClientError::Malformed { url: url.to_owned(), field: "body".to_owned(), rule });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

pub(crate) fn transport(url: &str, source: reqwest::Error) -> ClientError {
    let url = url.to_owned();
    // A connection that can't be made in time is a host that isn't there, not a slow answer.
    if source.is_timeout() && !source.is_connect() {
        return ClientError::Timeout { url };
    }
    ClientError::Unreachable { url, source: source.without_url() }
}

/// The reason, if it is one that may be shown to a person; it comes from a stranger.
fn refusal(url: String, status: u16, body: &[u8]) -> ClientError {
    let readable = |p: &Problem| {
        let texts = [Some(&p.kind), Some(&p.title), Some(&p.detail), p.field.as_ref()];
        let price = p.price.as_ref().is_none_or(|price| price.check().is_ok());
        price && texts.into_iter().flatten().all(|t| text::check_text("problem", t).is_ok())
    };
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if readable(&problem) => ClientError::Refused(Problem { status, ..problem }),
        _ => ClientError::Status { url, status },
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::{RootCertStore, ServerConfig};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A server that answers one request with `"yes"`, and the root by which its certificate can be judged.
    async fn server() -> (u16, RootCertStore) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n\"yes\"").await.unwrap();
            stream.flush().await.unwrap();
        });
        (port, roots)
    }

    async fn ask(host: &str, port: u16, roots: RootCertStore) -> Result<String, ClientError> {
        let url = Url::parse(&format!("https://{host}:{port}")).unwrap();
        let http = Http::over(&url, Duration::from_secs(10), tls::trusting(roots).unwrap())?;
        http.get("/", 1_000).await?.json()
    }

    #[tokio::test]
    async fn an_https_server_is_believed_for_its_own_name_by_whoever_knows_its_authority() {
        let (port, roots) = server().await;
        assert_eq!(ask("localhost", port, roots).await.unwrap(), "yes");
        let (port, roots) = server().await;
        let other_name = ask("127.0.0.1", port, roots).await;
        assert!(matches!(other_name, Err(ClientError::Unreachable { .. })), "{other_name:?}");
        let (port, _) = server().await;
        let unknown = ask("localhost", port, RootCertStore::empty()).await;
        assert!(matches!(unknown, Err(ClientError::Unreachable { .. })), "{unknown:?}");
    }
}
