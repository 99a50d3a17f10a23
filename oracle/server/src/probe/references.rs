//! The oracle's own connectivity: k of m reference targets must answer for a failure to count.
//!
//! Failures share their questions. References are other people's, and whoever makes many targets fail at once, his own or
//! such as nobody serves, must not bring them to turn the oracle away: then no failure would count any more.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::ProberError;
use super::dial::Dialer;
use super::http::{Http, HttpCheck};
use super::names::Names;
use super::timing::Timing;
use super::tls::Tls;
use crate::config::Config;

/// What one reference target answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceAnswer {
    /// Its URL.
    pub reference: String,
    /// It answered with a status from 200 to 399.
    pub ok: bool,
    /// How long it took.
    pub latency_ms: u32,
}

/// The configured reference targets.
#[derive(Debug)]
pub(super) struct References {
    http: Arc<Http>,
    targets: Vec<(String, Arc<HttpCheck>)>,
    needed: usize,
    /// Not in simulated time, where whether questions are shared would hang on which thread ran first.
    shares: bool,
    last: Mutex<Option<Round>>,
}

/// When all of them were asked, and what they answered.
type Round = (Instant, Vec<ReferenceAnswer>);

impl References {
    /// References are the operator's own word, so they may lie on a private network.
    pub(super) fn new(config: &Config, tls: Tls, timing: Timing) -> Result<Self, ProberError> {
        let dialer = Arc::new(Dialer::new(Names::new(config, true)?, tls));
        let http = Arc::new(Http::new(config, dialer, timing));
        let timeout_ms = config.probe.reference_timeout_ms;
        let target = |url| Some(Arc::new(http.prepare_reference(url, timeout_ms)?));
        let urls = config.references.iter().map(|reference| &reference.url);
        let targets = urls.filter_map(|url| Some((url.to_string(), target(url)?))).collect();
        let (needed, shares) = (config.references_needed, timing == Timing::Stopwatch);
        Ok(Self { http, targets, needed, shares, last: Mutex::new(None) })
    }

    /// What all of them answer from now on: asked at once, or by another failure that asked later than this. One round
    /// follows the other, so that none is asked twice at a time. Without references the answer is empty.
    pub(super) async fn ask(&self) -> Vec<ReferenceAnswer> {
        if !self.shares || self.targets.is_empty() {
            return self.ask_all().await;
        }
        let failed = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((_, answers)) = last.as_ref().filter(|(asked, _)| *asked >= failed) {
            return answers.clone();
        }
        let asked = Instant::now();
        let answers = self.ask_all().await;
        *last = Some((asked, answers.clone()));
        answers
    }

    async fn ask_all(&self) -> Vec<ReferenceAnswer> {
        let mut asking = JoinSet::new();
        for (name, target) in &self.targets {
            asking.spawn(ask_one(Arc::clone(&self.http), name.clone(), Arc::clone(target)));
        }
        asking.join_all().await
    }

    /// Do these answers show that the oracle is connected? Without references nothing is excused.
    pub(super) fn suffice(&self, answers: &[ReferenceAnswer]) -> bool {
        self.targets.is_empty() || answers.iter().filter(|answer| answer.ok).count() >= self.needed
    }
}

async fn ask_one(http: Arc<Http>, reference: String, target: Arc<HttpCheck>) -> ReferenceAnswer {
    let attempt = http.attempt(&target).await;
    ReferenceAnswer { reference, ok: attempt.fault.is_none(), latency_ms: attempt.latency_ms }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::path::Path;
    use std::pin::Pin;
    use std::task::Poll;

    use axum::Router;
    use axum::routing::get;
    use clock::Clock;
    use tokio::sync::{Semaphore, mpsc};

    use super::*;
    use crate::probe::roots::Roots;

    fn references(url: &str) -> References {
        let text = format!("network = \"regtest\"\ndata_dir = \".\"\n[[reference]]\nurl = \"{url}\"");
        let dir = tempfile::tempdir().unwrap();
        let path: &Path = &dir.path().join("oracle.toml");
        std::fs::write(path, text).unwrap();
        let config = Config::load(path).unwrap();
        let tls = Tls::new(&Roots::load(&config.probe).unwrap(), Clock::system()).unwrap();
        References::new(&config, tls, Timing::Stopwatch).unwrap()
    }

    /// A reference that says when it is asked, and answers when it may.
    async fn reference(asked: mpsc::UnboundedSender<()>, may: Arc<Semaphore>) -> String {
        let answer = move || async move {
            asked.send(()).unwrap();
            may.acquire().await.unwrap().forget();
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(answer))).await });
        url
    }

    #[tokio::test]
    async fn failures_that_come_together_share_a_question_that_comes_after_them() {
        let (asked, mut is_asked) = mpsc::unbounded_channel();
        let may = Arc::new(Semaphore::new(0));
        let references = references(&reference(asked, Arc::clone(&may)).await);
        let mut first: Pin<Box<_>> = Box::pin(references.ask());
        tokio::select! {
            _ = is_asked.recv() => {}
            answers = &mut first => panic!("{answers:?}"),
        }
        // These fail while the first one's question is under way, which says nothing about them.
        let mut others: Vec<Pin<Box<_>>> = (0..50).map(|_| Box::pin(references.ask())).collect();
        for other in &mut others {
            let is_pending = poll_fn(|context| Poll::Ready(other.as_mut().poll(context).is_pending())).await;
            assert!(is_pending);
        }
        may.add_permits(100);
        assert!(first.await.iter().all(|answer| answer.ok));
        for other in others {
            assert!(references.suffice(&other.await));
        }
        assert!(is_asked.try_recv().is_ok(), "the others' own question");
        assert!(is_asked.try_recv().is_err(), "and no more");
    }
}
