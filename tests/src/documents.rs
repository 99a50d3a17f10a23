//! The documents that most stories are about.

use protocol::OfferDraft;
use terms::{
    Credit, Expectations, Hex32, HttpTarget, Indicator, Measurement, Method, NumericScale, OracleSet,
    OutcomeValue, Payout, Piece, Ppm, Quorum, Rounding, Sat, Scale, Schedule, Side, Target, TimeRange,
    UnixSeconds,
};

/// When what happens, in unix seconds. Short, so that a story takes seconds.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The funding transaction must be on its way before this.
    pub funding_deadline: u64,
    /// The window's first second.
    pub start: u64,
    /// The window's end, and the locktime of the CETs.
    pub end: u64,
    /// The oracle signs.
    pub maturity: u64,
    /// The locktime of the refund.
    pub refund: u64,
}

impl Times {
    /// Seconds from the window's end to maturity, as the oracle is configured.
    pub const PUBLICATION_DELAY_S: u64 = 60;
    /// Seconds from maturity to the refund: the least that an agreement may say.
    pub const REFUND_DELAY_S: u64 = 600;

    /// The times of an escrow that is agreed at `now`.
    #[must_use]
    pub fn from(now: u64) -> Self {
        let start = now + 420;
        let end = start + 600;
        let maturity = end + Self::PUBLICATION_DELAY_S;
        let refund = maturity + Self::REFUND_DELAY_S;
        Self { funding_deadline: now + 300, start, end, maturity, refund }
    }
}

/// Ten minutes of `url`, asked every ten seconds: 60 probes, in ten slices.
#[must_use]
pub fn measurement(url: &str, times: &Times) -> Measurement {
    Measurement {
        v: 1,
        target: Target::Http(HttpTarget::get(url, 2_000, Expectations::status(200, 299, 1_000))),
        indicator: Indicator::Availability {},
        window: TimeRange { start: UnixSeconds(times.start), end: UnixSeconds(times.end) },
        slice_s: 60,
        probe_every_ms: 10_000,
        method: Method::Occurrences {},
        quorum: Quorum { agree: 1, vantages: 1 },
        confirm: None,
        exclusions: Vec::new(),
        least_samples: 3,
        indeterminate_above_ppm: Ppm(200_000),
        rounding: Rounding::Up,
        outcome: Scale::Numeric(NumericScale::ppm()),
    }
}

/// 100,000 sat of price and 50,000 of bond: above 1,000 ppm a tenth of the price back, above 50,000 ppm half of
/// it, above 500,000 ppm all of it and the bond as well.
#[must_use]
pub fn draft(measurement: Measurement, times: &Times, oracle: Hex32, oracle_url: &str) -> OfferDraft {
    OfferDraft {
        measurement,
        price_sat: Sat(100_000),
        bond_sat: Sat(50_000),
        payout: Payout {
            schedule: Schedule::Numeric {
                pieces: vec![
                    step(0, credit(0, 0)),
                    step(1_001, credit(100_000, 0)),
                    step(50_001, credit(500_000, 0)),
                    step(500_001, credit(1_000_000, 1_000_000)),
                ],
                quantum_bits: 0,
            },
            indeterminate: credit(250_000, 0),
            round_to: Side::Buyer,
        },
        oracles: OracleSet { keys: vec![oracle], threshold: 1, tolerance: None },
        oracle_urls: vec![oracle_url.to_owned()],
        funding_deadline: UnixSeconds(times.funding_deadline),
        refund_delay_s: Times::REFUND_DELAY_S,
        fee_rate_sat_vb: Some(2),
        expires: UnixSeconds(times.funding_deadline),
        negotiable: None,
        strategy: None,
    }
}

/// A step of a schedule.
#[must_use]
pub fn step(from: u64, credit: Credit) -> Piece {
    Piece { from: OutcomeValue(from), credit, ramp_to: None }
}

/// What the buyer gets back, in ppm of the price and of the bond.
#[must_use]
pub fn credit(price_back_ppm: u64, bond_forfeit_ppm: u64) -> Credit {
    Credit { price_back_ppm: Ppm(price_back_ppm), bond_forfeit_ppm: Ppm(bond_forfeit_ppm) }
}
