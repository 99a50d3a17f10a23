//! The same service in another window: what a standing order takes for it, and which offers a standing offer makes.

use negotiation::standing::{Series, Unlike, Wanted};
use protocol::owner::{Every, StandingOfferRequest};
use protocol::{Negotiable, Offer, OfferDraft, SatRange};
use terms::{Agreement, Hex32, Indicator, Ppm, Sat, TimeRange, UnixSeconds};

use crate::common::draft;

/// The template's window begins on Monday, 1 January 2024, 00:00 UTC.
const NEW_YEAR: u64 = 1_704_067_200;
const DAY: u64 = 86_400;

fn at(start: u64, length: u64) -> OfferDraft {
    let mut draft = draft();
    let window = TimeRange { start: UnixSeconds(start), end: UnixSeconds(start + length) };
    draft.measurement.window = window;
    draft.measurement.exclusions = Vec::new();
    draft.measurement.slice_s = 300;
    draft.measurement.probe_every_ms = 60_000;
    draft.funding_deadline = UnixSeconds(start - 7_200);
    draft.expires = UnixSeconds(start - 3_600);
    draft
}

fn offer(draft: OfferDraft) -> Offer {
    draft.publish("regtest", 5)
}

fn like(draft: OfferDraft) -> Agreement {
    offer(draft).agreement(Hex32([1; 32]), Hex32([2; 32]))
}

fn wanted(like: &Agreement) -> Wanted<'_> {
    Wanted { like, max_price: Sat(100_000), haggles: false, max_excluded: None }
}

type Change = fn(&mut OfferDraft);

#[test]
fn only_the_same_terms_about_another_window_are_bought_again() {
    let like = like(at(NEW_YEAR, 30 * DAY));
    let next = at(NEW_YEAR + 30 * DAY, 30 * DAY);
    assert_eq!(wanted(&like).check(&offer(next.clone())), Ok(()));
    let worse: [(&str, Change); 9] = [
        ("measurement", |draft| draft.measurement.probe_every_ms *= 5),
        ("measurement", |draft| draft.measurement.indeterminate_above_ppm = Ppm(1)),
        ("measurement.window", |draft| draft.measurement.window.end.0 -= 4 * DAY),
        ("measurement.window", |draft| draft.measurement.window.end.0 += 4 * DAY),
        ("measurement.exclusions", |draft| {
            let start = draft.measurement.window.start;
            draft.measurement.exclusions = vec![TimeRange { start, end: UnixSeconds(start.0 + 300) }];
        }),
        ("payout", |draft| draft.payout.indeterminate.price_back_ppm = Ppm(1)),
        ("oracles", |draft| draft.oracles.keys = vec![Hex32([8; 32])]),
        ("bond_sat", |draft| draft.bond_sat.0 -= 1),
        ("refund_delay_s", |draft| draft.refund_delay_s += 1),
    ];
    for (field, change) in worse {
        let mut draft = next.clone();
        change(&mut draft);
        assert_eq!(wanted(&like).check(&offer(draft)), Err(Unlike::Field(field)));
    }
    // What is no worse for the buyer is taken: more bond, an earlier refund, another fee rate.
    let better = OfferDraft {
        bond_sat: Sat(next.bond_sat.0 + 1),
        refund_delay_s: 600,
        fee_rate_sat_vb: Some(9),
        ..next
    };
    assert_eq!(wanted(&like).check(&offer(better)), Ok(()));
}

#[test]
fn months_and_days_of_any_length_follow_one_another_and_other_lengths_do_not() {
    for (first, next, takes) in
        [(31, 28, true), (28, 31, true), (31, 27, false), (28, 32, false), (30, 15, false)]
    {
        let like = like(at(NEW_YEAR, first * DAY));
        let offered = offer(at(NEW_YEAR + first * DAY, next * DAY));
        assert_eq!(wanted(&like).check(&offered).is_ok(), takes, "{first} days, then {next}");
    }
    let hours = |first: u64, next: u64| {
        let like = like(at(NEW_YEAR, first * 3_600));
        wanted(&like).check(&offer(at(NEW_YEAR + DAY, next * 3_600)))
    };
    assert_eq!((hours(23, 25), hours(25, 23)), (Ok(()), Ok(())), "days on which clocks change");
}

#[test]
fn a_price_is_held_to_the_most_and_a_negotiable_one_by_the_least_that_may_be_proposed() {
    let like = like(at(NEW_YEAR, DAY));
    let dear = OfferDraft { price_sat: Sat(150_000), ..at(NEW_YEAR + DAY, DAY) };
    let too_dear = |least| Err(Unlike::TooDear { least: Sat(least), max: Sat(100_000) });
    assert_eq!(wanted(&like).check(&offer(dear.clone())), too_dear(150_000));
    let range = |least| SatRange { least: Sat(least), most: Sat(200_000) };
    let varies = |least| {
        let negotiable = Negotiable { price_sat: Some(range(least)), bond_sat: None, rounds: 3 };
        offer(OfferDraft { negotiable: Some(negotiable), ..dear.clone() })
    };
    assert_eq!(wanted(&like).check(&varies(90_000)), too_dear(150_000), "it does not haggle");
    let haggling = Wanted { haggles: true, ..wanted(&like) };
    assert_eq!(haggling.check(&varies(90_000)), Ok(()));
    assert_eq!(haggling.check(&varies(110_000)), too_dear(110_000));
}

