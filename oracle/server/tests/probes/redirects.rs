//! Redirects: followed as far as a measurement says, and nowhere that a probe must not go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use earnest_oracle::probe::Cause;
use serde_json::json;
use terms::Target;

use super::tls::{Authority, TlsService};
use super::{cause, http, led_to, prober, prober_in, serve};

/// A service whose `/down/n` leads to the end in `n` redirects.
fn stairs() -> Router {
    let down = |Path(steps): Path<u32>| async move {
        match steps {
            0 => "the end".into_response(),
            steps => Redirect::temporary(&format!("/down/{}", steps - 1)).into_response(),
        }
    };
    Router::new()
        .route("/down/{steps}", get(down))
        .route("/loop", get(|| async { Redirect::permanent("/loop") }))
        .route("/nowhere", get(|| async { StatusCode::FOUND }))
}

fn to(location: String) -> Router {
    Router::new().route("/", get(move || async move { Redirect::to(&location) }))
}

fn followed(path: &str, redirects: u64) -> Target {
    http(path, |t| t["redirects"] = json!(redirects))
}

#[tokio::test]
async fn as_many_redirects_are_followed_as_the_measurement_allows() {
    let prober = prober(&led_to("edge.example", serve(stairs()).await));
    assert_eq!(cause(&prober, &http("/down/1", |_| ())).await, Some(Cause::Status(307)));
    assert_eq!(cause(&prober, &followed("/down/3", 3)).await, None);
    assert_eq!(cause(&prober, &followed("/down/4", 3)).await, Some(Cause::TooManyRedirects));
    assert_eq!(cause(&prober, &followed("/loop", 10)).await, Some(Cause::TooManyRedirects));
    assert_eq!(cause(&prober, &followed("/nowhere", 1)).await, Some(Cause::RedirectNowhere));
    let head = http("/down/2", |t| (t["method"], t["redirects"]) = (json!("HEAD"), json!(2)));
    assert_eq!(cause(&prober, &head).await, None);
    let expected = http("/down/1", |t| {
        t["redirects"] = json!(1);
        t["expect"]["status_also"] = json!([{ "from": 307, "to": 307 }]);
    });
    // What is expected is not followed: the body is the redirect's.
    let mut end = expected.clone();
    assert_eq!(cause(&prober, &expected).await, None);
    end.http_mut().unwrap().expect.body_contains = Some("the end".to_owned());
    assert_eq!(cause(&prober, &end).await, Some(Cause::BodyLacksText));
}

#[tokio::test]
async fn a_redirect_into_the_oracles_own_network_is_not_followed() {
    let touched = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&touched);
    let inside =
        Router::new().fallback(move || async move { counter.fetch_add(1, Ordering::SeqCst).to_string() });
    let inside = serve(inside).await;
    for location in [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        format!("http://{inside}/"),
        format!("http://localhost:{}/", inside.port()),
        format!("http://[::ffff:127.0.0.1]:{}/", inside.port()),
        format!("http://2130706433:{}/", inside.port()),
        format!("http://0:{}/", inside.port()),
    ] {
        let prober = prober(&led_to("edge.example", serve(to(location.clone())).await));
        assert_eq!(cause(&prober, &followed("/", 3)).await, Some(Cause::Forbidden), "{location}");
    }
    assert_eq!(touched.load(Ordering::SeqCst), 0);
}

/// Says which of a measurement's headers came in.
fn mirror(served: &Arc<AtomicU32>) -> Router {
    let served = Arc::clone(served);
    let answer = move |headers: HeaderMap| async move {
        served.fetch_add(1, Ordering::SeqCst);
        let has = |name: &str| if headers.contains_key(name) { "yes" } else { "no" };
        format!("key {}, agent {}", has("x-key"), has("user-agent"))
    };
    Router::new().route("/here", get(answer))
}

#[tokio::test]
async fn headers_of_a_measurement_stay_with_the_host_they_are_meant_for() {
    let served = Arc::new(AtomicU32::new(0));
    for (location, text) in [
        ("/here", "key yes, agent yes"),
        ("http://edge.example/here", "key yes, agent yes"),
        ("http://other.example/here", "key no, agent yes"),
        ("http://edge.example:81/here", "key no, agent yes"),
    ] {
        let addr = serve(to(location.to_owned()).merge(mirror(&served))).await;
        let prober = prober(&(led_to("edge.example", addr) + &led_to("other.example", addr)));
        let target = http("/", |t| {
            t["redirects"] = json!(1);
            t["headers"] = json!([{ "name": "x-key", "value": "secret" }]);
            t["expect"]["body_contains"] = json!(text);
        });
        assert_eq!(cause(&prober, &target).await, None, "{location}");
    }
    assert_eq!(served.load(Ordering::SeqCst), 4);
}

/// Answers over TLS with one redirect.
fn sent_to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

#[tokio::test]
async fn every_hop_over_tls_has_its_certificate_judged_and_none_leads_back_to_plain_http() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new("an authority"));
    authority.write(&dir.path().join("roots.pem"));
    let plain = serve(to("https://secure.example/".to_owned())).await;
    for (named, answer, fault) in [
        ("secure.example", None, None),
        ("edge.example", None, Some(Cause::CertificateName)),
        ("secure.example", Some(sent_to("http://edge.example/")), Some(Cause::RedirectToHttp)),
        ("secure.example", Some(sent_to("//secure.example/")), Some(Cause::TooManyRedirects)),
    ] {
        let secure = TlsService::start(authority.vouch(named)).await;
        if let Some(answer) = answer {
            secure.answer(&answer);
        }
        let lines = format!(
            "[probe]\nsystem_roots = false\nextra_roots = \"roots.pem\"\n{}{}",
            led_to("edge.example", plain),
            led_to("secure.example", secure.addr)
        );
        let prober = prober_in(dir.path(), &lines);
        assert_eq!(cause(&prober, &followed("/", 3)).await, fault);
    }
}

#[tokio::test]
async fn without_roots_a_redirect_that_may_lead_to_https_is_refused_at_once() {
    let prober = prober("[probe]\nsystem_roots = false\n");
    let refusal = prober.prepare_target(&followed("/", 1), None).unwrap_err();
    assert_eq!(refusal.field, "target.url");
    assert!(prober.prepare_target(&http("/", |_| ()), None).is_ok());
}

#[tokio::test]
async fn an_answer_may_name_no_address_that_is_none() {
    for location in ["file:///etc/passwd", "https://", "http://a b/"] {
        let location = location.to_owned();
        let answer = move || async move {
            Response::builder()
                .status(302)
                .header(header::LOCATION, location)
                .body(axum::body::Body::empty())
                .unwrap()
        };
        let addr = serve(Router::new().route("/", get(answer))).await;
        let prober = prober(&led_to("edge.example", addr));
        assert_eq!(cause(&prober, &followed("/", 3)).await, Some(Cause::RedirectNowhere));
    }
}
