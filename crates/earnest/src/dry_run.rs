//! `--dry-run`: what a command would come to, as the node says it.

use client::{OwnerClient, Rehearsed};
use protocol::owner::{DryAction, DryRun, Role};

use crate::exit::Failure;
use crate::order::word;
use crate::output;

/// Asks the node, and shows what it says. What would be refused is refused.
pub async fn show(node: &OwnerClient, what: Rehearsed<'_>, json: bool) -> Result<(), Failure> {
    let plan = node.dry_run(&what).await?;
    if json {
        return output::json(&plan);
    }
    output::line(&format!("Nothing was done. It would {}.", action(plan.action)));
    output::facts(&facts(&plan));
    tables(&plan);
    output::outlook(plan.outlook.as_ref());
    Ok(())
}

fn action(action: DryAction) -> &'static str {
    match action {
        DryAction::Nothing => "do nothing",
        DryAction::Pay => "pay from free coins",
        DryAction::Publish => "publish the offer",
        DryAction::Lock => "agree to the terms and lock the escrow",
        DryAction::Negotiate => "ask for a quote and negotiate",
        DryAction::Propose => "propose these terms",
        DryAction::ProposeClose => "propose to close at this split",
        DryAction::SignClose => "sign this split",
        DryAction::Approve => "agree to the commitment",
        DryAction::Order => "give the standing order",
        DryAction::StandingOffer => "give the standing offer",
    }
}

/// What is known, one a line.
fn facts(plan: &DryRun) -> Vec<(&'static str, String)> {
    let role = plan.role.map(|role| match role {
        Role::Provider => "provider".to_owned(),
        Role::Buyer => "buyer".to_owned(),
    });
    let all = [
        ("as the", role),
        ("terms", plan.terms_hash.map(|hash| hash.to_string())),
        ("at stake", plan.stake_sat.map(output::sat)),
        ("own fees", plan.fees_sat.map(output::sat)),
        ("fee rate (sat/vB)", plan.fee_rate_sat_vb.map(|rate| rate.to_string())),
        ("coins", plan.coins.map(|coins| coins.to_string())),
        ("leaves the wallet", plan.leaves_sat.map(output::sat)),
        ("refund from (unix s)", plan.refund_at.map(|at| at.to_string())),
        ("in the way now", plan.hindrance.as_ref().map(word)),
        ("note", (!plan.note.is_empty()).then(|| plan.note.clone())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn tables(plan: &DryRun) {
    if !plan.windows.is_empty() {
        let mut table = output::table(&["window (unix s)", "looked for or published at", "price"]);
        for window in &plan.windows {
            let span = format!("{} to {}", window.start, window.end);
            table.add_row([span, window.at.to_string(), output::sat(window.price_sat)]);
        }
        output::line(&table.to_string());
    }
    if !plan.payouts.is_empty() {
        let mut table = output::table(&["before fees", "provider gets", "buyer gets"]);
        for payout in &plan.payouts {
            let (provider, buyer) = (output::sat(payout.provider_sat), output::sat(payout.buyer_sat));
            table.add_row([payout.case.clone(), provider, buyer]);
        }
        output::line(&table.to_string());
    }
    if !plan.limits.is_empty() {
        let mut table = output::table(&["limit", "of", "used with it", "allowed"]);
        for line in &plan.limits {
            let (used, allowed) = (output::sat(line.used_sat), output::sat(line.allowed_sat));
            table.add_row([line.limit.clone(), line.of.clone(), used, allowed]);
        }
        output::line(&table.to_string());
    }
}
