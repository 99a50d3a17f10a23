//! `[agreement]`: price, bond and what each outcome pays.

use terms::presets::{self, Preset};
use terms::{
    Agreement, CompileError, Credit, Hex32, Measurement, OracleSet, OutcomeValue, Party, Payout, Piece, Sat,
    Schedule, Side, Tolerance, UnixSeconds,
};

use super::cast::Cast;
use super::chain::bounded;
use super::error::ScenarioError;
use super::reader::{Field, Table};
use super::words;

/// What the parties agree about: an agreement without the keys, which a replay makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// What the buyer locks.
    pub price_sat: Sat,
    /// What the provider locks.
    pub bond_sat: Sat,
    /// What each outcome pays.
    pub payout: Payout,
    /// So many oracles must agree.
    pub threshold: u64,
    /// How far they may differ.
    pub tolerance: Option<Tolerance>,
    /// The preset that the payout came from, for the report.
    pub preset: Option<&'static Preset>,
    /// Seconds from maturity until the refund.
    pub refund_delay_s: u64,
    /// Fee rate of funding, CETs and refund.
    pub fee_rate_sat_vb: u64,
}

/// The largest amount of either side: 21 million bitcoin.
pub(crate) const MAX_SAT: u64 = 21_000_000 * 100_000_000;

/// The most pieces of an inline schedule.
const MAX_PIECES: usize = 64;

