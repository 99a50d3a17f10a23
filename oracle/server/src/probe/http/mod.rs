//! HTTP: a request to a target, bounded in time and bytes, and what a good answer to it is.

mod answer;
mod connection;
mod effort;
mod expected;
mod judging;
mod kept;
mod redirect;
mod request;

use std::sync::Arc;

use hyper::Response;
use hyper::body::Incoming;
use terms::{DocumentError, HttpTarget, MetricSource};
use url::Url;

use super::NO_ROOTS;
use super::attempt::Attempt;
use super::cause::Cause;
use super::dial::Dialer;
use super::lookups::Lookups;
use super::timing::{Timing, Trip};
use crate::config::Config;
use answer::Answer;
use connection::{Connection, Pool, Unanswered};
use expected::Expected;
use judging::Judging;
use kept::Memory;
use request::Hop;

/// Asks targets over HTTP.
#[derive(Debug)]
pub(super) struct Http {
    dialer: Arc<Dialer>,
    timing: Timing,
    keep_alive: bool,
    body_bytes: u64,
    judging: Judging,
    memory: Memory,
}

/// A target's request, ready to be sent again and again, and what a good answer to it is.
#[derive(Debug)]
pub(super) struct HttpCheck {
    first: Hop,
    redirects: u64,
    timeout_ms: u64,
    expected: Arc<Expected>,
    pool: Pool,
    lookups: Lookups,
}

impl HttpCheck {
    /// # Errors
    /// Names the field that makes an answer longer than may be looked through.
    pub(super) fn is_bounded(&self) -> Result<(), DocumentError> {
        self.expected.is_bounded()
    }
}

impl Http {
    pub(super) fn new(config: &Config, dialer: Arc<Dialer>, timing: Timing) -> Self {
        let (keep_alive, body_bytes) = (config.probe.keep_alive, config.limits.body_bytes);
        let (judging, memory) = (Judging::default(), Memory::default());
        Self { dialer, timing, keep_alive, body_bytes, judging, memory }
    }

    /// A check of a measurement's target; with a `source`, one that takes a reading too.
    ///
    /// # Errors
    /// Names the field that this oracle can't probe, and why.
    pub(super) fn prepare(
        &self,
        target: &HttpTarget,
        source: Option<&MetricSource>,
    ) -> Result<HttpCheck, DocumentError> {
        let refuse = |field: &str, rule: &str| DocumentError::new(field, rule);
        if target.expect.body_max_bytes > self.body_bytes {
            let rule = format!("this oracle reads at most {} bytes", self.body_bytes);
            return Err(refuse("target.expect.body_max_bytes", &rule));
        }
        let first = Hop::first(target)?;
        if self.dialer.names().forbids(&first.origin.endpoint.host) {
            return Err(refuse("target.url", "this oracle does not probe private or special addresses"));
        }
        if self.dialer.tls().is_blind() && (first.origin.is_secure || target.redirects.is_some()) {
            return Err(refuse("target.url", &format!("this oracle can't judge https: {NO_ROOTS}")));
        }
        let expected = Arc::new(Expected::of(target, source)?);
        let (redirects, timeout_ms) = (target.redirects.unwrap_or(0), target.timeout_ms);
        let (pool, lookups) = (Pool::default(), Lookups::default());
        Ok(HttpCheck { first, redirects, timeout_ms, expected, pool, lookups })
    }

    /// A check of a reference: whatever answers there is well, unless it answers with an error.
    pub(super) fn prepare_reference(&self, url: &Url, timeout_ms: u64) -> Option<HttpCheck> {
        let expected = Arc::new(Expected::Status(200..=399));
        let first = Hop::get(url)?;
        let (pool, lookups) = (Pool::default(), Lookups::unbounded());
        Some(HttpCheck { first, redirects: 0, timeout_ms, expected, pool, lookups })
    }

    /// Sends the request once, and follows it where it may.
    pub(super) async fn attempt(&self, check: &HttpCheck) -> Attempt {
        let work = async |trip: &mut Trip| self.travel(check, trip).await;
        let ran = self.timing.run(check.timeout_ms, &check.lookups, work).await;
        let judged = match ran.outcome {
            Ok(answer) => self.judging.judge(&check.expected, answer).await,
            Err(cause) => Err(cause),
        };
        Attempt::of(judged, ran.latency_ms, ran.phases)
    }

    async fn travel(&self, check: &HttpCheck, trip: &mut Trip) -> Result<Answer, Cause> {
        let mut left = check.redirects;
        let mut next = None;
        loop {
            let hop = next.as_ref().unwrap_or(&check.first);
            let (connection, response) = self.ask(check, hop, trip).await?;
            trip.heard(response.headers());
            let status = response.status();
            let stays = check.expected.accepts(status.as_u16()) || !redirect::sends_on(status);
            if check.redirects == 0 || stays {
                let reads = check.expected.reads(status.as_u16());
                let (answer, is_whole) = Answer::read(response, reads, &self.memory).await?;
                self.keep(check, hop, connection, is_whole);
                return Ok(answer);
            }
            left = left.checked_sub(1).ok_or(Cause::TooManyRedirects)?;
            let url = redirect::location(&hop.url, response.headers())?;
            let onward = hop.sent_on(url).ok_or(Cause::RedirectNowhere)?;
            self.keep(check, hop, connection, answer::discard(response).await);
            next = Some(onward);
        }
    }

    fn keep(&self, check: &HttpCheck, hop: &Hop, connection: Connection, is_whole: bool) {
        if is_whole && self.keep_alive {
            check.pool.keep(hop.origin.clone(), connection);
        }
    }

    /// Asks over a kept connection, and else over a new one. What is kept may have ended unnoticed, which says
    /// nothing about the service: a request that can be repeated is.
    async fn ask(
        &self,
        check: &HttpCheck,
        hop: &Hop,
        trip: &mut Trip,
    ) -> Result<(Connection, Response<Incoming>), Cause> {
        let now_s = self.dialer.tls().clock().now_s();
        let valid_s = check.expected.certificate_valid_s();
        if let Some(mut kept) = check.pool.take(&hop.origin, now_s) {
            kept.lasts(now_s, valid_s)?;
            match kept.send(hop.request.clone(), &mut trip.phases).await {
                Ok(response) => return Ok((kept, response)),
                Err(Unanswered::Unsent) => {}
                Err(Unanswered::HungUp) if hop.is_repeatable() => {}
                Err(unanswered) => return Err(unanswered.cause()),
            }
        }
        let mut fresh = Connection::open(&self.dialer, &hop.origin, trip).await?;
        fresh.lasts(now_s, valid_s)?;
        let answered = fresh.send(hop.request.clone(), &mut trip.phases).await;
        answered.map(|response| (fresh, response)).map_err(Unanswered::cause)
    }
}
