//! Judging answers, beside the probes and not among them.

use std::panic;
use std::sync::Arc;
use std::time::Duration;

use terms::Decimal;
use tokio::sync::Semaphore;

use super::answer::Answer;
use super::expected::Expected;
use crate::probe::cause::Cause;

/// So many long answers are judged at the same time.
const AT_ONCE: usize = 2;
/// Whoever is not judged after this time is not judged at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stranger chooses the expression and the body it is looked for in, and so how long that takes. It may not hold up
/// the probes: what may take long is judged on threads of its own, few at a time.
#[derive(Debug)]
pub(super) struct Judging(Arc<Semaphore>);

impl Default for Judging {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
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
        let judged = tokio::time::timeout(PATIENCE, self.judge_apart(Arc::clone(expected), answer)).await;
        judged.unwrap_or(Err(Cause::NotJudged))
    }

    async fn judge_apart(&self, expected: Arc<Expected>, answer: Answer) -> Result<Option<Decimal>, Cause> {
        let place = Arc::clone(&self.0).acquire_owned().await;
        let work = move || {
            let judged = expected.judge(&answer);
            drop(place);
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
}
