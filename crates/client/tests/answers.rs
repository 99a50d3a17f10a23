//! What a client makes of good, bad and hostile answers. Each test has a server of its own.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use client::{ClientError, OracleClient, OwnerClient, PeerClient, Resolver};
use protocol::card::More;
use protocol::problem::CONTENT_TYPE;
use protocol::{Body, Card, CardDraft, Envelope, Problem, ProblemType, Session, public_key};
use secp256k1_zkp::{Keypair, SECP256K1};
use terms::{EventId, Hex32, UnixSeconds};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const NOW_S: u64 = 1_622_400_000;

fn keypair(number: u8) -> Keypair {
    let mut secret = [0; 32];
    secret[31] = number;
    Keypair::from_seckey_slice(SECP256K1, &secret).unwrap()
}

fn buyer() -> Keypair {
    keypair(3)
}

fn provider() -> Keypair {
    keypair(2)
}

fn rfq() -> Envelope {
    let (at, expires) = (UnixSeconds(NOW_S), UnixSeconds(NOW_S + 600));
    let body = Body::Rfq { offer_id: Hex32([7; 32]) };
    let draft = Session::first(Hex32([1; 32]), Hex32([2; 32]), public_key(&provider()), at, expires, body);
    Envelope::seal(draft, &buyer()).unwrap()
}

/// An answer to [`rfq`] by whoever holds `keypair`.
fn rejection(keypair: &Keypair) -> Envelope {
    let session = Session::open(&rfq()).unwrap();
    let (at, expires) = (UnixSeconds(NOW_S), UnixSeconds(NOW_S + 600));
    let body = Body::Reject { reason: "sold".to_owned(), is_final: true };
    Envelope::seal(session.next(Hex32([3; 32]), public_key(&buyer()), at, expires, body), keypair).unwrap()
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn peer(router: Router) -> PeerClient {
    PeerClient::new(&serve(router).await).unwrap()
}

async fn peer_answering(answer: impl Into<Vec<u8>>) -> PeerClient {
    let answer: Vec<u8> = answer.into();
    peer(Router::new().route("/v1/envelopes", post(|| async move { answer }))).await
}

fn event() -> EventId {
    EventId::from_digest([5; 32])
}

async fn oracle_answering(answer: impl Into<String>) -> OracleClient {
    let answer: String = answer.into();
    let router = Router::new().route("/v1/events/{id}", get(|| async move { answer }));
    OracleClient::new(&serve(router).await).unwrap()
}

fn malformed_field(error: ClientError) -> String {
    match error {
        ClientError::Malformed { field, .. } => field,
        other => panic!("not malformed: {other:?}"),
    }
}

#[tokio::test]
async fn an_envelope_is_answered_by_an_envelope() {
    let answered = peer_answering(rejection(&provider()).bytes()).await.post(&rfq(), NOW_S).await;
    assert_eq!(answered.unwrap(), Some(rejection(&provider())));
}

#[tokio::test]
async fn an_envelope_that_needs_no_answer_gets_none() {
    let router = Router::new().route("/v1/envelopes", post(|| async { StatusCode::NO_CONTENT }));
    assert_eq!(peer(router).await.post(&rfq(), NOW_S).await.unwrap(), None);
}

#[tokio::test]
async fn the_peer_receives_exactly_the_envelopes_bytes() {
    let echo = |body: axum::body::Bytes| async move {
        assert_eq!(body, rfq().bytes());
        StatusCode::NO_CONTENT
    };
    let answered = peer(Router::new().route("/v1/envelopes", post(echo))).await.post(&rfq(), NOW_S).await;
    assert_eq!(answered.unwrap(), None);
}

#[tokio::test]
async fn an_answer_by_somebody_else_is_malformed() {
    let refused = peer_answering(rejection(&keypair(5)).bytes()).await.post(&rfq(), NOW_S).await;
    assert_eq!(malformed_field(refused.unwrap_err()), "from");
}

#[tokio::test]
async fn ones_own_envelope_sent_back_is_no_answer() {
    let refused = peer_answering(rfq().bytes()).await.post(&rfq(), NOW_S).await;
    assert_eq!(malformed_field(refused.unwrap_err()), "to");
}

#[tokio::test]
async fn an_answer_that_is_no_envelope_is_malformed() {
    let refused = peer_answering("{\"v\":1}").await.post(&rfq(), NOW_S).await;
    assert!(matches!(refused, Err(ClientError::Malformed { .. })));
    let refused = peer_answering("<html>").await.post(&rfq(), NOW_S).await;
    assert!(matches!(refused, Err(ClientError::Malformed { .. })));
}

#[tokio::test]
async fn a_refusal_carries_its_problem() {
    let problem = Problem::new(ProblemType::Mandate, "not with you").at("counterparty");
    let refusal = problem.clone();
    let answer = move || async move {
        (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, CONTENT_TYPE)], refusal.bytes()).into_response()
    };
    let refused = peer(Router::new().route("/v1/envelopes", post(answer))).await.post(&rfq(), NOW_S).await;
    let error = refused.unwrap_err();
    assert!(!error.may_pass());
    assert!(matches!(error, ClientError::Refused(got) if got == problem));
}

