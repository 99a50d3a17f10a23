//! What a standing order does at each moment, and which offer it takes.

use bitcoin::secp256k1::{Keypair, Secp256k1};
use client::ClientError;
use protocol::owner::{Hindrance, OrderRequest, OrderState, WindowState};
use protocol::{Card, CardDraft, Offer, OfferDraft};
use terms::{
    Agreement, Credit, Expectations, Hex32, HttpTarget, Indicator, Measurement, Method, NumericScale,
    OracleSet, OutcomeValue, Payout, Piece, Ppm, Quorum, Rounding, Sat, Scale, Schedule, Side, Target,
    TimeRange, UnixSeconds,
};

use super::choose::choose;
use super::order::{Given, Order, Tried, Window};
use super::step::{Alarm, Fate, MOST_ATTEMPTS, Step, step};

/// When the first window begins.
const START: u64 = 1_800_000_000;
const HOUR: u64 = 3_600;

fn draft(start: u64, price_sat: u64) -> OfferDraft {
    let credit = |back| Credit { price_back_ppm: Ppm(back), bond_forfeit_ppm: Ppm(0) };
    let piece = |from, back| Piece { from: OutcomeValue(from), credit: credit(back), ramp_to: None };
    OfferDraft {
        measurement: Measurement {
            v: 1,
            target: Target::Http(HttpTarget::get(
                "http://a.example/",
                2_000,
                Expectations::status(200, 299, 1_000),
            )),
            indicator: Indicator::Availability {},
            window: TimeRange { start: UnixSeconds(start), end: UnixSeconds(start + HOUR) },
            slice_s: 60,
            probe_every_ms: 10_000,
            method: Method::Occurrences {},
            quorum: Quorum { agree: 1, vantages: 1 },
            confirm: None,
            exclusions: Vec::new(),
            least_samples: 3,
            indeterminate_above_ppm: Ppm(200_000),
            rounding: Rounding::Up,
            outcome: Scale::Numeric(NumericScale::ppm()),
        },
        price_sat: Sat(price_sat),
        bond_sat: Sat(50_000),
        payout: Payout {
            schedule: Schedule::Numeric { pieces: vec![piece(0, 0), piece(1_001, 500_000)], quantum_bits: 0 },
            indeterminate: credit(0),
            round_to: Side::Buyer,
        },
        oracles: OracleSet { keys: vec![key().x], threshold: 1, tolerance: None },
        oracle_urls: vec!["http://oracle.example".to_owned()],
        funding_deadline: UnixSeconds(start - 60),
        refund_delay_s: 600,
        fee_rate_sat_vb: Some(2),
        expires: UnixSeconds(start - 60),
        negotiable: None,
        strategy: None,
    }
}

/// A key with its public part.
struct Pair {
    pair: Keypair,
    x: Hex32,
}

fn key() -> Pair {
    let pair = Keypair::from_seckey_slice(&Secp256k1::new(), &[7; 32]).unwrap();
    Pair { x: protocol::public_key(&pair), pair }
}

fn offer(start: u64, price_sat: u64) -> Offer {
    draft(start, price_sat).publish("regtest", 2)
}

fn like() -> Agreement {
    offer(START - HOUR, 100_000).agreement(key().x, Hex32([9; 32]))
}

/// Two windows from `START`, looked for an hour ahead.
fn order() -> Order {
    let request = OrderRequest {
        provider_urls: vec!["http://one.example".to_owned(), "http://two.example".to_owned()],
        escrow: Some(Hex32([3; 32])),
        offer_id: None,
        max_price_sat: Sat(120_000),
        haggle: None,
        windows: Some(2),
        until: None,
        lead_s: HOUR,
        max_excluded_ppm: None,
    };
    Order::new(
        Hex32([1; 32]),
        Given { request, like: like(), from: START, exact: true },
        None,
        START - 3 * HOUR,
    )
}

/// Stores what the next step notes.
fn noted(order: &mut Order, fate: Option<Fate>, hold: Option<Hindrance>, now: u64) -> Option<Alarm> {
    let next = step(order, fate, hold, now);
    let Step::Note { start, window, alarm } = next else { panic!("{next:?}") };
    order.keep(start, window);
    alarm
}

