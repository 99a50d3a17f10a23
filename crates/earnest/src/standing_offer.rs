//! Standing offers.

use anyhow::{Context as _, anyhow};
use client::Rehearsed;
use protocol::OfferDraft;
use protocol::owner::{Every, StandingOfferRequest, StandingOfferView};
use terms::{UnixSeconds, canonical};

use crate::cli::{Span, StandingOffer, StandingOfferCreate};
use crate::exit::Failure;
use crate::order::word;
use crate::{dry_run, output, owner};

/// `earnest standing-offer ...`
pub async fn run(command: StandingOffer, json: bool) -> Result<(), Failure> {
    match command {
        StandingOffer::Create(arguments) => {
            let (request, node) = (request(&arguments)?, owner::connect(&arguments.file)?);
            if arguments.dry.dry_run {
                return dry_run::show(&node, Rehearsed::StandingOffer(&request), json).await;
            }
            let key = owner::idempotency_key(arguments.retry.idempotency_key)?;
            tell(&node.create_standing_offer(&request, &key).await?, json)
        }
        StandingOffer::List(file) => {
            let offers = owner::connect(&file)?.standing_offers().await?;
            if json { output::json(&offers) } else { list(&offers) }
        }
        StandingOffer::Show(offer) => {
            let told = owner::connect(&offer.file)?.standing_offer(&offer.id).await?;
            tell(&told.ok_or_else(|| anyhow!("this node has no such standing offer"))?, json)
        }
        StandingOffer::Cancel(offer) => {
            let key = owner::idempotency_key(offer.retry.idempotency_key)?;
            tell(&owner::connect(&offer.file)?.cancel_standing_offer(&offer.id, &key).await?, json)
        }
    }
}

fn request(arguments: &StandingOfferCreate) -> Result<StandingOfferRequest, Failure> {
    let file = &arguments.offer;
    let bytes =
        std::fs::read(file).with_context(|| file.display().to_string()).map_err(Failure::bad_input)?;
    let template: OfferDraft = canonical::parse(&bytes)?;
    Ok(StandingOfferRequest {
        template,
        every: match arguments.every {
            Span::Window => Every::Window,
            Span::Day => Every::Day,
            Span::Week => Every::Week,
            Span::Month => Every::Month,
            Span::Quarter => Every::Quarter,
        },
        zone: arguments.zone.clone(),
        maintenance: arguments.maintenance.clone(),
        ahead_s: arguments.ahead / 1_000,
        windows: arguments.windows,
        until: arguments.until.map(UnixSeconds),
    })
}

fn list(offers: &[StandingOfferView]) -> Result<(), Failure> {
    let mut table =
        output::table(&["standing offer", "service", "every", "state", "published", "next at (unix s)"]);
    for told in offers {
        table.add_row([
            told.id.to_string(),
            told.standing.template.measurement.target.to_string(),
            word(&told.standing.every),
            word(&told.state),
            told.published.len().to_string(),
            told.next.as_ref().map_or(String::new(), |next| next.publish_at.to_string()),
        ]);
    }
    output::line(&table.to_string());
    Ok(())
}

fn tell(told: &StandingOfferView, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(told);
    }
    let next = told.next.as_ref().map_or("-".to_owned(), |next| {
        let trouble = if next.trouble.is_empty() { String::new() } else { format!(": {}", next.trouble) };
        format!("the window from {}, at {}{trouble}", next.start, next.publish_at)
    });
    output::facts(&[
        ("standing offer", told.id.to_string()),
        ("state", word(&told.state)),
        ("given by", told.key.as_ref().map_or("the owner".to_owned(), |key| format!("the key {key}"))),
        ("service", told.standing.template.measurement.target.to_string()),
        ("price", output::sat(told.standing.template.price_sat)),
        ("bond", output::sat(told.standing.template.bond_sat)),
        ("every", format!("{} ({})", word(&told.standing.every), told.standing.zone)),
        ("published next", next),
    ]);
    let mut table = output::table(&["window (unix s)", "offer"]);
    for window in &told.published {
        let offer = window.offer_id.map_or("missed".to_owned(), |id| id.to_string());
        table.add_row([format!("{} to {}", window.start, window.end), offer]);
    }
    if !told.published.is_empty() {
        output::line(&table.to_string());
    }
    Ok(())
}
