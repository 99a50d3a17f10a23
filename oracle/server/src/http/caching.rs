//! Answers that a reader has already are not sent again: `ETag`, `If-None-Match`, `Cache-Control` (RFC 9110, RFC 9111).
//!
//! Small answers are tagged by the hash of their bytes, here and once for all. Where making an answer is dear, its
//! handler knows a tag beforehand, and asks [`has`] before it begins.

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Larger answers are not hashed.
const MOST_HASHED: u64 = 4 * 1024 * 1024;

/// Ask again, and hear whether it has changed.
pub(super) const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// It never changes: for a year, which is as long as caches are told anything.
pub(super) const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Tags answers, and leaves out the bodies of those that the reader has.
pub(super) async fn revalidate(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let mut response = next.run(request).await;
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(ASK_AGAIN);
    if !reads || response.status() != StatusCode::OK {
        return response;
    }
    let response = tagged(response).await;
    match (known, response.headers().get(header::ETAG)) {
        (Some(known), Some(tag)) if names(&known, tag) => not_modified(response.headers()),
        _ => response,
    }
}

/// Whether the reader has what this tag stands for.
pub(super) fn has(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    headers.get(header::IF_NONE_MATCH).is_some_and(|known| names(known, tag))
}

/// The answer for a reader who has what this tag stands for.
pub(super) fn unchanged(tag: HeaderValue, cache: HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, tag), (header::CACHE_CONTROL, cache)]).into_response()
}

async fn tagged(response: Response) -> Response {
    let small = response.body().size_hint().exact().is_some_and(|size| size <= MOST_HASHED);
    if !small || response.headers().contains_key(header::ETAG) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let hash = hex::encode(&terms::canonical::sha256(&bytes)[..16]);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{hash}\"")) {
        parts.headers.insert(header::ETAG, tag);
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn not_modified(headers: &HeaderMap) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    for name in [header::ETAG, header::CACHE_CONTROL] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// The comparison is the weak one, as for any `GET`.
fn names(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.trim() == "*" || known.split(',').any(|each| opaque(each) == opaque(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_has_what_one_of_its_tags_names() {
        let tag = HeaderValue::from_static("W/\"abc\"");
        for known in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert!(names(&HeaderValue::from_static(known), &tag), "{known}");
        }
        for known in ["\"ab\"", "abc", ""] {
            assert!(!names(&HeaderValue::from_static(known), &tag), "{known}");
        }
    }
}
