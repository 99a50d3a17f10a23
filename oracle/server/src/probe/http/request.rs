//! Requests as they go out.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use terms::{DocumentError, HttpTarget};
use url::{Position, Url};

use super::connection::Origin;

/// What the oracle calls itself, unless a measurement says otherwise.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("earnest-oracle/", env!("CARGO_PKG_VERSION")));

/// One request, and where it goes.
#[derive(Clone, Debug)]
pub(in crate::probe) struct Hop {
    /// What is asked for.
    pub(super) url: Url,
    /// Where it goes.
    pub(super) origin: Origin,
    /// What is sent there.
    pub(super) request: Request<Full<Bytes>>,
}

impl Hop {
    /// The request that a measurement asks for.
    ///
    /// # Errors
    /// Names the field that makes no request.
    pub(super) fn first(target: &HttpTarget) -> Result<Self, DocumentError> {
        let refuse = |field: &str, rule: &str| DocumentError::new(format!("target.{field}"), rule);
        let url = Url::parse(&target.url).map_err(|_| refuse("url", "must be a URL"))?;
        let method = Method::from_bytes(target.method.as_bytes())
            .map_err(|_| refuse("method", "must be GET, HEAD or POST"))?;
        let headers = headers(target).ok_or_else(|| refuse("headers", "must be headers of HTTP"))?;
        let body = Bytes::from(target.body.clone().unwrap_or_default());
        Self::to(url, method, &headers, body)
            .ok_or_else(|| refuse("url", "must be an http or https URL with a host"))
    }

    /// A plain request for `url`; `None` when it is no URL of `http` or `https`.
    pub(super) fn get(url: &Url) -> Option<Self> {
        Self::to(url.clone(), Method::GET, &HeaderMap::new(), Bytes::new())
    }

    /// The same request for another URL. The measurement's headers are meant for its own origin and go to no other.
    pub(super) fn sent_on(&self, url: Url) -> Option<Self> {
        let mut next = Self::to(url, self.request.method().clone(), &HeaderMap::new(), Bytes::new())?;
        if next.origin == self.origin {
            let host = next.request.headers_mut().remove(HOST)?;
            *next.request.headers_mut() = self.request.headers().clone();
            next.request.headers_mut().insert(HOST, host);
        }
        Some(next)
    }

    /// The name stays that of the URL, wherever the connection is led to.
    fn to(url: Url, method: Method, headers: &HeaderMap, body: Bytes) -> Option<Self> {
        let origin = Origin::of(&url)?;
        let path = Uri::try_from(&url[Position::BeforePath..Position::AfterQuery]).ok()?;
        let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).ok()?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path;
        let all = request.headers_mut();
        all.insert(HOST, host);
        all.insert(USER_AGENT, AGENT);
        all.insert(ACCEPT, HeaderValue::from_static("*/*"));
        all.extend(headers.clone());
        Some(Self { url, origin, request })
    }

    /// Asking twice is as good as asking once.
    pub(super) fn is_repeatable(&self) -> bool {
        self.request.method().is_idempotent()
    }
}

fn headers(target: &HttpTarget) -> Option<HeaderMap> {
    let header = |name: &str, value: &str| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
    };
    target.headers.iter().map(|it| header(&it.name, &it.value)).collect()
}
