//! What happens at the own node: in pages, and as it happens (server-sent events).

use std::time::Duration;

use protocol::owner::{EventsPage, NodeEvent};
use reqwest::Response;

use crate::error::ClientError;
use crate::http::transport;
use crate::owner::OwnerClient;

/// The node says something every 15 s; when it was silent for so long it is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// The most bytes of one event on its way.
const MAX_EVENT_BYTES: usize = 64 * 1024;

/// A node's events as they happen, until it stops or the connection breaks. Whoever follows anew after the last id that they
/// saw misses nothing, and is told nothing twice.
#[derive(Debug)]
pub struct EventStream {
    response: Response,
    url: String,
    buffer: Vec<u8>,
    data: String,
}

impl OwnerClient {
    /// What happened after an id, the oldest first; 0 begins with the oldest that is kept.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn events(&self, after: u64, limit: u64) -> Result<EventsPage, ClientError> {
        self.get(&format!("/v1/events?after={after}&limit={limit}")).await
    }

    /// What happens after an id, as it happens.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn follow(&self, after: u64) -> Result<EventStream, ClientError> {
        let (url, response) = self.http.listen(&format!("/v1/events/stream?after={after}"), SILENCE).await?;
        Ok(EventStream { response, url, buffer: Vec::new(), data: String::new() })
    }
}

impl EventStream {
    /// The next event; none when the node has ended the stream in order.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no event.
    pub async fn next(&mut self) -> Result<Option<NodeEvent>, ClientError> {
        loop {
            while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                if let Some(event) = self.take(&String::from_utf8_lossy(&line))? {
                    return Ok(Some(event));
                }
            }
            match self.response.chunk().await.map_err(|error| transport(&self.url, error))? {
                None => return Ok(None),
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
            }
            if self.buffer.len() + self.data.len() > MAX_EVENT_BYTES {
                return Err(self.malformed(format!("is longer than {MAX_EVENT_BYTES} bytes")));
            }
        }
    }

    /// Takes a line: an empty one ends an event. Ids and types are in its data as well, comments are nothing.
    fn take(&mut self, line: &str) -> Result<Option<NodeEvent>, ClientError> {
        let line = line.trim_end_matches(['\r', '\n']);
        if let Some(data) = line.strip_prefix("data:") {
            self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
        }
        if !line.is_empty() || self.data.is_empty() {
            return Ok(None);
        }
        let data = std::mem::take(&mut self.data);
        serde_json::from_str(&data).map(Some).map_err(|error| self.malformed(error.to_string()))
    }

    fn malformed(&self, rule: String) -> ClientError {
        ClientError::Malformed { url: self.url.clone(), field: "event".to_owned(), rule }
    }
}
