//! Windows and maintenance on the days that are hard: leap years, clocks that change, zones with odd offsets.
//! The seconds were computed with another program (GNU date).

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use calendar::{Calendar, CalendarError, Maintenance, Period, exclusions};
use proptest::prelude::*;
use terms::{TimeRange, UnixSeconds};

fn named(period: Period, zone: &str, name: &str) -> (u64, u64) {
    let window = Calendar::new(period, zone).unwrap().named(name).unwrap();
    (window.start.0, window.end.0)
}

fn excluded(rules: &[&str], window: TimeRange, slice_s: u64) -> Result<Vec<(u64, u64)>, CalendarError> {
    let rules: Vec<Maintenance> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    let ranges = exclusions(&rules, window, slice_s)?;
    Ok(ranges.iter().map(|range| (range.start.0 - window.start.0, range.end.0 - window.start.0)).collect())
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

#[test]
fn a_window_begins_at_the_zones_midnight() {
    assert_eq!(named(Period::Month, "UTC", "2026-12"), (1_796_083_200, 1_798_761_600));
    assert_eq!(named(Period::Month, "Europe/Berlin", "2026-12"), (1_796_079_600, 1_798_758_000));
    assert_eq!(named(Period::Day, "America/New_York", "2026-11-21"), (1_795_237_200, 1_795_323_600));
    assert_eq!(named(Period::Day, "Asia/Kathmandu", "2026-11-21"), (1_795_198_500, 1_795_284_900));
    assert_eq!(named(Period::Week, "UTC", "2026-W01"), (1_766_966_400, 1_767_571_200));
    assert_eq!(named(Period::Quarter, "UTC", "2026-Q4"), (1_790_812_800, 1_798_761_600));
}

#[test]
fn windows_are_as_long_as_the_calendar_makes_them() {
    let seconds = |period, zone, name| {
        let (start, end) = named(period, zone, name);
        end - start
    };
    assert_eq!(seconds(Period::Month, "UTC", "2024-02"), 29 * DAY);
    assert_eq!(seconds(Period::Month, "UTC", "2026-02"), 28 * DAY);
    assert_eq!(seconds(Period::Day, "Europe/Berlin", "2026-03-29"), 23 * HOUR);
    assert_eq!(seconds(Period::Day, "Europe/Berlin", "2026-10-25"), 25 * HOUR);
    assert_eq!(seconds(Period::Week, "Europe/Berlin", "2026-W13"), 7 * DAY - HOUR);
    assert_eq!(seconds(Period::Quarter, "America/New_York", "2026-Q1"), 90 * DAY - HOUR);
    assert_eq!(seconds(Period::Quarter, "America/New_York", "2026-Q4"), 92 * DAY + HOUR);
    // Half an hour on Lord Howe Island; and a midnight that does not exist in Beirut.
    assert_eq!(seconds(Period::Day, "Australia/Lord_Howe", "2026-10-04"), 23 * HOUR + HOUR / 2);
    assert_eq!(seconds(Period::Day, "Asia/Beirut", "2026-03-29"), 23 * HOUR);
}

#[test]
fn names_that_are_no_periods_are_refused() {
    for (period, name) in [
        (Period::Month, "2026-13"),
        (Period::Month, "2026-3"),
        (Period::Month, "2026-03-01"),
        (Period::Month, "26-03"),
        (Period::Month, ""),
        (Period::Day, "2026-02-29"),
        (Period::Day, "2026-03"),
        (Period::Week, "2026-W54"),
        (Period::Week, "2026-12"),
        (Period::Quarter, "2026-Q0"),
        (Period::Quarter, "2026-Q5"),
        (Period::Month, "+026-03"),
    ] {
        let error = Calendar::new(period, "UTC").unwrap().named(name).unwrap_err();
        assert!(matches!(error, CalendarError::Period { .. }), "{period:?} {name:?}: {error}");
    }
    for zone in ["", "Europe/Atlantis", "Etc/Unknown", "../../etc/passwd", "/etc/localtime"] {
        let error = Calendar::new(Period::Day, zone).unwrap_err();
        assert!(matches!(error, CalendarError::Zone { .. }), "{zone:?}");
    }
    let before = Calendar::new(Period::Day, "UTC").unwrap().named("1969-12-31").unwrap_err();
    assert_eq!(before, CalendarError::OutOfRange);
    let never = Calendar::new(Period::Day, "UTC").unwrap().containing(UnixSeconds(u64::MAX)).unwrap_err();
    assert_eq!(never, CalendarError::OutOfRange);
}

#[test]
fn maintenance_on_sundays_lasts_an_hour_less_when_clocks_go_forward_and_an_hour_more_when_back() {
    let berlin = Calendar::new(Period::Week, "Europe/Berlin").unwrap();
    let sunday = ["every Sunday 02:00-04:00 Europe/Berlin"];
    let six = 6 * DAY + 2 * HOUR;
    assert_eq!(excluded(&sunday, berlin.named("2026-W12").unwrap(), 300), Ok(vec![(six, six + 2 * HOUR)]));
    // 02:00 does not exist: 03:00 to 04:00 is what the clocks show.
    assert_eq!(excluded(&sunday, berlin.named("2026-W13").unwrap(), 300), Ok(vec![(six, six + HOUR)]));
    // 02:00 comes twice, and the first counts.
    assert_eq!(excluded(&sunday, berlin.named("2026-W43").unwrap(), 300), Ok(vec![(six, six + 3 * HOUR)]));
    // Within the hour that is skipped: as long as ever, an hour later by the clock.
    let inside = ["every Sunday 02:15-02:45 Europe/Berlin"];
    let quarter = HOUR / 4;
    assert_eq!(
        excluded(&inside, berlin.named("2026-W13").unwrap(), 300),
        Ok(vec![(six + quarter, six + 3 * quarter)])
    );
    assert_eq!(
        excluded(&inside, berlin.named("2026-W43").unwrap(), 300),
        Ok(vec![(six + quarter, six + 3 * quarter)])
    );
}

#[test]
fn maintenance_may_cross_midnight_and_the_windows_edges() {
    let day = Calendar::new(Period::Day, "UTC").unwrap().named("2026-11-21").unwrap();
    let nights = ["every day 22:00-02:00 UTC"];
    assert_eq!(excluded(&nights, day, 300), Ok(vec![(0, 2 * HOUR), (22 * HOUR, DAY)]));
    assert_eq!(excluded(&["day 22:00-24:00 UTC"], day, 300), Ok(vec![(22 * HOUR, DAY)]));
    assert_eq!(excluded(&["day 00:00-24:00 UTC"], day, 300), Ok(vec![(0, DAY)]));
    // In another zone than the window's.
    assert_eq!(excluded(&["Sat 02:00-03:00 Asia/Tokyo"], day, 300), Ok(vec![]));
    assert_eq!(excluded(&["Sun 02:00-03:00 Asia/Tokyo"], day, 300), Ok(vec![(17 * HOUR, 18 * HOUR)]));
}

#[test]
fn maintenance_that_overlaps_or_touches_is_joined() {
    let day = Calendar::new(Period::Day, "UTC").unwrap().named("2026-11-21").unwrap();
    let rules =
        ["day 04:00-05:00 UTC", "sat,sun 02:00-04:00 UTC", "sat 02:30-03:00 UTC", "mon 09:00-10:00 UTC"];
    assert_eq!(excluded(&rules, day, 300), Ok(vec![(2 * HOUR, 5 * HOUR)]));
}

#[test]
fn one_weekday_of_the_month_is_found() {
    let november = Calendar::new(Period::Month, "UTC").unwrap().named("2026-11").unwrap();
    let at = |day: u64| ((day - 1) * DAY + HOUR, (day - 1) * DAY + 2 * HOUR);
    for (rule, day) in [("first Sunday", 1), ("second tue", 10), ("fourth saturday", 28), ("last Mon", 30)] {
        let rule = format!("every {rule} 01:00-02:00 UTC");
        assert_eq!(excluded(&[&rule], november, 300), Ok(vec![at(day)]), "{rule}");
    }
}

#[test]
fn maintenance_is_made_of_whole_slices() {
    let day = Calendar::new(Period::Day, "UTC").unwrap().named("2026-11-21").unwrap();
    let error = excluded(&["day 02:10-03:00 UTC"], day, 900).unwrap_err();
    assert_eq!(error, CalendarError::OffGrid { at: "2026-11-21T02:10:00Z".to_owned(), slice_s: 900 });
    assert!(excluded(&["day 02:15-03:00 UTC"], day, 900).is_ok());
    assert!(excluded(&["day 02:15-03:00 UTC"], day, 0).is_err());
    let century = TimeRange { start: UnixSeconds(500_000_000), end: UnixSeconds(4_231_722_000) };
    let error = excluded(&["day 02:00-03:00 UTC"], century, 300).unwrap_err();
    assert_eq!(error, CalendarError::TooMany { most: 1024 });
}

#[test]
fn words_that_are_no_maintenance_are_refused_with_what_they_should_be() {
    for text in [
        "",
        "every",
        "Sunday 02:00-04:00",
        "every Sunday 2:00-04:00 UTC",
        "every Sunday 02:00 UTC",
        "every Sunday 24:00-04:00 UTC",
        "every Sunday 02:00-25:00 UTC",
        "every Sunday,Moonday 02:00-04:00 UTC",
        "every fifth Sunday 02:00-04:00 UTC",
        "every first sat,sun 02:00-04:00 UTC",
    ] {
        let error = text.parse::<Maintenance>().unwrap_err();
        assert!(matches!(error, CalendarError::Maintenance { .. }), "{text:?}: {error}");
    }
    let error = "every Sunday 02:00-04:00 Berlin/Europe".parse::<Maintenance>().unwrap_err();
    assert_eq!(error, CalendarError::Zone { zone: "Berlin/Europe".to_owned() });
}

proptest! {
    #[test]
    fn windows_of_a_calendar_follow_each_other_without_a_gap(
        moment in 500_000_000..4_000_000_000_u64,
        period in prop::sample::select(vec![Period::Day, Period::Week, Period::Month, Period::Quarter]),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
    ) {
        let calendar = Calendar::new(period, zone).unwrap();
        let window = calendar.containing(UnixSeconds(moment)).unwrap();
        prop_assert!(window.contains(UnixSeconds(moment)));
        prop_assert_eq!(calendar.next(window.start).unwrap(), window);
        let next = calendar.next(UnixSeconds(window.start.0 + 1)).unwrap();
        prop_assert_eq!(next.start, window.end);
    }

    #[test]
    fn any_text_is_a_maintenance_or_refused(text in "(every )?[a-z, ]{0,12} [0-9:-]{0,11} (UTC|Europe/[A-Z][a-z]{0,6})") {
        if let Ok(rule) = text.parse::<Maintenance>() {
            let week = TimeRange { start: UnixSeconds(1_774_220_400), end: UnixSeconds(1_774_821_600) };
            for range in exclusions(&[rule], week, 60).unwrap() {
                prop_assert!(week.start <= range.start && range.start < range.end && range.end <= week.end);
            }
        }
    }
}