fn buying(session: u8) -> Window {
    let tried = Tried {
        offer_id: Hex32([4; 32]),
        provider_url: "http://one.example".to_owned(),
        session: Hex32([session; 32]),
    };
    Window { state: WindowState::Buying, end: Some(START + HOUR), tried: vec![tried], ..Window::open() }
}

#[test]
fn an_order_rests_until_its_lead_time_and_is_done_after_its_windows() {
    let mut order = order();
    assert_eq!(step(&order, None, None, START - HOUR - 1), Step::Rest);
    let Step::Search(next) = step(&order, None, None, START - HOUR) else { panic!("it looks for an offer") };
    assert_eq!((next.start, next.exact), (START, true));
    order.keep(START, buying(1));
    assert_eq!(
        step(&order, Some(Fate::GoesOn), None, START - 90),
        Step::Rest,
        "and asks nobody else meanwhile"
    );
    assert_eq!(noted(&mut order, Some(Fate::Locked), None, START - 80), None);
    assert_eq!(order.next().start, START + HOUR, "the window that follows");
    assert_eq!(step(&order, None, None, START - 70), Step::Rest);

    order.keep(START + HOUR, Window { end: Some(START + 2 * HOUR), ..buying(2) });
    noted(&mut order, Some(Fate::Locked), None, START + 10);
    assert_eq!(step(&order, None, None, START + 20), Step::End(OrderState::Done));
}

#[test]
fn the_owner_is_told_once_at_half_of_the_time_and_once_when_the_window_has_begun() {
    let mut order = order();
    let hindered = Window::open().hindered(Hindrance::TooDear, "the cheapest costs 130000 sat");
    order.keep(START, hindered);
    assert!(matches!(step(&order, None, None, START - 40 * 60), Step::Search(_)));
    assert_eq!(noted(&mut order, None, None, START - 30 * 60), Some(Alarm::AtRisk));
    assert!(matches!(step(&order, None, None, START - 29 * 60), Step::Search(_)), "it goes on looking");
    assert_eq!(noted(&mut order, None, None, START), Some(Alarm::Missed));
    let missed = order.window(START).unwrap();
    assert_eq!((missed.state, missed.why), (WindowState::Missed, Some(Hindrance::TooDear)));
    let Step::Search(next) = step(&order, None, None, START + 1) else {
        panic!("it looks for any later window")
    };
    assert!(!next.exact);
}

#[test]
fn while_it_is_held_nobody_is_asked_and_the_window_says_why() {
    let mut order = order();
    assert_eq!(noted(&mut order, None, Some(Hindrance::Paused), START - HOUR), None);
    assert_eq!(order.window(START).unwrap().why, Some(Hindrance::Paused));
    assert_eq!(step(&order, None, Some(Hindrance::Paused), START - HOUR + 1), Step::Rest, "once");
    assert_eq!(noted(&mut order, None, Some(Hindrance::Paused), START - 10), Some(Alarm::AtRisk));
    assert!(matches!(step(&order, None, None, START - 9), Step::Search(_)), "and it goes on after it");
}

#[test]
fn a_negotiation_that_comes_to_nothing_is_tried_again_and_not_for_ever() {
    let mut order = order();
    order.keep(START, buying(1));
    let failed = Some(Fate::Failed("they would not".to_owned()));
    noted(&mut order, failed, None, START - 500);
    let window = order.window(START).unwrap().clone();
    assert_eq!((window.state, window.why), (WindowState::Open, Some(Hindrance::Refused)));
    let Step::Note { window, alarm: Some(Alarm::AtRisk), .. } = step(&order, None, None, START - 499) else {
        panic!("the time is short")
    };
    order.keep(START, window.clone());
    assert!(matches!(step(&order, None, None, START - 498), Step::Search(_)));
    order.keep(START, Window { tried: vec![window.tried[0].clone(); MOST_ATTEMPTS], ..window });
    assert_eq!(step(&order, None, None, START - 497), Step::Rest);
}

