//! Judging answers, beside the probes and not among them.

use std::panic;
use std::sync::Arc;
use std::time::Duration;

use terms::Decimal;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Answer;
use super::effort;
use super::expected::Expected;
use crate::probe::cause::Cause;

/// So many answers of either kind are judged at the same time.
const AT_ONCE: usize = 2;
/// Whoever is not judged after this time is not judged at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stranger chooses the expression and the body it is looked for in, and so how long that takes. It may not hold up
/// the probes: what may take long is judged on threads of its own, few at a time. Nor may it hold up the judgements of other
/// targets: what is soon done waits in a queue of its own, a target has few answers in either, and what would take longer
/// than [`effort::MOST`] is not judged.
#[derive(Debug)]
pub(super) struct Judging {
    light: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
}

impl Default for Judging {
    fn default() -> Self {
        let places = || Arc::new(Semaphore::new(AT_ONCE));
        Self { light: places(), heavy: places() }
    }
}

impl Judging {
    /// The reading of an answer, where there is one; or what is wrong with it.
    pub(super) async fn judge(
        &self,
        expected: &Arc<Expected>,
        answer: Answer,
    ) -> Result<Option<Decimal>, Cause> {
        if !expected.is_work(&answer) {
            return expected.judge(&answer);
        }
        let steps = expected.steps(&answer);
        let Some(turn) = expected.turn().filter(|_| steps <= effort::MOST) else {
            return Err(Cause::NotJudged);
        };
        let queue = if steps <= effort::LIGHT { &self.light } else { &self.heavy };
        let apart = judge_apart(Arc::clone(queue), turn, Arc::clone(expected), answer);
        let judged = tokio::time::timeout(PATIENCE, apart).await;
        judged.unwrap_or(Err(Cause::NotJudged))
    }
}

async fn judge_apart(
    queue: Arc<Semaphore>,
    turn: OwnedSemaphorePermit,
    expected: Arc<Expected>,
    answer: Answer,
) -> Result<Option<Decimal>, Cause> {
    let place = queue.acquire_owned().await;
    let work = move || {
        let judged = expected.judge(&answer);
        drop((place, turn));
        judged
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(judged) => judged,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            // The process is about to end, and with it this task.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use serde_json::json;
    use terms::Target;

    use super::super::answer::Body;
    use super::*;

    fn expected(pattern: &str) -> Arc<Expected> {
        let target = json!({
            "url": "http://edge.example/", "method": "GET", "timeout_ms": 1_000,
            "expect": { "status_from": 200, "status_to": 200, "body_max_bytes": 1_048_576, "body_matches": pattern }
        });
        let target: Target = serde_json::from_value(target).unwrap();
        let Target::Http(target) = target else { panic!("it is one of HTTP") };
        Arc::new(Expected::of(&target, None).unwrap())
    }

    fn answer(bytes: Vec<u8>) -> Answer {
        Answer {
            status: 200,
            body: Body::Whole { length: bytes.len() as u64, sha256: None, bytes: bytes.into() },
        }
    }

    #[tokio::test]
    async fn who_makes_judging_long_holds_up_no_other_target() {
        let judging = Judging::default();
        let (bomb, fair) = (expected("1[01]{3000}x"), expected("all is well"));
        let whole = judging.judge(&bomb, answer(b"01".repeat(1 << 19))).await;
        assert_eq!(whole, Err(Cause::NotJudged), "it would take minutes, and is not begun");

        // Two of it at a time at most, and not before those whose judgement is soon done.
        let long = || judging.judge(&bomb, answer(b"01".repeat(1 << 13)));
        let busy = Arc::clone(&judging.heavy).acquire_many_owned(2).await.unwrap();
        let (mut one, mut two) = (Box::pin(long()), Box::pin(long()));
        for waits in [&mut one, &mut two] {
            let is_pending = poll_fn(|context| Poll::Ready(waits.as_mut().poll(context).is_pending())).await;
            assert!(is_pending);
        }
        assert_eq!(long().await, Err(Cause::NotJudged));
        assert_eq!(judging.judge(&fair, answer(b"all is well".to_vec())).await, Ok(None));
        drop(busy);
        assert_eq!(one.await, Err(Cause::BodyNoMatch));
    }
}
