//! What the parties can show to others, checked as others would: with the command line alone, and offline.

use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use terms::Sat;
use tokio::process::Command;

use super::director::Director;
use super::world::Member;
use crate::files;
use crate::market::record::ReceiptsRecord;

/// How a command ended, and what it said.
pub(super) struct Said {
    pub well: bool,
    pub out: String,
}

impl Director<'_> {
    /// A node's receipts, exported and verified with its own commands.
    pub(super) async fn receipts(&self, member: &Member) -> anyhow::Result<ReceiptsRecord> {
        let config = self.world.folder.join(format!("{}.toml", member.name));
        let exported = command("earnest", &["receipts", "export", "--config"], &config).await?;
        let file = self.world.folder.join(format!("{}-receipts.jsonl", member.name));
        files::write(&file, exported.out.as_bytes())?;
        let key = member.party.key.to_string();
        let verified = command("earnest", &["receipts", "verify", "--key", &key, "--json"], &file).await?;
        let verdict: Value = serde_json::from_str(&verified.out).unwrap_or_default();
        let number = |name: &str| verdict.get(name).and_then(Value::as_u64).unwrap_or(0);
        let own = format!("party:{key}");
        Ok(ReceiptsRecord {
            lines: number("receipts"),
            batches: number("batches"),
            verified: exported.well && verified.well,
            locked_sat: told(&exported.out, &["funding"], "contract"),
            paid_out_sat: told(&exported.out, &["settlement", "refund", "close"], &own),
        })
    }

    /// Whether the transcript of an escrow, exported by its buyer, holds for somebody who has nothing else.
    pub(super) async fn transcript(&self, buyer: &Member, id: &str) -> anyhow::Result<bool> {
        let transcript = buyer.party.owner.transcript(id).await?.context("the buyer forgot an escrow")?;
        let file = self.world.folder.join(format!("{id}-transcript.json"));
        files::write(&file, &serde_json::to_vec(&transcript).context("a transcript")?)?;
        let verified = command("earnest", &["transcript", "verify", "--json"], &file).await?;
        let verdict: Value = serde_json::from_str(&verified.out).unwrap_or_default();
        // Down to the payout: not only what was said, but what was attested and paid.
        Ok(verified.well && verdict.get("closing").is_some_and(|closing| !closing.is_null()))
    }

    /// Whether the oracle's own audit of an event's evidence holds; `None` where there is no evidence.
    pub(super) async fn audit(&self, event: &terms::EventId) -> anyhow::Result<Option<bool>> {
        let Some(bundle) = self.world.oracle.client.evidence(event).await.ok().flatten() else {
            return Ok(None);
        };
        let file = self.world.folder.join(format!("{event}-evidence.json"));
        files::write(&file, &bundle)?;
        Ok(Some(command("earnest-oracle", &["audit"], &file).await?.well))
    }
}

/// Runs one of our programs with these arguments and a file.
async fn command(program: &str, arguments: &[&str], file: &Path) -> anyhow::Result<Said> {
    let mut command = Command::new(testbed::binary(program)?);
    let output = command.args(arguments).arg(file).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("{program} {}", arguments.join(" ")))?;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(Said { well: output.status.success(), out })
}

/// What the lines of an export come to that are for one of these purposes and paid to somebody.
fn told(export: &str, purposes: &[&str], paid_to: &str) -> Sat {
    let lines = export.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let movements = lines.filter_map(|line| line.pointer("/receipt/opening/movement").cloned());
    let text = |movement: &Value, field: &str| {
        movement.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let meant = |movement: &Value| {
        purposes.contains(&text(movement, "purpose").as_str()) && text(movement, "paid_to") == paid_to
    };
    let meant = movements.filter(meant);
    Sat(meant.filter_map(|movement| movement.get("sat").and_then(Value::as_u64)).sum())
}
