//! Requests that our own clients would never make.

use serde_json::Value;

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
    let request = client().get(url);
    send(authorised(request, token)).await
}

/// A POST, with more headers where they are given.
pub async fn post(
    url: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Answer {
    let mut request = authorised(client().post(url).body(body.into()), token);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request).await
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a plain client can be built")
}

fn authorised(request: reqwest::RequestBuilder, token: Option<&str>) -> reqwest::RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

async fn send(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.expect("somebody answers");
    let status = answer.status().as_u16();
    let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let body = answer.bytes().await.expect("the answer is whole").to_vec();
    Answer { status, content_type, body }
}
