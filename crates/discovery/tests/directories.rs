//! Directories: what they list is checked here, and one that lies can only withhold.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use discovery::{Bounds, Discovery, Search, discover};
use protocol::listing::Page;
use protocol::{Card, Listing, ListingDraft, Succession, public_key};
use serde_json::{Value, json};
use terms::{Hex32, UnixSeconds};

use crate::common::{
    NOW_S, card_draft, directory, directory_saying, keypair, listing, listing_draft, offer, provider,
    provider_saying, search, serve,
};

async fn found(search: &Search) -> Discovery {
    discover(search, NOW_S).await.unwrap()
}

fn made(key: u8, url: &str, change: impl FnOnce(&mut ListingDraft)) -> Listing {
    let mut draft = listing_draft(url);
    change(&mut draft);
    Listing::seal(draft, &keypair(key)).unwrap()
}

#[tokio::test]
async fn providers_that_directories_list_are_found_once_with_who_lists_them() {
    let [one, two] = [provider(1, vec![offer(900_000)]).await, provider(2, vec![offer(800_000)]).await];
    let first = directory(&[listing(&keypair(1), &one), listing(&keypair(2), &two)]).await;
    let second = directory(&[listing(&keypair(2), &two)]).await;
    let told = found(&search(&[&one], &[&first, &second])).await;
    assert_eq!((told.offers.len(), told.refused.len()), (2, 0), "{:?}", told.refused);
    let listed_by = |url: &str| &told.providers.iter().find(|it| it.url == url).unwrap().listed_by;
    assert_eq!(*listed_by(&one), std::slice::from_ref(&first));
    assert_eq!(*listed_by(&two), [first, second]);
}

#[tokio::test]
async fn a_directory_that_lies_can_only_withhold() {
    let victim = provider(1, vec![offer(900_000)]).await;
    let mut forged = serde_json::to_value(listing(&keypair(1), &victim)).unwrap();
    forged["url"] = json!("http://evil.example");
    let expired = made(2, "http://late.example", |it| {
        it.at = UnixSeconds(NOW_S - 4_000);
        it.expires = UnixSeconds(NOW_S);
    });
    let withdrawn = made(3, "http://gone.example", |it| it.withdrawn = true);
    let somebody_elses = listing(&keypair(4), &victim);
    let value = |listing: &Listing| serde_json::to_value(listing).unwrap();
    let listings =
        vec![forged, value(&expired), value(&withdrawn), value(&somebody_elses), json!({"v": 1}), json!("x")];
    let liar = directory_saying(Page { listings, next: None }).await;
    let told = found(&search(&[], &[&liar])).await;
    assert_eq!((told.offers.len(), told.providers.len()), (0, 0));
    let whys: Vec<&str> = told.refused.iter().map(|refused| refused.why.as_str()).collect();
    assert_eq!(whys.len(), 5, "{whys:?}");
    assert!(whys[0].contains("sig: is not a signature"), "{whys:?}");
    assert!(whys[1].contains("expires: was"), "{whys:?}");
    assert!(whys[4].contains("which is not the key of its card"), "{whys:?}");
    assert_eq!(told.refused[0].key, Some(public_key(&keypair(1))));

    // Whoever names the provider finds it all the same.
    let told = found(&search(&[&victim], &[&liar])).await;
    assert_eq!(told.offers.len(), 1);
    assert!(told.providers[0].listed_by.is_empty(), "the listing is not its key's");
}

#[tokio::test]
async fn of_a_keys_listings_the_newest_counts_whoever_has_it() {
    let moved = provider(1, vec![offer(900_000)]).await;
    let old = made(1, "http://127.0.0.1:1", |it| it.at = UnixSeconds(NOW_S - 600));
    let [stale, fresh] = [directory(&[old]).await, directory(&[listing(&keypair(1), &moved)]).await];
    for directories in [[&stale, &fresh], [&fresh, &stale]] {
        let told = found(&search(&[], &directories.map(String::as_str))).await;
        assert_eq!((told.offers.len(), told.refused.len()), (1, 0), "{:?}", told.refused);
        assert_eq!(told.providers[0].url, moved);
    }
}

#[tokio::test]
async fn a_listing_of_a_former_key_leads_to_the_card_that_followed() {
    let succession = Succession::seal(&keypair(1), public_key(&keypair(2)));
    let card = Card::seal_after(card_draft(vec![offer(900_000)]), vec![succession], &keypair(2)).unwrap();
    let url = provider_saying(card.bytes()).await;
    let listed = directory(&[listing(&keypair(1), &url)]).await;
    let told = found(&search(&[], &[&listed])).await;
    assert_eq!((told.offers.len(), told.providers[0].key), (1, public_key(&keypair(2))));
}

