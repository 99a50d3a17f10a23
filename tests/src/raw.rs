//! Requests that our own clients would never make.

use serde_json::Value;

use crate::http::{Parts, Request, exchange};

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The `Content-Type`, or nothing.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Insists on a problem (RFC 9457) of this status, and returns it.
    ///
    /// # Panics
    /// When the answer is anything else.
    #[must_use]
    pub fn problem(&self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!((self.status, self.content_type.as_str()), (status, "application/problem+json"), "{text}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{text}");
        assert!(problem["title"].is_string() && problem["type"].is_string(), "{text}");
        problem
    }
}

/// A GET, with a bearer token where one is given.
pub async fn get(url: &str, token: Option<&str>) -> Answer {
    send("GET", url, token, &[], &[]).await
}

/// A POST, with more headers where they are given.
pub async fn post(
    url: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Answer {
    send("POST", url, token, headers, body.as_ref()).await
}

async fn send(method: &str, url: &str, token: Option<&str>, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let rest = url.strip_prefix("http://").expect("our processes speak plain HTTP");
    let slash = rest.find('/').expect("a URL with a path");
    let (addr, path) = (rest[..slash].parse().expect("our processes have addresses"), &rest[slash..]);
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = headers.to_vec();
    headers.extend(bearer.as_deref().map(|value| ("Authorization", value)));
    let answer = exchange(addr, Request { method, path, headers: &headers, body }).await;
    let Parts { status, content_type, body } = answer.expect("somebody answers");
    Answer { status, content_type, body }
}
