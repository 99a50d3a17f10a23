//! Halving: where something begins to hold, or ceases to.

/// The least number up to `limit` from which on something holds; `None` where it holds nowhere.
///
/// # Errors
/// The first one of `holds`.
pub(super) fn least<E>(limit: u64, mut holds: impl FnMut(u64) -> Result<bool, E>) -> Result<Option<u64>, E> {
    if !holds(limit)? {
        return Ok(None);
    }
    let (mut from, mut to) = (0, limit);
    while from < to {
        let middle = from + (to - from) / 2;
        if holds(middle)? {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    Ok(Some(to))
}

/// The largest number up to `limit` up to which something holds; `None` where it does not even hold at 0.
///
/// # Errors
/// The first one of `holds`.
pub(super) fn most<E>(limit: u64, mut holds: impl FnMut(u64) -> Result<bool, E>) -> Result<Option<u64>, E> {
    let over = least(limit, |number| holds(number).map(|held| !held))?;
    Ok(over.map_or(Some(limit), |over| over.checked_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_found_wherever_they_are() {
        for border in 0..12_u64 {
            let held = least::<()>(10, |number| Ok(number >= border)).unwrap_or_default();
            assert_eq!(held, (border <= 10).then_some(border));
            let held = most::<()>(10, |number| Ok(number < border)).unwrap_or_default();
            assert_eq!(held, border.min(11).checked_sub(1));
        }
    }
}
