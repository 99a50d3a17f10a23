//! `earnest simulate`: what may come of an agreement, before anybody locks a satoshi.

use anyhow::Context as _;
use negotiation::outlook::{Facts, Outlook};
use negotiation::payouts::Payouts;
use negotiation::simulate::Distribution;
use serde_json::{Value, json};
use terms::{Agreement, PayoutTable, Sat};

use super::args::Simulate;
use super::histogram::{self, Bar};
use super::{document, imagine, plot};
use crate::exit::Failure;
use crate::output;

/// `earnest simulate`
pub fn run(arguments: &Simulate, json: bool) -> Result<(), Failure> {
    let agreement = document::read(&arguments.document, arguments.windows.fee_rate)?;
    let table = agreement.compile().map_err(|error| Failure::bad_input(error.into()))?;
    let windows = imagine::windows(&agreement.measurement, &arguments.windows)?;
    let facts =
        Facts { fees: Some(document::both_fees(&agreement)), windows: Some(&windows), ..Facts::default() };
    let outlook = Outlook::of(&agreement, &facts).map_err(|error| Failure::bad_input(error.into()))?;
    let payouts = Payouts::of(&windows, &table, agreement.price_sat).context("no windows")?;
    let outcomes = histogram::outcomes(&agreement, &table, &windows);
    let amounts = histogram::payouts(&payouts);
    if let Some(path) = &arguments.plot {
        let svg = plot::draw(&imagine::in_words(&arguments.windows), &outlook, &outcomes, &amounts);
        std::fs::write(path, svg).with_context(|| path.display().to_string())?;
    }
    if json {
        let endings = endings(&agreement, &table, &windows);
        return output::json(&json!({
            "seed": arguments.windows.seed, "runs": windows.runs(), "endings": endings, "outlook": outlook,
        }));
    }
    output::line(outlook.to_string().trim_end());
    output::line(&format!("\nOutcomes of {}", imagine::in_words(&arguments.windows)));
    print(&outcomes, windows.runs());
    output::line("\nWhat the buyer gets, in satoshis; the provider gets the rest");
    print(&amounts, windows.runs());
    if let Some(path) = &arguments.plot {
        output::line(&format!("\nplot: {}", path.display()));
    }
    Ok(())
}

fn print(bars: &[Bar], runs: u64) {
    for line in histogram::lines(bars, runs) {
        output::line(&line);
    }
}

/// Every ending with the number of its windows, and what both sides get.
fn endings(agreement: &Agreement, table: &PayoutTable, windows: &Distribution) -> Vec<Value> {
    let ending = |(ending, count): (&negotiation::simulate::Ending, u64)| {
        let provider_sat = match ending.outcome() {
            Some(outcome) => table.at(&outcome).unwrap_or_default(),
            None => agreement.bond_sat,
        };
        let buyer_sat = Sat(table.total_sat().0.saturating_sub(provider_sat.0));
        json!({ "ending": ending, "windows": count, "provider_sat": provider_sat, "buyer_sat": buyer_sat })
    };
    windows.endings().map(ending).collect()
}
