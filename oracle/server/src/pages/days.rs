//! The strip of days: a bar for each, whose height is the day.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::draw::{Px, scaled};
use super::words;
use crate::status::{DAY_S, Tally};

/// A bar's height, in tenths of a pixel.
const HEIGHT: u64 = 340;
/// What is there at all is seen at all.
const LEAST: u64 = 70;
/// So much is left free beside what is all of one kind.
const SHORT: u64 = 45;
/// Width of a bar with the gap after it.
const STEP: u64 = 100;

/// One bar a day, from `from_s` on. Days in which nothing was to be measured are a line at the bottom.
pub(super) fn strip(days: &BTreeMap<u64, Tally>, from_s: u64, count: u64, link: Option<&str>) -> Markup {
    html! {
        svg.strip viewBox=(format!("0 0 {} {}", Px(count * STEP), Px(HEIGHT))) preserveAspectRatio="none" role="img"
            aria-label=(caption(days, count)) {
            @for index in 0..count {
                @let day_s = from_s + index * DAY_S;
                @let drawn = bar(days.get(&day_s), day_s, index * STEP);
                @match link {
                    Some(link) => a href=(format!("{link}?day={}#day", words::date(day_s))) { (drawn) },
                    None => (drawn),
                }
            }
        }
        div.ends { span { (words::short_day(from_s)) } span { "today" } }
    }
}

fn caption(days: &BTreeMap<u64, Tally>, count: u64) -> String {
    let with = |bad: fn(&Tally) -> bool| days.values().filter(|day| bad(day)).count() as u64;
    format!(
        "{count} days: {} with measurements, {} with failures, {} with time that could not be measured",
        with(|day| day.measured_ms() > 0),
        with(|day| day.bad_ms > 0),
        with(|day| day.unknown_ms > 0),
    )
}

fn bar(day: Option<&Tally>, day_s: u64, left: u64) -> Markup {
    let Some(tally) = day.filter(|tally| tally.total_ms() > 0) else {
        return html! {
            g {
                title { (words::date(day_s)) ": nothing was to be measured" }
                rect.none x=(Px(left)) y=(Px(HEIGHT - 30)) width="8" height="3" {}
                rect.hit x=(Px(left)) y="0" width="10" height=(Px(HEIGHT)) {}
            }
        };
    };
    let share = |part_ms: u64| match part_ms {
        0 => 0,
        part => scaled(part, tally.total_ms(), HEIGHT).max(LEAST),
    };
    let bad = share(tally.bad_ms);
    let unknown = share(tally.unknown_ms).min(HEIGHT - bad);
    let excluded = share(tally.excluded_ms).min(HEIGHT - bad - unknown);
    let good = HEIGHT - bad - unknown - excluded;
    // What is all good stands on the ground, what is all bad hangs: no colour is needed to tell.
    let (bad, good) = (bad.min(HEIGHT - SHORT), good.min(HEIGHT - SHORT));
    html! {
        g {
            title { (words::date(day_s)) ": " (sentence(tally)) }
            (piece("bad", left, 0, bad))
            (piece("unknown", left, bad, unknown))
            (piece("excluded", left, bad + unknown, excluded))
            (piece("good", left, HEIGHT - good, if tally.good_ms > 0 { good } else { 0 }))
        }
    }
}

/// A part of a bar, with a gap above it where it is not the first.
fn piece(class: &str, left: u64, top: u64, height: u64) -> Markup {
    let gap = if top > 0 { 15 } else { 0 };
    html! {
        @if height > gap {
            rect class=(class) x=(Px(left)) y=(Px(top + gap)) width="8" height=(Px(height - gap)) {}
        }
    }
}

/// A stretch of time in a sentence.
pub(super) fn sentence(tally: &Tally) -> String {
    let mut parts = Vec::new();
    match tally.uptime() {
        Some(share) => parts.push(format!("{share} up")),
        None => parts.push("not measured".to_owned()),
    }
    let named = [(tally.bad_ms, "down"), (tally.unknown_ms, "unmeasured"), (tally.excluded_ms, "excluded")];
    for (part_ms, name) in named.into_iter().filter(|(part_ms, _)| *part_ms > 0) {
        parts.push(format!("{} {name}", words::length_ms(part_ms)));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_says_what_was_down_and_what_nobody_knows() {
        let tally = Tally { good_ms: 86_040_000, bad_ms: 240_000, unknown_ms: 120_000, excluded_ms: 0 };
        assert_eq!(sentence(&tally), "99.721 % up, 4 min down, 2 min unmeasured");
        assert_eq!(
            sentence(&Tally { unknown_ms: 60_000, ..Tally::default() }),
            "not measured, 1 min unmeasured"
        );
    }

    #[test]
    fn the_least_failure_of_a_day_is_seen_and_a_dark_day_is_not_green() {
        let days = BTreeMap::from([
            (0, Tally { good_ms: 86_399_999, bad_ms: 1, ..Tally::default() }),
            (DAY_S, Tally { unknown_ms: 86_400_000, ..Tally::default() }),
        ]);
        let svg = strip(&days, 0, 3, None).into_string();
        assert!(svg.contains("class=\"bad\" x=\"0\" y=\"0\" width=\"8\" height=\"7\""), "{svg}");
        assert!(svg.contains("class=\"unknown\" x=\"10\" y=\"0\" width=\"8\" height=\"34\""), "{svg}");
        assert_eq!(svg.matches("class=\"good\"").count(), 1, "{svg}");
        assert_eq!(svg.matches("class=\"none\"").count(), 1, "{svg}");
    }
}