#[test]
fn an_order_ends_where_its_moment_has_come() {
    let mut order = order();
    order.given.request.windows = None;
    order.given.request.until = Some(UnixSeconds(START));
    assert_eq!(step(&order, None, None, START - HOUR), Step::End(OrderState::Done));
    order.given.request.until = Some(UnixSeconds(START + 1));
    assert!(matches!(step(&order, None, None, START - HOUR), Step::Search(_)));
}

fn card(offers: Vec<Offer>) -> Result<Card, ClientError> {
    let draft = CardDraft {
        network: "regtest".to_owned(),
        offers,
        note: String::new(),
        at: UnixSeconds(START - HOUR),
        latest: 2,
        more: protocol::card::More::default(),
    };
    Ok(Card::seal(draft, &key().pair).unwrap())
}

fn silent() -> Result<Card, ClientError> {
    Err(ClientError::BaseUrl { url: "http://gone.example".to_owned(), rule: "is gone" })
}

/// What is chosen from the cards of the two providers, by price, or why nothing is.
fn chosen(
    order: &Order,
    one: Result<Card, ClientError>,
    two: Result<Card, ClientError>,
) -> Result<(String, u64), Hindrance> {
    let urls = order.given.request.provider_urls.clone();
    let seen = urls.into_iter().zip([one, two]).collect();
    let choice = choose(order, order.next(), seen, START - 1_000);
    choice.map(|choice| (choice.url, choice.offer.price_sat.0)).map_err(|(why, _)| why)
}

#[test]
fn the_cheapest_offer_about_the_window_that_follows_is_taken() {
    let order = order();
    let best = chosen(&order, card(vec![offer(START, 110_000)]), card(vec![offer(START, 90_000)]));
    assert_eq!(best, Ok(("http://two.example".to_owned(), 90_000)));
    let best = chosen(&order, card(vec![offer(START, 110_000)]), card(vec![offer(START + HOUR, 80_000)]));
    assert_eq!(best, Ok(("http://one.example".to_owned(), 110_000)), "the other window comes too early");
    let best = chosen(&order, silent(), card(vec![offer(START, 100_000)]));
    assert_eq!(best, Ok(("http://two.example".to_owned(), 100_000)), "nobody waits for one that is silent");
}

#[test]
fn what_stands_in_the_way_is_told_nearest_to_buying_first() {
    let order = order();
    assert_eq!(chosen(&order, card(vec![]), card(vec![])), Err(Hindrance::NoOffer));
    assert_eq!(chosen(&order, silent(), card(vec![])), Err(Hindrance::Silent));
    let other = Offer { bond_sat: Sat(1_000), ..offer(START, 90_000) };
    assert_eq!(chosen(&order, silent(), card(vec![republished(other.clone())])), Err(Hindrance::OtherTerms));
    let dear = offer(START, 120_001);
    assert_eq!(chosen(&order, card(vec![dear]), card(vec![republished(other)])), Err(Hindrance::TooDear));
}

/// The same offer under the id that belongs to what it says now.
fn republished(offer: Offer) -> Offer {
    let draft =
        OfferDraft { bond_sat: offer.bond_sat, ..draft(offer.measurement.window.start.0, offer.price_sat.0) };
    draft.publish("regtest", 2)
}

#[test]
fn an_offer_that_came_to_nothing_twice_is_left_alone_and_another_is_tried_before_it() {
    let mut order = order();
    let (cheap, other) = (offer(START, 90_000), offer(START, 95_000));
    let tried = Tried { offer_id: cheap.id, provider_url: String::new(), session: Hex32([5; 32]) };
    let mut window = Window { tried: vec![tried.clone()], ..Window::open() };
    order.keep(START, window.clone());
    let best = chosen(&order, card(vec![cheap.clone()]), card(vec![other]));
    assert_eq!(best.unwrap().1, 95_000);
    assert_eq!(chosen(&order, card(vec![cheap.clone()]), card(vec![])).unwrap().1, 90_000);
    window.tried.push(tried);
    order.keep(START, window);
    assert_eq!(chosen(&order, card(vec![cheap]), card(vec![])), Err(Hindrance::Refused));
}
