//! Do two checkpoints of an oracle's log prove that it was changed? A node's alarm about a log holds all that is needed.

use evidence::{Checkpoint, CheckpointError, Growth, Relation};
use protocol::oracle::{LogContradiction, LogSight};
use serde_json::{Value, json};
use terms::Hex32;

/// A log that was changed.
#[derive(Debug)]
pub struct Forked {
    kept: (LogSight, Checkpoint),
    shown: (LogSight, Checkpoint),
    /// They are of two logs, which one oracle never has.
    two_logs: bool,
}

/// Why nothing is proven.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotForked {
    /// The oracle did not sign for the log.
    #[error("{which}: {oracle} did not sign that the log is its")]
    Voucher {
        /// `kept` or `shown`.
        which: &'static str,
        /// The key.
        oracle: Hex32,
    },
    /// The log did not sign the checkpoint.
    #[error("{which}: the checkpoint {error}")]
    Checkpoint {
        /// `kept` or `shown`.
        which: &'static str,
        /// What is wrong.
        error: CheckpointError,
    },
    /// They have nothing in common.
    #[error("the two checkpoints are of two logs, of two oracles")]
    TwoOracles,
    /// They go together.
    #[error("the later checkpoint goes on from the earlier one")]
    GoesOn,
    /// The later one is smaller.
    #[error(
        "the later checkpoint has {shown} entries and the earlier one {kept}: that the log lost some, or that this is an old \
         page of a cache. `earnest-oracle audit --log URL` tells"
    )]
    Shrank {
        /// The earlier one's entries.
        kept: u64,
        /// The later one's.
        shown: u64,
    },
    /// Nothing shows how they stand to each other.
    #[error(
        "nothing here shows whether the later checkpoint goes on from the earlier one: its server gave no proof. \
         `earnest-oracle audit --log URL` tells"
    )]
    Unshown,
}

/// Those of some pairs that are proven.
///
/// # Errors
/// Where there are some and none is: why the first is not.
pub fn find(found: &[LogContradiction]) -> Result<Vec<Forked>, NotForked> {
    let (mut proven, mut reason) = (Vec::new(), None);
    for pair in found {
        match check(pair) {
            Ok(forked) => proven.push(forked),
            Err(error) => reason = reason.or(Some(error)),
        }
    }
    reason.filter(|_| proven.is_empty()).map_or(Ok(proven), Err)
}

/// Checks every signature, and whether the later checkpoint commits to other entries than the earlier one.
///
/// # Errors
/// Says why that is not proven.
pub fn check(found: &LogContradiction) -> Result<Forked, NotForked> {
    let [kept, shown] = [open("kept", &found.kept)?, open("shown", &found.shown)?];
    let two_logs = found.kept.log_key != found.shown.log_key;
    if two_logs && found.kept.oracle != found.shown.oracle {
        return Err(NotForked::TwoOracles);
    }
    let proof: Vec<_> = found.proof.iter().map(|hash| hash.0).collect();
    let growth = Growth { root: found.root.as_ref().map(|root| &root.0), proof: &proof };
    match evidence::compare(&kept, &shown, growth) {
        Relation::Changed => {}
        _ if two_logs => {}
        Relation::GoesOn => return Err(NotForked::GoesOn),
        Relation::Shrank => return Err(NotForked::Shrank { kept: kept.size, shown: shown.size }),
        Relation::Unshown => return Err(NotForked::Unshown),
    }
    Ok(Forked { kept: (found.kept.clone(), kept), shown: (found.shown.clone(), shown), two_logs })
}

fn open(which: &'static str, sight: &LogSight) -> Result<Checkpoint, NotForked> {
    if !sight.is_vouched() {
        return Err(NotForked::Voucher { which, oracle: sight.oracle });
    }
    Checkpoint::open(&sight.log_key, &sight.checkpoint)
        .map_err(|error| NotForked::Checkpoint { which, error })
}

impl Forked {
    /// What it means, for a person.
    pub fn explain(&self) -> String {
        let ((sight, kept), (_, shown)) = (&self.kept, &self.shown);
        let what = if self.two_logs {
            "signed for two logs, and an oracle has one".to_owned()
        } else {
            format!(
                "signed {} entries of its log, and later a log of {} that does not begin with them",
                kept.size, shown.size
            )
        };
        format!(
            "Proven: oracle {} {what}.\nBoth checkpoints are signed with keys of logs for which the oracle has signed. What it \
             published was changed or taken back, or it shows different logs to different readers.\nKept:\n\n{}\nShown \
             later:\n\n{}",
            sight.oracle, self.kept.0.checkpoint, self.shown.0.checkpoint
        )
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        json!({
            "oracle": self.kept.0.oracle,
            "two_logs": self.two_logs,
            "sizes": [self.kept.1.size, self.shown.1.size],
            "checkpoints": [self.kept.0.checkpoint, self.shown.0.checkpoint],
        })
    }
}
