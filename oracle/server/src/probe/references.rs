//! The oracle's own connectivity: k of m reference targets must answer for a failure to count.

use std::sync::Arc;

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
}

impl References {
    /// References are the operator's own word, so they may lie on a private network.
    pub(super) fn new(config: &Config, tls: Tls, timing: Timing) -> Result<Self, ProberError> {
        let dialer = Arc::new(Dialer::new(Names::new(config, true)?, tls));
        let http = Arc::new(Http::new(config, dialer, timing));
        let timeout_ms = config.probe.reference_timeout_ms;
        let target = |url| Some(Arc::new(http.prepare_reference(url, timeout_ms)?));
        let urls = config.references.iter().map(|reference| &reference.url);
        let targets = urls.filter_map(|url| Some((url.to_string(), target(url)?))).collect();
        Ok(Self { http, targets, needed: config.references_needed })
    }

    /// Asks all of them at once. Without references the answer is empty.
    pub(super) async fn ask(&self) -> Vec<ReferenceAnswer> {
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
