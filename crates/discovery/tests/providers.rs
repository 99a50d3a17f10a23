//! Providers that were named: good ones, bad ones, slow ones, and the table that the good ones make.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use discovery::{Bounds, Discovery, Order, Search, Wanted, discover, sort};
use protocol::card::More;
use protocol::{Card, CardDraft, OfferDraft, Succession, public_key};
use terms::{Sat, UnixSeconds};

use crate::common::{
    NOW_S, card, card_draft, impatient, keypair, negotiable, offer, offer_draft, provider, provider_saying,
    search, serve,
};

async fn found(search: &Search) -> Discovery {
    discover(search, NOW_S).await.unwrap()
}

/// Why an address was refused.
fn why<'a>(told: &'a Discovery, url: &str) -> &'a str {
    let refused = told.refused.iter().find(|refused| refused.url == url);
    &refused.unwrap_or_else(|| panic!("{url} is not among {:?}", told.refused)).why
}

#[tokio::test]
async fn offers_of_several_providers_stand_beside_each_other_the_cheapest_hour_in_front() {
    let dear = provider(1, vec![offer(900_000)]).await;
    let cheap = provider(2, vec![offer(700_000), negotiable(1_000_000, 600_000)]).await;
    let told = found(&search(&[&dear, &cheap], &[])).await;
    let prices: Vec<u64> = told.offers.iter().map(|found| found.price_sat.0).collect();
    assert_eq!(prices, [700_000, 900_000, 1_000_000]);
    assert_eq!((told.providers.len(), told.refused.len()), (2, 0), "{:?}", told.refused);
    let first = &told.offers[0];
    // 700,000 sat for a window of 30 days, which are 720 hours: 972.2222 sat, rounded up.
    assert_eq!(first.price_per_hour_msat, 972_223);
    assert_eq!((first.provider_url.as_str(), first.provider_key), (cheap.as_str(), public_key(&keypair(2))));
    // Above 0.1 % unavailability a tenth of the price comes back, above 5 % all of it.
    assert_eq!(first.at_breach.as_ref().unwrap().buyer_sat, [Sat(70_000); 2]);
    assert_eq!(first.at_worst.as_ref().unwrap().buyer_sat, [Sat(700_000); 2]);
    assert_eq!((first.preset, first.back_at_breach()), (Some("amazon-s3-standard"), Sat(70_000)));

    let mut rows = told.offers.clone();
    sort(&mut rows, Order::Bond);
    assert_eq!(rows.len(), 3);
    sort(&mut rows, Order::Price);
    assert!(rows.is_sorted_by_key(|row| row.price_sat));
}

#[tokio::test]
async fn what_is_not_wanted_is_left_out() {
    let url = provider(1, vec![offer(900_000), negotiable(1_000_000, 600_000)]).await;
    let asked = |wanted: Wanted| Search { wanted, ..search(&[&url], &[]) };
    let count = async |wanted: Wanted| found(&asked(wanted)).await.offers.len();
    let service = offer(1_000).measurement.target.host();
    assert_eq!(count(Wanted { service: Some(service.to_uppercase()), ..Wanted::default() }).await, 2);
    assert_eq!(count(Wanted { service: Some("other.example".into()), ..Wanted::default() }).await, 0);
    assert_eq!(count(Wanted { max_price: Some(Sat(800_000)), ..Wanted::default() }).await, 1, "negotiable");
    assert_eq!(count(Wanted { indicator: Some("latency".into()), ..Wanted::default() }).await, 0);
    let elsewhere = found(&asked(Wanted { network: Some("mainnet".into()), ..Wanted::default() })).await;
    assert_eq!((elsewhere.offers.len(), elsewhere.providers.len()), (0, 0));
    assert_eq!(why(&elsewhere, &url), "trades on regtest, and not on mainnet");
}

#[tokio::test]
async fn whoever_fails_is_named_and_fails_nobody_else() {
    let good = provider(1, vec![offer(900_000)]).await;
    let hangs = || async { std::future::pending::<StatusCode>().await };
    let silent = serve(Router::new().route(protocol::card::PATH, get(hangs))).await;
    let broken = serve(Router::new()).await;
    let huge = provider_saying(vec![b' '; protocol::card::MAX_BYTES + 1]).await;
    let mut forged = card(&keypair(2), vec![offer(900_000)]);
    forged.note = "Cheaper than it was signed.".to_owned();
    let forged = provider_saying(forged.bytes()).await;
    let nobody = "http://127.0.0.1:1".to_owned();
    let urls = [&good, &silent, &broken, &huge, &forged, &nobody].map(String::as_str);
    let told = found(&Search { bounds: impatient(), ..search(&urls, &[]) }).await;
    assert_eq!(
        (told.offers.len(), told.providers.len(), told.refused.len()),
        (1, 1, 5),
        "{:?}",
        told.refused
    );
    assert_eq!(why(&told, &silent), "does not answer in time");
    assert_eq!(why(&told, &broken), "answers with status 404 and no reason");
    assert!(why(&told, &huge).starts_with("body: is longer than"));
    assert_eq!(why(&told, &forged), "sig: is not a signature of `key` over this card");
    assert_eq!(why(&told, &nobody), "is unreachable");
}

