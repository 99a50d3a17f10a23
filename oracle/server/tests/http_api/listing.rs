//! Lists of events: pages that stay, and filters.

use serde_json::json;
use terms::Measurement;

use crate::common::{Http, START, World, measurement};

fn of(host: &str, hour: u64) -> Measurement {
    let start = START + hour * 3_600;
    measurement(|m| {
        m["target"]["url"] = json!(format!("http://{host}/health"));
        m["window"] = json!({ "start": start, "end": start + 3_600 });
    })
}

async fn listed(http: &Http, query: &str) -> Vec<String> {
    let page = http.json(&format!("/v1/events{query}")).await;
    let events = page["events"].as_array().unwrap().iter();
    events.map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_the_events_that_a_reader_asks_for() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let mut ids = Vec::new();
    for (host, hour) in
        [("edge.example", 0), ("edge.example", 1), ("reference.example", 1), ("edge.example", 5)]
    {
        ids.push(http.announce(&of(host, hour)).await.event_id.to_string());
    }
    let [first, second, other, last] = ids.try_into().unwrap();
    // The first is attested, the two of the second hour run.
    world.until(START + 3_600 + 700).await;

    let cases = [
        (String::new(), vec![&last, &other, &second, &first]),
        ("?host=reference.example".to_owned(), vec![&other]),
        ("?host=Edge.Example&state=measuring".to_owned(), vec![&second]),
        ("?state=announced".to_owned(), vec![&last]),
        ("?state=attested".to_owned(), vec![&first]),
        ("?state=provisional".to_owned(), vec![]),
        (format!("?from={}", START + 7_200), vec![&last]),
        (format!("?to={}", START + 3_600), vec![&first]),
        (format!("?from={}&to={}", START + 3_599, START + 3_601), vec![&other, &second, &first]),
        (format!("?maturity_from={0}&maturity_to={1}", START + 7_800, START + 7_801), vec![&other, &second]),
        ("?host=nobody.example".to_owned(), vec![]),
    ];
    for (query, expected) in cases {
        assert_eq!(listed(&http, &query).await, expected.into_iter().cloned().collect::<Vec<_>>(), "{query}");
    }
    let page = http.json("/v1/events?state=attested").await;
    assert_eq!(page["events"][0]["host"], "edge.example");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_neither_lose_nor_repeat_an_event_while_others_are_announced() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let mut ids = Vec::new();
    for hour in 0..5 {
        ids.insert(0, http.announce(&of("edge.example", hour)).await.event_id.to_string());
    }
    let first = http.json("/v1/events?limit=2").await;
    http.announce(&of("edge.example", 9)).await;
    let next = first["next"].as_i64().unwrap();
    let mut seen = vec![first["events"][0]["event_id"].clone(), first["events"][1]["event_id"].clone()];
    let rest = http.json(&format!("/v1/events?limit=3&before={next}")).await;
    seen.extend(rest["events"].as_array().unwrap().iter().map(|event| event["event_id"].clone()));
    assert_eq!(seen, ids);
    let after = http.json(&format!("/v1/events?before={}", rest["next"])).await;
    assert_eq!(after, json!({ "events": [] }));
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_makes_no_sense_is_refused_by_name() {
    let world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let cases = [
        ("before=x", "before"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("state=lost", "state"),
        ("from=-1", "from"),
        ("to=99999999999999999", "to"),
        ("colour=red", "colour"),
    ];
    for (query, name) in cases {
        let answer = http.ask("GET", &format!("/v1/events?{query}"), &[]).await;
        let named = format!("{}{}", answer.json()["field"], answer.json()["detail"]);
        assert!(answer.status == 400 && named.contains(name), "{query}: {}", answer.body);
    }
    world.stop(oracle).await;
}
