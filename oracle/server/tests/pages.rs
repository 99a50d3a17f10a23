//! The pages for people: what they show of real samples, that they are well formed, and that nothing in them runs.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use common::{Http, START, World, measurement};
use earnest_oracle::service::Running;
use scraper::{Html, Selector};
use serde_json::json;
use terms::Measurement;

/// A page that must be well-formed HTML without a script, and its text in one line.
struct Page {
    html: Html,
    source: String,
}

impl Page {
    async fn get(http: &Http, path: &str) -> Self {
        let (status, source) = http.text(path).await;
        assert_eq!(status, 200, "{path}: {source}");
        let html = Html::parse_document(&source);
        assert!(html.errors.is_empty(), "{path}: {:?}", html.errors);
        let page = Self { html, source };
        for forbidden in
            ["script", "iframe", "object", "link", "[style]", "[onload]", "[onerror]", "[onclick]"]
        {
            assert_eq!(page.all(forbidden).len(), 0, "{path} has {forbidden}");
        }
        page
    }

    fn all(&self, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        let text = |element: scraper::ElementRef<'_>| element.text().collect::<Vec<_>>().join(" ");
        let found = self.html.select(&selector);
        found.map(|element| text(element).split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    fn only(&self, selector: &str) -> String {
        let [only] = &self.all(selector)[..] else { panic!("{selector}: {}", self.source) };
        only.clone()
    }

    fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        self.html
            .select(&selector)
            .filter_map(|element| Some(element.value().attr(name)?.to_owned()))
            .collect()
    }
}

/// A day in five-minute slices, probed every 15 seconds.
fn a_day(url: &str) -> Measurement {
    measurement(|m| {
        m["target"]["url"] = json!(url);
        m["window"] = json!({ "start": START, "end": START + 86_400 });
    })
}

async fn started(world: &World) -> (Running, Http) {
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    (oracle, http)
}

#[tokio::test(flavor = "multi_thread")]
async fn four_minutes_down_read_as_four_minutes_and_are_not_rounded_away() {
    let mut world = World::new().await;
    let (oracle, http) = started(&world).await;
    let id = http.announce(&a_day("http://edge.example/health")).await.event_id;
    world.until(START + 3_600).await;
    world.service.answers(503);
    world.until(START + 3_840).await;
    world.service.answers(200);
    // Two hours and ten minutes measured, of which the last five-minute slices may not have been written: that depends on
    // the probes' moments.
    world.until(START + 7_800).await;
    let slices = http.json(&format!("/v1/events/{id}/slices")).await["slices"].as_array().unwrap().len();
    let (up, measured) = match slices {
        24 => ("96.666 %", "2 h measured"),
        25 => ("96.800 %", "2 h 5 min measured"),
        26 => ("96.923 %", "2 h 10 min measured"),
        _ => panic!("{slices} slices"),
    };

    let page = Page::get(&http, "/").await;
    assert_eq!(page.all(".services .state"), ["Up"]);
    let [day, ..] = &page.all(".figures dd")[..] else { panic!("figures: {}", page.source) };
    assert!(day.starts_with(up) && day.ends_with(measured), "{slices} slices: {day}");
    let path = page.attributes(".services a.name", "href").remove(0);

    let page = Page::get(&http, &path).await;
    let rows = page.all("table.incidents tbody tr");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].contains("2021-06-08 01:00:") && rows[0].contains("2021-06-08 01:04:"), "{rows:?}");
    assert!(rows[0].contains("it answered with status 503") && rows[0].contains("16 bad probes"), "{rows:?}");
    let minutes = page.attributes("svg.chart.wide", "aria-label");
    assert!(minutes[0].contains(" minutes up, 4 down, 0 unmeasured"), "{minutes:?}");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_confirmed_outage_is_none_on_any_page_and_what_is_one_is_the_reports() {
    let mut world = World::new().await;
    let (oracle, http) = started(&world).await;
    let confirmed = measurement(|m| {
        m["confirm"] = json!({ "bad": 3, "good": 2 });
        m["method"] = json!({ "occurrences": {} });
    });
    let id = http.announce(&confirmed).await.event_id;
    // Half a minute is too short to be an outage; of the four minutes every probe is.
    for (from, to) in [(600, 630), (1_200, 1_440)] {
        world.until(START + from).await;
        world.service.answers(503);
        world.until(START + to).await;
        world.service.answers(200);
        if from == 600 {
            let page = Page::get(&http, "/").await;
            assert_eq!(page.all(".services .state"), ["Up"]);
        }
    }
    world.until(START + 3_601).await;
    let closed = http.event(&id).await.provisional.unwrap();
    // 16 of 240 probes.
    assert_eq!(closed.outcome, terms::Outcome::Value(terms::OutcomeValue(66_667)));
    let [incident] = closed.report["incidents"].as_array().unwrap().as_slice() else {
        panic!("{}", closed.report)
    };
    assert_eq!((&incident["start"], &incident["end"]), (&json!(START + 1_200), &json!(START + 1_440)));

    let page = Page::get(&http, "/").await;
    assert!(page.all(".figures dd")[0].starts_with("93.333 %"), "{:?}", page.all(".figures dd"));
    let path = page.attributes(".services a.name", "href").remove(0);
    let page = Page::get(&http, &path).await;
    let rows = page.all("table.incidents tbody tr");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(
        rows[0].contains("00:20:") && rows[0].contains("00:24:") && rows[0].contains("16 bad"),
        "{rows:?}"
    );
    let minutes = page.attributes("svg.chart.wide", "aria-label");
    assert!(minutes[0].contains("56 minutes up, 4 down"), "{minutes:?}");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_measured_is_unknown_and_neither_up_nor_down() {
    let mut world = World::new().await;
    world.configure("references_needed = 1\n[[reference]]\nurl = \"http://reference.example/ok\"\n");
    let (oracle, http) = started(&world).await;
    http.announce(&a_day("http://edge.example/health")).await;
    world.until(START + 1_800).await;
    world.service.answers(503);
    world.reference.answers(503);
    world.until(START + 5_400).await;

    let page = Page::get(&http, "/").await;
    assert_eq!(page.all(".services .state"), ["Unknown"]);
    let figure = page.all(".figures dd").remove(0);
    assert!(figure.starts_with("100 %") && figure.contains("30 min measured, 55 min not"), "{figure}");
    assert!(page.all("title").iter().any(|title| title == "2021-06-08: 100 % up, 55 min unmeasured"));
    let path = page.attributes(".services a.name", "href").remove(0);
    let page = Page::get(&http, &path).await;
    assert!(page.all("table.incidents").is_empty(), "no incident: nobody knows");

    // A service whose samples are all undecided has no uptime at all.
    let badge = http.text(&format!("/badge/{}.svg?show=state", path.trim_start_matches("/services/"))).await;
    assert!(badge.0 == 200 && badge.1.contains(">unknown<"), "{badge:?}");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_under_way_comes_first_and_says_since_when_and_why() {
    let mut world = World::new().await;
    let (oracle, http) = started(&world).await;
    http.announce(&a_day("http://edge.example/a")).await;
    http.announce(&a_day("http://reference.example/b")).await;
    world.until(START + 1_000).await;
    world.reference.answers(500);
    world.until(START + 1_900).await;

    let page = Page::get(&http, "/").await;
    assert_eq!(page.all(".services .name"), ["reference.example/b", "edge.example/a"]);
    assert_eq!(page.all(".services .state"), ["Down", "Up"]);
    assert!(page.only(".summary").starts_with("1 service is down."));
    let open = page.only(".services .open");
    assert!(open.starts_with("Down for 1") && open.contains("it answered with status 500"), "{open}");
    let path = page.attributes(".services a.name", "href").remove(0);
    let page = Page::get(&http, &path).await;
    assert!(page.only("table.incidents tr.now").contains("still down"), "{}", page.source);

    let down = Page::get(&http, "/?state=down").await;
    assert_eq!(down.all(".services .name").len(), 1);
    let named = Page::get(&http, "/?q=EDGE").await;
    assert_eq!(named.all(".services .name"), ["edge.example/a"]);
    assert_eq!(Page::get(&http, "/?q=%3Cscript%3E").await.only("main .empty"), "No service fits.");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_name_is_text_on_every_page_and_in_the_badge() {
    let world = World::new().await;
    let (oracle, http) = started(&world).await;
    let hostile = "http://edge.example/%22%3E?q=%27%3Cb%3E&amp;x=%3Cimg/src=x%3E";
    http.announce(&measurement(|m| m["target"]["url"] = json!(hostile))).await;
    let page = Page::get(&http, "/").await;
    assert_eq!(page.all(".services b.unknown").len(), 4);
    assert_eq!(page.only(".services .name"), hostile.trim_start_matches("http://"));
    assert!(page.all("main img").is_empty());
    let path = page.attributes(".services a.name", "href").remove(0);
    Page::get(&http, &path).await;
    let (_, badge) = http.text(&format!("/badge/{}.svg", path.trim_start_matches("/services/"))).await;
    let document = roxmltree::Document::parse(&badge).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "svg");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_says_in_words_what_it_is_and_how_far_it_has_come() {
    let mut world = World::new().await;
    let (oracle, http) = started(&world).await;
    let id = http.announce(&measurement(|_| ())).await.event_id;
    let path = format!("/events/{id}");
    let standing = |page: &Page| page.only(".standing");
    let page = Page::get(&http, &path).await;
    assert_eq!(standing(&page), "Announced: its window starts in 10 min");
    assert!(page.source.contains("the mean error rate of the measured ones of 12 slices of 5 min"));

    world.until(START + 600).await;
    world.service.answers(503);
    world.until(START + 720).await;
    world.service.answers(200);
    world.until(START + 1_800).await;
    let page = Page::get(&http, &path).await;
    assert_eq!(standing(&page), "Being measured: its window ends in 30 min");
    assert!(
        page.all("pre").iter().any(|command| command.contains("earnest-oracle measure")),
        "{}",
        page.source
    );

    world.until(START + 3_601).await;
    let page = Page::get(&http, &path).await;
    assert!(
        standing(&page).starts_with("Closed and open to objection: it is signed in 9 min 5"),
        "{}",
        standing(&page)
    );
    assert_eq!(page.only(".outcome"), "33,334 ppm (3.3334 %)");
    assert!(page.source.contains("12 of 12 slices have ended: 11 good, 1 bad, 0 unmeasured, 0 excluded"));
    let audit = format!("curl -fsS http://{}/v1/events/{id}/evidence", oracle.addr());
    assert!(page.all("pre")[0].starts_with(&audit), "{:?}", page.all("pre"));

    world.until(START + 4_201).await;
    let page = Page::get(&http, &path).await;
    assert_eq!(standing(&page), "Attested");
    assert!(page.all("meta[http-equiv]").is_empty(), "what can't change is not asked for again");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_an_older_version_gets_its_figures_at_the_first_start() {
    let mut world = World::new().await;
    let (oracle, http) = started(&world).await;
    http.announce(&a_day("http://edge.example/health")).await;
    world.until(START + 3_600).await;
    world.service.answers(503);
    world.until(START + 3_840).await;
    world.service.answers(200);
    world.until(START + 7_800).await;
    world.stop(oracle).await;
    let database = format!("sqlite:{}", world.path("oracle.db").display());
    let pool = sqlx::SqlitePool::connect(&database).await.unwrap();
    let (notes, spans) = (count(&pool, "slice_notes").await, count(&pool, "spans").await);
    assert!(notes >= 25 && spans >= 4, "{notes} {spans}");
    sqlx::raw_sql(
        "UPDATE events SET service = NULL; DELETE FROM services; DELETE FROM slice_notes; DELETE FROM spans; \
         DELETE FROM incidents",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;

    let (oracle, http) = started(&world).await;
    let page = Page::get(&http, "/").await;
    assert!(page.all(".figures dd")[0].starts_with("96."), "{}", page.source);
    let path = page.attributes(".services a.name", "href").remove(0);
    let page = Page::get(&http, &path).await;
    assert_eq!(page.all("table.incidents tbody tr").len(), 1);
    let pool = sqlx::SqlitePool::connect(&database).await.unwrap();
    assert_eq!((count(&pool, "slice_notes").await, count(&pool, "spans").await), (notes, spans));
    pool.close().await;
    world.stop(oracle).await;
}

async fn count(pool: &sqlx::SqlitePool, table: &'static str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_cached_by_tag_and_allow_nothing_that_runs() {
    let mut world = World::new().await;
    let (oracle, http) = started(&world).await;
    http.announce(&a_day("http://edge.example/health")).await;
    world.until(START + 700).await;
    let client = reqwest::Client::new();
    let path = Page::get(&http, "/").await.attributes(".services a.name", "href").remove(0);
    let badge = format!("/badge/{}.svg?show=uptime&period=24h", path.trim_start_matches("/services/"));
    for path in ["/", "/about", &path, &badge] {
        let url = format!("http://{}{path}", oracle.addr());
        let first = client.get(&url).send().await.unwrap();
        let headers = first.headers().clone();
        assert!(
            headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"),
            "{path}"
        );
        assert!(headers["cache-control"].to_str().unwrap().contains("max-age"), "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let again = client.get(&url).header("if-none-match", &headers["etag"]).send().await.unwrap();
        assert_eq!(again.status().as_u16(), 304, "{path}");
    }
    Page::get(&http, "/about").await;
    for missing in ["/services/nothing", "/badge/nothing.svg", &format!("{path}?day=yesterday")] {
        let (status, text) = http.text(missing).await;
        assert!(matches!(status, 400 | 404), "{missing}: {status}");
        assert!(Html::parse_document(&text).errors.is_empty(), "{text}");
    }
    world.stop(oracle).await;
}
