//! A directory's shelf: one listing for each key, in pages, for a while.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common;

use common::{id, store};
use storage::{ListingRow, ListingsAsked, Store};

fn row(tag: u8) -> ListingRow {
    ListingRow {
        key: id(tag),
        at: 100,
        expires_at: 200,
        keep_until: 200,
        withdrawn: false,
        address: Some("192.0.2.1".into()),
        services: "[\"api.example\",\"edge.example\"]".into(),
        bytes: vec![tag],
    }
}

async fn put(store: &Store, row: &ListingRow) {
    let mut tx = store.begin().await.unwrap();
    tx.put_listing(row).await.unwrap();
    tx.commit().await.unwrap();
}

async fn keys(store: &Store, asked: ListingsAsked<'_>) -> Vec<u8> {
    store.listings(&asked).await.unwrap().iter().map(|row| row.key.0[0]).collect()
}

const ALL: ListingsAsked<'_> = ListingsAsked { after: None, service: None, most: 100, now: 150 };

#[tokio::test]
async fn listings_come_in_pages_by_key_and_only_those_that_are_good() {
    let (_folder, store) = store().await;
    for tag in [3, 1, 2, 5] {
        put(&store, &row(tag)).await;
    }
    put(&store, &ListingRow { withdrawn: true, ..row(4) }).await;
    put(&store, &ListingRow { expires_at: 150, ..row(6) }).await;
    assert_eq!(keys(&store, ALL).await, [1, 2, 3, 5]);
    assert_eq!(keys(&store, ListingsAsked { most: 2, ..ALL }).await, [1, 2]);
    assert_eq!(keys(&store, ListingsAsked { after: Some(id(2)), ..ALL }).await, [3, 5]);
    assert_eq!(store.listing(id(4)).await.unwrap().unwrap(), ListingRow { withdrawn: true, ..row(4) });
}

#[tokio::test]
async fn a_service_is_found_by_its_whole_name() {
    let (_folder, store) = store().await;
    put(&store, &row(1)).await;
    put(&store, &ListingRow { services: "[\"other.example\"]".into(), ..row(2) }).await;
    put(&store, &ListingRow { services: "[]".into(), ..row(3) }).await;
    let asked = |service| keys(&store, ListingsAsked { service: Some(service), ..ALL });
    assert_eq!(asked("edge.example").await, [1]);
    assert_eq!(asked("example").await, Vec::<u8>::new());
    assert_eq!(asked("' OR 1=1 --").await, Vec::<u8>::new());

    put(&store, &ListingRow { at: 101, services: "[\"edge.example\",\"new.example\"]".into(), ..row(2) })
        .await;
    assert_eq!((asked("edge.example").await, asked("new.example").await), (vec![1, 2], vec![2]));
    assert_eq!(asked("other.example").await, Vec::<u8>::new(), "it names others now");
    let page = ListingsAsked { service: Some("edge.example"), most: 1, ..ALL };
    assert_eq!(keys(&store, page).await, [1]);
    assert_eq!(keys(&store, ListingsAsked { after: Some(id(1)), ..page }).await, [2]);
    put(&store, &ListingRow { at: 102, withdrawn: true, ..row(1) }).await;
    assert_eq!(asked("edge.example").await, [2]);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.prune_listings(u64::from(u32::MAX)).await.unwrap(), 3);
    tx.commit().await.unwrap();
    put(&store, &ListingRow { services: "[]".into(), ..row(2) }).await;
    assert_eq!(asked("new.example").await, Vec::<u8>::new(), "what was named is forgotten with the listing");
}

#[tokio::test]
async fn a_key_has_one_listing_and_counts_are_over_what_is_stored() {
    let (_folder, store) = store().await;
    let elsewhere = |tag| ListingRow { address: Some("192.0.2.2".into()), ..row(tag) };
    for row in [row(1), row(2), elsewhere(3), ListingRow { address: None, keep_until: 300, ..row(4) }] {
        put(&store, &row).await;
    }
    put(&store, &ListingRow { at: 101, bytes: vec![9], ..row(1) }).await;
    assert_eq!(store.listing(id(1)).await.unwrap().unwrap().bytes, [9]);
    assert_eq!(store.listings_besides(id(1), None, 150).await.unwrap(), 3);
    assert_eq!(store.listings_besides(id(9), Some("192.0.2.1"), 150).await.unwrap(), 2);
    assert_eq!(store.listings_besides(id(2), Some("192.0.2.1"), 150).await.unwrap(), 1);
    assert_eq!(store.listings_besides(id(9), None, 250).await.unwrap(), 1, "the others are to be forgotten");
    assert_eq!(store.first_listing_ends(None, 250).await.unwrap(), Some(300));
    assert_eq!(store.first_listing_ends(Some("192.0.2.2"), 250).await.unwrap(), None);

    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.prune_listings(250).await.unwrap(), 3);
    tx.commit().await.unwrap();
    assert_eq!(store.listing(id(1)).await.unwrap(), None);
    assert!(store.listing(id(4)).await.unwrap().is_some());
}
