//! One event's life, in which the oracle may die, and what must be true at its end.

use std::time::Duration;

use dlc_messages::oracle_msgs::OracleAnnouncement;
use earnest_oracle::checking::audit_log;
use evidence::{Checkpoint, Tree};
use ledger::Entry;
use ledger::bundle::Bundle;
use protocol::oracle::{Announced, EventState, EventView, LogInfo};
use serde_json::json;
use signer::wire;
use terms::Measurement;

use crate::common::process::Process;
use crate::common::{START, World, measurement};

/// Four slices of a minute, each with four probes. The service fails in two of them.
const END: u64 = START + 240;
const MATURITY: u64 = END + 60;
/// Both halves of every slice's probes agree, so that the outcome does not depend on which of them a crash loses.
const OUTCOME: &str = "500000";

const CONFIG: &str = "publication_delay_s = 60\ncheckpoint_copy = \"elsewhere/checkpoint\"\n\
     [probe]\njitter = false\nflush_every_s = 1\n";

/// What a life came to.
pub struct Life {
    pub announcement: OracleAnnouncement,
}

/// An oracle that may kill itself, and is then started again without that.
pub struct Mortal {
    world: World,
    oracle: Option<Process>,
    doomed: bool,
    /// Every checkpoint of the log that was seen.
    checkpoints: Vec<String>,
    /// Every announcement that was seen.
    announced: Vec<String>,
}

impl Mortal {
    /// Starts it with these variables in its environment.
    pub async fn start(envs: &[(&str, &str)]) -> Self {
        let world = World::new().await;
        std::fs::create_dir(world.path("elsewhere")).unwrap();
        world.configure(CONFIG);
        let doomed = envs.iter().any(|(name, _)| *name == "EARNEST_CRASH_AT");
        let mut mortal = Self { world, oracle: None, doomed, checkpoints: Vec::new(), announced: Vec::new() };
        mortal.oracle = match Process::serve_with(&mortal.world, envs).await {
            Ok(oracle) => Some(oracle),
            Err((status, log)) => {
                assert!(mortal.doomed, "ended with {status}:\n{log}");
                None
            }
        };
        mortal.mend().await;
        mortal
    }

    /// Whether it still has to die.
    pub fn is_doomed(&self) -> bool {
        self.doomed
    }

    fn oracle(&self) -> &Process {
        self.oracle.as_ref().expect("it was started again")
    }

    /// Starts it again if it has died. Returns whether it had.
    async fn mend(&mut self) -> bool {
        let died = match &mut self.oracle {
            Some(oracle) => oracle.has_died(&self.world).await,
            None => true,
        };
        if died {
            assert!(self.doomed, "it died without being told to");
            self.doomed = false;
            self.oracle = Some(Process::serve(&self.world).await);
        }
        died
    }

    /// Asks until there is an answer: once more when it died under the request.
    async fn insist(
        &mut self,
        mut ask: impl AsyncFnMut(&Process) -> reqwest::Result<(u16, String)>,
    ) -> (u16, String) {
        loop {
            match ask(self.oracle()).await {
                Ok(answer) => return answer,
                Err(error) => assert!(self.mend_soon().await, "{error}"),
            }
        }
    }

