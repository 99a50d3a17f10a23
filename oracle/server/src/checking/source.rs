//! An oracle's public API, read by somebody who believes nothing of it.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode, redirect};
use serde::de::DeserializeOwned;
use url::Url;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// So often it is asked for one thing by a server that wants to be asked later.
const TURNED_AWAY: u32 = 20;
/// No server is waited for longer, whatever it says.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The address is none of HTTP.
    #[error("{0}: must be an http or https URL")]
    Url(String),
    /// The server can't be asked.
    #[error("{path}: {error}")]
    Http {
        /// What was asked for.
        path: String,
        /// What went wrong.
        error: reqwest::Error,
    },
    /// It says no.
    #[error("{path}: the server answers {status}")]
    Status {
        /// What was asked for.
        path: String,
        /// Its answer.
        status: StatusCode,
    },
    /// It says too much.
    #[error("{path}: the answer is longer than the {most} bytes that are read")]
    TooLong {
        /// What was asked for.
        path: String,
        /// The bound.
        most: usize,
    },
    /// It says something else than was asked for.
    #[error("{path}: the answer is not what was asked for: {error}")]
    Shape {
        /// What was asked for.
        path: String,
        /// What is wrong.
        error: serde_json::Error,
    },
}

/// Where an oracle publishes.
#[derive(Debug)]
pub struct Source {
    client: Client,
    base: String,
}

impl Source {
    /// The oracle at this address.
    ///
    /// # Errors
    /// When it is no address of HTTP.
    pub fn new(base: &str) -> Result<Self, SourceError> {
        let url =
            Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| SourceError::Url(base.to_owned()))?;
        // Whoever came first has installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none()).build();
        let client = client.map_err(|error| SourceError::Http { path: base.to_owned(), error })?;
        Ok(Self { client, base: url.as_str().trim_end_matches('/').to_owned() })
    }

    /// The bytes under a path, at most so many; `None` where there is nothing.
    ///
    /// # Errors
    /// When the server can't be asked, or says no.
    pub async fn find(&self, path: &str, most: usize) -> Result<Option<Vec<u8>>, SourceError> {
        let failed = |error| SourceError::Http { path: path.to_owned(), error };
        let mut answer = self.ask(path).await.map_err(failed)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(SourceError::Status { path: path.to_owned(), status }),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > most {
                return Err(SourceError::TooLong { path: path.to_owned(), most });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }

    /// Asks, and waits where the server says that it was asked too often, or that others take all that it has to give.
    async fn ask(&self, path: &str) -> Result<Response, reqwest::Error> {
        let mut patience = TURNED_AWAY;
        loop {
            let answer = self.client.get(format!("{}{path}", self.base)).send().await?;
            patience -= 1;
            let later =
                matches!(answer.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            if !later || patience == 0 {
                return Ok(answer);
            }
            let after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let pause =
                Duration::from_secs(after.unwrap_or(1)).clamp(Duration::from_millis(100), LONGEST_PAUSE);
            tokio::time::sleep(pause).await;
        }
    }

    /// As [`Source::find`], where there must be something.
    ///
    /// # Errors
    /// Also when there is nothing.
    pub async fn get(&self, path: &str, most: usize) -> Result<Vec<u8>, SourceError> {
        let missing = || SourceError::Status { path: path.to_owned(), status: StatusCode::NOT_FOUND };
        self.find(path, most).await?.ok_or_else(missing)
    }

    /// The JSON under a path.
    ///
    /// # Errors
    /// Also when it is of another shape.
    pub async fn json<T: DeserializeOwned>(&self, path: &str, most: usize) -> Result<T, SourceError> {
        let bytes = self.get(path, most).await?;
        serde_json::from_slice(&bytes).map_err(|error| SourceError::Shape { path: path.to_owned(), error })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::header::RETRY_AFTER;
    use axum::routing::get;

    use super::*;

    #[tokio::test]
    async fn who_is_asked_to_come_back_later_comes_back() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let busy = get(move || async move {
            match count.fetch_add(1, Ordering::Relaxed) {
                0 => (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "0")], ""),
                1 => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "0")], ""),
                _ => (StatusCode::OK, [(RETRY_AFTER, "")], "an answer"),
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let source = Source::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/busy", busy)).await });
        assert_eq!(source.get("/busy", 100).await.unwrap(), b"an answer");
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }
}
