//! The rules of an HTTP target.

use super::{expect, target, url};
use crate::canonical::{DocumentError, ensure};
use crate::measurement::{Header, HttpTarget};

const MAX_HEADERS: usize = 16;
const MAX_HEADER_NAME_BYTES: usize = 64;
const MAX_HEADER_VALUE_BYTES: usize = 1024;
const MAX_BODY_BYTES: usize = 4096;
const MAX_REDIRECTS: u64 = 10;

/// Headers that belong to the connection, or follow from URL and body: the client writes them.
const NOT_TO_BE_SET: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Checks an HTTP target.
pub(super) fn check(http: &HttpTarget, probe_every_ms: u64) -> Result<(), DocumentError> {
    url::check(&http.url)?;
    let method = http.method.as_str();
    ensure(matches!(method, "GET" | "HEAD" | "POST"), "method", "must be GET, HEAD or POST")?;
    headers(&http.headers)?;
    body(http)?;
    redirects(http)?;
    target::timeout(http.timeout_ms, probe_every_ms)?;
    expect::check(&http.expect, method == "HEAD").map_err(|error| error.within("expect"))?;
    let https = http.url.starts_with("https:") || http.expect.certificate_valid_s.is_none();
    ensure(https, "expect.certificate_valid_s", "must be left out: an http URL has no certificate")
}

fn headers(headers: &[Header]) -> Result<(), DocumentError> {
    ensure(headers.len() <= MAX_HEADERS, "headers", "must be at most 16")?;
    for (index, given) in headers.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| headers.get(before));
        header(given, before).map_err(|error| error.within(&format!("headers[{index}]")))?;
    }
    Ok(())
}

fn header(header: &Header, before: Option<&Header>) -> Result<(), DocumentError> {
    let Header { name, value } = header;
    let token = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9') || b"!#$%&'*+-.^_`|~".contains(&b);
    let is_name = (1..=MAX_HEADER_NAME_BYTES).contains(&name.len()) && name.bytes().all(token);
    ensure(is_name, "name", "must be a header's name in lower case, at most 64 bytes long")?;
    let ours = NOT_TO_BE_SET.contains(&name.as_str());
    ensure(!ours, "name", "must not be one of the connection's: the oracle writes it itself")?;
    let ascends = before.is_none_or(|before| before.name < *name);
    ensure(ascends, "name", "must come after the name before it: headers ascend, each once")?;
    let is_value = value.len() <= MAX_HEADER_VALUE_BYTES
        && value.bytes().all(|b| matches!(b, b' '..=b'~'))
        && value.trim_matches(' ') == value;
    ensure(is_value, "value", "must be at most 1024 printable ASCII characters, no space at either end")
}

fn body(http: &HttpTarget) -> Result<(), DocumentError> {
    let Some(body) = &http.body else {
        return Ok(());
    };
    ensure(http.method == "POST", "body", "must be left out: only POST sends one")?;
    ensure((1..=MAX_BODY_BYTES).contains(&body.len()), "body", "must be 1 to 4096 bytes long")
}

/// What becomes of a POST when it is redirected differs between clients.
fn redirects(http: &HttpTarget) -> Result<(), DocumentError> {
    let Some(redirects) = http.redirects else {
        return Ok(());
    };
    ensure((1..=MAX_REDIRECTS).contains(&redirects), "redirects", "must be from 1 to 10, or be left out")?;
    ensure(http.method != "POST", "redirects", "must be left out: a POST is not sent on")
}
