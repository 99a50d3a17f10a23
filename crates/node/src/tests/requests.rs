//! The owner's requests over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::World;
use crate::node::Node;

async fn serve(node: &Arc<Node>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let router = crate::http::owner(Arc::clone(node));
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

/// Sends a request for an address under the key `key`.
async fn ask(node: &Node, addr: SocketAddr, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "POST /v1/addresses HTTP/1.1\r\nhost: node\r\nauthorization: Bearer {}\r\nidempotency-key: key\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        node.token(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_on_when_its_caller_hangs_up_and_its_answer_is_there_later() {
    let world = World::begin();
    let node = world.open().await;
    let addr = serve(&node).await;
    let turn = node.turns.take("key").await;
    let caller = ask(&node, addr, "{}").await;
    until(async || node.turns.is_awaited("key")).await;
    drop(caller);
    // Long enough for the server to notice.
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(turn);
    until(async || node.core.lock().await.store.answer("key").await.unwrap().is_some()).await;

    let stored = node.core.lock().await.store.answer("key").await.unwrap().unwrap();
    let again = answer(ask(&node, addr, "{}").await).await;
    assert!(again.starts_with("HTTP/1.1 200") && again.ends_with(&stored.body), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_or_another_under_the_same_key_is_a_problem() {
    let world = World::begin();
    let node = world.open().await;
    let addr = serve(&node).await;
    let large = " ".repeat(protocol::owner::MAX_REQUEST_BYTES + 1);
    let refused = answer(ask(&node, addr, &large).await).await;
    assert!(refused.contains("problem:too-large"), "{refused}");
    let first = answer(ask(&node, addr, "{}").await).await;
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    let other = answer(ask(&node, addr, "{ }").await).await;
    assert!(other.contains("problem:idempotency-mismatch"), "{other}");
}
