//! A node as a directory, and a node that has itself listed.

use std::net::SocketAddr;
use std::sync::Arc;

use bitcoin::secp256k1::{Keypair, Secp256k1};
use client::{ClientError, DirectoryClient, Signer};
use protocol::{Listing, ListingDraft, Problem};
use terms::{Hex32, UnixSeconds};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::World;
use crate::error::NodeError;
use crate::node::Node;
use crate::ticket::Ticket;

fn keypair(number: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[number; 32]).unwrap()
}

fn listing(key: &Keypair, at: u64) -> Listing {
    made(key, at, |_| ())
}

fn made(key: &Keypair, at: u64, change: impl FnOnce(&mut ListingDraft)) -> Listing {
    let mut draft = ListingDraft {
        network: "regtest".into(),
        url: "http://provider.example".into(),
        summary: "Sells uptime.".into(),
        services: vec!["api.example".into()],
        at: UnixSeconds(at),
        expires: UnixSeconds(at + 3_600),
        withdrawn: false,
    };
    change(&mut draft);
    Listing::seal(draft, key).unwrap()
}

/// A directory's node, which answers at an address.
async fn directory(world: &mut World, lines: &str) -> (Arc<Node>, DirectoryClient) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    world.more = lines.replace("URL", &url);
    let node = world.open().await;
    let router = crate::http::peer(Arc::clone(&node));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    (node, DirectoryClient::new(&url).unwrap())
}

async fn push(
    node: &Node,
    client: &DirectoryClient,
    listing: &Listing,
    by: &Keypair,
) -> Result<(), ClientError> {
    let signer = Signer { keypair: by, server: node.own_keys().current, now: UnixSeconds(node.now()) };
    client.push(listing, &signer).await
}

async fn listed(client: &DirectoryClient) -> Vec<Listing> {
    let page = client.page(None, None).await.unwrap();
    let read = |value| Listing::open(&terms::canonical::bytes(value)).unwrap();
    page.listings.iter().map(read).collect()
}

