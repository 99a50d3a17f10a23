//! `earnest price` and `earnest worth`: what to ask, and what to pay at most.

use calendar::words::{length, thousands};
use negotiation::outlook::Fees;
use negotiation::pricing::{self, Costs, Deal, Priced, PricingError, Wants};
use negotiation::words::percent;
use serde_json::json;
use terms::{Agreement, Ppm, Sat, Side};

use super::args::{self, Price, Worth};
use super::{document, imagine};
use crate::exit::Failure;
use crate::output;

/// `earnest price`
pub fn price(arguments: &Price, json: bool) -> Result<(), Failure> {
    let agreement = document::read(&arguments.document, arguments.windows.fee_rate)?;
    let costs = costs(&agreement, &arguments.costs, Side::Provider);
    let wants = Wants {
        service_sat: Sat(arguments.service_sat),
        loading_ppm: Ppm(arguments.loading_ppm),
        percentile_ppm: Ppm(arguments.costs.percentile),
    };
    let windows = imagine::windows(&agreement.measurement, &arguments.windows)?;
    let quote = pricing::quote(&deal(&agreement), &windows, &costs, &wants).map_err(refused)?;
    if json {
        return output::json(&json!({
            "seed": arguments.windows.seed, "runs": windows.runs(), "costs": costs, "wants": wants, "quote": quote,
        }));
    }
    output::line(&format!(
        "{} windows of {}",
        thousands(windows.runs()),
        imagine::in_words(&arguments.windows)
    ));
    output::line("\nreserve: the lowest price that loses nothing in the mean; keep it to yourself");
    parts(&quote.reserve, wants.percentile_ppm);
    output::line(&format!(
        "\nask: it also carries {} of what the payout at the percentile is above the expected one",
        percent(wants.loading_ppm)
    ));
    parts(&quote.ask, wants.percentile_ppm);
    output::line("\nof either price");
    output::facts(&[
        ("  for the service itself", sat(quote.service_sat)),
        ("  fees", sat(quote.fees_sat)),
        ("  collateral", collateral(quote.collateral_sat, agreement.bond_sat, &costs)),
    ]);
    Ok(())
}

/// `earnest worth`
pub fn worth(arguments: &Worth, json: bool) -> Result<(), Failure> {
    let agreement = document::read(&arguments.document, arguments.windows.fee_rate)?;
    let costs = costs(&agreement, &arguments.costs, Side::Buyer);
    let percentile = Ppm(arguments.costs.percentile);
    let windows = imagine::windows(&agreement.measurement, &arguments.windows)?;
    let worth = pricing::worth(&deal(&agreement), &windows, &costs, Sat(arguments.hour_sat), percentile)
        .map_err(refused)?;
    if json {
        return output::json(&json!({
            "seed": arguments.windows.seed, "runs": windows.runs(), "costs": costs, "worth": worth,
        }));
    }
    output::line(&format!(
        "{} windows of {}",
        thousands(windows.runs()),
        imagine::in_words(&arguments.windows)
    ));
    output::line("\nhighest: the highest price that loses nothing in the mean; keep it to yourself");
    parts(&worth.highest, percentile);
    output::line("\nfor it there is");
    output::facts(&[("  expected uptime, worth", sat(worth.uptime_sat))]);
    output::line("\nand besides it are paid");
    output::facts(&[
        ("  fees", sat(worth.fees_sat)),
        ("  collateral", collateral(worth.collateral_sat, worth.highest.price_sat, &costs)),
    ]);
    Ok(())
}

fn parts(priced: &Priced, percentile: Ppm) {
    let error = thousands(priced.payout.standard_error_sat.0);
    output::facts(&[
        ("  price", sat(priced.price_sat)),
        (
            "  expected payout to the buyer",
            format!("{} (standard error {error})", sat(priced.payout.expected_sat)),
        ),
        (&format!("  and at most, in {} of windows", percent(percentile)), sat(priced.payout.percentile_sat)),
    ]);
}

fn collateral(cost: Sat, locked: Sat, costs: &Costs) -> String {
    let a_year = percent(costs.collateral_ppm_year);
    format!("{}: {} locked for {}, at {a_year} a year", sat(cost), sat(locked), length(costs.lock_s))
}

fn sat(amount: Sat) -> String {
    format!("{} sat", thousands(amount.0))
}

fn deal(agreement: &Agreement) -> Deal<'_> {
    Deal {
        scale: &agreement.measurement.outcome,
        payout: &agreement.payout,
        bond: agreement.bond_sat,
        oracles: &agreement.oracles,
    }
}

fn costs(agreement: &Agreement, arguments: &args::Costs, side: Side) -> Costs {
    let longest = agreement.measurement.window.end.0.saturating_add(agreement.refund_delay_s);
    let lock_s = longest.saturating_sub(agreement.funding_deadline.0);
    let Fees { provider_sat, buyer_sat } = document::both_fees(agreement);
    let fees_sat = if side == Side::Provider { provider_sat } else { buyer_sat };
    Costs {
        fees_sat: arguments.fees_sat.map_or(fees_sat, Sat),
        collateral_ppm_year: Ppm(arguments.collateral_ppm_year),
        lock_s: arguments.lock.map_or(lock_s, |lock_ms| lock_ms.div_ceil(1000)),
    }
}

/// That there is no price is an answer, and no fault of the input; what breaks a rule is.
fn refused(error: PricingError) -> Failure {
    match error {
        PricingError::Invalid(_) | PricingError::Compile(_) | PricingError::Foreign => {
            Failure::bad_input(error.into())
        }
        PricingError::NoReserve | PricingError::NoAsk { .. } | PricingError::Worthless => {
            Failure::failed(error.into())
        }
    }
}