/// Two hundred and fifty listings in pages, of providers that are not there.
async fn many_pages(circle: bool) -> String {
    let mut all: Vec<Listing> = (1..=250_u8)
        .map(|key| listing(&keypair(key), &format!("http://127.0.0.1:{}/{key}", 1 + key / 5)))
        .collect();
    all.sort_by_key(|listing| listing.key);
    let page = move |Query(asked): Query<std::collections::BTreeMap<String, String>>| async move {
        let after = asked.get("after").and_then(|key| Hex32::parse(key));
        let rest = all.iter().filter(|listing| after.is_none_or(|after| listing.key > after));
        let here: Vec<&Listing> = rest.take(100).collect();
        let next = (here.len() == 100).then(|| here[99].key);
        let next = if circle { all.get(99).map(|listing| listing.key) } else { next };
        let listings: Vec<Value> =
            here.iter().map(|listing| serde_json::to_value(listing).unwrap()).collect();
        String::from_utf8(terms::canonical::bytes(&Page { listings, next })).unwrap()
    };
    serve(Router::new().route(protocol::listing::PATH, get(page))).await
}

#[tokio::test]
async fn pages_are_read_to_the_end_within_bounds_and_never_in_a_circle() {
    let asked = |bounds, url: &str| Search { bounds, ..search(&[], &[url]) };
    let url = many_pages(false).await;
    let all = found(&asked(Bounds::default(), &url)).await;
    assert_eq!(all.refused.len(), 250, "five addresses a host, none of which answers");
    let some = found(&asked(Bounds { pages: 2, listed: 60, ..Bounds::default() }, &url)).await;
    let left_out =
        some.refused.iter().find(|refused| refused.why.starts_with("140 listed providers are not asked"));
    assert!(left_out.is_some() && some.refused.len() == 61, "{}", some.refused.len());
    let circle = many_pages(true).await;
    let told = found(&asked(Bounds::default(), &circle)).await;
    assert!(told.refused.len() <= 200, "{}", told.refused.len());
}

#[tokio::test]
async fn one_host_is_not_flooded_through_a_directory() {
    let listings: Vec<Listing> =
        (1..=30).map(|key| listing(&keypair(key), &format!("http://127.0.0.1:1/{key}"))).collect();
    let url = directory(&listings).await;
    let told = found(&search(&[], &[&url])).await;
    let asked = told.refused.iter().filter(|refused| refused.why == "is unreachable").count();
    assert_eq!((asked, told.refused.len()), (8, 30));
}

/// The number of the key that directories list last.
fn last() -> u8 {
    (1..=99).max_by_key(|key| public_key(&keypair(*key))).unwrap()
}

/// What strangers list in a provider's name: addresses on its host, each by a key that comes before its own.
fn crowd(url: &str) -> Vec<Listing> {
    let others = (1..=99).filter(|key| *key != last());
    others.map(|key| listing(&keypair(key), &format!("{url}/{key}"))).collect()
}

#[tokio::test]
async fn nobody_crowds_a_provider_out_by_naming_its_host() {
    let provider = provider(last(), vec![offer(900_000)]).await;
    let honest = [crowd(&provider), vec![listing(&keypair(last()), &provider)]].concat();
    let told = found(&search(&[], &[&directory(&honest).await])).await;
    assert_eq!(told.providers.iter().map(|it| it.url.as_str()).collect::<Vec<_>>(), [provider.as_str()]);
}

#[tokio::test]
async fn a_directory_that_lists_very_many_takes_no_place_of_anothers() {
    let card = Card::seal(card_draft(vec![offer(900_000)]), &keypair(last())).unwrap().bytes();
    let app = Router::new().route(&format!("/below{}", protocol::card::PATH), get(async move || card));
    let host = serve(app).await;
    let below = format!("{host}/below");
    let liar = directory(&crowd(&host)).await;
    let honest = directory(&[listing(&keypair(last()), &below)]).await;
    let bounds = Bounds { listed: 10, ..Bounds::default() };
    let told = found(&Search { bounds, ..search(&[], &[&liar, &honest]) }).await;
    assert_eq!(told.providers.iter().map(|it| it.url.as_str()).collect::<Vec<_>>(), [below.as_str()]);
}