fn refusal(refused: Result<(), ClientError>) -> Problem {
    match refused {
        Err(ClientError::Refused(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_given_out_as_it_was_signed_and_only_a_later_one_takes_its_place() {
    let mut world = World::begin();
    let (node, client) = directory(&mut world, "[directory]\n").await;
    let (key, now) = (keypair(5), node.now());
    let first = listing(&key, now);
    for _ in 0..2 {
        push(&node, &client, &first, &key).await.unwrap();
    }
    assert_eq!(listed(&client).await, std::slice::from_ref(&first));
    assert_eq!(client.page(None, Some("api.example")).await.unwrap().listings.len(), 1);
    assert_eq!(client.page(None, Some("other.example")).await.unwrap().listings.len(), 0);

    let later = made(&key, now + 1, |draft| draft.url = "http://moved.example".into());
    push(&node, &client, &later, &key).await.unwrap();
    for older in [&first, &made(&key, now + 1, |draft| draft.summary = "Another of that second.".into())] {
        let problem = refusal(push(&node, &client, older, &key).await);
        assert_eq!((problem.status, problem.field.as_deref()), (409, Some("at")), "{problem}");
    }
    assert_eq!(listed(&client).await, [later]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_was_taken_back_does_not_come_back_however_long_it_was_good_for() {
    let mut world = World::begin();
    let (node, client) = directory(&mut world, "[directory]\n").await;
    let (key, now) = (keypair(5), node.now());
    let long = made(&key, now, |draft| draft.expires = UnixSeconds(now + 86_400));
    push(&node, &client, &long, &key).await.unwrap();
    let back = made(&key, now + 1, |draft| draft.withdrawn = true);
    push(&node, &client, &back, &key).await.unwrap();
    assert_eq!(listed(&client).await, []);
    assert_eq!(refusal(push(&node, &client, &long, &key).await).status, 409);

    let mut core = node.core.lock().await;
    core.tidy(now + 80_000).await.unwrap();
    let again = core.take_listing(&long, None, now + 80_000).await;
    assert!(matches!(again, Err(NodeError::OlderListing { .. })), "{again:?}");
    core.tidy(now + 86_401).await.unwrap();
    assert_eq!(core.store.listing(long.key).await.unwrap(), None, "nothing is kept for ever");
    let unknown = made(&keypair(6), now, |draft| draft.withdrawn = true);
    core.take_listing(&unknown, None, now).await.unwrap();
    assert_eq!(core.store.listing(unknown.key).await.unwrap(), None, "there was nothing to take back");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_for_another_or_for_another_directory_is_refused_and_nothing_is_kept() {
    let mut world = World::begin();
    let (node, client) = directory(&mut world, "[directory]\n").await;
    let (key, other, now) = (keypair(5), keypair(6), node.now());
    let good = listing(&key, now);
    assert_eq!(refusal(push(&node, &client, &good, &other).await).field.as_deref(), Some("key"));
    let elsewhere = Signer { keypair: &key, server: Hex32([9; 32]), now: UnixSeconds(now) };
    assert_eq!(refusal(client.push(&good, &elsewhere).await).status, 403);
    let stale = Signer { keypair: &key, server: node.own_keys().current, now: UnixSeconds(now - 600) };
    assert_eq!(refusal(client.push(&good, &stale).await).status, 401);
    for (wrong, status, field) in [
        (made(&key, now, |draft| draft.network = "mainnet".into()), 400, "network"),
        (made(&key, now + 900, |_| ()), 400, "at"),
        (made(&key, now - 3_601, |_| ()), 410, "expires"),
        (Listing { url: "http://forged.example".into(), ..good.clone() }, 403, "sig"),
    ] {
        let problem = refusal(push(&node, &client, &wrong, &key).await);
        assert_eq!((problem.status, problem.field.as_deref()), (status, Some(field)), "{problem}");
    }
    assert_eq!(listed(&client).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_bounded_for_an_address_and_for_all_over_what_is_stored() {
    let mut world = World::begin();
    world.more = "[directory]\nmax_listings = 4\nmax_per_address = 2\n".into();
    let [one, other] = ["192.0.2.1", "2001:db8::"].map(|text| Some(text.parse().unwrap()));
    let node = world.open().await;
    let now = node.now();
    for (number, from) in [(1, one), (2, one), (3, None)] {
        node.core.lock().await.take_listing(&listing(&keypair(number), now), from, now).await.unwrap();
    }
    drop(node);
    let node = world.open().await;
    let mut core = node.core.lock().await;
    let full = core.take_listing(&listing(&keypair(4), now), one, now).await;
    let Err(NodeError::NoPlace { most: 2, wait_s: 3_600, .. }) = full else { panic!("{full:?}") };
    assert_eq!(full.unwrap_err().problem().status, 429);
    let renewed = listing(&keypair(1), now + 1);
    core.take_listing(&renewed, one, now).await.expect("a renewal needs no other place");
    core.take_listing(&listing(&keypair(4), now), other, now).await.unwrap();
    let full = core.take_listing(&listing(&keypair(5), now), other, now).await;
    assert!(matches!(full, Err(NodeError::NoPlace { most: 4, .. })), "{full:?}");
    let late = now + 3_700;
    core.take_listing(&listing(&keypair(5), late), other, late).await.expect("what expired holds no place");
    let page = core.listing_page(None, None, late).await.unwrap();
    assert_eq!((page.listings.len(), page.next), (1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_no_directory_says_so() {
    let mut world = World::begin();
    let (node, client) = directory(&mut world, "").await;
    let (key, now) = (keypair(5), node.now());
    assert_eq!(refusal(push(&node, &client, &listing(&key, now), &key).await).status, 404);
    assert_eq!(client.page(None, None).await.unwrap_err().status(), Some(404));
}

/// The node is listed in itself, which is a directory like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_listed_and_taken_back_by_its_owner() {
    let mut world = World::begin();
    let lines = "[directory]\n[listing]\nurl = 'http://provider.example'\ndirectories = ['URL']\n";
    let (node, client) = directory(&mut world, lines).await;
    node.renew_listings().await;
    let [first] = &listed(&client).await[..] else { panic!("one listing") };
    assert_eq!((first.key, first.url.as_str()), (node.own_keys().current, "http://provider.example"));
    let view = node.core.lock().await.listing_view().await.unwrap();
    assert!(view.directories[0].current && view.directories[0].trouble.is_none(), "{view:?}");
    for (withdrawn, count) in [(true, 0), (false, 1)] {
        let ticket = Ticket::default();
        node.core.lock().await.list_or_not(withdrawn, &ticket, node.now()).await.unwrap();
        node.renew_listings().await;
        assert_eq!(listed(&client).await.len(), count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_signed_anew_at_half_of_its_life_and_never_with_an_earlier_moment() {
    let mut world = World::begin();
    let lines =
        "[listing]\nurl = 'http://provider.example'\ndirectories = ['http://127.0.0.1:1']\nlife_s = 1_200\n";
    world.more = lines.into();
    let node = world.open().await;
    let mut core = node.core.lock().await;
    let first = core.own_listing(10_000).await.unwrap().unwrap();
    assert_eq!((first.at.0, first.expires.0), (10_000, 11_200));
    assert_eq!(core.own_listing(10_599).await.unwrap().unwrap(), first);
    assert_eq!(core.next_listing(10_000).await, Some(10_001), "the directory has not heard of it");
    let next = core.own_listing(10_600).await.unwrap().unwrap();
    assert_eq!((next.at.0, next.expires.0), (10_600, 11_800));
    assert_eq!(core.own_listing(9_000).await.unwrap().unwrap(), next, "a clock that was set back");
    core.list_or_not(true, &Ticket::default(), 9_000).await.unwrap();
    let back = core.own_listing(9_000).await.unwrap().unwrap();
    assert_eq!((back.at.0, back.withdrawn), (10_601, true));
    assert_eq!(core.own_listing(back.expires.0).await.unwrap(), None, "what is over need not be taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_told_once_of_a_directory_that_does_not_list_the_node_any_more() {
    let mut world = World::begin();
    world.more =
        "[listing]\nurl = 'http://provider.example'\ndirectories = ['http://127.0.0.1:1']\nlife_s = 1_200\n"
            .into();
    let node = world.open().await;
    node.renew_listings().await;
    let mut core = node.core.lock().await;
    let view = core.listing_view().await.unwrap();
    let told = &view.directories[0];
    assert!(!told.current && told.next_try_at.is_some() && told.trouble.is_some(), "{told:?}");
    let now = node.now();
    for (at, alarms) in [(now + 500, 0), (now + 601, 1), (now + 2_000, 1)] {
        core.watch_listing(at).await.unwrap();
        let found = core.alarms().await.unwrap();
        assert_eq!(found.len(), alarms, "{found:?}");
        assert!(found.iter().all(|alarm| alarm.detail.contains("http://127.0.0.1:1")), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_often_is_told_when_to_ask_again() {
    let mut world = World::begin();
    let lines = "[limits]\nloopback = true\nrequests_per_minute = 1\nrequests_burst = 2\n[directory]\n";
    let (_node, client) = directory(&mut world, lines).await;
    let addr = client.base().strip_prefix("http://").unwrap().to_owned();
    let mut answers = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(&addr).await.unwrap();
        stream.write_all(b"GET /v1/listings HTTP/1.0\r\n\r\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        answers.push(text.to_lowercase());
    }
    assert!(answers[..2].iter().all(|answer| answer.contains(" 200 ")), "{answers:?}");
    let refused = &answers[2];
    assert!(refused.contains(" 429 ") && refused.contains("\r\nretry-after: "), "{refused}");
    assert!(
        refused.contains("application/problem+json") && refused.contains("problem:rate-limited"),
        "{refused}"
    );
}