/// The preset that a table names.
pub(crate) fn preset(table: &Table<'_>) -> Result<Option<&'static Preset>, ScenarioError> {
    table.read("preset", |field| {
        presets::find(field.text()?).ok_or_else(|| {
            let names: Vec<_> = presets::all().iter().map(|preset| preset.name).collect();
            field.error(format!("must be one of {}", names.join(", ")))
        })
    })
}

pub(super) fn read(
    table: Table<'_>,
    preset: Option<&&'static Preset>,
    measurement: &Measurement,
    cast: &Cast,
) -> Result<Deal, ScenarioError> {
    let sat = |key| table.need(key)?.number(0..=MAX_SAT).map(Sat);
    let deal = Deal {
        price_sat: sat("price_sat")?,
        bond_sat: sat("bond_sat")?,
        payout: payout(&table, preset)?,
        threshold: threshold(&table, cast)?,
        tolerance: table.read("tolerance", tolerance)?,
        preset: preset.copied(),
        refund_delay_s: table
            .read("refund_delay", |field| bounded(field, 3600, 365 * 86_400))?
            .unwrap_or(7 * 86_400),
        fee_rate_sat_vb: table.read("fee_rate", |field| field.number(1..=1000))?.unwrap_or(2),
    };
    holds(&table, &deal, measurement, cast)?;
    table.close()?;
    Ok(deal)
}

/// `oracles = "2 of 3"`: so many of those that the file names.
fn threshold(table: &Table<'_>, cast: &Cast) -> Result<u64, ScenarioError> {
    let count = cast.oracles() as u64;
    match table.read("oracles", |field| field.parse(words::some_of))? {
        Some((threshold, all)) if all == count => Ok(threshold),
        Some(_) => Err(table.error_at("oracles", format!("must be of as many as there are: {count}"))),
        None if count == 1 => Ok(1),
        None => Err(table.error_at("oracles", "is missing: how many of them must agree")),
    }
}

fn tolerance(field: &Field<'_>) -> Result<Tolerance, ScenarioError> {
    let table = field.table()?;
    let tolerance = Tolerance {
        max_error_exp: table.need("max_error_exp")?.number(0..=62)?,
        min_fail_exp: table.need("min_fail_exp")?.number(0..=62)?,
        max_spread_sat: Sat(table.need("max_spread_sat")?.number(0..=MAX_SAT)?),
    };
    table.close()?;
    Ok(tolerance)
}

/// The document's own rules, tried with keys that stand in for the real ones.
fn holds(
    table: &Table<'_>,
    deal: &Deal,
    measurement: &Measurement,
    cast: &Cast,
) -> Result<(), ScenarioError> {
    let schedule = if table.has("preset") { "preset" } else { "schedule" };
    let deadline = UnixSeconds(measurement.window.start.0 - 1);
    let agreement = deal.stand_in(measurement, cast.oracles(), deadline);
    agreement.validate().map_err(|error| match error.field.as_str() {
        field if field.starts_with("oracles.tolerance") => table.error_at("tolerance", error.to_string()),
        field if field.starts_with("oracles") => table.error_at("oracles", error.to_string()),
        key @ ("price_sat" | "bond_sat") => table.error_at(key, error.rule),
        "refund_delay_s" => table.error_at("refund_delay", error.rule),
        "fee_rate_sat_vb" => table.error_at("fee_rate", error.rule),
        field => table.error_at(schedule, format!("{field}: {}", error.rule)),
    })?;
    agreement.compile().map(drop).map_err(|error| {
        let key = if matches!(error, CompileError::Spread { .. }) { "tolerance" } else { schedule };
        table.error_at(key, error.to_string())
    })
}

impl Deal {
    /// The whole agreement, once the keys are known.
    pub fn agreement(
        &self,
        measurement: &Measurement,
        provider: Hex32,
        buyer: Hex32,
        oracles: Vec<Hex32>,
        funding_deadline: UnixSeconds,
    ) -> Agreement {
        Agreement {
            v: 1,
            network: "regtest".to_owned(),
            measurement: measurement.clone(),
            event_id: measurement.event_id(),
            oracles: self.oracle_set(oracles),
            provider: Party { key: provider },
            buyer: Party { key: buyer },
            price_sat: self.price_sat,
            bond_sat: self.bond_sat,
            payout: self.payout.clone(),
            funding_deadline,
            refund_delay_s: self.refund_delay_s,
            fee_rate_sat_vb: self.fee_rate_sat_vb,
        }
    }

    /// The oracles with these keys, and how they decide.
    pub fn oracle_set(&self, keys: Vec<Hex32>) -> OracleSet {
        OracleSet { keys, threshold: self.threshold, tolerance: self.tolerance.clone() }
    }

    /// The agreement with keys that stand in for the real ones, which only a run has: pays and counts the same.
    pub fn stand_in(
        &self,
        measurement: &Measurement,
        oracles: usize,
        funding_deadline: UnixSeconds,
    ) -> Agreement {
        let [provider, buyer] = [1, 2].map(|byte| Hex32([byte; 32]));
        let oracles = (3..).take(oracles).map(|byte| Hex32([byte; 32])).collect();
        self.agreement(measurement, provider, buyer, oracles, funding_deadline)
    }
}

/// What each outcome pays, by a preset or by the table's own schedule.
pub(crate) fn payout(table: &Table<'_>, preset: Option<&&'static Preset>) -> Result<Payout, ScenarioError> {
    let schedule = match (preset, table.take("schedule")) {
        (Some(preset), None) => preset.schedule(),
        (None, Some(field)) => schedule(table, &field)?,
        _ => return Err(table.error("must have either a preset or a schedule")),
    };
    let sides = [("provider", Side::Provider), ("buyer", Side::Buyer)];
    Ok(Payout {
        schedule,
        indeterminate: table.need("indeterminate")?.parse(words::credit)?,
        round_to: table.read("round_to", |field| field.one_of(&sides))?.unwrap_or(Side::Buyer),
    })
}

fn schedule(table: &Table<'_>, field: &Field<'_>) -> Result<Schedule, ScenarioError> {
    let mut pieces = Vec::new();
    let entries = field.tables()?;
    if entries.len() > MAX_PIECES {
        return Err(field.error(format!("must have at most {MAX_PIECES} entries")));
    }
    for entry in entries {
        pieces.push(piece(entry)?);
    }
    // Below the first threshold all is well.
    if pieces.first().is_none_or(|first: &Piece| first.from.0 > 0) {
        pieces.insert(0, Piece { from: OutcomeValue(0), credit: Credit::NONE, ramp_to: None });
    }
    let quantum_bits = table.read("quantum_bits", |field| field.number(0..=24))?.unwrap_or(0);
    Ok(Schedule::Numeric { pieces, quantum_bits })
}

fn piece(table: Table<'_>) -> Result<Piece, ScenarioError> {
    let from = table.read("from", |field| field.number(0..=terms::units::MAX_NUMBER))?;
    let above = table.read("above", |field| field.number(0..=terms::units::MAX_NUMBER))?;
    let from = match (from, above) {
        (Some(from), None) => from,
        (None, Some(above)) => above + 1,
        _ => return Err(table.error("must say where it begins with either from or above")),
    };
    let piece = Piece {
        from: OutcomeValue(from),
        credit: credit(&table)?,
        ramp_to: table.read("ramp_to", |field| {
            let reached = field.table()?;
            let credit = credit(&reached)?;
            reached.close()?;
            Ok(credit)
        })?,
    };
    table.close()?;
    Ok(piece)
}

fn credit(table: &Table<'_>) -> Result<Credit, ScenarioError> {
    let share =
        |key| table.read(key, |field| field.parse(words::share)).map(|share| share.unwrap_or_default());
    Ok(Credit { price_back_ppm: share("price_back")?, bond_forfeit_ppm: share("bond_forfeit")? })
}
