//! Redirects: where an answer sends a request, and whether it goes there.

use hyper::StatusCode;
use hyper::header::{HeaderMap, LOCATION};
use url::Url;

use crate::probe::cause::Cause;

/// An address that an answer names may be this long.
const MAX_LOCATION_BYTES: usize = 4096;

/// Is this an answer that sends a request on?
pub(super) fn sends_on(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where an answer from `url` sends its request: to another `http` or `https` URL, but never from `https` back to
/// `http`, where anybody on the way could have answered.
pub(super) fn location(url: &Url, headers: &HeaderMap) -> Result<Url, Cause> {
    let text = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let text = text.filter(|text| text.len() <= MAX_LOCATION_BYTES).ok_or(Cause::RedirectNowhere)?;
    let mut next = url.join(text).map_err(|_| Cause::RedirectNowhere)?;
    match (url.scheme(), next.scheme()) {
        ("https", "http") => return Err(Cause::RedirectToHttp),
        (_, "http" | "https") => {}
        _ => return Err(Cause::RedirectNowhere),
    }
    // Who is sent on gives no name and password that the answer made up.
    next.set_username("").and_then(|()| next.set_password(None)).map_err(|()| Cause::RedirectNowhere)?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(url: &str, to: &str) -> Result<String, Cause> {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, to.parse().unwrap());
        location(&Url::parse(url).unwrap(), &headers).map(String::from)
    }

    #[test]
    fn a_redirect_leads_from_where_it_was_met() {
        let at = |to| from("https://a.example/b/c?d", to).unwrap();
        assert_eq!(at("/e"), "https://a.example/e");
        assert_eq!(at("e"), "https://a.example/b/e");
        assert_eq!(at("//b.example/"), "https://b.example/");
        assert_eq!(at("https://user:secret@b.example/"), "https://b.example/");
        assert_eq!(from("http://a.example/", "https://a.example/").unwrap(), "https://a.example/");
    }

    #[test]
    fn nobody_is_sent_where_nobody_should_go() {
        assert_eq!(from("https://a.example/", "http://a.example/"), Err(Cause::RedirectToHttp));
        for nowhere in ["file:///etc/passwd", "gopher://a.example/", "https://", "http://a b/"] {
            assert_eq!(from("http://a.example/", nowhere), Err(Cause::RedirectNowhere), "{nowhere}");
        }
        let long = format!("/{}", "a".repeat(MAX_LOCATION_BYTES));
        assert_eq!(from("http://a.example/", &long), Err(Cause::RedirectNowhere));
        let url = Url::parse("http://a.example/").unwrap();
        assert_eq!(location(&url, &HeaderMap::new()), Err(Cause::RedirectNowhere));
    }
}
