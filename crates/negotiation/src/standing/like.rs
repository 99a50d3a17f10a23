//! Whether an offer is what a standing order buys again: its owner agreed to terms once, and to no others.

use protocol::{Negotiable, Offer};
use terms::units::PPM_WHOLE;
use terms::{Agreement, Indicator, Measurement, Ppm, Sat, TimeRange, UnixSeconds};

/// A window may be longer or shorter than the one before by this part of it: months have 28 to 31 days, and days on which
/// clocks change 23 to 25 hours.
const LENGTH_PART: u64 = 8;

/// What a standing order buys.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The terms that are bought again.
    pub like: &'a Agreement,
    /// The most that a window may cost.
    pub max_price: Sat,
    /// Whether the price is negotiated.
    pub haggles: bool,
    /// How much of a window may be excluded from measuring; none: as much as of the one that is bought again.
    pub max_excluded: Option<Ppm>,
}

/// Why an offer is not what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// A field is another, or worse for the buyer.
    #[error("{0} differs from what was bought before")]
    Field(&'static str),
    /// It costs too much.
    #[error("it costs {least} sat, and {max} is allowed")]
    TooDear {
        /// The least that it can be had for.
        least: Sat,
        /// The most that may be paid.
        max: Sat,
    },
}

impl Wanted<'_> {
    /// Whether an offer is what is wanted, whatever its window's place in time.
    ///
    /// # Errors
    /// The first thing that stands against it, the price last.
    pub fn check(&self, offer: &Offer) -> Result<(), Unlike> {
        let (like, measured) = (self.like, &offer.measurement);
        let same = [
            ("network", offer.network == like.network),
            ("measurement", timeless(measured) == timeless(&like.measurement)),
            ("measurement.window", similar(measured.window.seconds(), like.measurement.window.seconds())),
            ("measurement.exclusions", excluded(measured) <= self.may_exclude()),
            ("payout", offer.payout == like.payout),
            ("oracles", offer.oracles == like.oracles),
            ("bond_sat", offer.bond_sat >= like.bond_sat),
            ("refund_delay_s", offer.refund_delay_s <= like.refund_delay_s),
        ];
        if let Some((field, _)) = same.into_iter().find(|(_, same)| !same) {
            return Err(Unlike::Field(field));
        }
        let least = if self.haggles { least(offer) } else { offer.price_sat };
        if least > self.max_price {
            return Err(Unlike::TooDear { least, max: self.max_price });
        }
        Ok(())
    }

    fn may_exclude(&self) -> Ppm {
        self.max_excluded.unwrap_or_else(|| excluded(&self.like.measurement))
    }
}

/// The least price that may be proposed.
fn least(offer: &Offer) -> Sat {
    let range = offer.negotiable.and_then(|negotiable: Negotiable| negotiable.price_sat);
    range.map_or(offer.price_sat, |range| range.least)
}

/// A measurement without its place in time, which is all that differs from window to window.
fn timeless(measurement: &Measurement) -> Measurement {
    let start = measurement.window.start.0;
    let indicator = match &measurement.indicator {
        Indicator::Lateness { deadline, unit_s } => {
            Indicator::Lateness { deadline: UnixSeconds(deadline.0.saturating_sub(start)), unit_s: *unit_s }
        }
        other => other.clone(),
    };
    let window = TimeRange { start: UnixSeconds(0), end: UnixSeconds(0) };
    Measurement { indicator, window, exclusions: Vec::new(), ..measurement.clone() }
}

fn similar(length: u64, like: u64) -> bool {
    length.abs_diff(like).saturating_mul(LENGTH_PART) <= like
}

/// The share of a window that is not measured, rounded up.
fn excluded(measurement: &Measurement) -> Ppm {
    let excluded: u128 = measurement.exclusions.iter().map(|range| u128::from(range.seconds())).sum();
    let share = (excluded * u128::from(PPM_WHOLE)).div_ceil(u128::from(measurement.window.seconds().max(1)));
    Ppm(u64::try_from(share).unwrap_or(u64::MAX))
}
