//! What the owner allows: mandate, pause, approvals.

use protocol::owner::{ApprovalView, MandateView, UsageView};

use crate::cli::{ConfigFile, Decision, Switch};
use crate::exit::Failure;
use crate::{output, owner};

/// `earnest mandate`
pub async fn mandate(file: &ConfigFile, json: bool) -> Result<(), Failure> {
    let view = owner::connect(file)?.mandate().await?;
    if json {
        return output::json(&view);
    }
    show(&view);
    Ok(())
}

fn show(view: &MandateView) {
    if view.paused {
        output::line("PAUSED: nothing new is committed until `earnest resume`");
    }
    let limits = view.limits.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let limits: Vec<(&str, String)> =
        limits.map(|(name, value)| (name.as_str(), value.to_string())).collect();
    output::facts(&limits);
    used(&view.usage);
    if let Some(key) = &view.key {
        output::line(&format!("of the key {}, which expires at {}:", key.key.name, key.key.expires_at));
        used(&key.usage);
    }
}

fn used(usage: &[UsageView]) {
    let mut table = output::table(&["limit", "of", "used", "allowed"]);
    for line in usage {
        let (used, allowed) = (output::sat(line.used_sat), output::sat(line.allowed_sat));
        table.add_row([line.limit.clone(), line.of.clone(), used, allowed]);
    }
    output::line(&table.to_string());
}

/// `earnest pause`, `earnest resume`
pub async fn pause(arguments: Switch, paused: bool, json: bool) -> Result<(), Failure> {
    let key = owner::idempotency_key(arguments.retry.idempotency_key)?;
    let view = owner::connect(&arguments.file)?.pause(paused, &key).await?;
    if json {
        return output::json(&view);
    }
    output::line(if view.paused { "paused: nothing new is committed" } else { "going on" });
    Ok(())
}

/// `earnest approvals`
pub async fn approvals(file: &ConfigFile, json: bool) -> Result<(), Failure> {
    let approvals = owner::connect(file)?.approvals().await?;
    if json {
        return output::json(&approvals);
    }
    let header = ["terms", "state", "role", "counterparty", "service", "locks", "key", "until"];
    let mut table = output::table(&header);
    for approval in &approvals {
        table.add_row([
            approval.terms_hash.to_string(),
            state(approval),
            format!("{:?}", approval.role).to_lowercase(),
            approval.counterparty.to_string(),
            approval.service.clone(),
            output::sat(approval.locked_sat),
            approval.key.clone().unwrap_or_default(),
            approval.expires_at.to_string(),
        ]);
    }
    output::line(&table.to_string());
    for approval in approvals.iter().filter(|approval| approval.outlook.is_some()) {
        output::line(&format!("\nterms {}", approval.terms_hash));
        output::outlook(approval.outlook.as_ref());
    }
    Ok(())
}

fn state(approval: &ApprovalView) -> String {
    format!("{:?}", approval.state).to_lowercase()
}

/// `earnest approve`, `earnest deny`
pub async fn decide(arguments: Decision, word: &str, json: bool) -> Result<(), Failure> {
    let key = owner::idempotency_key(arguments.retry.idempotency_key)?;
    let view = owner::connect(&arguments.file)?.decide(&arguments.terms_hash, word, &key).await?;
    if json {
        return output::json(&view);
    }
    let escrow = view.escrow_id.as_ref().map_or(String::new(), |id| format!(", escrow {id} has begun"));
    output::line(&format!("{}{escrow}", state(&view)));
    Ok(())
}
