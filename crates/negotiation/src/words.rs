//! Shares as people read them.

use terms::Ppm;

/// A share as per cent with two decimal places; what is more than nothing and less than that is said so.
///
/// ```
/// # use negotiation::words::percent;
/// # use terms::Ppm;
/// assert_eq!(percent(Ppm(71_250)), "7.12 %");
/// assert_eq!(percent(Ppm(10)), "< 0.01 %");
/// ```
pub fn percent(share: Ppm) -> String {
    match share.0 {
        1..100 => "< 0.01 %".to_owned(),
        ppm => format!("{}.{:02} %", ppm / 10_000, ppm % 10_000 / 100),
    }
}
