//! JSON-RPC to a bitcoind, one connection per call: nothing is kept that a killed node could
//! leave in an odd state.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;

/// Mining a few hundred blocks takes seconds on a busy machine; nothing takes this long.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Why a call gave no result.
#[derive(Debug, Error)]
pub enum RpcError {
    /// The node was stopped or killed and not started again.
    #[error("{method}: the node is not running")]
    NotRunning {
        /// The method called.
        method: String,
    },
    /// The node could not be reached, or broke off.
    #[error("{method}: no answer from the node")]
    Io {
        /// The method called.
        method: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The node refused; `code` is one of Bitcoin Core's `RPCErrorCode`.
    #[error("{method}: {message} ({code})")]
    Refused {
        /// The method called.
        method: String,
        /// Such as -26 for a transaction that the mempool rejects.
        code: i64,
        /// The node's own words, such as `non-final`.
        message: String,
    },
    /// The answer is not what the method was expected to give.
    #[error("{method}: unexpected answer, {status}")]
    Unexpected {
        /// The method called.
        method: String,
        /// The HTTP status line.
        status: String,
        /// Why it could not be read.
        source: serde_json::Error,
    },
}

impl RpcError {
    /// The node's own words where it refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::Refused { message, .. } => Some(message),
            _ => None,
        }
    }
}

/// Where the node listens and how it knows us.
#[derive(Debug, Clone)]
pub(super) struct Rpc {
    addr: SocketAddr,
    authorization: String,
}

#[derive(Deserialize)]
struct Answer {
    result: Value,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
}

impl Rpc {
    pub(super) fn with_cookie(addr: SocketAddr, cookie_file: &Path) -> io::Result<Self> {
        let cookie = std::fs::read_to_string(cookie_file)?;
        let authorization = STANDARD.encode(cookie.trim_end());
        Ok(Self { addr, authorization })
    }

    pub(super) fn call<T: DeserializeOwned>(&self, method: &str, params: &[Value]) -> Result<T, RpcError> {
        let answer = self
            .exchange(method, params)
            .map_err(|source| RpcError::Io { method: method.to_owned(), source })?;
        read_answer(method, &answer)
    }

    fn exchange(&self, method: &str, params: &[Value]) -> io::Result<Vec<u8>> {
        let body = json!({"jsonrpc": "1.0", "id": 0, "method": method, "params": params});
        let body = body.to_string();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.addr,
            self.authorization,
            body.len(),
        );
        let mut stream = TcpStream::connect(self.addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

fn read_answer<T: DeserializeOwned>(method: &str, answer: &[u8]) -> Result<T, RpcError> {
    let (head, body) = split_head(answer);
    let unexpected = |source| RpcError::Unexpected {
        method: method.to_owned(),
        status: head.lines().next().unwrap_or_default().to_owned(),
        source,
    };
    let answer: Answer = serde_json::from_slice(body).map_err(unexpected)?;
    match answer.error {
        Some(Refusal { code, message }) => {
            Err(RpcError::Refused { method: method.to_owned(), code, message })
        }
        None => serde_json::from_value(answer.result).map_err(unexpected),
    }
}

/// The head as text and the body; all head where there is no body.
fn split_head(answer: &[u8]) -> (String, &[u8]) {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.map_or(answer.len(), |end| end + 4));
    (String::from_utf8_lossy(head).into_owned(), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_read_into_the_type_asked_for() {
        let answer = b"HTTP/1.1 200 OK\r\na: b\r\n\r\n{\"result\":7,\"error\":null,\"id\":0}\n";
        let count: u32 = read_answer("getblockcount", answer).unwrap();
        assert_eq!(count, 7);
    }

    #[test]
    fn a_refusal_keeps_the_nodes_words() {
        let answer = b"HTTP/1.1 500 X\r\n\r\n\
            {\"result\":null,\"error\":{\"code\":-26,\"message\":\"non-final\"},\"id\":0}";
        let error = read_answer::<Value>("sendrawtransaction", answer).unwrap_err();
        assert_eq!(error.refusal(), Some("non-final"));
        assert_eq!(error.to_string(), "sendrawtransaction: non-final (-26)");
    }

    #[test]
    fn what_is_no_json_is_an_error_with_the_status() {
        for answer in [&b"HTTP/1.1 401 Unauthorized\r\n\r\n"[..], b"HTTP/1.1 401 Unauthorized"] {
            let error = read_answer::<Value>("uptime", answer).unwrap_err();
            let text = error.to_string();
            assert_eq!(text, "uptime: unexpected answer, HTTP/1.1 401 Unauthorized");
        }
        assert!(read_answer::<Value>("uptime", b"").is_err());
    }
}
