//! Every scenario of the catalogue holds, and a script that is not ours to bend agrees: it knows the chain's RPC and the
//! published JSON, and nothing else.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testbed::binary;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs `earnest replay` and returns exit code, standard output and standard error.
fn replay(arguments: &[&OsStr]) -> (i32, Vec<u8>, String) {
    let program = binary("earnest").expect("the binary is built");
    let output = Command::new(program).arg("replay").args(arguments).output().expect("the replay starts");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().expect("an exit code"), output.stdout, errors)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("prints JSON")
}

/// A market as small as one can be. The buyer's limit lies between the provider's last price and the one before.
const MARKET: &str = r#"
title = "One provider, one buyer"

[market]
coin_sat       = 100_000
provider_coins = 1
buyer_coins    = 1

[market.agreement]
schedule = [{ above = 50_000, price_back = "50 %" }]
indeterminate = "price to provider, bond back"

[market.measurement]
window = "2026-03-02T12:00:00Z / PT1H"
slice  = "1m"
probe_every = "30s"
body_contains = "well"

[market.mandate]
max_contract_sat         = 50_000
max_per_counterparty_sat = 50_000
max_locked_sat           = 50_000

[market.expect]
escrows = 1

[[market.provider]]
name      = "one"
target    = "http://one.example/"
price_sat = 50_000
bond_sat  = 20_000
least_sat = 25_000
final_sat = 40_000
rounds    = 3
seed      = 5
# 10 of 60 slices = 166,667 ppm: half of 42,000 goes back, and 20,000 of bond stay.
expect = { escrows = 1, locked_sat = 20_000, paid_out_sat = 41_000, outcomes = [{ ppm = 166_667 }] }

[[market.provider.timeline]]
from  = "2026-03-02T12:10:00Z"
until = "2026-03-02T12:14:00Z"
down  = true

[[market.provider.timeline]]
from  = "2026-03-02T12:14:00Z"
until = "2026-03-02T12:17:00Z"
slow_ms = 10_001

[[market.provider.timeline]]
from  = "2026-03-02T12:17:00Z"
until = "2026-03-02T12:20:00Z"
wrong_body = "sorry"

[[market.buyer]]
name        = "two"
wants       = 1
worth       = [{ provider = "one", sat = 42_000 }]
maximum_sat = 45_000
seed        = 6
expect = { escrows = 1, locked_sat = 42_000, paid_out_sat = 21_000 }
"#;

#[test]
fn the_whole_catalogue_is_paid_as_its_files_work_out_by_hand() {
    let folder = tempfile::tempdir().expect("a folder");
    let (report, junit) = (folder.path().join("report"), folder.path().join("junit.xml"));
    let (scenarios, check) = (root().join("scenarios"), root().join("scripts/check-settlement"));
    let arguments: [&OsStr; 10] = [
        scenarios.as_ref(),
        "--jobs".as_ref(),
        "2".as_ref(),
        "--json".as_ref(),
        "--report".as_ref(),
        report.as_ref(),
        "--junit".as_ref(),
        junit.as_ref(),
        "--check".as_ref(),
        check.as_ref(),
    ];
    let (code, stdout, errors) = replay(&arguments);
    let all = json(&stdout);
    let runs = all["runs"].as_array().expect("runs");
    let red: Vec<&Value> = runs.iter().filter(|run| run["passed"] != true).collect();
    assert!(code == 0 && red.is_empty(), "{errors}\n{red:#?}");
    let index = read(&report.join("index.html"));
    let mut changed = 0;
    for run in runs {
        let name = run["name"].as_str().expect("a name");
        assert!(index.contains(&format!("href=\"{name}/report.html\"")), "{name} stands in the index");
        assert!(read(&report.join(name).join("report.html")).contains("</html>"), "{name}'s page is whole");
        changed += usize::from(audited(&report.join(name), &run["record"]));
    }
    assert!(changed >= 30, "the evidence of {changed} of {} runs was changed", runs.len());
    let market = runs.iter().find(|run| run["record"]["kind"] == "market").expect("a market");
    assert_eq!(market["record"]["escrows"].as_array().map(Vec::len), Some(40), "forty escrows");
    let page = read(&report.join("market/report.html"));
    assert!(page.contains("Who paid what to whom") && !page.contains("<script"), "its own page");
    assert_eq!(read(&junit).matches("<testcase ").count(), runs.len());
    assert!(runs.iter().filter(|run| run["record"]["scenario"]["source"].is_string()).count() >= 12);
}

