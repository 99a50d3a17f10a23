//! Targets that mean harm: they end in a cause, within the measurement's bounds, and hold up nobody.

use axum::Router;
use axum::routing::get;
use earnest_oracle::probe::Cause;
use serde_json::json;
use terms::MetricSource;
use tokio::io::AsyncWriteExt;

use super::{cause, endless, http, led_to, probe, prober, raw, read, serve};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n";

#[tokio::test]
async fn an_endless_head_is_given_up() {
    for (beginning, piece) in [
        (HEAD, &b"x-junk: yes\r\n"[..]),
        (b"HTTP/1.1 200 OK\r\nx-long: ", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ] {
        let addr = endless(beginning, piece).await;
        let fault = cause(&prober(&led_to("edge.example", addr)), &http("/", |_| ())).await;
        assert_eq!(fault, Some(Cause::HeadTooLong));
    }
}

#[tokio::test]
async fn an_endless_body_is_read_to_its_bound_and_no_further() {
    for (beginning, piece) in [
        (&b"HTTP/1.1 200 OK\r\n\r\n"[..], &[b'a'; 4096][..]),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"4\r\naaaa\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9999999999999\r\n\r\n", b"aaaa"),
    ] {
        let addr = endless(beginning, piece).await;
        let prober = prober(&led_to("edge.example", addr));
        let target = http("/", |t| t["expect"]["body_max_bytes"] = json!(100_000));
        assert_eq!(cause(&prober, &target).await, Some(Cause::BodyTooLong));
    }
}

#[tokio::test]
async fn who_answers_in_drops_runs_out_of_time() {
    for beginning in
        [&b""[..], HEAD, b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]
    {
        let addr = raw(move |mut stream| async move {
            let _ = stream.write_all(beginning).await;
            // One byte, and then silence: what comes later makes no difference to a deadline that stands.
            let _ = stream.write_all(b"H").await;
            std::future::pending::<()>().await;
        })
        .await;
        let prober = prober(&led_to("edge.example", addr));
        let observation = probe(&prober, &http("/", |t| t["timeout_ms"] = json!(300))).await;
        assert_eq!((observation.cause, observation.latency_ms), (Some(Cause::Timeout), 300));
    }
}

#[tokio::test]
async fn interim_answers_without_end_are_no_answer() {
    let addr = endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n").await;
    let prober = prober(&led_to("edge.example", addr));
    let fault = cause(&prober, &http("/", |t| t["timeout_ms"] = json!(300))).await;
    assert_eq!(fault, Some(Cause::Timeout));
}

/// The total of all hops counts, so that a chain of slow redirects gains nothing.
#[tokio::test]
async fn redirects_share_the_time_of_the_one_probe() {
    let slow = || async {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        axum::response::Redirect::to("/")
    };
    let addr = serve(Router::new().route("/", get(slow))).await;
    let prober = prober(&led_to("edge.example", addr));
    let target = http("/", |t| (t["redirects"], t["timeout_ms"]) = (json!(10), json!(400)));
    assert_eq!(cause(&prober, &target).await, Some(Cause::Timeout));
}

#[tokio::test]
async fn nested_json_fills_no_stack() {
    let deep = "[".repeat(500_000) + &"]".repeat(500_000);
    let addr = serve(Router::new().route("/", get(move || async move { deep }))).await;
    let prober = prober(&led_to("edge.example", addr));
    let pointed = http("/", |t| t["expect"]["json"] = json!([{ "pointer": "/0/0/0/a", "equals": 1 }]));
    assert_eq!(cause(&prober, &pointed).await, Some(Cause::Json(1)));
    let schema = http("/", |t| t["expect"]["json_schema"] = json!({ "type": "array" }));
    assert_eq!(cause(&prober, &schema).await, Some(Cause::NotJson));
}

/// Each of these makes a matcher that backtracks, or one that expands repetitions, work for hours.
#[tokio::test]
async fn expressions_that_are_bombs_go_off_nowhere() {
    let body = "a".repeat(100_000) + "!";
    let addr = serve(Router::new().route("/", get(move || async move { body }))).await;
    let prober = prober(&led_to("edge.example", addr));
    for bomb in ["^(a+)+$", "^(a|aa)+$", "^(a*)*b$", "^(.*a){12}b$"] {
        let target = http("/", |t| t["expect"]["body_matches"] = json!(bomb));
        assert_eq!(cause(&prober, &target).await, Some(Cause::BodyNoMatch), "{bomb}");
    }
    let bomb = http("/", |t| t["expect"]["body_matches"] = json!("(((a{1000}){1000}){1000}){1000}"));
    assert_eq!(prober.prepare_target(&bomb, None).unwrap_err().field, "target.expect.body_matches");
}

#[tokio::test]
async fn a_gigantic_page_of_metrics_is_one_pass() {
    let line = "requests_total{path=\"/a/b/c\",code=\"200\"} 1\n";
    let page = line.repeat(20_000) + "wanted 17\n" + &"{".repeat(50_000);
    let addr = serve(Router::new().route("/", get(move || async move { page }))).await;
    let prober = prober(&led_to("edge.example", addr));
    let source: MetricSource = serde_json::from_value(json!({ "prometheus": { "name": "wanted" } })).unwrap();
    let target = http("/", |_| ());
    let found = read(&prober, &target, Some(&source)).await;
    assert_eq!(found.value.map(|value| value.to_string()).as_deref(), Some("17"));
}

/// What two answers on one connection mean would be for the target to say.
#[tokio::test]
async fn bytes_behind_an_answer_are_never_the_next_answer() {
    let addr = raw(|mut stream| async move {
        let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let lie = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nlie";
        let _ = stream.write_all(format!("{ok}{lie}").as_bytes()).await;
        std::future::pending::<()>().await;
    })
    .await;
    let prober = prober(&led_to("edge.example", addr));
    let target = http("/", |t| t["expect"]["body_contains"] = json!("ok"));
    let check = prober.prepare_target(&target, None).unwrap();
    for _ in 0..3 {
        assert_eq!(prober.probe(&check).await.cause, None);
    }
}
