//! The oracle's own connectivity: k of m reference targets must answer for a failure to count.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, Request};
use tokio::task::JoinSet;

use super::ProberError;
use super::connect::{Connector, request};
use super::timing::{Timing, saturate};
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
    client: Client,
    timing: Timing,
    targets: Vec<(String, Request)>,
    needed: usize,
}

impl References {
    /// References are the operator's own word, so they may lie on a private network.
    pub(super) fn new(config: &Config, tls: Tls, timing: Timing) -> Result<Self, ProberError> {
        let client = Connector::new(config, tls, true).shared()?;
        let patience = timing.patience(config.probe.reference_timeout_ms);
        let targets = config
            .references
            .iter()
            .filter_map(|reference| {
                let (request, _) = request(Method::GET, &reference.url, &config.resolve)?;
                Some((reference.url.to_string(), patient(request, patience)))
            })
            .collect();
        Ok(Self { client, timing, targets, needed: config.references_needed })
    }

    /// Asks all of them at once. Without references the answer is empty.
    pub(super) async fn ask(&self) -> Vec<ReferenceAnswer> {
        let mut asking = JoinSet::new();
        for (name, target) in &self.targets {
            if let Some(request) = target.try_clone() {
                asking.spawn(ask_one(self.client.clone(), self.timing, name.clone(), request));
            }
        }
        asking.join_all().await
    }

    /// Do these answers show that the oracle is connected? Without references nothing is excused.
    pub(super) fn suffice(&self, answers: &[ReferenceAnswer]) -> bool {
        self.targets.is_empty() || answers.iter().filter(|answer| answer.ok).count() >= self.needed
    }
}

fn patient(mut request: Request, patience: Duration) -> Request {
    *request.timeout_mut() = Some(patience);
    request
}

async fn ask_one(client: Client, timing: Timing, reference: String, request: Request) -> ReferenceAnswer {
    let started = Instant::now();
    let (ok, latency_ms) = match client.execute(request).await {
        Ok(answer) => {
            let status = answer.status();
            (status.is_success() || status.is_redirection(), timing.of_answer(started, answer.headers()))
        }
        Err(_) => (false, timing.of_failure(started)),
    };
    ReferenceAnswer { reference, ok, latency_ms: saturate(latency_ms) }
}
