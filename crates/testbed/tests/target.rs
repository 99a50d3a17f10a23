//! The failing target, asked over HTTP as a probe asks it.
use std::time::{Duration, Instant};

use testbed::{Counts, FailingTarget, LATENCY_HEADER, Phase};

/// A client of its own, which needs to know by whose cryptography it would do TLS.
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default(); // An earlier test did the same.
    reqwest::Client::new()
}

async fn ask(target: &FailingTarget) -> Result<(u16, Vec<u8>, Option<u32>), reqwest::Error> {
    let answer = client().get(target.url("/any/path?at=all")).send().await?;
    let status = answer.status().as_u16();
    let latency = answer.headers().get(LATENCY_HEADER).cloned();
    let latency = latency.map(|value| value.to_str().unwrap().parse().unwrap());
    Ok((status, answer.bytes().await?.to_vec(), latency))
}

async fn status(target: &FailingTarget) -> u16 {
    ask(target).await.unwrap().0
}

#[tokio::test]
async fn each_phase_answers_as_it_says() {
    let target = FailingTarget::start().await.unwrap();
    assert_eq!(ask(&target).await.unwrap(), (200, b"ok".to_vec(), Some(10)));
    target.set(Phase::Status(429));
    assert_eq!(status(&target).await, 429);
    target.set(Phase::Status(7));
    assert_eq!(status(&target).await, 500);
    target.set(Phase::Slow { latency_ms: 2_500 });
    assert_eq!(ask(&target).await.unwrap(), (200, b"ok".to_vec(), Some(2_500)));
    target.set(Phase::WrongBody);
    let (status, body, _) = ask(&target).await.unwrap();
    assert!(status == 200 && body != b"ok");
    target.set(Phase::Up);
    target.set_body("all is well");
    assert_eq!(ask(&target).await.unwrap().1, b"all is well");
}

#[tokio::test]
async fn a_delivery_is_not_there_until_it_is() {
    let target = FailingTarget::start().await.unwrap();
    target.set(Phase::NotYet);
    assert_eq!(ask(&target).await.unwrap().0, 404);
    target.set(Phase::Body(b"the report".to_vec()));
    assert_eq!(ask(&target).await.unwrap().1, b"the report");
}

#[tokio::test]
async fn when_down_it_closes_the_connection_without_an_answer() {
    let target = FailingTarget::start().await.unwrap();
    let client = client();
    let get = || client.get(target.url("/")).send();
    get().await.unwrap().bytes().await.unwrap();
    target.set(Phase::Down);
    // The kept connection too.
    get().await.unwrap_err();
    get().await.unwrap_err();
    target.set(Phase::Up);
    get().await.unwrap();
    let counts = target.counts();
    assert_eq!(counts.answered, 2);
    assert!(counts.dropped >= 2 && counts.requests == counts.dropped + 2);
}

#[tokio::test]
async fn an_error_share_is_exact_and_begins_anew_with_each_phase() {
    let target = FailingTarget::start().await.unwrap();
    let share = Phase::ErrorShare { ppm: 400_000 };
    for _ in 0..2 {
        target.set(share.clone());
        let mut statuses = Vec::new();
        for _ in 0..6 {
            statuses.push(status(&target).await);
        }
        // floor(k * 0.4) = 0, 0, 1, 1, 2, 2: the third and the fifth.
        assert_eq!(statuses, [200, 200, 503, 200, 503, 200]);
    }
    let expected = Counts { requests: 12, answered: 8, refused: 4, dropped: 0 };
    assert_eq!(target.counts(), expected);
}

#[tokio::test]
async fn in_real_time_slow_is_really_slow_and_says_nothing() {
    let target = FailingTarget::start_in_real_time().await.unwrap();
    assert_eq!(ask(&target).await.unwrap().2, None);
    target.set(Phase::Slow { latency_ms: 300 });
    let asked = Instant::now();
    assert_eq!(ask(&target).await.unwrap(), (200, b"ok".to_vec(), None));
    // Only the lower bound: that it did not answer early.
    assert!(asked.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_dropped_target_serves_nobody() {
    let target = FailingTarget::start().await.unwrap();
    let url = target.url("/");
    client().get(&url).send().await.unwrap();
    drop(target);
    tokio::task::yield_now().await;
    client().get(&url).send().await.unwrap_err();
}
