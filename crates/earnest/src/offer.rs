//! Offers: publish, take.

use anyhow::{Context as _, anyhow};
use client::PeerClient;
use client::Rehearsed;
use protocol::OfferDraft;
use protocol::owner::{NegotiationRequest, Purchase, PurchaseRequest};
use terms::{Hex32, canonical};

use crate::cli::{Buy, Offer, Renew};
use crate::exit::Failure;
use crate::{dry_run, forecast, output, owner};

/// `earnest offer ...`
pub async fn run(command: Offer, json: bool) -> Result<(), Failure> {
    match command {
        Offer::Publish { file, offer, dry, retry } => {
            let bytes = std::fs::read(&offer).with_context(|| offer.display().to_string());
            let draft: OfferDraft = canonical::parse(&bytes.map_err(Failure::bad_input)?)?;
            let node = owner::connect(&file)?;
            if dry.dry_run {
                return dry_run::show(&node, Rehearsed::Offer(&draft), json).await;
            }
            let key = owner::idempotency_key(retry.idempotency_key)?;
            let published = node.create_offer(&draft, &key).await?;
            if json {
                return output::json(&published);
            }
            output::line(&format!("published offer {}\n", published.id));
            output::line(forecast::of_offer(&published)?.to_string().trim_end());
            Ok(())
        }
        Offer::Show { file, id } => {
            let told = owner::connect(&file)?.offer(&id).await?;
            let told = told.ok_or_else(|| anyhow!("this node has no such offer"))?;
            if json {
                return output::json(&told);
            }
            show(std::slice::from_ref(&told.offer))?;
            output::outlook(told.outlook.as_ref());
            Ok(())
        }
        Offer::List(file) => {
            let offers = owner::connect(&file)?.offers().await?;
            if json { output::json(&offers) } else { show(&offers) }
        }
    }
}

fn show(offers: &[protocol::Offer]) -> Result<(), Failure> {
    let mut table = output::table(&["offer", "service", "window (unix s)", "price", "bond"]);
    for offer in offers {
        let window = offer.measurement.window;
        table.add_row([
            offer.id.to_string(),
            offer.measurement.target.to_string(),
            format!("{} to {}", window.start, window.end),
            output::sat(offer.price_sat),
            output::sat(offer.bond_sat),
        ]);
    }
    output::line(&table.to_string());
    Ok(())
}

/// `earnest buy`
pub async fn buy(arguments: Buy, json: bool) -> Result<(), Failure> {
    let offer_id = Hex32::parse(&arguments.offer_id)
        .ok_or_else(|| Failure::bad_input(anyhow!("offer_id: must be 64 lower-case hex digits")))?;
    let (provider_url, strategy) = (arguments.url, arguments.haggle.strategy());
    if !json {
        foretell(&provider_url, offer_id).await;
    }
    let key = owner::idempotency_key(arguments.retry.idempotency_key)?;
    let node = owner::connect(&arguments.file)?;
    crate::reputation::at_least(&node, &provider_url, arguments.min_settled).await?;
    if strategy.is_some() {
        let request = NegotiationRequest { provider_url, offer_id, strategy };
        if arguments.dry.dry_run {
            return dry_run::show(&node, Rehearsed::Negotiation(&request), json).await;
        }
        return crate::negotiate::buy(&node, &request, &key, json).await;
    }
    let request = PurchaseRequest { provider_url, offer_id };
    if arguments.dry.dry_run {
        return dry_run::show(&node, Rehearsed::Purchase(&request), json).await;
    }
    bought(&node.purchase(&request, &key).await?, json)
}

/// `earnest renew`
pub async fn renew(arguments: Renew, json: bool) -> Result<(), Failure> {
    let node = owner::connect(&arguments.file)?;
    if arguments.dry.dry_run {
        return dry_run::show(&node, Rehearsed::Renewal(&arguments.id), json).await;
    }
    let key = owner::idempotency_key(arguments.retry.idempotency_key)?;
    if !json {
        let escrow = node.escrow(&arguments.id).await?;
        let next = escrow.and_then(|escrow| escrow.agreement.renewed().ok());
        if let Some(outlook) = next.and_then(|next| forecast::of(&next).ok()) {
            output::line(&outlook.to_string());
        }
    }
    bought(&node.renew(&arguments.id, &key).await?, json)
}

/// Shows what an offer may pay before anything is asked for. A provider that does not tell now, or has no such offer any
/// more, is the node's to judge: the command may repeat one that was answered before.
async fn foretell(provider_url: &str, offer_id: Hex32) {
    let Ok(peer) = PeerClient::new(provider_url) else { return };
    let Ok(card) = peer.card().await else { return };
    let outlook = card.offer(offer_id).and_then(|offer| forecast::of_offer(offer).ok());
    if let Some(outlook) = outlook {
        output::line(&outlook.to_string());
    }
}

fn bought(purchase: &Purchase, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(purchase);
    }
    output::line(&format!("escrow {}", purchase.escrow_id));
    output::line(&format!("terms  {}", purchase.terms_hash));
    output::line("The node locks it now; `earnest escrow show` tells how far it is.");
    Ok(())
}
