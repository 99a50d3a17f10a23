//! The URLs that a target may have: one spelling each, so that every reader probes the same thing.

use url::Url;

use crate::canonical::{DocumentError, ensure};

/// The longest URL, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// Checks a target's URL.
pub(super) fn check(text: &str) -> Result<(), DocumentError> {
    ensure(text.len() <= MAX_URL_BYTES, "url", "must be at most 2048 bytes long")?;
    let Ok(url) = Url::parse(text) else {
        return Err(DocumentError::new("url", "must be an absolute URL such as http://edge.example/health"));
    };
    ensure(matches!(url.scheme(), "http" | "https"), "url", "must begin with http:// or https://")?;
    ensure(url.username().is_empty() && url.password().is_none(), "url", "must not carry credentials")?;
    ensure(url.fragment().is_none(), "url", "must not have a fragment")?;
    ensure(url.port() != Some(0), "url", "must not name port 0")?;
    // Case, dots, default ports and international names all have one normal spelling; two documents
    // that measure the same thing then have one event id.
    ensure(url.as_str() == text, "url", &format!("must be in normal form: {url}"))
}
