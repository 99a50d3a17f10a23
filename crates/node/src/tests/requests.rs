//! The owner's requests over HTTP: what goes on, what is refused and how, what a repeated one is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::World;
use crate::node::Node;

/// What is sent.
#[derive(Clone, Copy, Debug)]
struct Sent<'a> {
    method: &'a str,
    path: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
}

const PLAIN: Sent<'_> = Sent { method: "GET", path: "/", headers: &[], body: "" };

/// What comes back.
#[derive(Debug)]
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn is_problem(&self, status: u16, kind: &str) {
        let told = (self.status(), self.head.contains("\r\ncontent-type: application/problem+json"));
        assert_eq!(told, (status, true), "{kind}: {}\n{}", self.head, self.body);
        assert_eq!(self.json()["type"], format!("urn:earnest:problem:{kind}"));
        assert_eq!(self.json()["status"], status);
    }
}

async fn serve(router: Router) -> (SocketAddr, AbortHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    (addr, tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle())
}

async fn serve_owner(node: &Arc<Node>) -> (SocketAddr, AbortHandle) {
    serve(crate::http::owner(Arc::clone(node))).await
}

async fn send(addr: SocketAddr, token: &str, sent: Sent<'_>) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let headers: String = sent.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{} {} HTTP/1.1\r\nhost: node\r\nauthorization: Bearer {token}\r\n{headers}content-length: {}\r\n\
         connection: close\r\n\r\n",
        sent.method,
        sent.path,
        sent.body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(sent.body.as_bytes()).await.unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> Answer {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer { head: head.to_owned(), body: body.to_owned() }
}

async fn ask(node: &Node, addr: SocketAddr, sent: Sent<'_>) -> Answer {
    answer(send(addr, &node.token(), sent).await).await
}

async fn post_once(node: &Node, addr: SocketAddr, path: &str, key: &str, body: &str) -> Answer {
    let headers = [("idempotency-key", key)];
    ask(node, addr, Sent { method: "POST", path, headers: &headers, body }).await
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
    let (addr, _) = serve_owner(&node).await;
    let turn = node.turns.take("key").await;
    let headers = [("idempotency-key", "key")];
    let sent = Sent { method: "POST", path: "/v1/addresses", headers: &headers, body: "{}" };
    let caller = send(addr, &node.token(), sent).await;
    until(async || node.turns.is_awaited("key")).await;
    drop(caller);
    // Long enough for the server to notice.
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(turn);
    until(async || node.core.lock().await.store.answer("key").await.unwrap().is_some()).await;

    let stored = node.core.lock().await.store.answer("key").await.unwrap().unwrap();
    let again = ask(&node, addr, sent).await;
    assert_eq!((again.status(), again.body), (200, stored.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_either_listener_is_a_problem() {
    let world = World::begin();
    let node = world.open().await;
    let (addr, _) = serve_owner(&node).await;
    let get = |path| Sent { path, ..PLAIN };
    let post = |path, body| Sent { method: "POST", path, body, ..PLAIN };
    let text = [("content-type", "text/plain")];
    let (large, unknown) =
        (" ".repeat(protocol::owner::MAX_REQUEST_BYTES + 1), format!("/v1/escrows/{}", "0".repeat(64)));
    let cases = [
        (get("/v1/nothing"), 404, "not-found"),
        (get("/v1/escrows/x/close/hug"), 404, "not-found"),
        (get(&unknown), 404, "not-found"),
        (get("/v1/escrows/x"), 400, "bad-input"),
        (get("/v1/escrows/%ff"), 400, "bad-input"),
        (get("/v1/purchases"), 405, "method-not-allowed"),
        (post("/v1/balance", "{}"), 405, "method-not-allowed"),
        (Sent { method: "DELETE", ..get("/healthz") }, 405, "method-not-allowed"),
        (Sent { headers: &text, ..post("/v1/addresses", "{}") }, 415, "unsupported-media-type"),
        (post("/v1/addresses", &large), 413, "too-large"),
        (post("/v1/addresses", ""), 400, "bad-input"),
        (post("/v1/addresses", "{\"a\": 1}"), 400, "bad-input"),
        (post("/v1/purchases", "[1"), 400, "bad-input"),
    ];
    for (sent, status, kind) in cases {
        ask(&node, addr, sent).await.is_problem(status, kind);
    }
    let refused = ask(&node, addr, get("/v1/purchases")).await;
    assert!(refused.head.contains("\r\nallow: POST"), "{}", refused.head);
    let stranger = answer(send(addr, "nobody's", get("/v1/balance")).await).await;
    stranger.is_problem(401, "unauthorized");
    assert!(stranger.head.contains("\r\nwww-authenticate: Bearer"), "{}", stranger.head);
    let json = [("content-type", "application/json; charset=utf-8")];
    assert_eq!(ask(&node, addr, Sent { headers: &json, ..post("/v1/addresses", "{}") }).await.status(), 200);

    let (peers, _) = serve(crate::http::peer(Arc::clone(&node))).await;
    let cases = [
        (get("/nothing"), 404, "not-found"),
        (get("/.well-known/earnest.json?v=two"), 400, "bad-input"),
        (post("/.well-known/earnest.json", ""), 405, "method-not-allowed"),
        (post("/v1/envelopes", "{"), 400, "bad-input"),
    ];
    for (sent, status, kind) in cases {
        ask(&node, peers, sent).await.is_problem(status, kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_post_has_its_first_answer_also_after_a_restart_and_another_body_is_refused() {
    let world = World::begin();
    let node = world.open().await;
    let (addr, serving) = serve_owner(&node).await;
    let key = json!({ "name": "reader" }).to_string();
    let posts = [
        ("/v1/addresses", "{}"),
        ("/v1/identity-rotations", "{}"),
        ("/v1/token-rotations", "{}"),
        ("/v1/pause", "{}"),
        // The same as what is: nothing is changed, and the answer is kept all the same.
        ("/v1/pause", "{}"),
        ("/v1/resume", "{}"),
        ("/v1/keys", key.as_str()),
        ("/v1/keys/reader/rotate", "{}"),
        ("/v1/keys/reader/revoke", "{}"),
    ];
    let mut first = Vec::new();
    for (index, (path, body)) in posts.iter().enumerate() {
        let answer = post_once(&node, addr, path, &format!("key-{index}"), body).await;
        assert_eq!(answer.status(), 200, "{path}: {}", answer.body);
        first.push(answer.body);
    }
    let token = node.token();
    serving.abort();
    until(async || Arc::strong_count(&node) == 1).await;
    drop(node);
    let node = world.open().await;
    let (addr, _) = serve_owner(&node).await;
    for (index, (path, body)) in posts.iter().enumerate() {
        let key = format!("key-{index}");
        let again = post_once(&node, addr, path, &key, body).await;
        assert_eq!((again.status(), &again.body), (200, &first[index]), "{path}");
        post_once(&node, addr, path, &key, &format!("{body} ")).await.is_problem(422, "idempotency-mismatch");
    }
    post_once(&node, addr, "/v1/resume", "key-0", "{}").await.is_problem(422, "idempotency-mismatch");
    assert_eq!(node.token(), token, "the token was rotated once");
    assert!(!node.core.lock().await.guard.paused);
    for bad in ["", &"k".repeat(129), "\u{e9}"] {
        post_once(&node, addr, "/v1/addresses", bad, "{}").await.is_problem(400, "bad-input");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_to_the_events_is_let_go_when_their_key_is_revoked() {
    let world = World::begin();
    let node = world.open().await;
    let (addr, _) = serve_owner(&node).await;
    let made = post_once(&node, addr, "/v1/keys", "make", "{\"name\":\"reader\"}").await.json();
    let free = node.listeners.available_permits();
    let stream = Sent { path: "/v1/events/stream?after=0", ..PLAIN };
    let listening = tokio::spawn(answer(send(addr, made["token"].as_str().unwrap(), stream).await));
    until(async || node.listeners.available_permits() < free).await;
    post_once(&node, addr, "/v1/keys/reader/revoke", "revoke", "{}").await;
    until(async || node.listeners.available_permits() == free).await;
    post_once(&node, addr, "/v1/resume", "resume", "{}").await;
    let told = listening.await.unwrap();
    assert_eq!(told.status(), 200);
    assert!(!told.body.contains("resumed"), "{}", told.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keys_token_is_told_again_to_whoever_repeats_the_request_and_is_not_in_the_database() {
    let world = World::begin();
    let node = world.open().await;
    let (addr, _) = serve_owner(&node).await;
    let made = post_once(&node, addr, "/v1/keys", "make", "{\"name\":\"reader\"}").await.json();
    let rotated = post_once(&node, addr, "/v1/keys/reader/rotate", "turn", "{}").await.json();
    assert_ne!(made["token"], rotated["token"]);
    let (old, new) = (made["token"].as_str().unwrap(), rotated["token"].as_str().unwrap());
    let balance = Sent { path: "/v1/balance", ..PLAIN };
    assert_eq!(answer(send(addr, old, balance).await).await.status(), 401);
    assert_eq!(answer(send(addr, new, balance).await).await.status(), 200);
    let again = post_once(&node, addr, "/v1/keys/reader/rotate", "turn", "{}").await.json();
    assert_eq!(again["token"], rotated["token"]);
    for key in ["make", "turn"] {
        let kept = node.core.lock().await.store.answer(key).await.unwrap().unwrap().body;
        assert!(!kept.contains(old) && !kept.contains(new), "{kept}");
    }
}