#[tokio::test]
async fn what_is_stale_of_the_future_or_there_twice_is_refused_by_name() {
    let signed = |key: u8, at: u64| {
        let draft = CardDraft { at: UnixSeconds(at), ..card_draft(vec![offer(900_000)]) };
        provider_saying(Card::seal(draft, &keypair(key)).unwrap().bytes())
    };
    let stale = signed(1, NOW_S - 3_601).await;
    let future = signed(2, NOW_S + 301).await;
    let first = provider(3, vec![offer(900_000)]).await;
    let mirror = provider(3, vec![offer(900_000)]).await;
    let over = OfferDraft { expires: UnixSeconds(NOW_S), ..offer_draft(800_000) }.publish("regtest", 2);
    let twice = provider(4, vec![offer(700_000), over.clone(), offer(700_000)]).await;
    let told = found(&search(&[&stale, &future, &first, &mirror, &twice, &first], &[])).await;
    assert!(why(&told, &stale).contains("stale"), "{}", why(&told, &stale));
    assert!(why(&told, &future).contains("yet to come"));
    assert_eq!(why(&told, &mirror), format!("shows the card of a key that is found at {first} already"));
    let of_offers: Vec<_> = told.refused.iter().filter(|refused| refused.url == twice).collect();
    assert_eq!(of_offers.len(), 2, "{of_offers:?}");
    assert!(of_offers.iter().any(|it| it.offer_id == Some(over.id) && it.why.starts_with("expires: ")));
    assert!(of_offers.iter().any(|it| it.why == "is on the card twice"));
    assert_eq!(told.offers.len(), 2);
}

#[tokio::test]
async fn no_more_are_asked_at_once_than_agreed_and_none_after_the_end() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut urls = Vec::new();
    for key in 1..=12 {
        let bytes = card(&keypair(key), vec![offer(900_000)]).bytes();
        let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
        let answer = move || async move {
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(30)).await;
            inside.fetch_sub(1, Ordering::SeqCst);
            bytes
        };
        urls.push(serve(Router::new().route(protocol::card::PATH, get(answer))).await);
    }
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let bounds = Bounds { at_once: 3, ..Bounds::default() };
    let told = found(&Search { bounds, ..search(&urls, &[]) }).await;
    assert_eq!(told.offers.len(), 12, "{:?}", told.refused);
    assert!(most.load(Ordering::SeqCst) <= 3, "{most:?} were asked at once");

    let bounds = Bounds { whole: Duration::ZERO, ..Bounds::default() };
    let told = found(&Search { bounds, ..search(&urls, &[]) }).await;
    assert_eq!((told.offers.len(), told.refused.len()), (0, 12));
}

#[tokio::test]
async fn a_strangers_text_stays_one_line_and_a_full_card_says_more() {
    let note = format!("\u{202e}Buy\nnow{}", "!".repeat(900));
    let more = More { renews: true, ..More::default() };
    let draft = CardDraft { note, more, ..card_draft(vec![offer(900_000)]) };
    let succession = Succession::seal(&keypair(8), public_key(&keypair(9)));
    let card = Card::seal_after(draft, vec![succession], &keypair(9)).unwrap();
    let url = provider_saying(card.bytes()).await;
    let told = found(&search(&[&url], &[])).await;
    assert!(told.providers[0].note.starts_with(" Buy now!"), "{}", told.providers[0].note);
    assert_eq!(told.providers[0].former_keys, [public_key(&keypair(8))]);
    assert!(told.offers[0].renews);
}

#[tokio::test]
async fn a_search_that_breaks_a_rule_asks_nobody() {
    let refused = async |search: Search| discover(&search, NOW_S).await.unwrap_err().field;
    assert_eq!(refused(search(&[], &[])).await, "providers");
    assert_eq!(refused(search(&["ftp://x"], &[])).await, "providers[0]");
    assert_eq!(refused(search(&["http://x"], &["nonsense"])).await, "directories[0]");
    let wanted = Wanted { indicator: Some("colour".into()), ..Wanted::default() };
    assert_eq!(refused(Search { wanted, ..search(&["http://x"], &[]) }).await, "indicator");
    let wanted = Wanted { service: Some("a b".into()), ..Wanted::default() };
    assert_eq!(refused(Search { wanted, ..search(&["http://x"], &[]) }).await, "service");
}
