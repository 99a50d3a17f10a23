//! How pages go out: their headers, and what a reader gets that asks for something else.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, html};

use super::shell::{self, STYLE};
use crate::overview::State;
use crate::store::StoreError;
use crate::views::ViewError;

/// No script, nothing from elsewhere, no frames; the one style sheet by its hash.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = BASE64_STANDARD.encode(terms::canonical::sha256(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// A page is shown again this long before it is asked for anew.
const PAGE_AGE: &str = "public, max-age=10";

/// An answer that is no page.
#[derive(Debug)]
pub(super) enum PageError {
    /// There is no such thing.
    Missing(&'static str),
    /// What was asked for breaks a rule.
    Bad(&'static str),
    /// A fault of our own, which was logged.
    Broken,
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a page could not be made");
        Self::Broken
    }
}

impl From<ViewError> for PageError {
    fn from(error: ViewError) -> Self {
        tracing::error!(%error, "a page could not be made");
        Self::Broken
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, title, text) = match self {
            Self::Missing(what) => (StatusCode::NOT_FOUND, "Not here", what),
            Self::Bad(rule) => (StatusCode::BAD_REQUEST, "Not understood", rule),
            Self::Broken => {
                (StatusCode::INTERNAL_SERVER_ERROR, "Something broke", "The oracle's own log says what.")
            }
        };
        let body = html! { h1 { (title) } p { (text) } p { a href="/" { "All services" } } };
        let page = shell::page(&shell::Head { title, refresh_s: None, now_s: None }, &body);
        let mut response = (status, page.into_string()).into_response();
        set_headers(response.headers_mut(), "text/html; charset=utf-8", "no-store");
        response
    }
}

/// A page as an answer. The API's own layer tags it, and leaves out what the reader has.
pub(super) fn page(page: &Markup) -> Response {
    sent(page, "text/html; charset=utf-8", PAGE_AGE)
}

/// A document as an answer.
pub(super) fn sent(document: &Markup, kind: &'static str, age: &'static str) -> Response {
    let mut response = (StatusCode::OK, document.0.clone()).into_response();
    set_headers(response.headers_mut(), kind, age);
    response
}

fn set_headers(headers: &mut HeaderMap, kind: &'static str, age: &'static str) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(age));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// A state's word, with its sign.
pub(super) fn state_word(state: State) -> (&'static str, &'static str) {
    match state {
        State::Down => ("down", "Down"),
        State::Unknown => ("unknown", "Unknown"),
        State::Up => ("up", "Up"),
        State::Idle => ("idle", "Not measured now"),
    }
}
