//! Asking an oracle to measure: who asks, what was paid with, and what comes back.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use client::{Asker, ClientError, OracleClient, Signer};
use protocol::problem::Price;
use protocol::request::{Call, Credential, PAYMENT_REFERENCE};
use protocol::{Problem, ProblemType, public_key};
use secp256k1_zkp::{Keypair, SECP256K1};
use terms::{Agreement, Measurement, UnixSeconds};

const NOW: UnixSeconds = UnixSeconds(1_622_400_000);
const AGREEMENT: &[u8] = include_bytes!("../../protocol/tests/golden/agreement.json");

fn keypair(number: u8) -> Keypair {
    Keypair::from_seckey_slice(SECP256K1, &[number; 32]).unwrap()
}

fn measurement() -> Measurement {
    Agreement::parse(AGREEMENT).unwrap().measurement
}

fn price(how: &str) -> Price {
    let invoice = Some("lnbcrt5u1example".to_owned());
    Price { amount: "500 sat".to_owned(), how: how.to_owned(), invoice }
}

fn refuse(problem: &Problem) -> Response {
    (StatusCode::from_u16(problem.status).unwrap(), problem.bytes()).into_response()
}

/// An oracle whose key is the number 1's: it names its price to the number 2, and hears nobody else.
async fn oracle(how: &'static str) -> OracleClient {
    let answer = move |headers: HeaderMap, body: Bytes| async move {
        let given = headers.get("authorization").map(|value| value.to_str().unwrap());
        let credential = given.and_then(|given| Credential::parse(given).ok());
        let call = Call { method: "POST", path: "/v1/measurements", body: &body };
        let known = credential.is_some_and(|credential| {
            credential.key == public_key(&keypair(2))
                && credential.verify(&call, public_key(&keypair(1)), NOW).is_ok()
        });
        if !known {
            return refuse(&Problem::new(ProblemType::Unauthorized, "who asks?"));
        }
        let paid = headers.get(PAYMENT_REFERENCE).map(|value| value.to_str().unwrap().to_owned());
        let detail = format!("paid so far: {paid:?}");
        refuse(&Problem::new(ProblemType::PaymentRequired, detail).priced(price(how)))
    };
    let router = Router::new().route("/v1/measurements", post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    OracleClient::new(&base).unwrap()
}

fn signer(keypair: &Keypair) -> Option<Signer<'_>> {
    Some(Signer { keypair, server: public_key(&self::keypair(1)), now: NOW })
}

#[tokio::test]
async fn an_oracle_knows_its_requester_by_the_signature_and_hears_what_was_paid_with() {
    let oracle = oracle("Pay the invoice.").await;
    let unsigned = oracle.announce(&measurement()).await.unwrap_err();
    assert_eq!(unsigned.status(), Some(401));
    let stranger = keypair(3);
    let asker = Asker { signer: signer(&stranger), payment: None };
    assert_eq!(oracle.announce_as(&measurement(), &asker).await.unwrap_err().status(), Some(401));

    let known = keypair(2);
    for payment in [None, Some("preimage")] {
        let asker = Asker { signer: signer(&known), payment };
        let ClientError::Refused(problem) = oracle.announce_as(&measurement(), &asker).await.unwrap_err()
        else {
            panic!("refused with a price");
        };
        assert_eq!(problem.known_type(), Some(ProblemType::PaymentRequired));
        assert_eq!(problem.price.as_deref(), Some(&price("Pay the invoice.")));
        assert_eq!(problem.detail, format!("paid so far: {payment:?}"));
    }
}

#[tokio::test]
async fn a_price_that_would_steer_a_terminal_is_not_shown() {
    let oracle = oracle("\u{1b}[2J").await;
    let known = keypair(2);
    let asker = Asker { signer: signer(&known), payment: None };
    let refused = oracle.announce_as(&measurement(), &asker).await.unwrap_err();
    assert!(matches!(refused, ClientError::Status { status: 402, .. }), "{refused:?}");
}
