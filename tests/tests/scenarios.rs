//! Every scenario of the catalogue holds, and a script that is not ours to bend agrees: it knows the chain's RPC and the
//! published JSON, and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use testbed::binary;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Replays one scenario and returns what it printed.
fn replay(name: &str, report: &Path) -> serde_json::Value {
    let output = Command::new(binary("earnest").expect("the binary is built"))
        .arg("replay")
        .arg(root().join("scenarios").join(name).with_extension("toml"))
        .args(["--json", "--report"])
        .arg(report)
        .arg("--check")
        .arg(root().join("scripts/check-settlement"))
        .output()
        .expect("the replay starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} ended with {}:\n{errors}", output.status);
    serde_json::from_slice(&output.stdout).expect("prints JSON")
}

fn holds(name: &str) -> serde_json::Value {
    let report = tempfile::tempdir().expect("a folder");
    let run = replay(name, report.path());
    let page = std::fs::read_to_string(report.path().join("report.html")).expect("a page");
    assert!(page.contains("</html>"), "the page is whole");
    audited(report.path(), &run);
    assert_eq!(run["passed"], true);
    run
}

/// Whatever was attested, its evidence holds; and the same with one sample changed does not, and says where.
fn audited(report: &Path, run: &serde_json::Value) {
    let path = report.join("evidence.json");
    if run["outcome"].is_null() {
        return;
    }
    let (code, said) = audit(&path);
    assert!(code == 0 && said.contains("the oracle's attestation says the same"), "{said}");
    let mut bundle: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("evidence")).expect("JSON");
    let samples = bundle["samples"].as_str().expect("samples").to_owned();
    let middle = samples[..samples.len() / 2].rfind('\n').expect("lines") + 1;
    let line = samples[middle..].lines().next().expect("a line");
    let flipped = flipped(line);
    bundle["samples"] = samples.replacen(line, &flipped, 1).into();
    std::fs::write(&path, bundle.to_string()).expect("a file");
    let (code, said) = audit(&path);
    assert!(code == 1 && said.contains("slice ") && said.contains("hash of the samples"), "{said}");
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

#[test]
fn a_month_with_fastlys_outage_pays_what_s3s_schedule_says() {
    holds("fastly-2021-06-08");
}

#[test]
fn a_service_that_is_always_up_keeps_the_price() {
    holds("all-good");
}

#[test]
fn a_service_that_is_never_up_pays_everything_back() {
    holds("total-loss");
}

#[test]
fn a_silent_oracle_gives_both_their_coins_back() {
    holds("oracle-silent");
}

#[test]
fn an_oracle_that_could_not_measure_says_so_and_that_has_a_price() {
    holds("indeterminate");
}

#[test]
fn a_late_delivery_costs_by_the_hour() {
    holds("delivery-late");
}

#[test]
fn no_scenario_stands_in_the_catalogue_untested() {
    let source = include_str!("scenarios.rs");
    for entry in std::fs::read_dir(root().join("scenarios")).expect("scenarios") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        assert!(source.contains(&format!("\"{name}\"")), "{name} has no test");
    }
}
