//! The owner's money.

use anyhow::anyhow;
use client::Rehearsed;
use protocol::owner::WithdrawalRequest;
use terms::Sat;

use crate::cli::{ConfigFile, Dry, Retry, Send, Sweep};
use crate::exit::Failure;
use crate::{dry_run, output, owner};

/// `earnest balance`
pub async fn balance(file: &ConfigFile, json: bool) -> Result<(), Failure> {
    let balance = owner::connect(file)?.balance().await?;
    if json {
        return output::json(&balance);
    }
    output::facts(&[
        ("available", output::sat(balance.available_sat)),
        ("reserved for escrows", output::sat(balance.reserved_sat)),
        ("pending", output::sat(balance.pending_sat)),
        ("locked in escrows", output::sat(balance.locked_sat)),
    ]);
    Ok(())
}

/// `earnest address`
pub async fn address(file: &ConfigFile, json: bool) -> Result<(), Failure> {
    let address = owner::connect(file)?.new_address(&owner::idempotency_key(None)?).await?;
    if json {
        return output::json(&address);
    }
    output::line(&address.address);
    Ok(())
}

/// `earnest send`
pub async fn send(arguments: Send, json: bool) -> Result<(), Failure> {
    let request = WithdrawalRequest {
        address: arguments.address,
        amount_sat: Some(Sat(arguments.amount_sat)),
        sweep: false,
        fee_rate_sat_vb: arguments.fee.fee_rate,
    };
    withdraw(&arguments.file, &request, arguments.fee.dry, arguments.retry, json).await
}

/// `earnest sweep`
pub async fn sweep(arguments: Sweep, json: bool) -> Result<(), Failure> {
    let Some(address) = arguments.address else { return sweep_status(&arguments.file, json).await };
    let request =
        WithdrawalRequest { address, amount_sat: None, sweep: true, fee_rate_sat_vb: arguments.fee.fee_rate };
    withdraw(&arguments.file, &request, arguments.fee.dry, arguments.retry, json).await
}

/// `earnest sweep --status`
async fn sweep_status(file: &ConfigFile, json: bool) -> Result<(), Failure> {
    let view = owner::connect(file)?.sweep().await?;
    if json {
        return output::json(&view);
    }
    let Some(view) = view else { return Err(Failure::failed(anyhow!("the configuration has no [sweep]"))) };
    let last = view.last.map(|run| match (run.txid, run.note) {
        (Some(txid), _) => format!("{} in transaction {txid}", run.due_at.0),
        (None, note) => format!("{}: {}", run.due_at.0, note.unwrap_or_default()),
    });
    output::facts(&[
        ("to", view.address),
        ("next at (unix seconds)", view.next_at.0.to_string()),
        ("keeps", output::sat(view.keep_sat)),
        ("at least", output::sat(view.min_sat)),
        ("last", last.unwrap_or("none yet".to_owned())),
        ("waits for", view.waits_for.unwrap_or("nothing".to_owned())),
    ]);
    Ok(())
}

/// `earnest supply`
pub async fn supply(file: &ConfigFile, json: bool) -> Result<(), Failure> {
    let view = owner::connect(file)?.supply().await?;
    if json {
        return output::json(&view);
    }
    let Some(view) = view else { return Err(Failure::failed(anyhow!("the configuration has no [supply]"))) };
    output::facts(&[
        ("wanted", view.wanted.to_string()),
        ("ready", view.ready.to_string()),
        ("pending", view.pending.to_string()),
        ("each at least", view.coin_sat.map_or("unknown without an open offer".to_owned(), output::sat)),
        ("filled up below", view.refill_below.to_string()),
        ("waits for", view.waits_for.unwrap_or("nothing".to_owned())),
    ]);
    Ok(())
}

async fn withdraw(
    file: &ConfigFile,
    request: &WithdrawalRequest,
    dry: Dry,
    retry: Retry,
    json: bool,
) -> Result<(), Failure> {
    let node = owner::connect(file)?;
    if dry.dry_run {
        return dry_run::show(&node, Rehearsed::Withdrawal(request), json).await;
    }
    let sent = node.withdraw(request, &owner::idempotency_key(retry.idempotency_key)?).await?;
    if json {
        return output::json(&sent);
    }
    output::line(&format!("sent in transaction {}", sent.txid));
    Ok(())
}

/// `earnest transactions`
pub async fn transactions(file: &ConfigFile, json: bool) -> Result<(), Failure> {
    let transactions = owner::connect(file)?.transactions().await?;
    if json {
        return output::json(&transactions);
    }
    let mut table = output::table(&["transaction", "height", "received", "sent", "fee", "for"]);
    for tx in transactions {
        let height = tx.height.map_or("unconfirmed".to_owned(), |height| height.to_string());
        let fee = tx.fee_sat.map_or(String::new(), output::sat);
        table.add_row([
            tx.txid.to_string(),
            height,
            output::sat(tx.received_sat),
            output::sat(tx.sent_sat),
            fee,
            tx.purpose.unwrap_or_default(),
        ]);
    }
    output::line(&table.to_string());
    Ok(())
}
