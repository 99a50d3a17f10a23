//! Comparing what providers offer.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use calendar::words::{thousands, utc};
use discovery::{Bounds, Discovery, Found, Refused, Search, Wanted};
use negotiation::outlook::{Case, Outcomes};
use protocol::SatRange;
use protocol::text::one_line;
use terms::Sat;

use crate::cli::Discover;
use crate::exit::Failure;
use crate::output;

/// The most characters of a stranger's text in a cell.
const MOST_SHOWN: usize = 60;

/// `earnest discover`: 0 where an offer was found that is wanted, 1 where none was, 2 for bad input.
pub async fn run(arguments: Discover, json: bool) -> Result<(), Failure> {
    let now = arguments.at.unwrap_or_else(now_s);
    let order = arguments.sort.into();
    let wanted = Wanted {
        network: arguments.network,
        service: arguments.service,
        indicator: arguments.indicator,
        max_price: arguments.max_price.map(Sat),
    };
    let (providers, directories) = (arguments.urls, arguments.directory);
    let search = Search { providers, directories, wanted, bounds: Bounds::default() };
    let mut told = discovery::discover(&search, now).await?;
    discovery::sort(&mut told.offers, order);
    if json {
        output::json(&told)?;
    } else {
        tell(&told);
    }
    match told.offers.is_empty() {
        false => Ok(()),
        true if told.providers.is_empty() => Err(anyhow!("no provider answered with a good card").into()),
        true => Err(anyhow!("no offer was found that is wanted").into()),
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn tell(told: &Discovery) {
    for provider in &told.providers {
        let listed = match provider.listed_by.len() {
            0 => String::new(),
            count => format!(", listed in {count}"),
        };
        output::line(&format!(
            "{} on {}: {} offers, key {}{listed}",
            provider.url, provider.network, provider.offers, provider.key
        ));
        if let Some(former) = provider.former_keys.first() {
            output::line(&format!("  the key followed {former}, which has signed that"));
        }
    }
    if !told.offers.is_empty() {
        show(&told.offers);
    }
    for refused in &told.refused {
        output::note(&format!("refused: {}", in_words(refused)));
    }
}

fn show(offers: &[Found]) {
    let header = [
        "#",
        "service",
        "price",
        "an hour",
        "bond",
        "back at a breach",
        "window (UTC)",
        "oracles",
        "expires",
    ];
    let mut table = output::table(&header);
    for (number, found) in (1..).zip(offers) {
        table.add_row(row(number, found));
    }
    output::line(&table.to_string());
    output::line("To take one, or to negotiate it with --max-price:");
    for (number, found) in (1..).zip(offers) {
        output::line(&format!("{number:>4}  earnest buy {} {}", found.provider_url, found.offer_id));
    }
}

fn row(number: usize, found: &Found) -> [String; 9] {
    let preset = found.preset.map(|name| format!("\n{name}")).unwrap_or_default();
    let at = |moment| utc(moment, "%Y-%m-%d %H:%M");
    [
        number.to_string(),
        format!("{}\n{}", one_line(&found.target, MOST_SHOWN), found.indicator),
        amount(found.price_sat, found.price_range),
        format!("{}.{:03}", thousands(found.price_per_hour_msat / 1_000), found.price_per_hour_msat % 1_000),
        amount(found.bond_sat, found.bond_range),
        found.at_breach.as_ref().map_or("-".to_owned(), |case| back(case, &found.unit)) + &preset,
        format!("{}\n{}", at(found.window.start), at(found.window.end)),
        format!("{} of {}\n{}", found.oracles.threshold, found.oracles.keys.len(), keys(found)),
        at(found.expires),
    ]
}

fn amount(sat: Sat, range: Option<SatRange>) -> String {
    match range {
        None => output::sat(sat),
        Some(SatRange { least, most }) => {
            format!("{}\n{} to {}", output::sat(sat), output::sat(least), output::sat(most))
        }
    }
}

/// What the buyer gets at the first breach, and from which outcome on.
fn back(case: &Case, unit: &str) -> String {
    let [least, most] = case.buyer_sat;
    let paid = if least == most {
        output::sat(least)
    } else {
        format!("{} to {}", output::sat(least), output::sat(most))
    };
    match &case.outcomes {
        Outcomes::Values { from, to } => {
            format!("{paid}\nat {} to {} {}", thousands(from.0), thousands(to.0), one_line(unit, 20))
        }
        Outcomes::Level(level) => format!("{paid}\nat {}", one_line(level, 20)),
        Outcomes::None => paid,
    }
}

/// The first digits of each oracle's key; `--json` has all of them.
fn keys(found: &Found) -> String {
    let short = found.oracles.keys.iter().map(|key| key.to_string().chars().take(8).collect::<String>());
    short.collect::<Vec<_>>().join(" ")
}

fn in_words(refused: &Refused) -> String {
    let key = refused.key.map(|key| format!(" (key {key})")).unwrap_or_default();
    let offer = refused.offer_id.map(|id| format!(" offer {id}:")).unwrap_or_default();
    format!("{}{key}:{offer} {}", refused.url, refused.why)
}