    /// As [`Mortal::mend`], for when somebody noticed: a connection is closed before the process is gone.
    async fn mend_soon(&mut self) -> bool {
        if !self.doomed {
            return false;
        }
        while !self.mend().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    async fn get(&mut self, path: &str) -> (u16, String) {
        self.insist(async |oracle| oracle.http.try_text(path).await).await
    }

    async fn found(&mut self, path: &str) -> String {
        let (status, text) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {text}");
        text
    }

    /// Lets time pass until `at`, and keeps the newest checkpoint on the way, as a witness would.
    async fn until(&mut self, at: u64) {
        while self.world.clock.now_s() < at {
            // Half-way between two probes.
            let next = at.min((self.world.clock.now_s() / 15 + 1) * 15 + 7);
            self.world.until(next).await;
            self.mend().await;
            let checkpoint = self.found("/checkpoint").await;
            self.checkpoints.push(checkpoint);
        }
    }

    async fn event(&mut self, measurement: &Measurement) -> Option<EventView> {
        let (status, text) = self.get(&format!("/v1/events/{}", measurement.event_id())).await;
        if status == 404 {
            return None;
        }
        let event: EventView = serde_json::from_str(&text).unwrap();
        self.announced.push(event.announcement_hex.to_string());
        Some(event)
    }

    async fn announce(&mut self, measurement: &Measurement) {
        let body = measurement.canonical();
        let (status, text) = loop {
            match self.oracle().http.try_post(body.clone()).await {
                Ok(answer) => break answer,
                Err(error) => {
                    assert!(self.mend_soon().await, "{error}");
                    // What it shows now it must keep to.
                    self.event(measurement).await;
                }
            }
        };
        assert!(matches!(status, 200 | 201), "{text}");
        let announced: Announced = serde_json::from_str(&text).unwrap();
        self.announced.push(announced.announcement_hex.to_string());
    }
}

/// An event is announced, measured, closed and attested.
pub async fn live(mortal: &mut Mortal) -> Life {
    let measurement = measurement(|m| {
        m["window"] = json!({ "start": START, "end": END });
        m["slice_s"] = json!(60);
        m["least_samples"] = json!(1);
        m["indeterminate_above_ppm"] = json!(500_000);
    });
    mortal.announce(&measurement).await;
    mortal.until(START - 1).await;
    mortal.until(START + 120).await;
    mortal.world.service.answers(503);
    mortal.until(MATURITY + 120).await;
    ends_well(mortal, &measurement).await
}

/// What must be true however often it died.
async fn ends_well(mortal: &mut Mortal, measurement: &Measurement) -> Life {
    let event = mortal.event(measurement).await.expect("it was announced");
    assert_eq!(event.state, EventState::Attested);
    let first = mortal.announced.first().expect("it was shown").clone();
    assert!(mortal.announced.iter().all(|shown| *shown == first), "another announcement was shown");
    let announcement = wire::parse_announcement(&first).unwrap();
    let attestation = event.attestation_hex.unwrap().to_string();
    audit(mortal, &event.event_id.to_string(), &attestation).await;
    log_went_on(mortal, &attestation).await;
    audit_everything(mortal).await;
    journal_says_each_thing_once(mortal);

    // Asked once more, in a further life, it says the same.
    let oracle = mortal.oracle.take().unwrap();
    oracle.kill(&mortal.world).await;
    mortal.oracle = Some(Process::serve(&mortal.world).await);
    mortal.world.until(MATURITY + 3_600).await;
    let again = mortal.event(measurement).await.unwrap().attestation_hex.unwrap();
    assert_eq!(again.to_string(), attestation);
    mortal.oracle.take().unwrap().terminate(&mortal.world).await;
    Life { announcement }
}

async fn audit(mortal: &mut Mortal, id: &str, attestation: &str) {
    let bundle = mortal.found(&format!("/v1/events/{id}/evidence")).await;
    let bundle = Bundle::parse(bundle.as_bytes()).unwrap();
    let audit = signer::audit(&bundle).unwrap();
    assert_eq!(bundle.attestation.as_deref(), Some(attestation));
    assert!(audit.root_signed && audit.attestation.is_some() && audit.checkpoint.is_some());
    let bits = audit.attestation.unwrap().outcomes.concat();
    assert_eq!(u64::from_str_radix(&bits, 2).unwrap().to_string(), OUTCOME);
}

/// What `earnest-oracle audit --log` finds, of whatever life this was.
async fn audit_everything(mortal: &Mortal) {
    let address = format!("http://{}", mortal.oracle().addr());
    let audited = audit_log::audit(&address, None).await.unwrap_or_else(|error| panic!("{error}")).json();
    assert_eq!((&audited["entries"], &audited["events"]["attested"]), (&json!(7), &json!(1)), "{audited}");
}

/// The log holds everything once, and every checkpoint that was seen is one of its own past.
async fn log_went_on(mortal: &mut Mortal, attestation: &str) {
    let info: LogInfo = serde_json::from_str(&mortal.found("/v1/log").await).unwrap();
    assert_eq!(info.size, 7, "the announcement, four slices, the outcome, the attestation");
    let bytes = mortal.oracle().http.bytes(&format!("/tile/entries/000.p/{}", info.size)).await;
    let leaves = split(&bytes);
    let entries: Vec<Entry> = leaves.iter().map(|leaf| serde_json::from_slice(leaf).unwrap()).collect();
    assert!(matches!(&entries[0], Entry::Announced { seed_commitment: None, .. }));
    for (index, entry) in entries[1..5].iter().enumerate() {
        assert!(matches!(entry, Entry::Slice { verdict, .. } if verdict.index == index as u64), "{entry:?}");
    }
    assert!(matches!(&entries[5], Entry::Closed { slices: 4, .. }));
    assert!(matches!(&entries[6], Entry::Attested { attestation: hex, .. } if hex == attestation));
    let roots: Vec<_> = (0..=leaves.len()).map(|size| root(&leaves[..size])).collect();
    let elsewhere = std::fs::read_to_string(mortal.world.path("elsewhere/checkpoint")).unwrap();
    for text in mortal.checkpoints.iter().chain([&elsewhere]) {
        let seen = Checkpoint::open(&info.public_key, text).unwrap();
        assert_eq!(roots.get(usize::try_from(seen.size).unwrap()), Some(&seen.root), "{text}");
    }
}

fn root(leaves: &[Vec<u8>]) -> [u8; 32] {
    let mut tree = Tree::new();
    leaves.iter().for_each(|leaf| tree.push(leaf));
    tree.root()
}

/// Entries, each behind its length in two bytes.
fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut leaves = Vec::new();
    while let [high, low, rest @ ..] = bytes {
        let (leaf, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        leaves.push(leaf.to_vec());
        bytes = rest;
    }
    leaves
}

fn journal_says_each_thing_once(mortal: &Mortal) {
    let journal = std::fs::read_to_string(mortal.world.path("signing.journal")).unwrap();
    for word in ["\"announced\"", "\"authorised\""] {
        assert_eq!(journal.lines().filter(|line| line.contains(word)).count(), 1, "{word}: {journal}");
    }
}
