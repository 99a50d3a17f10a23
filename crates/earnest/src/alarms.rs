//! What an owner should look at.

use protocol::oracle::LogContradiction;
use protocol::owner::{Alarm, AlarmKind};

use crate::cli::ConfigFile;
use crate::exit::Failure;
use crate::{output, owner};

/// `earnest alarms`
pub async fn list(file: &ConfigFile, json: bool) -> Result<(), Failure> {
    let alarms = owner::connect(file)?.alarms().await?;
    if json {
        return output::json(&alarms);
    }
    if alarms.is_empty() {
        output::line("no alarms");
    }
    for alarm in &alarms {
        let escrow =
            if alarm.escrow_id.is_empty() { String::new() } else { format!(", escrow {}", alarm.escrow_id) };
        output::line(&format!("{}{escrow}", in_words(alarm)));
        alarm.log.as_deref().into_iter().for_each(show_checkpoints);
    }
    Ok(())
}

fn show_checkpoints(found: &LogContradiction) {
    let proven = match found.proven {
        true => {
            "The two and what the server told prove it; `earnest alarms --json` has all of it, for `earnest-oracle prove`."
        }
        false => {
            "It has become smaller, which an old page of a cache could be as well, or its server shows no proof."
        }
    };
    output::line(&format!(
        "{proven}\nKept:\n\n{}\nShown later:\n\n{}",
        found.kept.checkpoint, found.shown.checkpoint
    ));
}

/// One alarm in a line.
pub fn in_words(alarm: &Alarm) -> String {
    let oracle = alarm.oracle.map(|key| key.to_string()).unwrap_or_default();
    let what = match alarm.kind {
        AlarmKind::Equivocation => format!("oracle {oracle} attested two outcomes of this event"),
        AlarmKind::ChangedAnnouncement => format!("oracle {oracle} announced this event twice"),
        AlarmKind::UnknownSpend => "the funding output was spent by nothing that was agreed".to_owned(),
        AlarmKind::LimitNear
        | AlarmKind::ApprovalNeeded
        | AlarmKind::NotListed
        | AlarmKind::CoinsMissing
        | AlarmKind::WindowAtRisk
        | AlarmKind::WindowMissed => alarm.detail.clone(),
        AlarmKind::ForkedLog => {
            format!("the public log of oracle {oracle} does not go on from a checkpoint that it signed")
        }
    };
    format!("ALARM: {what} (noticed at {})", alarm.at)
}
