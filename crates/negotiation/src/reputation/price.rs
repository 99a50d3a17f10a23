//! What a track record is worth: the most that a buyer pays, as a share of what it would pay to a provider without doubt.

use protocol::owner::Tally;
use terms::units::PPM_WHOLE;
use terms::{Ppm, Sat};

/// The most that is paid to a provider, as a share of the buyer's maximum: `unknown` where nothing of it counts, nearer to
/// all with each promise that it kept, and nearer to nothing with each that it did not.
///
/// The chance that the next window is a breach is taken as `(breached + 1) / (settled + 2)`, Laplace's rule of
/// succession: one half where nothing is known. The share falls with that chance in a straight line, from all of the
/// maximum at 0 through `unknown` at one half. It is rounded down.
pub fn most_ppm(counted: &Tally, unknown: Ppm) -> Ppm {
    let doubt = u128::from(PPM_WHOLE.saturating_sub(unknown.0));
    let windows = u128::from(counted.settled()) + 2;
    let less = (2 * doubt * (u128::from(counted.breached) + 1)).div_ceil(windows);
    Ppm(PPM_WHOLE.saturating_sub(u64::try_from(less).unwrap_or(PPM_WHOLE)))
}

/// The most that is paid to a provider, in satoshis: the share of [`most_ppm`], rounded down.
pub fn most_sat(maximum: Sat, counted: &Tally, unknown: Ppm) -> Sat {
    let share = u128::from(maximum.0) * u128::from(most_ppm(counted, unknown).0) / u128::from(PPM_WHOLE);
    Sat(u64::try_from(share).unwrap_or(maximum.0))
}
