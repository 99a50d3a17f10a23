//! Streamable HTTP, for a client that reaches a running node.
//!
//! Each request stands alone: there are no sessions to keep, to run out of or to take over. It is let in by the bearer token
//! of a delegated key, and only where `Host` and `Origin` are ours, so that no page in a browser gets here by a name that
//! it points at this machine.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use client::ClientError;
use protocol::problem::CONTENT_TYPE;
use protocol::{Problem, ProblemType};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use crate::agent::{AdmitError, Agent};
use crate::server::Server;

/// Where the tools are.
pub const PATH: &str = "/mcp";

/// The largest message of a client, in bytes.
const MOST_BYTES: usize = 256 * 1024;
/// How long one may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);

/// What beside loopback names is let in.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Names of this host, as `Host` has them: those of a proxy in front.
    pub hosts: Vec<String>,
    /// Web pages, as `Origin` has them, such as `https://agent.example:443`. Without `Origin` a request comes from no page.
    pub origins: Vec<String>,
}

/// The tools of the node whose owner's API is at `base`.
pub fn router(base: String, allowed: &Allowed) -> Router {
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MOST_BYTES)
        .with_allowed_hosts(own.into_iter().chain(allowed.hosts.iter().cloned()))
        .with_allowed_origins(allowed.origins.iter().cloned())
        .enforce_origin_validation();
    let server = Server::of_http();
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(server.clone()), sessions, config);
    Router::new()
        .route_service(PATH, service)
        .layer(from_fn_with_state(Arc::<str>::from(base), let_in))
        .fallback(|| async { refuse(&Problem::new(ProblemType::NotFound, "there is nothing here")) })
}

/// Lets whoever has a delegated key through, with the node as that key opens it.
async fn let_in(State(base): State<Arc<str>>, request: Request, next: Next) -> Response {
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned) else {
        let detail = "needs the token of a delegated key: Authorization: Bearer ...";
        return refuse(&Problem::new(ProblemType::Unauthorized, detail));
    };
    let mut request = match whole(request).await {
        Ok(request) => request,
        Err(problem) => return refuse(&problem),
    };
    match Agent::admit(&base, &token).await {
        Ok(agent) => request.extensions_mut().insert(agent),
        Err(error) => return refuse(&problem_of(error)),
    };
    next.run(request).await
}

/// The same request with its body here: bounded in size and time.
async fn whole(request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(ARRIVAL, to_bytes(body, MOST_BYTES)).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Ok(Err(_)) => {
            Err(Problem::new(ProblemType::TooLarge, "the body is not whole, or larger than 256 KiB"))
        }
        Err(_) => Err(Problem::new(ProblemType::BadInput, "the body did not arrive in time")),
    }
}

fn problem_of(error: AdmitError) -> Problem {
    match error {
        AdmitError::Node(ClientError::Refused(problem)) => problem,
        AdmitError::Owner => Problem::new(ProblemType::Mandate, error.to_string()).at("key"),
        other => Problem::new(ProblemType::Unavailable, other.to_string()),
    }
}

fn refuse(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], problem.bytes()).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
