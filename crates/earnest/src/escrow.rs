//! Escrows: list, show.

use anyhow::anyhow;
use protocol::owner::{EscrowView, Role};

use crate::cli::Escrow;
use crate::exit::Failure;
use crate::{output, owner};

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
    }
}

fn list(escrows: &[EscrowView]) -> Result<(), Failure> {
    let mut table = output::table(&["escrow", "role", "state", "price", "bond", "provider got", "buyer got"]);
    for escrow in escrows {
        table.add_row([
            escrow.id.clone(),
            role(escrow).to_owned(),
            escrow.state.clone(),
            output::sat(escrow.agreement.price_sat),
            output::sat(escrow.agreement.bond_sat),
            escrow.provider_sat.map_or(String::new(), output::sat),
            escrow.buyer_sat.map_or(String::new(), output::sat),
        ]);
    }
    output::line(&table.to_string());
    Ok(())
}

fn show(escrow: &EscrowView) -> Result<(), Failure> {
    let txid = |txid: &Option<terms::Hex32>| txid.map_or("-".to_owned(), |txid| txid.to_string());
    output::facts(&[
        ("escrow", escrow.id.clone()),
        ("role", role(escrow).to_owned()),
        ("state", escrow.state.clone()),
        ("counterparty", escrow.counterparty.to_string()),
        ("service", escrow.agreement.measurement.target.url.clone()),
        ("event", escrow.event_id.to_string()),
        ("terms", escrow.terms_hash.to_string()),
        ("price", output::sat(escrow.agreement.price_sat)),
        ("bond", output::sat(escrow.agreement.bond_sat)),
        ("funding", txid(&escrow.funding_txid)),
        ("closing", txid(&escrow.closing_txid)),
        ("provider got", escrow.provider_sat.map_or("-".to_owned(), output::sat)),
        ("buyer got", escrow.buyer_sat.map_or("-".to_owned(), output::sat)),
    ]);
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
    Ok(())
}

fn role(escrow: &EscrowView) -> &'static str {
    match escrow.role {
        Role::Provider => "provider",
        Role::Buyer => "buyer",
    }
}
