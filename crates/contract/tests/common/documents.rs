//! Measurements and agreements for tests.

use terms::{
    Agreement, Credit, EnumScale, Expectations, Hex32, HttpTarget, Indicator, Level, LevelPayout,
    Measurement, Method, NumericScale, OracleSet, OutcomeValue, Party, Payout, Piece, Ppm, Quorum, Rounding,
    Sat, Scale, Schedule, Side, Target, TimeRange, Tolerance, UnixSeconds, Worse,
};

use super::oracle::Oracle;

pub const WINDOW_START: u64 = 1_800_000_000;
pub const WINDOW_END: u64 = WINDOW_START + 30 * 86_400;
pub const FUNDING_DEADLINE: u64 = WINDOW_START - 3600;

/// What an agreement is drawn up from.
#[derive(Clone)]
pub struct Draft {
    pub price_sat: u64,
    pub bond_sat: u64,
    pub oracles: usize,
    pub threshold: u64,
    pub tolerance: Option<Tolerance>,
    pub scale: Scale,
    pub schedule: Schedule,
    pub indeterminate: Credit,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            price_sat: 100_000,
            bond_sat: 40_000,
            oracles: 1,
            threshold: 1,
            tolerance: None,
            scale: hours(1000),
            schedule: steps(),
            indeterminate: Credit::of_price(500_000),
        }
    }
}

/// A count of hours up to `max`.
pub fn hours(max: u64) -> Scale {
    Scale::Numeric(NumericScale::count("h", max).unwrap())
}

/// Nothing below 24 hours, 10 % of the price from there, everything and the bond from 100.
pub fn steps() -> Schedule {
    let pieces = vec![
        Piece::step(0, Credit::NONE),
        Piece::step(24, Credit::of_price(100_000)),
        Piece::step(100, Credit::ALL),
    ];
    Schedule::Numeric { pieces, quantum_bits: 0 }
}

/// Nothing for 16 hours, then down to 90 % of the price by hour 528 in steps of 16 hours, then all of it.
pub fn ramp() -> Schedule {
    let pieces = vec![
        Piece::step(0, Credit::NONE),
        Piece::ramp(16, Credit::of_price(20_000), Credit::of_price(900_000)),
        Piece::step(528, Credit::ALL),
    ];
    Schedule::Numeric { pieces, quantum_bits: 4 }
}

/// In time, late, or lost.
pub fn levels() -> (Scale, Schedule) {
    let level = |name: &str, from| Level { name: name.to_owned(), from: OutcomeValue(from) };
    let scale = Scale::Enum(EnumScale {
        levels: vec![level("in-time", 0), level("late", 1), level("lost", 48)],
        indeterminate: "unknown".to_owned(),
        worse: Worse::Higher,
    });
    let paid = |level: &str, credit| LevelPayout { level: level.to_owned(), credit };
    let schedule = Schedule::Levels(vec![
        paid("in-time", Credit::NONE),
        paid("late", Credit::of_price(250_000)),
        paid("lost", Credit::ALL),
    ]);
    (scale, schedule)
}

impl Draft {
    pub fn levels() -> Self {
        let (scale, schedule) = levels();
        Self { scale, schedule, ..Self::default() }
    }

    pub fn build(self) -> (Agreement, Vec<Oracle>) {
        let measurement = measurement(self.scale);
        let oracles: Vec<Oracle> = (0..self.oracles).map(Oracle::new).collect();
        let agreement = Agreement {
            v: 1,
            network: "regtest".to_owned(),
            event_id: measurement.event_id(),
            measurement,
            oracles: OracleSet {
                keys: oracles.iter().map(Oracle::key).collect(),
                threshold: self.threshold,
                tolerance: self.tolerance,
            },
            provider: Party { key: Hex32([1; 32]) },
            buyer: Party { key: Hex32([2; 32]) },
            price_sat: Sat(self.price_sat),
            bond_sat: Sat(self.bond_sat),
            payout: Payout {
                schedule: self.schedule,
                indeterminate: self.indeterminate,
                round_to: Side::Buyer,
            },
            funding_deadline: UnixSeconds(FUNDING_DEADLINE),
            refund_delay_s: 7 * 86_400,
            fee_rate_sat_vb: 5,
        };
        (agreement, oracles)
    }
}

/// How many hours late a delivery comes.
fn measurement(outcome: Scale) -> Measurement {
    Measurement {
        v: 1,
        target: Target::Http(HttpTarget::get(
            "http://service.example/delivery",
            10_000,
            Expectations::status(200, 299, 65_536),
        )),
        indicator: Indicator::Lateness { deadline: UnixSeconds(WINDOW_START + 3600), unit_s: 3600 },
        window: TimeRange { start: UnixSeconds(WINDOW_START), end: UnixSeconds(WINDOW_END) },
        slice_s: 3600,
        probe_every_ms: 60_000,
        method: Method::Occurrences {},
        quorum: Quorum { agree: 1, vantages: 1 },
        confirm: None,
        exclusions: vec![],
        least_samples: 1,
        indeterminate_above_ppm: Ppm(100_000),
        rounding: Rounding::Up,
        outcome,
    }
}
