//! What came of each scenario of a catalogue.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::done::Done;
use crate::record::Check;

/// One scenario's run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name in the catalogue.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// How long it took, in real time.
    pub took: Duration,
    /// Where its page lies, from the index' folder.
    pub page: Option<String>,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It came to its end, well or not.
    Ended {
        /// What came of it.
        record: Done,
        /// What a `--check` said, where it failed.
        objection: Option<String>,
    },
    /// It broke off, or its file is bad.
    Broke(String),
}

impl Run {
    /// Whether all holds that its file expects.
    pub fn passed(&self) -> bool {
        matches!(&self.verdict, Verdict::Ended { record, objection: None } if record.passed())
    }

    /// What came of it, where it came to its end.
    pub fn record(&self) -> Option<&Done> {
        match &self.verdict {
            Verdict::Ended { record, .. } => Some(record),
            Verdict::Broke(_) => None,
        }
    }

    /// Why it did not pass, a line for each reason; empty where it passed.
    pub fn reasons(&self) -> Vec<String> {
        match &self.verdict {
            Verdict::Broke(why) => vec![why.clone()],
            Verdict::Ended { record, objection } => {
                let failed = record.checks().iter().filter(|check| !check.holds).map(reason);
                failed.chain(objection.clone()).collect()
            }
        }
    }
}

fn reason(check: &Check) -> String {
    let why = check.why.as_ref().map_or_else(String::new, |why| format!("; {why}"));
    format!("{}: expected {}, got {}{why}", check.what, check.expected, check.got)
}

/// All results as one document. Nothing in it depends on the machine's speed.
pub(super) fn json(runs: &[Run], seed: u64) -> Value {
    let each: Vec<Value> = runs.iter().map(run_json).collect();
    json!({ "v": 1, "seed": seed, "passed": runs.iter().all(Run::passed), "runs": each })
}

fn run_json(run: &Run) -> Value {
    let mut value = json!({ "name": run.name, "file": run.file, "passed": run.passed() });
    match &run.verdict {
        Verdict::Ended { record, objection } => {
            value["record"] = json!(record);
            if let Some(objection) = objection {
                value["objection"] = json!(objection);
            }
        }
        Verdict::Broke(why) => value["error"] = json!(why),
    }
    value
}
