//! One HTTP request to a target, bounded in time and bytes, and never redirected.

use std::time::Instant;

use reqwest::{Client, Method, Request, Response};
use terms::{DocumentError, Expectations, HttpTarget, canonical};
use url::{Host, Url};

use super::ProberError;
use super::cause::Cause;
use super::connect::{Connections, Connector, request};
use super::guard::is_public;
use super::timing::{Timing, saturate};
use super::tls::Tls;
use crate::config::{Config, Resolve};

/// A target's request, ready to be sent again and again, and what a good answer to it is.
#[derive(Debug)]
pub struct Check {
    request: Request,
    connections: Connections,
    timeout_ms: u64,
    expect: Expectations,
}

/// What an operator has to know where a certificate can't be judged.
pub const NO_ROOTS: &str = "this machine has no root certificates; install the package \
     ca-certificates, or set probe.extra_roots";

/// Sends requests to targets.
#[derive(Debug)]
pub struct Http {
    connector: Connector,
    plain: Client,
    timing: Timing,
    allow_private: bool,
    body_bytes: u64,
    resolve: Vec<Resolve>,
}

impl Http {
    pub(super) fn new(config: &Config, tls: Tls, timing: Timing) -> Result<Self, ProberError> {
        let allow_private = config.probe.allow_private_targets;
        let connector = Connector::new(config, tls, allow_private);
        Ok(Self {
            plain: connector.shared()?,
            connector,
            timing,
            allow_private,
            body_bytes: config.limits.body_bytes,
            resolve: config.resolve.clone(),
        })
    }

    pub(super) fn prepare(&self, target: &HttpTarget) -> Result<Check, DocumentError> {
        let refuse = |field: &str, rule: &str| DocumentError::new(field, rule);
        refuse_extras(target)?;
        let url = Url::parse(&target.url).map_err(|_| refuse("target.url", "must be a URL"))?;
        if target.expect.body_max_bytes > self.body_bytes {
            let rule = format!("this oracle reads at most {} bytes", self.body_bytes);
            return Err(refuse("target.expect.body_max_bytes", &rule));
        }
        let method = Method::from_bytes(target.method.as_bytes())
            .map_err(|_| refuse("target.method", "must be GET or HEAD"))?;
        let (mut request, led) =
            request(method, &url, &self.resolve).ok_or_else(|| refuse("target.url", "must name a host"))?;
        if !led && !self.may_connect(&url) {
            return Err(refuse("target.url", "this oracle does not probe private or special addresses"));
        }
        *request.timeout_mut() = Some(self.timing.patience(target.timeout_ms));
        let connections = self.connections(url.scheme()).map_err(|rule| refuse("target.url", &rule))?;
        Ok(Check { request, connections, timeout_ms: target.timeout_ms, expect: target.expect.clone() })
    }

    fn connections(&self, scheme: &str) -> Result<Connections, String> {
        match scheme {
            "http" => Ok(Connections::Shared(self.plain.clone())),
            "https" => match self.connector.own() {
                Some(own) => own.map_err(|error| format!("this oracle can't connect to it: {error}")),
                None => Err(format!("this oracle can't judge https: {NO_ROOTS}")),
            },
            _ => Err("this oracle probes http and https only".to_owned()),
        }
    }

    /// Addresses written out in the URL never pass through the resolver, so they are judged here.
    fn may_connect(&self, url: &Url) -> bool {
        self.allow_private
            || match url.host() {
                Some(Host::Ipv4(ip)) => is_public(ip.into()),
                Some(Host::Ipv6(ip)) => is_public(ip.into()),
                Some(Host::Domain(_)) => true,
                None => false,
            }
    }

    /// Sends the request once: the latency of a good answer, or what was wrong and how long it took.
    pub(super) async fn attempt(&self, check: &Check) -> Result<u32, (Cause, u32)> {
        let started = Instant::now();
        let Some(request) = check.request.try_clone() else {
            return Err((Cause::Connect, 0)); // Only a streaming body can't be cloned, and there is no body.
        };
        match self.exchange(&check.connections.now(), request, &check.expect, started).await {
            Ok((fault, latency_ms)) => check.judge(fault, latency_ms),
            Err(error) => Err(check.broke_off(&error, self.timing.of_failure(started))),
        }
    }

    async fn exchange(
        &self,
        client: &Client,
        request: Request,
        expect: &Expectations,
        started: Instant,
    ) -> Result<(Option<Cause>, u64), reqwest::Error> {
        let mut response = client.execute(request).await?;
        let status = response.status().as_u16();
        if !(expect.status_from..=expect.status_to).contains(&u64::from(status)) {
            discard(&mut response).await;
            return Ok((Some(Cause::Status(status)), self.timing.of_answer(started, response.headers())));
        }
        let body = read(&mut response, expect).await?;
        let latency_ms = self.timing.of_answer(started, response.headers());
        Ok((body.map_or(Some(Cause::BodyTooLong), |body| fault_of(&body, expect)), latency_ms))
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

impl Check {
    fn judge(&self, fault: Option<Cause>, latency_ms: u64) -> Result<u32, (Cause, u32)> {
        match fault {
            Some(cause) => Err((cause, saturate(latency_ms))),
            None if latency_ms > self.timeout_ms => Err((Cause::Timeout, saturate(self.timeout_ms))),
            None => Ok(saturate(latency_ms)),
        }
    }

    fn broke_off(&self, error: &reqwest::Error, latency_ms: u64) -> (Cause, u32) {
        match Cause::of(error) {
            Cause::Timeout => (Cause::Timeout, saturate(self.timeout_ms)),
            cause => (cause, saturate(latency_ms.min(self.timeout_ms))),
        }
    }
}

/// A body of an unexpected answer this short is read to its end, so that the connection can be kept.
const DISCARD_BYTES: usize = 16 * 1024;

async fn discard(response: &mut Response) {
    let mut left = DISCARD_BYTES;
    while let Ok(Some(chunk)) = response.chunk().await {
        if chunk.len() > left {
            return;
        }
        left -= chunk.len();
    }
}

/// Reads the body; `None` when it is longer than expected. It is kept only where it is looked at.
async fn read(response: &mut Response, expect: &Expectations) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let keep = expect.body_sha256.is_some() || expect.body_contains.is_some();
    let mut body = Vec::new();
    let mut left = expect.body_max_bytes;
    while let Some(chunk) = response.chunk().await? {
        let Some(rest) = left.checked_sub(chunk.len() as u64) else {
            return Ok(None);
        };
        left = rest;
        if keep {
            body.extend_from_slice(&chunk);
        }
    }
    Ok(Some(body))
}

fn fault_of(body: &[u8], expect: &Expectations) -> Option<Cause> {
    if expect.body_sha256.is_some_and(|expected| canonical::sha256(body) != expected.0) {
        return Some(Cause::BodyDiffers);
    }
    let lacks = expect.body_contains.as_ref().is_some_and(|text| !contains(body, text.as_bytes()));
    lacks.then_some(Cause::BodyLacksText)
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}
