//! What a reader has already is not sent again.

use crate::common::{Http, START, World, measurement};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_has_not_changed_is_not_sent_again() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    let event = format!("/v1/events/{id}");
    let announced = http.ask("GET", &event, &[]).await;
    let tag = announced.header("etag").to_owned();
    let again = http.ask("GET", &event, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", tag.as_str()));

    world.until(START + 3_600 + 700).await;
    let attested = http.ask("GET", &event, &[("if-none-match", &tag)]).await;
    assert_eq!(attested.status, 200, "it is attested, which is news");
    let paths = [
        event.clone(),
        format!("{event}/samples"),
        format!("{event}/slices"),
        format!("{event}/evidence"),
        format!("/announcement/{id}"),
        format!("/attestation/{id}"),
        "/v1/events".to_owned(),
        "/v1/log".to_owned(),
        "/tile/0/000.p/14".to_owned(),
        "/tile/entries/000.p/14".to_owned(),
    ];
    for path in paths {
        let first = http.ask("GET", &path, &[]).await;
        let tag = first.header("etag");
        assert!(first.status == 200 && !tag.is_empty(), "{path}: {}", first.body);
        for known in [tag.to_owned(), format!("\"other\", {tag}"), "*".to_owned()] {
            let again = http.ask("GET", &path, &[("if-none-match", &known)]).await;
            assert_eq!((again.status, again.body.as_str()), (304, ""), "{path} {known}");
        }
        let other = http.ask("GET", &path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(other.status, 200, "{path}");
    }
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caches_are_told_what_never_changes_and_what_may() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    // A reader of samples in the window gets new ones, and may not keep the old.
    let samples = format!("/v1/events/{id}/samples");
    world.until(START + 700).await;
    let early = http.ask("GET", &samples, &[]).await;
    world.until(START + 1_700).await;
    let tag = early.header("etag").to_owned();
    assert_eq!(http.ask("GET", &samples, &[("if-none-match", &tag)]).await.status, 200);
    assert_eq!(early.header("cache-control"), "no-cache");

    let unknown = http.ask("GET", &format!("/attestation/{id}"), &[]).await;
    assert_eq!((unknown.status, unknown.header("cache-control")), (404, "no-cache"));
    let tile = http.ask("GET", "/tile/entries/000.p/1", &[]).await;
    assert_eq!(tile.header("cache-control"), "public, max-age=31536000, immutable");
    let checkpoint = http.ask("GET", "/checkpoint", &[]).await;
    assert_eq!(checkpoint.header("cache-control"), "no-cache");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_says_what_get_would_without_the_body() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    for path in
        ["/healthz".to_owned(), "/pubkey".to_owned(), "/v1/events".to_owned(), format!("/v1/events/{id}")]
    {
        let (get, head) = (http.ask("GET", &path, &[]).await, http.ask("HEAD", &path, &[]).await);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        for name in ["etag", "content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
        let known = http.ask("HEAD", &path, &[("if-none-match", get.header("etag"))]).await;
        assert_eq!(known.status, 304, "{path}");
    }
    assert_eq!(http.ask("HEAD", "/v1/events/nothing", &[]).await.status, 404);
    world.stop(oracle).await;
}
