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

/// Where the days of a strip lead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links<'a> {
    /// The service's page.
    pub path: &'a str,
    /// Only those on which something was wrong or unknown lead anywhere: a list of services is long enough.
    pub troubled_alone: bool,
}

impl Links<'_> {
    fn of(self, tally: &Tally, day_s: u64) -> Option<String> {
        let leads = !self.troubled_alone || tally.bad_ms > 0 || tally.unknown_ms > 0;
        leads.then(|| format!("{}?day={}#day", self.path, words::date(day_s)))
    }
}

/// One bar a day, from `from_s` on. Days in which nothing was to be measured are a line at the bottom, and lead nowhere.
///
/// The links are for a pointer: by keyboard the days are reached one after the other on the service's page, and not
/// through 90 stops on the way to the next service.
pub(super) fn strip(days: &BTreeMap<u64, Tally>, from_s: u64, count: u64, links: Links<'_>) -> Markup {
    let tally = |index: u64| days.get(&(from_s + index * DAY_S)).filter(|tally| tally.total_ms() > 0);
    html! {
        svg.strip viewBox=(format!("0 0 {} {}", Px(count * STEP), Px(HEIGHT))) preserveAspectRatio="none" role="img"
            aria-label=(caption(days, count)) {
            @for (first, last) in runs(count, |index| tally(index).is_none()) {
                (nothing(from_s, first, last))
            }
            @for index in 0..count {
                @if let Some(tally) = tally(index) {
                    @let day_s = from_s + index * DAY_S;
                    @let drawn = bar(tally, day_s, index * STEP);
                    @match links.of(tally, day_s) {
                        Some(link) => a href=(link) tabindex="-1" { (drawn) },
                        None => (drawn),
                    }
                }
            }
        }
        div.ends { span { (words::short_day(from_s)) } span { "today" } }
    }
}

/// The longest stretches of days that are so, as their first and last one.
fn runs(count: u64, is_so: impl Fn(u64) -> bool) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for index in (0..count).filter(|index| is_so(*index)) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => runs.push((index, index)),
        }
    }
    runs
}

/// Days in which nothing was to be measured: a dash for each.
fn nothing(from_s: u64, first: u64, last: u64) -> Markup {
    let (left, width) = (first * STEP, (last - first + 1) * STEP);
    let day = |index: u64| words::date(from_s + index * DAY_S);
    html! {
        g {
            title { (day(first)) @if last > first { " to " (day(last)) } ": nothing was to be measured" }
            path.none d=(format!("M{} {}h{}", Px(left), Px(HEIGHT - 15), Px(width))) stroke-dasharray="8 2" {}
            rect.hit x=(Px(left)) y="0" width=(Px(width)) height=(Px(HEIGHT)) {}
        }
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

fn bar(tally: &Tally, day_s: u64, left: u64) -> Markup {
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
        let links = Links { path: "/services/edge", troubled_alone: false };
        let svg = strip(&days, 0, 3, links).into_string();
        assert!(svg.contains("class=\"bad\" x=\"0\" y=\"0\" width=\"8\" height=\"7\""), "{svg}");
        assert!(svg.contains("class=\"unknown\" x=\"10\" y=\"0\" width=\"8\" height=\"34\""), "{svg}");
        assert_eq!(svg.matches("class=\"good\"").count(), 1, "{svg}");
        assert_eq!(svg.matches("class=\"none\"").count(), 1, "{svg}");
    }

    #[test]
    fn days_without_a_measurement_are_one_line_and_no_stops_on_the_way() {
        let up = Tally { good_ms: 86_400_000, ..Tally::default() };
        let down = Tally { bad_ms: 60_000, ..up };
        let days = BTreeMap::from([(40 * DAY_S, up), (41 * DAY_S, down)]);
        let links = Links { path: "/services/edge", troubled_alone: true };
        let svg = strip(&days, 0, 90, links).into_string();
        assert_eq!(svg.matches("class=\"none\"").count(), 2, "before and after them: {svg}");
        assert!(svg.contains("1970-01-01 to 1970-02-09: nothing was to be measured"), "{svg}");
        let link = "<a href=\"/services/edge?day=1970-02-11#day\" tabindex=\"-1\">";
        assert!(svg.contains(link) && svg.matches("<a ").count() == 1, "{svg}");
        assert!(svg.len() < 1_500, "{} bytes", svg.len());
        let all = strip(&days, 0, 90, Links { troubled_alone: false, ..links }).into_string();
        assert_eq!(all.matches("<a ").count(), 2);
    }
}
