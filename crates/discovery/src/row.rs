//! One offer as a row that can be compared with others.

use negotiation::outlook::{Case, Facts, Kind, Outlook};
use protocol::{Card, Offer, SatRange};
use serde::Serialize;
use terms::{
    CompileError, Hex32, Indicator, Measurement, OracleSet, Payout, Sat, Scale, TimeRange, UnixSeconds,
    presets,
};

/// The names of indicators.
pub const INDICATORS: [&str; 4] = ["availability", "latency", "lateness", "metric"];

/// An offer that was found, with what there is to compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The host of the measured service, or the heartbeat's key: the same for offers about the same.
    pub service: String,
    /// What is probed, in a few words.
    pub target: String,
    /// One of [`INDICATORS`].
    pub indicator: &'static str,
    /// Where the provider is.
    pub provider_url: String,
    /// Its identity key.
    pub provider_key: Hex32,
    /// The offer's id.
    pub offer_id: Hex32,
    /// What the buyer locks.
    pub price_sat: Sat,
    /// The prices that may be proposed, where it is negotiable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_range: Option<SatRange>,
    /// The price for each hour of the window, in thousandths of a satoshi, rounded up.
    pub price_per_hour_msat: u64,
    /// What the provider locks.
    pub bond_sat: Sat,
    /// The bonds that may be proposed, where they are negotiable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bond_range: Option<SatRange>,
    /// How many counters each side may make, where it is negotiable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u64>,
    /// The unit of outcomes; empty for levels.
    pub unit: String,
    /// The first case that is worse than the target, and what both sides get then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_breach: Option<Case>,
    /// The worst case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_worst: Option<Case>,
    /// The published schedule that it follows to the letter, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<&'static str>,
    /// When it is measured.
    pub window: TimeRange,
    /// Whose attestation counts.
    pub oracles: OracleSet,
    /// Where the oracles are, in the order of their keys.
    pub oracle_urls: Vec<String>,
    /// Until when the funding transaction must be on the chain.
    pub funding_deadline: UnixSeconds,
    /// Seconds from the event's maturity until the refund is valid.
    pub refund_delay_s: u64,
    /// Until when it can be taken.
    pub expires: UnixSeconds,
    /// Whether the provider says that it agrees to the windows that follow.
    pub renews: bool,
}

impl Found {
    /// A card's offer, whose shape was checked.
    ///
    /// # Errors
    /// Where its schedule does not compile.
    pub fn of(url: &str, card: &Card, offer: &Offer) -> Result<Self, CompileError> {
        // Whoever buys it, it pays the same.
        let outlook = Outlook::of(&offer.agreement(card.key, offer.id), &Facts::default())?;
        let case = |is: fn(Kind) -> bool| outlook.cases.iter().find(|case| is(case.kind)).cloned();
        let (measurement, negotiable) = (&offer.measurement, offer.negotiable);
        Ok(Self {
            service: measurement.target.host(),
            target: measurement.target.to_string(),
            indicator: indicator(&measurement.indicator),
            provider_url: url.to_owned(),
            provider_key: card.key,
            offer_id: offer.id,
            price_sat: offer.price_sat,
            price_range: negotiable.and_then(|negotiable| negotiable.price_sat),
            price_per_hour_msat: per_hour(offer.price_sat, measurement.window.seconds()),
            bond_sat: offer.bond_sat,
            bond_range: negotiable.and_then(|negotiable| negotiable.bond_sat),
            rounds: negotiable.map(|negotiable| negotiable.rounds),
            at_breach: case(|kind| matches!(kind, Kind::Breach | Kind::Worst)),
            at_worst: case(|kind| kind == Kind::Worst),
            unit: outlook.unit,
            preset: preset(measurement, &offer.payout),
            window: measurement.window,
            oracles: offer.oracles.clone(),
            oracle_urls: offer.oracle_urls.clone(),
            funding_deadline: offer.funding_deadline,
            refund_delay_s: offer.refund_delay_s,
            expires: offer.expires,
            renews: card.renews,
        })
    }

    /// What the buyer gets at the first breach of the target, at the least; nothing where no outcome is a breach.
    pub fn back_at_breach(&self) -> Sat {
        self.at_breach.as_ref().map_or(Sat(0), |case| case.buyer_sat[0])
    }
}

fn indicator(indicator: &Indicator) -> &'static str {
    match indicator {
        Indicator::Availability {} => "availability",
        Indicator::Latency { .. } => "latency",
        Indicator::Lateness { .. } => "lateness",
        Indicator::Metric(_) => "metric",
    }
}

fn per_hour(price: Sat, window_s: u64) -> u64 {
    let msat = u128::from(price.0) * 1_000 * 3_600;
    u64::try_from(msat.div_ceil(u128::from(window_s.max(1)))).unwrap_or(u64::MAX)
}

/// The preset whose schedule and way of counting these are.
fn preset(measurement: &Measurement, payout: &Payout) -> Option<&'static str> {
    let Scale::Numeric(scale) = &measurement.outcome else { return None };
    let counts_so = |preset: &&presets::Preset| {
        preset.method == measurement.method
            && preset.slice_s == measurement.slice_s
            && preset.rounding == measurement.rounding
            && preset.schedule() == payout.schedule
    };
    let is_share = matches!(measurement.indicator, Indicator::Availability {}) && scale.unit == "ppm";
    presets::all().iter().filter(|_| is_share).find(counts_so).map(|preset| preset.name)
}

/// By what rows are sorted. Equal ones are in the order of the others' figures, so that the order is always the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Those about one service beside each other, the cheapest hour in front.
    #[default]
    Service,
    /// The lowest price in front.
    Price,
    /// The cheapest hour in front.
    PricePerHour,
    /// The highest bond in front.
    Bond,
    /// In front what pays most back at a breach.
    Back,
    /// The window that begins first in front.
    Window,
    /// What expires first in front.
    Expiry,
}

/// Sorts rows.
pub fn sort(rows: &mut [Found], by: Order) {
    rows.sort_by(|a, b| {
        let first = match by {
            Order::Service => (&a.service, a.indicator).cmp(&(&b.service, b.indicator)),
            Order::Price => a.price_sat.cmp(&b.price_sat),
            Order::PricePerHour => a.price_per_hour_msat.cmp(&b.price_per_hour_msat),
            Order::Bond => b.bond_sat.cmp(&a.bond_sat),
            Order::Back => b.back_at_breach().cmp(&a.back_at_breach()),
            Order::Window => a.window.start.cmp(&b.window.start),
            Order::Expiry => a.expires.cmp(&b.expires),
        };
        first.then_with(|| rest(a).cmp(&rest(b)))
    });
}

fn rest(row: &Found) -> (u64, Sat, UnixSeconds, Hex32, Hex32) {
    (row.price_per_hour_msat, row.price_sat, row.window.start, row.provider_key, row.offer_id)
}
