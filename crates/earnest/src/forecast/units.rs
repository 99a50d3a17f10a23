//! Lengths of time and shares as people type them.

/// Milliseconds in `1d12h`, `90s`, `10m` or `250ms`.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    const RULE: &str = "must be a length of time such as 30d, 12h, 1h30m, 90s or 250ms";
    let mut rest = text;
    let mut all_ms = 0_u64;
    while !rest.is_empty() {
        let (number, after) = split(rest, |b| b.is_ascii_digit());
        let (unit, after) = split(after, |b| b.is_ascii_alphabetic());
        let unit_ms = match unit {
            "d" => 86_400_000,
            "h" => 3_600_000,
            "m" | "min" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            _ => return Err(RULE.to_owned()),
        };
        let part_ms =
            number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms)).ok_or(RULE)?;
        all_ms = all_ms.checked_add(part_ms).ok_or(RULE)?;
        rest = after;
    }
    if text.is_empty() { Err(RULE.to_owned()) } else { Ok(all_ms) }
}

fn split(text: &str, belongs: impl Fn(u8) -> bool) -> (&str, &str) {
    text.split_at(text.bytes().position(|b| !belongs(b)).unwrap_or(text.len()))
}

/// Parts per million in `95` or `99.9` per cent.
pub fn percent_ppm(text: &str) -> Result<u64, String> {
    const RULE: &str = "must be per cent from 0 to 100 with at most four decimal places, such as 95 or 99.9";
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 4 {
        return Err(RULE.to_owned());
    }
    let ppm = format!("{whole}{part:0<4}").parse::<u64>().ok();
    ppm.filter(|ppm| *ppm <= 1_000_000).ok_or_else(|| RULE.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        let known =
            [("30d", 2_592_000_000), ("1h30m", 5_400_000), ("90s", 90_000), ("250ms", 250), ("0s", 0)];
        for (text, ms) in known {
            assert_eq!(duration_ms(text), Ok(ms), "{text}");
        }
        for text in ["", "30", "d", "3w", "1.5h", "-1h", "99999999999999999999d", "1h 30m"] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn per_cent_become_parts_per_million() {
        for (text, ppm) in [("95", 950_000), ("99.9", 999_000), ("0", 0), ("100", 1_000_000), ("0.0001", 1)] {
            assert_eq!(percent_ppm(text), Ok(ppm), "{text}");
        }
        for text in ["", "101", "9,5", "1.00001", "-1", "."] {
            assert!(percent_ppm(text).is_err(), "{text}");
        }
    }
}