#[test]
fn a_wrong_expectation_is_red_and_says_expected_got_and_why_and_the_others_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = read(&root().join("scenarios/total-loss.toml"));
    let wrong = good.replace("= 1_000_000", "= 999_999").replace(
        "\"provider: attested\", \"provider: observed settled\"",
        "\"provider: observed settled\", \"provider: attested\"",
    );
    std::fs::write(folder.path().join("a.toml"), wrong).expect("a file");
    std::fs::write(folder.path().join("b.toml"), good.replace("price_sat", "price_stat")).expect("a file");
    std::fs::write(folder.path().join("c.toml"), good).expect("a file");
    let short = MARKET.replace("paid_out_sat = 21_000", "paid_out_sat = 21_001");
    std::fs::write(folder.path().join("d.toml"), short).expect("a file");
    let arguments = [folder.path().as_os_str(), "--jobs".as_ref(), "2".as_ref()];
    let (code, stdout, errors) = replay(&arguments);
    let said = String::from_utf8_lossy(&stdout);
    assert_eq!(code, 1, "{errors}");
    let why =
        "outcome: expected 999,999 ppm, got 1,000,000 ppm; by its timeline the file comes to 1,000,000 ppm";
    assert!(said.contains(why), "{said}");
    let events = "expected sign_taken, observed funded, observed settled, attested, got sign_taken, observed funded, observed settled";
    assert!(
        said.contains(events) && said.contains("attested does not follow; the provider stored: opened, "),
        "{said}"
    );
    assert!(said.contains("b.toml:") && said.contains("agreement.price_sat: is missing"), "{said}");
    let why = "two: expected 1 escrow, 42,000 sat locked, 21,001 sat paid out, got 1 escrow, 42,000 sat locked, 21,000 sat \
               paid out; one and two, 12:00: 42,000 locked with 20,000, paid 41,000 + 21,000";
    assert!(said.contains(why), "{said}");
    assert!(said.contains("Not as expected: 3 of 4 scenarios."), "{said}");
}

#[test]
fn twice_with_the_same_seed_gives_the_same_json_but_for_what_is_random_for_good() {
    let (late, silent) =
        (root().join("scenarios/delivery-late.toml"), root().join("scenarios/oracle-silent.toml"));
    let folder = tempfile::tempdir().expect("a folder");
    let market = folder.path().join("market.toml");
    std::fs::write(&market, MARKET).expect("a file");
    let run = |seed: &str| {
        let masked = ["--jobs", "2", "--json", "--masked", "--seed", seed].map(OsStr::new);
        let arguments: Vec<&OsStr> =
            [late.as_os_str(), silent.as_os_str(), market.as_os_str()].into_iter().chain(masked).collect();
        let (code, stdout, errors) = replay(&arguments);
        assert_eq!(code, 0, "{errors}");
        String::from_utf8(stdout).expect("text")
    };
    let (once, twice) = (run("7"), run("7"));
    assert_eq!(once, twice);
    assert!(once.contains("\"provider_sat\": 110000"), "what matters is not masked");
    assert!(once.contains("\"agreed_sat\": 42000"), "nor what agents said");
}

#[test]
fn an_interrupt_ends_all_that_a_catalogue_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = binary("earnest").expect("the binary is built");
    let mut command = Command::new(program);
    command.arg("replay").arg(root().join("scenarios/fastly-2021-06-08.toml")).args(["--jobs", "1"]);
    command.env("TMPDIR", folder.path()).stderr(Stdio::null()).stdout(Stdio::null());
    let mut replay = command.spawn().expect("the replay starts");
    let left = || std::fs::read_dir(folder.path()).expect("a folder").count();
    wait_until("a run has begun", || left() > 0);
    let mut kill = Command::new("kill");
    assert!(kill.args(["-TERM", &replay.id().to_string()]).status().expect("kill").success());
    assert_eq!(replay.wait().expect("it ends").code(), Some(130));
    let runs = std::fs::read_dir(folder.path()).expect("a folder").filter_map(Result::ok);
    let kept =
        runs.filter(|entry| entry.file_name().to_string_lossy().starts_with("earnest-replay-")).count();
    assert_eq!(kept, 0, "the run's folder is gone with it");
}

