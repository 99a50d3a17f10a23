//! `/metrics`, and the counting of requests.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::problem::Failure;
use crate::metrics;
use crate::oracle::Oracle;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn routes() -> Router<Arc<Oracle>> {
    Router::new().route("/metrics", get(page))
}

async fn page(State(oracle): State<Arc<Oracle>>) -> Result<Response, Failure> {
    let page = oracle.metrics.read(&oracle).await?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], page).into_response())
}

/// Counts every request by its route.
pub(super) async fn count(State(oracle): State<Arc<Oracle>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = name(request.method());
    let response = next.run(request).await;
    oracle.metrics.answered(&metrics::Request { method, route, status: response.status().as_u16() });
    response
}

/// Methods are anybody's choice too.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    }
}
