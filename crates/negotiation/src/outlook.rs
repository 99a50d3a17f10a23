//! The whole distribution of what each side gets, told before anything locks.
//!
//! [`Outlook::of`] needs the agreement alone. What else is known (fees, maturity, the time, imagined windows) makes it say
//! more. It is data, and its `Display` is text for a person.

mod cases;
mod text;

use serde::Serialize;
use terms::{Agreement, CompileError, Ppm, Sat, Scale, Spread, TimeRange, UnixSeconds};

use crate::payouts::Payouts;
use crate::simulate::Distribution;
pub use cases::{Case, Kind, Outcomes};

/// What is known besides the agreement.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// What both sides pay in fees.
    pub fees: Option<Fees>,
    /// The time.
    pub now: Option<UnixSeconds>,
    /// When the last of the oracles' events matures. Without it: when the window ends, which is a little early.
    pub maturity: Option<UnixSeconds>,
    /// Imagined windows of the measurement, for chances.
    pub windows: Option<&'a Distribution>,
}

/// What each side pays for its part of the funding transaction and of the one that ends the escrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Fees {
    /// The provider's.
    pub provider_sat: Sat,
    /// The buyer's.
    pub buyer_sat: Sat,
}

/// What an agreement means for both sides, at every outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outlook {
    /// What is probed.
    pub target: String,
    /// The window.
    pub window: TimeRange,
    /// The unit of outcomes; empty for levels.
    pub unit: String,
    /// How many oracles there are, and how many must agree.
    pub oracles: [u64; 2],
    /// What the buyer locks, fees aside.
    pub price_sat: Sat,
    /// What the provider locks, fees aside.
    pub bond_sat: Sat,
    /// Fees, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fees: Option<Fees>,
    /// What can happen, from the best outcome to the worst, then "indeterminate" and the refund.
    pub cases: Vec<Case>,
    /// Until when the funding transaction must be on the chain.
    pub funding_deadline: UnixSeconds,
    /// When the refund becomes valid, if nothing is attested: the end of the longest lock.
    pub refund_at: UnixSeconds,
    /// For how long coins are locked at most, from now (or from the funding deadline) until the refund is valid.
    pub locked_at_most_s: u64,
    /// Whether an oracle's delay before it publishes comes on top of both.
    pub publication_comes_on_top: bool,
    /// With several oracles and a tolerance: how much the choice between them may move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// What the imagined windows come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
}

/// What imagined windows come to, for both sides. Refunds are among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// How many there are.
    pub windows: u64,
    /// What the provider gets in the mean, rounded down.
    pub provider_expected_sat: Sat,
    /// What the buyer gets in the mean, rounded down.
    pub buyer_expected_sat: Sat,
    /// How far both may be off since only so many windows were imagined.
    pub standard_error_sat: Sat,
    /// The least that the provider gets in 95 of 100 windows.
    pub provider_in_95_percent_sat: Sat,
    /// For how long the service is up in the mean, in seconds.
    pub up_s: u64,
}

impl Outlook {
    /// What an agreement means.
    ///
    /// # Errors
    /// Where the agreement does not compile.
    pub fn of(agreement: &Agreement, facts: &Facts<'_>) -> Result<Self, CompileError> {
        let table = agreement.compile()?;
        let window = agreement.measurement.window;
        let maturity = facts.maturity.unwrap_or(window.end);
        let refund_at = UnixSeconds(maturity.0.saturating_add(agreement.refund_delay_s));
        let locked_from = facts.now.unwrap_or(agreement.funding_deadline);
        Ok(Self {
            target: agreement.measurement.target.to_string(),
            window,
            unit: unit(&agreement.measurement.outcome),
            oracles: [agreement.oracles.keys.len() as u64, agreement.oracles.threshold],
            price_sat: agreement.price_sat,
            bond_sat: agreement.bond_sat,
            fees: facts.fees,
            cases: cases::all(agreement, &table, facts.windows),
            funding_deadline: agreement.funding_deadline,
            refund_at,
            locked_at_most_s: refund_at.0.saturating_sub(locked_from.0),
            publication_comes_on_top: facts.maturity.is_none(),
            spread: agreement.oracles.spread(&table),
            forecast: facts.windows.and_then(|windows| Forecast::of(agreement, &table, windows)),
        })
    }
}

impl Forecast {
    fn of(agreement: &Agreement, table: &terms::PayoutTable, windows: &Distribution) -> Option<Self> {
        let payouts = Payouts::of(windows, table, agreement.price_sat)?;
        let provider = |buyer: Sat| Sat(agreement.total_sat().0.saturating_sub(buyer.0));
        let up_s = windows.up_ms() / 1000 / u128::from(windows.runs().max(1));
        Some(Self {
            windows: windows.runs(),
            provider_expected_sat: provider(payouts.expected(terms::Rounding::Up)),
            buyer_expected_sat: payouts.expected(terms::Rounding::Down),
            standard_error_sat: payouts.standard_error(),
            provider_in_95_percent_sat: provider(payouts.percentile(Ppm(950_000))),
            up_s: u64::try_from(up_s).unwrap_or(u64::MAX),
        })
    }
}

fn unit(scale: &Scale) -> String {
    match scale {
        Scale::Numeric(scale) => scale.unit.clone(),
        Scale::Enum(_) => String::new(),
    }
}
