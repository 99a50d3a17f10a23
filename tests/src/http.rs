//! HTTP by hand: one request on a connection of its own, so that nothing is added, mended or followed.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer in its parts.
#[derive(Debug)]
pub(crate) struct Parts {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

/// A request: method, path, header lines, body.
pub(crate) struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

/// Sends a request, and reads its answer to the end.
///
/// HTTP/1.0, since then the answer ends with the connection, and comes in one piece.
pub(crate) async fn exchange(addr: SocketAddr, request: Request<'_>) -> io::Result<Parts> {
    let Request { method, path, headers, body } = request;
    let mut head = format!("{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.push_str(&format!("Host: {addr}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let stream = TcpStream::connect(addr).await?;
    let (mut from, mut to) = stream.into_split();
    // A server may answer, and close, before it has read everything.
    let sending = async {
        let _ = to.write_all(head.as_bytes()).await;
        let _ = to.write_all(body).await;
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    tokio::select! {
        read = from.read_to_end(&mut answer) => {
            // A reset after the answer is no loss, since the answer is there.
            read.map(|_| ()).or_else(|error| if answer.is_empty() { Err(error) } else { Ok(()) })?;
        }
        () = sending => {}
    }
    parse(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is no HTTP answer"))
}

fn parse(answer: &[u8]) -> Option<Parts> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
    };
    let content_type = lines.find_map(header).unwrap_or_default();
    Some(Parts { status, content_type, body: answer[end + 4..].to_vec() })
}