#[test]
fn more_may_be_excluded_where_the_owner_says_so() {
    let like = like(at(NEW_YEAR, DAY));
    let mut next = at(NEW_YEAR + DAY, DAY);
    let start = next.measurement.window.start.0;
    // 864 s are 1 %.
    next.measurement.slice_s = 864;
    next.measurement.probe_every_ms = 216_000;
    next.measurement.exclusions =
        vec![TimeRange { start: UnixSeconds(start), end: UnixSeconds(start + 864) }];
    let mut like = like;
    (like.measurement.slice_s, like.measurement.probe_every_ms) = (864, 216_000);
    let allowing = |ppm| Wanted { max_excluded: Some(Ppm(ppm)), ..wanted(&like) };
    assert_eq!(allowing(10_000).check(&offer(next.clone())), Ok(()));
    assert_eq!(allowing(9_999).check(&offer(next)), Err(Unlike::Field("measurement.exclusions")));
}

fn request(template: OfferDraft, every: Every) -> StandingOfferRequest {
    StandingOfferRequest {
        template,
        every,
        zone: "Europe/Berlin".to_owned(),
        maintenance: Vec::new(),
        ahead_s: DAY,
        windows: None,
        until: None,
    }
}

#[test]
fn every_offer_keeps_the_distances_from_its_windows_beginning() {
    let mut template = at(NEW_YEAR, DAY);
    template.measurement.exclusions =
        vec![TimeRange { start: UnixSeconds(NEW_YEAR + 600), end: UnixSeconds(NEW_YEAR + 1_200) }];
    template.measurement.indicator =
        Indicator::Lateness { deadline: UnixSeconds(NEW_YEAR + 3_600), unit_s: 60 };
    let request = request(template, Every::Window);
    let series = Series::new(&request).unwrap();
    let first = series.first().unwrap();
    let second = series.from(first.end).unwrap();
    assert_eq!((second.start.0, second.end.0), (NEW_YEAR + DAY, NEW_YEAR + 2 * DAY));
    let draft = series.draft(second).unwrap();
    assert_eq!(draft.funding_deadline.0, second.start.0 - 7_200);
    assert_eq!(draft.expires.0, second.start.0 - 3_600);
    assert_eq!(draft.measurement.window, second);
    assert_eq!(draft.measurement.exclusions[0].start.0, second.start.0 + 600);
    let Indicator::Lateness { deadline, .. } = draft.measurement.indicator else {
        panic!("still a delivery")
    };
    assert_eq!(deadline.0, second.start.0 + 3_600);
}

#[test]
fn time_that_is_missed_ends_with_the_window_that_is_not_over_however_long_ago_it_began() {
    let request = request(at(NEW_YEAR, DAY), Every::Window);
    let series = Series::new(&request).unwrap();
    let first = series.first().unwrap();
    let end = |moment| series.end_after(first, UnixSeconds(moment)).unwrap().0 - NEW_YEAR;
    assert_eq!([0, NEW_YEAR + DAY - 1, NEW_YEAR + DAY].map(end), [DAY, DAY, 2 * DAY]);
    assert_eq!([NEW_YEAR + 10 * DAY - 1, NEW_YEAR + 10 * DAY].map(end), [10 * DAY, 11 * DAY]);
    let long_ago = TimeRange { start: UnixSeconds(0), end: UnixSeconds(1) };
    assert!(series.end_after(long_ago, UnixSeconds(u64::MAX - 1)).unwrap().0 >= u64::MAX - 1);
}

#[test]
fn months_of_a_zone_follow_one_another_with_their_maintenance() {
    let mut request = request(at(NEW_YEAR, 30 * DAY), Every::Month);
    request.maintenance = vec!["every Sunday 02:00-04:00 Europe/Berlin".to_owned()];
    let series = Series::new(&request).unwrap();
    let mut window = series.first().unwrap();
    // The first month of Berlin that begins on or after New Year in UTC is February, an hour before UTC's.
    assert_eq!(window.start.0, NEW_YEAR + 31 * DAY - 3_600);
    let mut lengths = Vec::new();
    for _ in 0..3 {
        let draft = series.draft(window).unwrap();
        assert_eq!(draft.measurement.window, window);
        let sundays = draft.measurement.exclusions.len();
        lengths.push((window.seconds() / 3_600, sundays));
        window = series.from(window.end).unwrap();
    }
    // February 2024 has 29 days, March a day of 23 hours, April 30.
    assert_eq!(lengths, [(29 * 24, 4), (31 * 24 - 1, 5), (30 * 24, 4)]);
}

#[test]
fn a_zone_or_a_maintenance_that_cannot_be_read_is_named() {
    let mut wrong = request(at(NEW_YEAR, DAY), Every::Day);
    wrong.zone = "Nowhere/At-All".to_owned();
    assert!(Series::new(&wrong).unwrap_err().to_string().starts_with("zone: "));
    let mut wrong = request(at(NEW_YEAR, DAY), Every::Window);
    wrong.maintenance = vec!["now and then".to_owned()];
    assert!(Series::new(&wrong).unwrap_err().to_string().starts_with("maintenance: "));
}
