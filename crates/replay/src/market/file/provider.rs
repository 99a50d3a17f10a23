//! `[[market.provider]]`: who sells what, at which prices, and how its service fails.

use protocol::negotiable::MAX_ROUNDS;
use protocol::{Negotiable, OfferDraft, OfferError, ProviderStrategy, SatRange};
use terms::{Hex32, OracleSet, OutcomeValue, Sat, Scale, TimeRange, UnixSeconds};

use super::party::{Expected, Manner, Names, limits};
use super::{ANY_ORACLE, Limits, Market, host};
use crate::scenario::agreement::MAX_SAT;
use crate::scenario::phases;
use crate::scenario::reader::Table;
use crate::scenario::{Phase, ScenarioError};

/// The longest URL of a service.
const MAX_URL: usize = 2_000;

/// One provider. It offers every window of its service, at the same price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name, which is its process' name too.
    pub name: String,
    /// The URL that the oracle probes.
    pub target: String,
    /// What it asks for a window.
    pub price_sat: Sat,
    /// What it locks besides.
    pub bond_sat: Sat,
    /// The least that anybody may propose, and after how many counters a side must stop.
    pub negotiable: Negotiable,
    /// How it answers counters.
    pub strategy: ProviderStrategy,
    /// What its node lets its agent do.
    pub mandate: Limits,
    /// When something is wrong with its service, ascending and disjoint.
    pub phases: Vec<Phase>,
    /// The outcome of each window.
    pub outcomes: Vec<OutcomeValue>,
    /// What it must have at the end.
    pub expected: Expected,
}

pub(super) fn read(
    table: Table<'_>,
    market: &Market,
    all: &Limits,
    names: &mut Names,
) -> Result<Provider, ScenarioError> {
    let sat = |key| table.need(key)?.number(1..=MAX_SAT).map(Sat);
    let manner = Manner::read(&table)?;
    let (price_sat, final_sat) = (sat("price_sat")?, sat("final_sat")?);
    let least = sat("least_sat")?;
    let expect = table.need("expect")?.table()?;
    let provider = Provider {
        name: names.take(&table)?,
        target: table.need("target")?.line_of_text(MAX_URL)?,
        price_sat,
        bond_sat: sat("bond_sat")?,
        negotiable: Negotiable {
            price_sat: Some(SatRange { least, most: price_sat.max(least) }),
            bond_sat: None,
            rounds: manner.rounds.unwrap_or(MAX_ROUNDS),
        },
        strategy: ProviderStrategy {
            reserve_sat: final_sat,
            final_sat: Some(final_sat),
            concession: manner.concession,
            rounds: None,
            seed: Some(manner.seed),
        },
        mandate: limits(&table, all)?,
        phases: phases::of_a_service(&table, &market.grid())?,
        outcomes: outcomes(&expect, market)?,
        expected: Expected::read(&expect)?,
    };
    expect.close()?;
    check(&table, market, &provider)?;
    table.close()?;
    Ok(provider)
}

/// One outcome for each window.
fn outcomes(expect: &Table<'_>, market: &Market) -> Result<Vec<OutcomeValue>, ScenarioError> {
    let most = match market.scale() {
        Scale::Numeric(scale) => scale.max.0,
        Scale::Enum(_) => 0,
    };
    let mut outcomes = Vec::new();
    for entry in expect.need("outcomes")?.tables()? {
        outcomes.push(OutcomeValue(entry.need("ppm")?.number(0..=most)?));
        entry.close()?;
    }
    if outcomes.len() == market.windows.len() {
        return Ok(outcomes);
    }
    Err(expect.error_at("outcomes", format!("must be one for each window: {}", market.windows.len())))
}

/// The documents' own rules, tried with a key that stands in for the oracle's.
fn check(table: &Table<'_>, market: &Market, provider: &Provider) -> Result<(), ScenarioError> {
    if host(&provider.target).is_empty() {
        return Err(table.error_at("target", "must be a URL with a host"));
    }
    if market.providers.iter().any(|other| host(&other.target) == host(&provider.target)) {
        return Err(table.error_at("target", "must have a host of its own"));
    }
    if provider.negotiable.price_sat.is_some_and(|range| range.least > provider.price_sat) {
        return Err(table.error_at("least_sat", "must be at most price_sat"));
    }
    provider
        .strategy
        .check(provider.price_sat, Some(&provider.negotiable))
        .map_err(|error| table.error_at("final_sat", error.to_string()))?;
    let Some(first) = market.windows.first() else { return Ok(()) };
    let draft = provider.draft(market, *first, (ANY_ORACLE, "http://oracle.example"));
    let offer = draft.publish("regtest", market.bargain.fee_rate_sat_vb);
    offer.check_shape().map_err(|error| at_its_field(table, &error))
}

fn at_its_field(table: &Table<'_>, error: &OfferError) -> ScenarioError {
    let key = match error.field() {
        field if field.starts_with("negotiable") => "least_sat",
        field if field.starts_with("measurement") || field.starts_with("target") => "target",
        "bond_sat" => "bond_sat",
        _ => "price_sat",
    };
    table.error_at(key, error.to_string())
}

impl Provider {
    /// What it publishes for a window, decided by an oracle of this key at this address.
    pub fn draft(&self, market: &Market, window: TimeRange, oracle: (Hex32, &str)) -> OfferDraft {
        let until = UnixSeconds(window.start.0 - market.chain.funding_margin_s);
        OfferDraft {
            measurement: market.measurement(self, window),
            price_sat: self.price_sat,
            bond_sat: self.bond_sat,
            payout: market.bargain.payout.clone(),
            oracles: OracleSet { keys: vec![oracle.0], threshold: 1, tolerance: None },
            oracle_urls: vec![oracle.1.to_owned()],
            funding_deadline: until,
            refund_delay_s: market.bargain.refund_delay_s,
            fee_rate_sat_vb: Some(market.bargain.fee_rate_sat_vb),
            expires: until,
            negotiable: Some(self.negotiable),
            strategy: Some(self.strategy),
        }
    }
}
