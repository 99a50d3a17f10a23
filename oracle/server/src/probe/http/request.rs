//! Requests as they go out.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use terms::{DocumentError, HttpTarget};
use url::{Position, Url};

use super::connection::Origin;

/// What the oracle calls itself.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("earnest-oracle/", env!("CARGO_PKG_VERSION")));

/// One request, and where it goes.
#[derive(Clone, Debug)]
pub(in crate::probe) struct Hop {
    /// Where it goes.
    pub(super) origin: Origin,
    /// What is sent there.
    pub(super) request: Request<Full<Bytes>>,
}

impl Hop {
    /// The request that a measurement asks for.
    pub(super) fn first(url: &Url, target: &HttpTarget) -> Result<Self, DocumentError> {
        let method = Method::from_bytes(target.method.as_bytes())
            .map_err(|_| DocumentError::new("target.method", "must be GET or HEAD"))?;
        Self::to(url, method, Bytes::new())
            .ok_or_else(|| DocumentError::new("target.url", "must be an http or https URL with a host"))
    }

    /// A plain request for `url`; `None` when it is no URL of `http` or `https`.
    pub(super) fn get(url: &Url) -> Option<Self> {
        Self::to(url, Method::GET, Bytes::new())
    }

    /// The name stays that of the URL, wherever the connection is led to.
    fn to(url: &Url, method: Method, body: Bytes) -> Option<Self> {
        let origin = Origin::of(url)?;
        let path = Uri::try_from(&url[Position::BeforePath..Position::AfterQuery]).ok()?;
        let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).ok()?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, host)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "*/*")
            .body(Full::new(body))
            .ok()?;
        Some(Self { origin, request })
    }

    /// Asking twice is as good as asking once.
    pub(super) fn is_repeatable(&self) -> bool {
        self.request.method().is_idempotent()
    }
}