/// Waits for something that happens in real time.
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: never");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whatever was attested, its evidence holds; and the same with one sample changed does not, and says where. Tells whether
/// there was a sample to change.
fn audited(report: &Path, run: &Value) -> bool {
    let path = report.join("evidence.json");
    if run["outcome"].is_null() {
        return false;
    }
    let (code, said) = audit(&path);
    assert!(code == 0 && said.contains("the oracle's attestation says the same"), "{said}");
    let mut bundle: Value = serde_json::from_slice(&std::fs::read(&path).expect("evidence")).expect("JSON");
    let samples = bundle["samples"].as_str().expect("samples").to_owned();
    // An oracle that was set back may have no samples left, and then there is none to change.
    let Some(middle) = samples[..samples.len() / 2].rfind('\n') else { return false };
    let line = samples[middle + 1..].lines().next().expect("a line");
    let flipped = flipped(line);
    bundle["samples"] = samples.replacen(line, &flipped, 1).into();
    std::fs::write(&path, bundle.to_string()).expect("a file");
    let (code, said) = audit(&path);
    assert!(code == 1 && said.contains("slice ") && said.contains("hash of the samples"), "{said}");
    true
}

/// A sample's line with another verdict: good becomes bad, bad and undecided become good.
fn flipped(line: &str) -> String {
    let verdicts = [(",1,", ",0,"), (",0,", ",1,"), (",,", ",1,")];
    let (from, to) =
        verdicts.into_iter().find(|(from, _)| line.contains(from)).expect("a sample has a verdict");
    line.replacen(from, to, 1)
}

/// The exit code of `earnest-oracle audit`, and what it said.
fn audit(bundle: &Path) -> (i32, String) {
    let program = binary("earnest-oracle").expect("the binary is built");
    let output = Command::new(program).arg("audit").arg(bundle).output().expect("the audit starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&said).into_owned())
}

/// The exit code of `earnest scenario ...` in a folder, and what it said.
fn scenario(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let program = binary("earnest").expect("the binary is built");
    let mut command = Command::new(program);
    let output = command.arg("scenario").args(arguments).current_dir(folder).output().expect("it starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_new_scenario_is_good_until_a_field_is_misspelt_and_then_its_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    assert_eq!(scenario(at, &["new", "mine", "--preset", "github-enterprise-cloud"]).0, 0);
    assert_eq!(scenario(at, &["new", "mine"]).0, 1, "nothing is overwritten");
    assert_eq!(scenario(at, &["new", "other", "--preset", "nobodys"]).0, 2);
    assert_eq!(scenario(at, &["check", "."]), (0, "./mine.toml: good\n1 file, 0 bad\n".to_owned()));
    let (code, listed) = scenario(at, &["list", "."]);
    assert!(code == 0 && listed.contains("333,333 ppm"), "{listed}");

    let file = at.join("mine.toml");
    let text = std::fs::read_to_string(&file).expect("a file").replace("probe_every", "probes_every");
    let line = 1 + text.lines().position(|line| line.starts_with("probes_every")).expect("a line");
    std::fs::write(&file, text).expect("a file");
    let (code, said) = scenario(at, &["check", "mine.toml"]);
    assert!(code == 2 && said.contains("mine.toml:") && said.contains("measurement.probe"), "{line}: {said}");
}

#[test]
fn an_incident_list_becomes_a_timeline_and_a_bad_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("incidents.csv");
    let good =
        "start,end,severity\n2021-06-08T09:46:40Z,2021-06-08 10:36:10,85 %\n1623150000,1623150030,major\n";
    std::fs::write(&file, good).expect("a file");
    let (code, said) = scenario(folder.path(), &["import", "incidents.csv"]);
    assert_eq!(code, 0, "{said}");
    for line in [
        "from  = \"2021-06-08T09:47:00Z\"",
        "until = \"2021-06-08T10:36:00Z\"",
        "error_share_ppm = 850000",
        "down  = true",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert_eq!(said.matches("[[timeline]]").count(), 2);

    std::fs::write(&file, good.replace("major", "awful")).expect("a file");
    let (code, said) = scenario(folder.path(), &["import", "incidents.csv"]);
    assert!(code == 2 && said.contains("incidents.csv:3: severity: must be"), "{said}");
}
