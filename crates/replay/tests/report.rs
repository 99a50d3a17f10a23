//! The page about a run: its figures are there, its drawings are well formed, and nothing is fetched.
//!
//! With `EARNEST_PAGES=DIR` the pages are written there, to be looked at.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says so by a panic")]

mod fixture;

use replay::record::Check;
use replay::report;

const SCENARIOS: [&str; 6] =
    ["all-good", "delivery-late", "fastly-2021-06-08", "indeterminate", "oracle-silent", "total-loss"];

#[test]
fn the_page_of_a_month_says_what_was_found_and_what_was_paid() {
    let page = report::page(&fixture::record("fastly-2021-06-08"));
    for text in [
        "173 of 172,800 probes failed",
        "1,002 ppm",
        "99.8998 %",
        "1,400,000",
        "100,000",
        "Amazon S3 Standard",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn every_page_is_well_formed_and_fetches_nothing() {
    for name in SCENARIOS {
        let page = report::page(&fixture::record(name));
        for forbidden in ["<script", "<link", "<img", "src=", "@import", "url(http", "<iframe", "<object"] {
            assert!(!page.contains(forbidden), "{name}: {forbidden}");
        }
        assert_balanced(name, &page);
        if let Ok(folder) = std::env::var("EARNEST_PAGES") {
            std::fs::write(format!("{folder}/{name}.html"), page).unwrap();
        }
    }
}

#[test]
fn drawings_hold_no_coordinate_that_is_not_a_number() {
    for name in SCENARIOS {
        let page = report::page(&fixture::record(name));
        assert!(!page.contains("NaN") && !page.contains("\"inf") && !page.contains("\"-inf"), "{name}");
    }
}

#[test]
fn a_refund_says_that_the_oracle_fell_silent() {
    let page = report::page(&fixture::record("oracle-silent"));
    assert!(page.contains("fell silent") && page.contains("took back what it had locked"));
}

#[test]
fn what_went_wrong_is_a_table_of_what_who_when_and_what_was_seen() {
    let page = report::page(&fixture::record("fastly-2021-06-08"));
    for text in
        ["85 % of the requests fail", "2021-06-08 09:47", "17 of 20 probes failed: status 503", "(by nobody)"]
    {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains("next, at ") && page.contains("when it is funded at the provider"));
    let mut calm = fixture::record("all-good");
    calm.scenario.faults.clear();
    assert!(report::page(&calm).contains("Nothing was to go wrong"));
}

#[test]
fn receipts_and_words_are_shown_and_said_how_to_check() {
    let page = report::page(&fixture::record("total-loss"));
    for text in [
        "The buyer's receipts",
        "(taken back)",
        "3 lines, as exported",
        "asks for a quote",
        "receipts-buyer.jsonl",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn an_outcome_of_no_data_is_not_called_downtime() {
    let page = report::page(&fixture::record("indeterminate"));
    assert!(page.contains("signed that it does not know") && page.contains("20 of 60 slices"));
}

#[test]
fn a_delivery_says_when_it_was_there() {
    let page = report::page(&fixture::record("delivery-late"));
    assert!(page.contains("2 March 2026, 15:20 UTC, 3 h 20 min after its deadline; that counts as 4 h"));
}

#[test]
fn a_failed_check_turns_the_badge_and_says_why() {
    let mut record = fixture::record("all-good");
    record.passed = false;
    record.checks.push(Check {
        what: "buyer_sat".into(),
        expected: "1".into(),
        got: "0".into(),
        holds: false,
        why: Some("the schedule pays 0 sat at 0 ppm".into()),
    });
    let page = report::page(&record);
    assert!(page.contains("Not as expected: 1 of 5 checks fail") && page.contains("the schedule pays 0 sat"));
}

#[test]
fn text_of_the_scenario_cannot_become_markup() {
    let mut record = fixture::record("all-good");
    record.scenario.title = "<script>alert(1)</script>".into();
    record.scenario.source = Some("javascript:alert(1)".into());
    let page = report::page(&record);
    assert!(!page.contains("<script") && !page.contains("href=\"javascript:"));
}

/// Every tag is closed in order; void HTML elements excepted.
fn assert_balanced(name: &str, page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let body = page.split_once("</style>").unwrap().1;
    for tag in body.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
        let word = tag.split_whitespace().next().unwrap_or("");
        match word.strip_prefix('/') {
            Some("head" | "html") => {}
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{name}"),
            None if word == "meta" || word == "br" => {}
            None => open.push(word),
        }
    }
    assert!(open.is_empty(), "{name}: {open:?}");
}

#[test]
fn the_table_says_what_each_party_put_in_and_got_out_and_where_it_stands_on_the_chain() {
    let text = replay::table::summary(&fixture::record("fastly-2021-06-08"));
    for line in [
        "attested 1,002 ppm",
        "put in",
        "2,000,000",
        "1,400,000",
        "+900,000",
        "4d3c2b1a",
        "840",
        "all 4 checks hold",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn the_json_has_everything_that_others_need_and_reads_back_the_same() {
    let mut record = fixture::record("fastly-2021-06-08");
    let json = replay::files::json(&record).unwrap();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let fields = "v passed scenario checks event_id terms_hash measurement agreement outcome reading payouts oracle \
                  oracles provider buyer announcements attestations messages transactions chain history";
    for field in fields.split_whitespace() {
        assert!(value.get(field).is_some(), "{field}");
    }
    assert_eq!(value["payouts"]["expected"], value["payouts"]["paid"]);
    assert_eq!(value["transactions"]["settling"]["outputs"][0]["value_sat"], 1_400_000);
    // The slices are in the evidence bundle instead.
    record.slices.clear();
    assert_eq!(serde_json::from_str::<replay::record::Record>(&json).unwrap(), record);
}

#[test]
fn the_folder_of_a_report_has_what_the_page_says_is_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let published = |oracle: &str| replay::run::Published {
        oracle: oracle.to_owned(),
        samples: Some(b"csv".to_vec()),
        bundle: Some(b"{}".to_vec()),
    };
    let evidence = replay::run::Evidence {
        main: published("one"),
        others: vec![published("two")],
        contradictions: Some(b"[]".to_vec()),
        receipts: vec![("provider", b"{}".to_vec()), ("buyer", b"{}".to_vec())],
        transcript: Some(b"{}".to_vec()),
    };
    let record = fixture::record("total-loss");
    let page = replay::files::write_report(&folder.path().join("out"), &record, &evidence).unwrap();
    let text = std::fs::read_to_string(&page).unwrap();
    for name in
        ["measurement.json", "samples.csv", "evidence.json", "agreement.json", "run.json", "transcript.json"]
    {
        assert!(text.contains(name) && page.with_file_name(name).is_file(), "{name}");
    }
    for name in ["samples-two.csv", "evidence-two.json", "contradictions.json"] {
        assert!(page.with_file_name(name).is_file(), "{name}");
    }
    let agreement = std::fs::read(page.with_file_name("agreement.json")).unwrap();
    assert_eq!(terms::Agreement::parse(&agreement).unwrap().terms_hash(), record.terms_hash);
}

#[test]
fn the_page_of_several_oracles_says_what_each_of_them_said() {
    let page = report::page(&of_five());
    for text in [
        "Of 5 oracles 3 had to agree, and 3 did",
        "honest",
        "does not agree",
        "was not heard",
        "signed two outcomes",
        "earnest-oracle prove contradictions.json",
        "evidence-NAME.json",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert_balanced("five oracles", &page);
}

#[test]
fn the_page_and_the_table_of_vantages_say_what_each_of_them_saw() {
    let record = of_five();
    let page = report::page(&record);
    for text in ["2 of 3 places had to see the same", "local", "north", "1,200", "came too late"] {
        assert!(page.contains(text), "{text}");
    }
    let table = replay::table::summary(&record);
    for text in ["liar", "0 ppm", "nothing", "two outcomes", "north", "1,200"] {
        assert!(table.contains(text), "{text}\n{table}");
    }
}

#[test]
fn the_page_of_a_market_says_who_sold_what_for_how_much_and_what_went_wrong() {
    let record = fixture::market::record();
    let page = replay::market::page(&record);
    for text in [
        "1 provider and 1 buyer",
        "Prices agreed",
        "100,000",
        "61,234",
        "43,210",
        "the &lt;limit&gt; is 40,000 sat",
        "closes every connection",
        "2 windows of atlas.example",
        "1 of 1 transcripts hold",
        "846",
        "has itself listed",
        "As expected: all 4 checks hold",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("<script") && !page.contains("NaN"));
    assert_balanced("market", &page);
    if let Ok(folder) = std::env::var("EARNEST_PAGES") {
        std::fs::write(format!("{folder}/market.html"), page).unwrap();
    }
    let table = replay::market::summary(&record);
    assert!(table.contains(&record.scenario.title) && table.contains("all 4 checks hold"), "{table}");
}

/// A run of five oracles: three agree, one is silent, and one lies and contradicts itself.
fn of_five() -> replay::record::Record {
    use replay::record::{OracleWord, VantageRecord};
    let mut record = fixture::record("total-loss");
    let first = record.oracles.remove(0);
    let named = |name: &str| OracleWord { name: name.to_owned(), ..first.clone() };
    let vantage = |name: &str, bad, late_batches| VantageRecord {
        name: name.to_owned(),
        key: None,
        good: 1_200,
        bad,
        undecided: 0,
        late_batches,
    };
    let nothing = terms::Outcome::Value(terms::OutcomeValue(0));
    record.oracles = vec![
        OracleWord { vantages: vec![vantage("local", 240, 0), vantage("north", 7, 3)], ..named("honest") },
        named("second"),
        named("third"),
        OracleWord { attested: None, agrees: false, ..named("silent") },
        OracleWord {
            attested: Some(nothing),
            agrees: false,
            contradiction: vec!["fdd868".to_owned(), "fdd868".to_owned()],
            ..named("liar")
        },
    ];
    record.agreement.oracles.threshold = 3;
    record.measurement.quorum = terms::Quorum { agree: 2, vantages: 3 };
    record
}