#[tokio::test]
async fn a_refusal_whose_text_would_steer_a_terminal_is_only_a_status() {
    let answer = || async {
        let problem = Problem::new(ProblemType::Unavailable, "\u{1b}]0;pay me\u{7}");
        (StatusCode::SERVICE_UNAVAILABLE, problem.bytes())
    };
    let refused = peer(Router::new().route("/v1/envelopes", post(answer))).await.post(&rfq(), NOW_S).await;
    let error = refused.unwrap_err();
    assert!(error.may_pass());
    assert!(matches!(error, ClientError::Status { status: 503, .. }));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let away = || async { (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "http://127.0.0.1:1/")]) };
    let refused = peer(Router::new().route("/v1/envelopes", post(away))).await.post(&rfq(), NOW_S).await;
    assert!(matches!(refused, Err(ClientError::Status { status: 307, .. })));
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let refused = PeerClient::new(&url).unwrap().post(&rfq(), NOW_S).await;
    let error = refused.unwrap_err();
    assert!(error.may_pass());
    assert!(matches!(error, ClientError::Unreachable { .. }));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_at_the_bound() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await?;
        assert_ne!(socket.read(&mut [0; 4096]).await?, 0);
        socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        while socket.write_all(&[b' '; 4096]).await.is_ok() {}
        std::io::Result::Ok(())
    });
    let card = PeerClient::new(&base).unwrap().card().await;
    assert_eq!(malformed_field(card.unwrap_err()), "body");
}

#[tokio::test]
async fn an_answer_cut_off_in_the_middle_is_unreachable_and_not_short() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        assert_ne!(socket.read(&mut [0; 4096]).await.unwrap(), 0);
        let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
        socket.write_all(half).await.unwrap();
    });
    let samples = OracleClient::new(&base).unwrap().samples(&event()).await;
    let error = samples.unwrap_err();
    assert!(matches!(&error, ClientError::Unreachable { source, .. } if !source.is_request()), "{error:?}");
}

#[tokio::test]
async fn a_card_is_opened() {
    let draft = CardDraft {
        network: "regtest".to_owned(),
        offers: vec![],
        note: "hello".to_owned(),
        at: UnixSeconds(NOW_S),
        latest: 1,
        more: More::default(),
    };
    let card = Card::seal(draft, &provider()).unwrap();
    let bytes = card.bytes();
    let client = peer(Router::new().route("/.well-known/earnest.json", get(|| async move { bytes }))).await;
    assert_eq!(client.card().await.unwrap(), card);
}

#[tokio::test]
async fn a_name_leads_where_the_resolver_says_or_nowhere() {
    let here = serve(Router::new().route("/.well-known/earnest.json", get(|| async { "{}" }))).await;
    let named = here.replace("127.0.0.1", "provider.example");
    let ask = async |resolver: Resolver| {
        let client = PeerClient::resolving(&named, Duration::from_secs(60), resolver).unwrap();
        client.card().await.unwrap_err()
    };
    let found = ask(Arc::new(|name| {
        assert_eq!(name, "provider.example");
        Box::pin(async { Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) })
    }));
    assert!(matches!(found.await, ClientError::Malformed { .. }), "somebody answers, though not with a card");
    let refused = ask(Arc::new(|_| Box::pin(async { Err(ErrorKind::PermissionDenied.into()) })));
    assert!(matches!(refused.await, ClientError::Unreachable { .. }));
}

