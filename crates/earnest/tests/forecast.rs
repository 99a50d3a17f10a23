//! `simulate`, `price`, `worth` and `terms outlook`, as they are typed.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use protocol::OfferDraft;
use serde_json::{Value, json};
use tempfile::TempDir;
use terms::{Agreement, UnixSeconds};

/// A month about S3's schedule: 1,000,000 sat of price, 500,000 sat of bond.
fn agreement_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../terms/tests/golden/agreement-v1.json")
}

fn earnest(arguments: &[&str], document: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earnest"));
    let (subcommand, rest) =
        if arguments[0] == "terms" { arguments.split_at(2) } else { arguments.split_at(1) };
    command.args(subcommand).arg(document).args(rest).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn value(arguments: &[&str], document: &Path) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    serde_json::from_str(&text(&earnest(&arguments, document))).unwrap()
}

const SERVICE: [&str; 6] = ["--mtbf", "10d", "--mttr", "1h", "--runs", "300"];

fn with<'a>(command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [command, &SERVICE, more].concat()
}

#[test]
fn a_simulation_says_the_same_twice_and_counts_every_window() {
    let arguments = with(&["simulate"], &["--silent-ppm", "50000"]);
    let document = agreement_file();
    let said = text(&earnest(&arguments, &document));
    assert_eq!(said, text(&earnest(&arguments, &document)));
    for part in
        ["target", "In 300 imagined windows", "no attestation", "also for service that was delivered", "█"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let simulated = value(&arguments, &document);
    let endings = simulated["endings"].as_array().unwrap();
    assert_eq!(endings.iter().map(|ending| ending["windows"].as_u64().unwrap()).sum::<u64>(), 300);
    let both =
        |ending: &Value| ending["provider_sat"].as_u64().unwrap() + ending["buyer_sat"].as_u64().unwrap();
    assert!(endings.iter().all(|ending| both(ending) == 1_500_000));
    assert!(endings.iter().any(|ending| ending["ending"] == "refund" && ending["buyer_sat"] == 1_000_000));
}

#[test]
fn a_plot_is_a_drawing_that_stands_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("plot.svg");
    let arguments = with(&["simulate"], &["--plot", file.to_str().unwrap()]);
    text(&earnest(&arguments, &agreement_file()));
    let svg = fs::read_to_string(&file).unwrap();
    let parsed = roxmltree::Document::parse(&svg).unwrap();
    let said: Vec<&str> = parsed.descendants().filter_map(|node| node.text()).collect();
    for part in ["1,001 to 1,999 ppm", "100,000", "provider", "buyer"] {
        assert!(said.iter().any(|text| text.contains(part)), "{part}: {said:?}");
    }
    for forbidden in ["<script", "<image", "href", "@import", "url(http"] {
        assert!(!svg.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn a_history_of_regular_failures_pays_otherwise_than_its_means() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("outages.csv");
    let outage = |n: u64| format!("{},{}\n", n * 864_000, n * 864_000 + (n % 5 + 1) * 600);
    fs::write(&file, "start,end\n".to_owned() + &(0..36).map(outage).collect::<String>()).unwrap();
    let expected = |service: &[&str]| {
        let arguments = [&["simulate", "--runs", "1000"], service].concat();
        let forecast = value(&arguments, &agreement_file())["outlook"]["forecast"].clone();
        forecast["buyer_expected_sat"].as_u64().unwrap()
    };
    let measured = expected(&["--history", file.to_str().unwrap(), "--over", "360d"]);
    let means = expected(&["--mtbf", "239h", "--mttr", "30m"]);
    // Three failures of 10 to 50 minutes in nearly every window, and only 4 of 125 such triples take 43 minutes or less: so
    // a tenth of the price goes back in 97 of 100 windows. Failures that come when they will leave more windows alone.
    assert!((94_000..99_000).contains(&measured), "{measured}");
    assert!((65_000..75_000).contains(&means), "{means}");
}

#[test]
fn a_price_says_what_it_is_made_of_and_is_the_same_for_a_draft_as_for_the_agreement() {
    let folder = TempDir::new().unwrap();
    let agreement = Agreement::parse(&fs::read(agreement_file()).unwrap()).unwrap();
    let draft = OfferDraft {
        measurement: agreement.measurement.clone(),
        price_sat: agreement.price_sat,
        bond_sat: agreement.bond_sat,
        payout: agreement.payout.clone(),
        oracles: agreement.oracles.clone(),
        oracle_urls: vec!["http://oracle.example".to_owned()],
        funding_deadline: agreement.funding_deadline,
        refund_delay_s: agreement.refund_delay_s,
        fee_rate_sat_vb: Some(agreement.fee_rate_sat_vb),
        expires: UnixSeconds(agreement.funding_deadline.0 - 1),
        negotiable: None,
        strategy: None,
    };
    let offer = draft.clone().publish("regtest", 1);
    let files =
        [("draft.json", json!(draft)), ("offer.json", json!(offer)), ("agreement.json", json!(agreement))];
    let costs = ["--service-sat", "900000", "--collateral-ppm-year", "50000", "--loading-ppm", "1000000"];
    let quoted = files.map(|(name, document)| {
        let file = folder.path().join(name);
        fs::write(&file, document.to_string()).unwrap();
        value(&with(&["price"], &costs), &file)["quote"].clone()
    });
    assert!(quoted[0] == quoted[1] && quoted[1] == quoted[2], "{quoted:?}");
    let sat = |pointer: &str| quoted[0].pointer(pointer).and_then(Value::as_u64).unwrap();
    let spent = 900_000 + sat("/fees_sat") + sat("/collateral_sat");
    assert!(sat("/reserve/price_sat") >= spent + sat("/reserve/payout/expected_sat"));
    assert!(sat("/ask/price_sat") >= spent + sat("/ask/payout/percentile_sat"));
    // 500,000 sat at 5 % a year, from two hours before the window to seven days after it: 2539.95.
    assert_eq!(sat("/collateral_sat"), 2_540);
    let said = text(&earnest(&with(&["price"], &costs), &agreement_file()));
    assert!(
        said.contains("reserve") && said.contains("2,540 sat: 500,000 sat locked for 37 days 2 h"),
        "{said}"
    );
}

#[test]
fn what_is_worth_nothing_or_has_no_price_is_an_answer_with_exit_code_1() {
    let highest = value(&with(&["worth"], &["--hour-sat", "2000"]), &agreement_file());
    let sat = |pointer: &str| highest.pointer(pointer).and_then(Value::as_u64).unwrap();
    let gains = sat("/worth/uptime_sat") + sat("/worth/highest/payout/expected_sat");
    assert!(sat("/worth/highest/price_sat") <= gains, "{highest}");
    let nothing = earnest(&with(&["worth"], &["--hour-sat", "0"]), &agreement_file());
    assert_eq!(nothing.status.code(), Some(1));
    let everything = ["price", "--mtbf", "1h", "--mttr", "1h", "--runs", "50"];
    let refused = earnest(&everything, &agreement_file());
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no price covers"), "{refused:?}");
}

#[test]
fn an_outlook_needs_the_document_alone() {
    let said = text(&earnest(&["terms", "outlook"], &agreement_file()));
    for part in
        ["http://edge.example/health", "not enough measured", "sat of fees", "for 37 days 2 h at most"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("chance"), "{said}");
    let cases = value(&["terms", "outlook"], &agreement_file())["cases"].clone();
    assert_eq!(cases.as_array().unwrap().len(), 6);
}

#[test]
fn bad_input_names_the_field_and_ends_with_2() {
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("history.csv");
    fs::write(&history, "start,end\n10,20\nx,30\n").unwrap();
    let history = history.to_str().unwrap();
    let cases: [(&[&str], &str); 12] = [
        (&["simulate"], "--mtbf"),
        (&["simulate", "--mtbf", "10d"], "--mttr"),
        (&["simulate", "--mtbf", "10 days", "--mttr", "1h"], "--mtbf"),
        (&["simulate", "--mtbf", "0s", "--mttr", "1h"], "mtbf"),
        (&["simulate", "--mtbf", "1d", "--mttr", "1h", "--runs", "0"], "--runs"),
        (&["simulate", "--history", history], "over"),
        (&["simulate", "--history", history, "--over", "1d"], "line 3"),
        (&["simulate", "--history", "nowhere.csv", "--over", "1d"], "nowhere.csv"),
        (&["simulate", "--slip", "1h"], "measurement.indicator"),
        (&["simulate", "--mtbf", "1d", "--mttr", "1h", "--silent-ppm", "1000001"], "silent_ppm"),
        (&["price", "--mtbf", "1d", "--mttr", "1h", "--percentile", "101"], "--percentile"),
        (
            &["price", "--mtbf", "1d", "--mttr", "1h", "--runs", "10", "--loading-ppm", "1000001"],
            "loading_ppm",
        ),
    ];
    for (arguments, field) in cases {
        let output = earnest(arguments, &agreement_file());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(field) && !said.contains("panicked"), "{arguments:?}: {said}");
    }
    let broken = folder.path().join("agreement.json");
    let good = fs::read_to_string(agreement_file()).unwrap();
    fs::write(
        &broken,
        good.replace("\"slice_s\":300", "\"slice_s\":301").replace("\"slice_s\": 300", "\"slice_s\": 301"),
    )
    .unwrap();
    let output = earnest(&["terms", "outlook"], &broken);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("measurement.slice_s"), "{output:?}");
}
