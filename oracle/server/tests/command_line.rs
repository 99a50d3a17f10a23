//! The built binary: its commands, exit codes, and what a violent end costs.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;

use std::process::Output;

use common::process::{Process, earnest_oracle};
use common::{Http, START, World, document, measurement};
use ledger::bundle::{Bundle, Draft};
use protocol::oracle::EventState;
use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    earnest_oracle(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    assert_eq!(code(output), 0, "{}", error(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder with these files; their paths are given back.
fn files<const N: usize>(dir: &tempfile::TempDir, files: [(&str, &str); N]) -> [String; N] {
    files.map(|(name, text)| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    })
}

#[test]
fn init_makes_one_key_and_never_replaces_it() {
    let dir = tempfile::tempdir().unwrap();
    let [config] = files(
        &dir,
        [("oracle.toml", "network = \"signet\"\ndata_dir = \"data\"\npolicy.accept = \"token\"")],
    );
    let first = run(&["init", "--config", &config]);
    let pubkey = String::from_utf8(first.stdout).unwrap();
    assert_eq!(pubkey.trim().len(), 64, "{pubkey}");
    assert_eq!(std::fs::read_to_string(dir.path().join("data/requester-token")).unwrap().trim().len(), 64);
    let second = run(&["init", "--config", &config]);
    assert_eq!(code(&second), 1);
    assert!(error(&second).contains("already"), "{}", error(&second));
}

#[test]
fn simulated_time_is_refused_off_regtest() {
    let dir = tempfile::tempdir().unwrap();
    let [config] = files(&dir, [("oracle.toml", "network = \"signet\"\ndata_dir = \"data\"")]);
    for arguments in [
        &["serve", "--config", &config, "--simulated-time", "127.0.0.1:9"][..],
        &["init", "--config", &config, "--simulated"][..],
    ] {
        let output = run(arguments);
        assert_eq!(code(&output), 2);
        assert!(error(&output).contains("regtest only"), "{}", error(&output));
    }
}

#[test]
fn a_bad_configuration_is_exit_code_2_and_names_file_and_field() {
    let dir = tempfile::tempdir().unwrap();
    let [config] =
        files(&dir, [("oracle.toml", "network = \"signet\"\ndata_dir = \"d\"\nvantage = \"A B\"")]);
    let output = run(&["serve", "--config", &config]);
    assert_eq!(code(&output), 2);
    assert!(error(&output).contains("oracle.toml: vantage: must"), "{}", error(&output));
}

#[test]
fn a_vantages_configuration_is_none_of_an_oracle() {
    let dir = tempfile::tempdir().unwrap();
    let key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let text = format!(
        "network = \"signet\"\ndata_dir = \"d\"\n[[oracle]]\nurl = \"https://oracle.example\"\nkey = \"{key}\""
    );
    let [config] = files(&dir, [("vantage.toml", &text)]);
    for command in ["init", "serve", "rotate-key", "trust-database", "objections"] {
        let output = run(&[command, "--config", &config]);
        assert_eq!(code(&output), 2, "{command}");
        assert!(error(&output).contains("vantage.toml: oracle: makes this"), "{}", error(&output));
    }
    assert!(!dir.path().join("d").exists(), "nothing was made");
}

#[test]
fn a_backup_of_what_never_served_is_refused_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let [config] = files(&dir, [("oracle.toml", "network = \"signet\"\ndata_dir = \"d\"")]);
    assert_eq!(code(&run(&["init", "--config", &config])), 0);
    let folder = dir.path().join("backup");
    let output = run(&["backup", folder.to_str().unwrap(), "--config", &config]);
    assert!(code(&output) == 1 && error(&output).contains("first `serve`"), "{}", error(&output));
    assert!(!folder.exists());
}

#[test]
fn measure_prints_the_outcome_and_refuses_bad_input_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let document = document(|_| ()).to_string();
    let mut csv = "unix_ms,vantage,ok,latency_ms\n".to_owned();
    for probe in 0..240 {
        let ok = if probe == 100 { "0" } else { "1" };
        csv += &format!("{},fra1,{ok},12\n", START * 1000 + probe * 15_000);
    }
    let [good, samples, bad, torn] = files(
        &dir,
        [
            ("m.json", document.as_str()),
            ("s.csv", csv.as_str()),
            ("bad.json", "{\"v\":1}"),
            ("torn.csv", "unix_ms,vantage,ok,latency_ms\n1,fra1,2,3\n"),
        ],
    );
    // 1 of 240 probes: 4,166.67 ppm, rounded up.
    let report = json(&run(&["measure", &good, &samples]));
    assert_eq!(report["outcome"]["value"], 4_167);
    let words = run(&["measure", &good, &samples, "--explain"]);
    assert!(
        String::from_utf8_lossy(&words.stdout).contains("the outcome is 4167"),
        "{}",
        String::from_utf8_lossy(&words.stdout)
    );
    for (measurement, samples, named) in
        [(&bad, &samples, "target"), (&good, &torn, "line 2, column ok"), (&samples, &good, "s.csv")]
    {
        let output = run(&["measure", measurement, samples]);
        assert_eq!(code(&output), 2);
        assert!(error(&output).contains(named), "{}", error(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_holds_for_what_was_published_and_for_nothing_else() {
    let mut world = World::new().await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&measurement(|_| ())).await.event_id;
    world.until(START + 3_600 + 601).await;
    let (_, bundle) = http.text(&format!("/v1/events/{id}/evidence")).await;
    world.stop(oracle).await;

    let dir = tempfile::tempdir().unwrap();
    let flipped = bundle.replacen(",local,1,0\\n", ",local,0,0\\n", 1);
    assert_ne!(flipped, bundle);
    let made_up = made_up(&bundle);
    let [good, bad, none, nobodys] = files(
        &dir,
        [
            ("good.json", bundle.as_str()),
            ("bad.json", flipped.as_str()),
            ("none.json", "{}"),
            ("nobodys.json", made_up.as_str()),
        ],
    );
    let findings = json(&run(&["audit", &good, "--json"]));
    assert_eq!((&findings["attested"], &findings["root_signed"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(code(&run(&["audit", &good])), 0);
    assert_eq!(code(&run(&["audit", &bad])), 1);
    assert_eq!(code(&run(&["audit", &none])), 2);
    let nobodys = run(&["audit", &nobodys]);
    assert!(
        code(&nobodys) == 1 && error(&nobodys).contains("root_signature: is missing"),
        "{}",
        error(&nobodys)
    );
}

/// The event as anybody could tell it who knows its announcement: other samples, and all that follows from them.
fn made_up(bundle: &str) -> String {
    let honest = Bundle::parse(bundle.as_bytes()).unwrap();
    let samples = ledger::csv::read(honest.samples.replacen(",local,1,", ",local,0,", 9).as_bytes()).unwrap();
    let draft = Draft {
        measurement: honest.measurement,
        announcement: honest.announcement,
        seed_commitment: honest.seed_commitment,
        probe_seed: honest.probe_seed,
        attestation: None,
        root_signature: None,
        log: None,
        vantages: Vec::new(),
    };
    let bundle = Bundle::build(draft, &samples).unwrap();
    assert_eq!(bundle.report.probes.bad, 9);
    String::from_utf8(bundle.to_json()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_oracle_loses_what_was_not_written_and_calls_it_unmeasured() {
    let mut world = World::new().await;
    let first = Process::serve(&world).await;
    let id = first.http.announce(&measurement(|_| ())).await.event_id;
    world.until(START + 1_000).await;
    first.kill(&world).await;

    world.until(START + 1_500).await;
    let second = Process::serve(&world).await;
    world.until(START + 4_201).await;
    let event = second.http.event(&id).await;
    assert_eq!(event.state, EventState::Attested);
    let probes = &event.provisional.unwrap().report["probes"];
    assert_eq!(probes["bad"], 0);
    // At least the 500 seconds in between; at most the slice before them too, which was not written.
    let undecided = probes["undecided"].as_u64().unwrap();
    assert!((33..=33 + 21).contains(&undecided), "{probes}");
    second.terminate(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_loses_no_sample() {
    let mut world = World::new().await;
    let first = Process::serve(&world).await;
    let id = first.http.announce(&measurement(|_| ())).await.event_id;
    world.until(START + 1_000).await;
    let made = world.service.requests();
    first.terminate(&world).await;
    let second = Process::serve(&world).await;
    let (_, samples) = second.http.text(&format!("/v1/events/{id}/samples")).await;
    assert_eq!(samples.lines().count() as u64 - 1, made);
    second.kill(&world).await;
}

/// An oracle in system time with an encrypted key, and the file that its passphrase is read from.
fn encrypted() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let text = "network = \"signet\"\ndata_dir = \"data\"\nlisten = \"127.0.0.1:0\"\npassphrase_file = \"credential\"";
    let [config, _] = files(&dir, [("oracle.toml", text), ("credential", "correct horse\n")]);
    assert_eq!(code(&run(&["init", "--config", &config])), 0);
    let key = std::fs::read_to_string(dir.path().join("data/oracle.key")).unwrap();
    assert!(key.contains("argon2id"), "{key}");
    (dir, config)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_key_is_unlocked_without_anybody_there_from_the_credential_file() {
    let (dir, config) = encrypted();
    let log = dir.path().join("log");
    let mut child = earnest_oracle(&["serve", "--config", &config])
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let addr = loop {
        let said = std::fs::read_to_string(&log).unwrap();
        if let Some(addr) = common::process::address(&said) {
            break addr;
        }
        assert!(child.try_wait().unwrap().is_none(), "{said}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(Http::at(addr).text("/readyz").await, (200, "ready\n".to_owned()));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_wrong_or_missing_passphrase_is_said_clearly_and_never_the_passphrase_itself() {
    let (dir, config) = encrypted();
    let credential = dir.path().join("credential");
    std::fs::write(&credential, "battery staple\n").unwrap();
    let wrong = run(&["serve", "--config", &config]);
    let said = error(&wrong);
    assert!(code(&wrong) == 1 && said.contains("wrong passphrase") && !said.contains("staple"), "{said}");
    assert!(!said.contains("init"), "there is a key, and another one would help nobody: {said}");

    std::fs::remove_file(&credential).unwrap();
    let missing = run(&["serve", "--config", &config]);
    assert!(code(&missing) == 1 && error(&missing).contains("passphrase_file: "), "{}", error(&missing));

    let text = std::fs::read_to_string(&config).unwrap().replace("passphrase_file", "# passphrase_file");
    std::fs::write(&config, text).unwrap();
    let none = run(&["serve", "--config", &config]);
    assert!(code(&none) == 1 && error(&none).contains("no passphrase is given"), "{}", error(&none));
}