#[tokio::test]
async fn a_card_that_its_key_did_not_sign_is_malformed() {
    let draft = CardDraft {
        network: "regtest".to_owned(),
        offers: vec![],
        note: "hello".to_owned(),
        at: UnixSeconds(NOW_S),
        latest: 1,
        more: More::default(),
    };
    let card = Card { note: "hullo".to_owned(), ..Card::seal(draft, &provider()).unwrap() };
    let bytes = card.bytes();
    let client = peer(Router::new().route("/.well-known/earnest.json", get(|| async move { bytes }))).await;
    assert_eq!(malformed_field(client.card().await.unwrap_err()), "sig");
}

#[tokio::test]
async fn an_attestation_that_is_not_there_yet_is_none() {
    assert_eq!(oracle_answering("{}").await.attestation(&event()).await.unwrap(), None);
    let unknown = OracleClient::new(&serve(Router::new()).await).unwrap();
    assert_eq!(unknown.attestation(&event()).await.unwrap(), None);
}

#[tokio::test]
async fn an_attestation_comes_raw_whatever_it_is() {
    let client = oracle_answering("{\"attestation_hex\":\"deadbeef\",\"state\":\"nonsense\"}").await;
    assert_eq!(client.attestation(&event()).await.unwrap(), Some(vec![0xde, 0xad, 0xbe, 0xef]));
}

#[tokio::test]
async fn an_attestation_that_is_no_hex_is_malformed() {
    for hex in ["\"abc\"", "\"DEAD\"", "\"zz\"", "7"] {
        let client = oracle_answering(format!("{{\"attestation_hex\":{hex}}}")).await;
        assert_eq!(malformed_field(client.attestation(&event()).await.unwrap_err()), "attestation_hex");
    }
}

#[tokio::test]
async fn an_oracle_that_is_down_is_an_error_and_not_a_missing_attestation() {
    let down = || async { StatusCode::INTERNAL_SERVER_ERROR };
    let router = Router::new().route("/v1/events/{id}", get(down));
    let client = OracleClient::new(&serve(router).await).unwrap();
    assert!(client.attestation(&event()).await.unwrap_err().may_pass());
}

#[tokio::test]
async fn the_owner_shows_token_and_idempotency_key() {
    let answer = |headers: HeaderMap| async move {
        assert_eq!(headers["authorization"], "Bearer secret");
        assert_eq!(headers["idempotency-key"], "k1");
        "{\"address\":\"bcrt1q\",\"new_field\":1}"
    };
    let base = serve(Router::new().route("/v1/addresses", post(answer))).await;
    let client = OwnerClient::new(&base, "secret\n").unwrap();
    assert_eq!(client.new_address("k1").await.unwrap().address, "bcrt1q");
    assert!(!format!("{client:?}").contains("secret"));
}

#[tokio::test]
async fn an_escrow_that_does_not_exist_is_none_and_its_id_stays_one_segment() {
    let client = OwnerClient::new(&serve(Router::new()).await, "secret").unwrap();
    assert_eq!(client.escrow("../offers").await.unwrap(), None);
    assert!(!client.ready().await);
}

#[test]
fn a_base_url_is_an_http_url_and_nothing_more() {
    for url in ["", "127.0.0.1:7800", "ftp://host", "http://user@host", "http://host/?a=1", "http://host/#a"]
    {
        assert!(matches!(PeerClient::new(url), Err(ClientError::BaseUrl { .. })), "{url}");
    }
    assert_eq!(PeerClient::new("http://host:1/path/").unwrap().base(), "http://host:1/path");
}

#[tokio::test]
async fn a_reference_is_the_bytes_of_its_hash_or_nothing() {
    let file = b"{\"v\":1}".to_vec();
    let hash = Hex32(terms::canonical::sha256(&file));
    let router = Router::new().route("/v1/references/{hash}", get(|| async move { file }));
    let peer = peer(router).await;
    assert_eq!(peer.reference(hash).await.unwrap(), b"{\"v\":1}");
    assert_eq!(malformed_field(peer.reference(Hex32([1; 32])).await.unwrap_err()), "body");
}
