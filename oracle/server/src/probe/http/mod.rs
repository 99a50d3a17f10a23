//! HTTP: a request to a target, bounded in time and bytes, and what a good answer to it is.

mod answer;
mod connection;
mod request;

use hyper::Response;
use hyper::body::Incoming;
use terms::{DocumentError, HttpTarget};
use url::Url;

use super::NO_ROOTS;
use super::attempt::Attempt;
use super::cause::Cause;
use super::dial::Dialer;
use super::names::Names;
use super::timing::{Timing, Trip};
use super::tls::Tls;
use crate::config::Config;
use answer::Expected;
use connection::{Connection, Pool, Unanswered};
pub(super) use request::Hop;

/// Asks targets over HTTP.
#[derive(Debug)]
pub(super) struct Http {
    dialer: Dialer,
    timing: Timing,
    keep_alive: bool,
    body_bytes: u64,
}

/// A target's request, ready to be sent again and again, and what a good answer to it is.
#[derive(Debug)]
pub(super) struct HttpCheck {
    hop: Hop,
    timeout_ms: u64,
    expected: Expected,
    pool: Pool,
}

impl Http {
    pub(super) fn new(config: &Config, tls: &Tls, timing: Timing, allow_private: bool) -> Self {
        let names = Names::new(&config.resolve, allow_private);
        Self {
            dialer: Dialer::new(names, tls.clone()),
            timing,
            keep_alive: config.probe.keep_alive,
            body_bytes: config.limits.body_bytes,
        }
    }

    /// A check of a target of a measurement.
    ///
    /// # Errors
    /// Names the field that this oracle can't probe, and why.
    pub(super) fn prepare(&self, target: &HttpTarget) -> Result<HttpCheck, DocumentError> {
        let refuse = |field: &str, rule: &str| DocumentError::new(field, rule);
        refuse_extras(target)?;
        let url = Url::parse(&target.url).map_err(|_| refuse("target.url", "must be a URL"))?;
        if target.expect.body_max_bytes > self.body_bytes {
            let rule = format!("this oracle reads at most {} bytes", self.body_bytes);
            return Err(refuse("target.expect.body_max_bytes", &rule));
        }
        let hop = Hop::first(&url, target)?;
        if self.dialer.names().forbids(&hop.origin.endpoint.host) {
            return Err(refuse("target.url", "this oracle does not probe private or special addresses"));
        }
        if hop.origin.is_secure && self.dialer.tls().is_blind() {
            return Err(refuse("target.url", &format!("this oracle can't judge https: {NO_ROOTS}")));
        }
        let expected = Expected::of(&target.expect);
        Ok(HttpCheck { hop, timeout_ms: target.timeout_ms, expected, pool: Pool::default() })
    }

    /// A check of a reference: whatever answers there is well, unless it answers with an error.
    pub(super) fn prepare_reference(&self, url: &Url, timeout_ms: u64) -> Option<HttpCheck> {
        let expected = Expected::any_body(200..=399);
        Some(HttpCheck { hop: Hop::get(url)?, timeout_ms, expected, pool: Pool::default() })
    }

    /// Sends the request once.
    pub(super) async fn attempt(&self, check: &HttpCheck) -> Attempt {
        let ran = self.timing.run(check.timeout_ms, async |trip| self.travel(check, trip).await).await;
        let fault = match &ran.outcome {
            Ok(answer) => check.expected.fault_of(answer),
            Err(cause) => Some(*cause),
        };
        Attempt { fault, latency_ms: ran.latency_ms, phases: ran.phases }
    }

    async fn travel(&self, check: &HttpCheck, trip: &mut Trip) -> Result<answer::Answer, Cause> {
        let (connection, response) = self.ask(check, &check.hop, trip).await?;
        trip.heard(response.headers());
        let (answer, is_whole) = check.expected.read(response).await?;
        if is_whole && self.keep_alive {
            check.pool.keep(check.hop.origin.clone(), connection);
        }
        Ok(answer)
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
        if let Some(mut kept) = check.pool.take(&hop.origin, now_s) {
            match kept.send(hop.request.clone(), &mut trip.phases).await {
                Ok(response) => return Ok((kept, response)),
                Err(Unanswered::Unsent) => {}
                Err(Unanswered::HungUp) if hop.is_repeatable() => {}
                Err(unanswered) => return Err(unanswered.cause()),
            }
        }
        let mut fresh = Connection::open(&self.dialer, &hop.origin, &mut trip.phases).await?;
        let answered = fresh.send(hop.request.clone(), &mut trip.phases).await;
        answered.map(|response| (fresh, response)).map_err(Unanswered::cause)
    }
}

/// What a measurement may ask of HTTP and this oracle can't do yet.
fn refuse_extras(target: &HttpTarget) -> Result<(), DocumentError> {
    let expect = &target.expect;
    let asked = [
        ("method", target.method == "POST"),
        ("headers", !target.headers.is_empty()),
        ("redirects", target.redirects.is_some()),
        ("expect.status_also", !expect.status_also.is_empty()),
        ("expect.body_matches", expect.body_matches.is_some()),
        ("expect.body_min_bytes", expect.body_min_bytes.is_some()),
        ("expect.json", !expect.json.is_empty()),
        ("expect.json_schema", expect.json_schema.is_some()),
        ("expect.certificate_valid_s", expect.certificate_valid_s.is_some()),
    ];
    match asked.into_iter().find(|(_, asked)| *asked) {
        Some((field, _)) => {
            Err(DocumentError::new(format!("target.{field}"), "this oracle can't do that yet"))
        }
        None => Ok(()),
    }
}
