//! Standing orders.

use anyhow::anyhow;
use client::Rehearsed;
use protocol::owner::{Haggle, OrderRequest, OrderView, OrderWindowView};
use serde::Serialize;
use terms::{Hex32, Ppm, Sat, UnixSeconds};

use crate::cli::{Order, OrderCreate};
use crate::exit::Failure;
use crate::{dry_run, output, owner};

/// `earnest order ...`
pub async fn run(command: Order, json: bool) -> Result<(), Failure> {
    match command {
        Order::Create(arguments) => {
            let (request, node) = (request(&arguments)?, owner::connect(&arguments.file)?);
            if arguments.dry.dry_run {
                return dry_run::show(&node, Rehearsed::Order(&request), json).await;
            }
            let key = owner::idempotency_key(arguments.retry.idempotency_key)?;
            tell(&node.create_order(&request, &key).await?, json)
        }
        Order::List(file) => {
            let orders = owner::connect(&file)?.orders().await?;
            if json { output::json(&orders) } else { list(&orders) }
        }
        Order::Show(order) => {
            let told = owner::connect(&order.file)?.order(&order.id).await?;
            tell(&told.ok_or_else(|| anyhow!("this node has no such standing order"))?, json)
        }
        Order::Cancel(order) => {
            let key = owner::idempotency_key(order.retry.idempotency_key)?;
            tell(&owner::connect(&order.file)?.cancel_order(&order.id, &key).await?, json)
        }
    }
}

fn request(arguments: &OrderCreate) -> Result<OrderRequest, Failure> {
    let haggle = arguments.strategy.map(|shape| Haggle {
        opening_sat: arguments.open_at.map(Sat),
        concession: shape.concession(),
        rounds: arguments.rounds,
        seed: arguments.seed,
    });
    Ok(OrderRequest {
        provider_urls: arguments.provider.clone(),
        escrow: id("--escrow", arguments.escrow.as_deref())?,
        offer_id: id("--offer", arguments.offer.as_deref())?,
        max_price_sat: Sat(arguments.max_price),
        haggle,
        windows: arguments.windows,
        until: arguments.until.map(UnixSeconds),
        lead_s: arguments.lead / 1_000,
        max_excluded_ppm: arguments.max_excluded.map(Ppm),
    })
}

fn id(flag: &str, text: Option<&str>) -> Result<Option<Hex32>, Failure> {
    let refuse = || Failure::bad_input(anyhow!("{flag}: must be 64 lower-case hex digits"));
    text.map(|text| Hex32::parse(text).ok_or_else(refuse)).transpose()
}

fn list(orders: &[OrderView]) -> Result<(), Failure> {
    let mut table = output::table(&["order", "state", "bought", "most a window", "newest window"]);
    for order in orders {
        let newest = order
            .windows
            .first()
            .map_or(String::new(), |window| format!("from {}: {}", window.start, word(&window.state)));
        table.add_row([
            order.id.to_string(),
            word(&order.state),
            order.bought.to_string(),
            output::sat(order.order.max_price_sat),
            newest,
        ]);
    }
    output::line(&table.to_string());
    Ok(())
}

fn tell(told: &OrderView, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(told);
    }
    let order = &told.order;
    let most = order.windows.map(|windows| format!("{windows} windows"));
    let until = order.until.map(|until| format!("none from {until} on"));
    output::facts(&[
        ("order", told.id.to_string()),
        ("state", word(&told.state)),
        ("given by", told.key.as_ref().map_or("the owner".to_owned(), |key| format!("the key {key}"))),
        ("providers", order.provider_urls.join(", ")),
        ("most a window", output::sat(order.max_price_sat)),
        ("looks for it (s before)", order.lead_s.to_string()),
        ("ends after", [most, until].into_iter().flatten().collect::<Vec<_>>().join(", ")),
        ("bought", told.bought.to_string()),
    ]);
    let mut table = output::table(&["window (unix s)", "state", "why not", "price", "escrow", ""]);
    for window in &told.windows {
        table.add_row(row(window));
    }
    if !told.windows.is_empty() {
        output::line(&table.to_string());
    }
    output::outlook(told.outlook.as_ref());
    Ok(())
}

fn row(window: &OrderWindowView) -> [String; 6] {
    let end = window.end.map_or(String::new(), |end| format!(" to {end}"));
    [
        format!("{}{end}", window.start),
        word(&window.state),
        window.why.as_ref().map_or(String::new(), word),
        window.price_sat.map_or(String::new(), output::sat),
        window.escrow_id.map_or(String::new(), |id| id.to_string()),
        window.detail.clone(),
    ]
}

/// The name of a state, as a person reads it.
pub fn word<T: Serialize>(state: &T) -> String {
    let name = serde_json::to_value(state).ok();
    let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
    name.replace('_', " ")
}
