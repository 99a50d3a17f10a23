//! Escrows: list, show, close by agreement.

use anyhow::anyhow;
use client::Rehearsed;
use protocol::owner::{
    CloseRequest, CloseView, EscrowView, ProposalRequest, ProposalState, ProposalView, Role,
};
use terms::{Hex32, Outcome, Sat};

use crate::cli::{Escrow, Proposal};
use crate::exit::Failure;
use crate::{alarms, dry_run, output, owner};

/// `earnest escrow ...`
pub async fn run(command: Escrow, json: bool) -> Result<(), Failure> {
    match command {
        Escrow::List(file) => {
            let escrows = owner::connect(&file)?.escrows().await?;
            if json { output::json(&escrows) } else { list(&escrows) }
        }
        Escrow::Show { file, id } => {
            let escrow = owner::connect(&file)?.escrow(&id).await?;
            let escrow = escrow.ok_or_else(|| anyhow!("this node has no such escrow"))?;
            if json { output::json(&escrow) } else { show(&escrow) }
        }
        Escrow::Close { file, id, provider_sat, valid_s, reason, dry, retry } => {
            let request = CloseRequest { provider_sat: provider_sat.map(Sat), valid_s, reason };
            let (node, key) = (owner::connect(&file)?, owner::idempotency_key(retry.idempotency_key)?);
            if dry.dry_run {
                return dry_run::show(&node, Rehearsed::Close(&id, &request), json).await;
            }
            closing(&node.close(&id, &request, &key).await?, json)
        }
        Escrow::ApproveClose { proposal, dry } if dry.dry_run => {
            let request = ProposalRequest { proposal: proposal_id(&proposal)? };
            let what = Rehearsed::ApproveClose(&proposal.id, &request);
            dry_run::show(&owner::connect(&proposal.file)?, what, json).await
        }
        Escrow::ApproveClose { proposal, .. } => word("approve", proposal, json).await,
        Escrow::RefuseClose(proposal) => word("refuse", proposal, json).await,
        Escrow::WithdrawClose(proposal) => word("withdraw", proposal, json).await,
    }
}

async fn word(word: &str, arguments: Proposal, json: bool) -> Result<(), Failure> {
    let proposal = proposal_id(&arguments)?;
    let key = owner::idempotency_key(arguments.retry.idempotency_key)?;
    let node = owner::connect(&arguments.file)?;
    closing(&node.close_word(&arguments.id, word, &ProposalRequest { proposal }, &key).await?, json)
}

fn proposal_id(arguments: &Proposal) -> Result<Hex32, Failure> {
    let refuse = || Failure::bad_input(anyhow!("proposal: must be 64 lower-case hex digits"));
    Hex32::parse(&arguments.proposal).ok_or_else(refuse)
}

fn closing(close: &CloseView, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(close);
    }
    proposals(close);
    Ok(())
}

fn proposals(close: &CloseView) {
    let mut table =
        output::table(&["close proposed by", "proposal", "provider", "buyer", "until", "state", ""]);
    let mut add = |by: &str, proposal: &Option<ProposalView>| {
        if let Some(proposal) = proposal {
            table.add_row([
                by.to_owned(),
                proposal.proposal.to_string(),
                output::sat(proposal.provider_sat),
                output::sat(proposal.buyer_sat),
                proposal.until.to_string(),
                state(proposal),
                proposal.reason.clone(),
            ]);
        }
    };
    add("us", &close.own);
    add("the peer", &close.peer);
    if close.own.is_some() || close.peer.is_some() {
        output::line(&table.to_string());
    }
}

fn state(proposal: &ProposalView) -> String {
    format!("{:?}", proposal.state).to_lowercase()
}

fn list(escrows: &[EscrowView]) -> Result<(), Failure> {
    let mut table =
        output::table(&["escrow", "role", "state", "price", "bond", "provider got", "buyer got", "proposed"]);
    for escrow in escrows {
        table.add_row([
            escrow.id.clone(),
            role(escrow).to_owned(),
            escrow.state.clone(),
            output::sat(escrow.agreement.price_sat),
            output::sat(escrow.agreement.bond_sat),
            escrow.provider_sat.map_or(String::new(), output::sat),
            escrow.buyer_sat.map_or(String::new(), output::sat),
            asked(&escrow.close),
        ]);
    }
    output::line(&table.to_string());
    Ok(())
}

/// What the peer proposes and waits for our word about.
fn asked(close: &CloseView) -> String {
    let open = close.peer.as_ref().filter(|proposal| proposal.state == ProposalState::Open);
    open.map_or(String::new(), |proposal| {
        format!("close: provider {}, buyer {}", proposal.provider_sat, proposal.buyer_sat)
    })
}

fn show(escrow: &EscrowView) -> Result<(), Failure> {
    let txid = |txid: &Option<terms::Hex32>| txid.map_or("-".to_owned(), |txid| txid.to_string());
    output::facts(&[
        ("escrow", escrow.id.clone()),
        ("role", role(escrow).to_owned()),
        ("state", escrow.state.clone()),
        ("counterparty", escrow.counterparty.to_string()),
        ("service", escrow.agreement.measurement.target.to_string()),
        ("begun by", escrow.key.as_ref().map_or("the owner".to_owned(), |key| format!("the key {key}"))),
        ("event", escrow.event_id.to_string()),
        ("terms", escrow.terms_hash.to_string()),
        ("price", output::sat(escrow.agreement.price_sat)),
        ("bond", output::sat(escrow.agreement.bond_sat)),
        ("renews", txid(&escrow.renews)),
        ("renewed by", txid(&escrow.renewed_by)),
        ("funding", txid(&escrow.funding_txid)),
        ("closing", txid(&escrow.closing_txid)),
        ("provider got", escrow.provider_sat.map_or("-".to_owned(), output::sat)),
        ("buyer got", escrow.buyer_sat.map_or("-".to_owned(), output::sat)),
    ]);
    proposals(&escrow.close);
    if let Some(learned) = &escrow.learned {
        let range = [&learned.from, &learned.to].map(plain);
        let by = learned.oracles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        output::line(&format!(
            "attested, as CET {} shows: {} to {}, by {by}",
            learned.txid, range[0], range[1]
        ));
    }
    for alarm in &escrow.alarms {
        output::line(&alarms::in_words(alarm));
    }
    let mut history = output::table(&["#", "unix s", "event", ""]);
    for entry in &escrow.history {
        let status = entry.detail.get("status").and_then(|status| status.as_str()).unwrap_or_default();
        history.add_row([
            entry.seq.to_string(),
            entry.at.to_string(),
            entry.event.clone(),
            status.to_owned(),
        ]);
    }
    output::line(&history.to_string());
    output::outlook(escrow.outlook.as_ref());
    Ok(())
}

fn plain(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(value) => value.0.to_string(),
        Outcome::Level(level) => level.clone(),
        Outcome::Indeterminate => "indeterminate".to_owned(),
    }
}

fn role(escrow: &EscrowView) -> &'static str {
    match escrow.role {
        Role::Provider => "provider",
        Role::Buyer => "buyer",
    }
}
