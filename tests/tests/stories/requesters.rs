//! An oracle that measures for those whose keys it knows: agents with a key of their own, and nodes.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blackbox::{Setting, World, fresh_key};
use serde_json::Value;
use terms::Measurement;
use testbed::{ProcessBuilder, free_addr};

const LIMIT: Duration = Duration::from_secs(60);

fn run(program: &str, arguments: &[&str]) -> Output {
    let exe = testbed::binary(program).expect("the binaries are built and fresh");
    Command::new(exe).args(arguments).output().unwrap()
}

/// What a command that goes well prints.
fn done(program: &str, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = run(program, arguments);
    assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// The year after this one, so that what is asked for lies ahead.
fn next_year() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // Counted in Julian years this is a day off at most, and in January of the year after the next nobody minds.
    1_970 + now / 31_557_600 + 1
}

/// Lines of an oracle's configuration that let in one key.
fn known_to(name: &str, key: &str) -> (String, String) {
    (
        "policy = { accept = \"keys\" }\n".to_owned(),
        format!("[[requester]]\nname = \"{name}\"\nkey = \"{key}\"\n"),
    )
}

/// Everything with commands alone, and in real time: signed requests are good for minutes.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_makes_a_key_names_a_day_and_has_it_measured_once_the_operator_knows_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [config, key_file, other_file, document, day] =
        ["oracle.toml", "me.key", "other.key", "measurement.json", "day.json"].map(path);
    let key = done("earnest", &["oracle", "key", &key_file]);
    done("earnest", &["oracle", "key", &other_file]);
    assert_eq!(
        run("earnest", &["oracle", "key", &key_file]).status.code(),
        Some(2),
        "a key is never replaced"
    );

    let addr = free_addr().unwrap();
    let (policy, requester) = known_to("agent", key.trim());
    let text =
        format!("network = \"regtest\"\nlisten = \"{addr}\"\ndata_dir = \"data\"\n{policy}{requester}");
    std::fs::write(&config, text).unwrap();
    done("earnest-oracle", &["init", "--config", &config]);
    let serving = ProcessBuilder::binary("earnest-oracle", folder.path().join("log")).unwrap();
    let mut serving = serving.args(["serve", "--config", &config]).spawn().unwrap();
    serving.wait_ready(addr, LIMIT).await.unwrap();

    write_measurement(Path::new(&document));
    let date = format!("{}-03-03", next_year());
    let maintenance = "every day 02:00-04:00 Europe/Berlin";
    let windowed = done(
        "earnest",
        &[
            "terms",
            "window",
            &document,
            "--day",
            &date,
            "--zone",
            "Europe/Berlin",
            "--maintenance",
            maintenance,
        ],
    );
    std::fs::write(&day, &windowed).unwrap();
    let measurement = Measurement::parse(windowed.as_bytes()).unwrap();
    assert_eq!(measurement.window.end.0 - measurement.window.start.0, 86_400);
    assert_eq!(measurement.exclusions.len(), 1);

    let url = format!("http://{addr}");
    let ask = |more: &[&str]| {
        run("earnest", &[&["oracle", "request", &day, "--url", &url, "--json"], more].concat())
    };
    for stranger in [ask(&[]), ask(&["--key", &other_file])] {
        assert_eq!(stranger.status.code(), Some(1), "{}", String::from_utf8_lossy(&stranger.stderr));
    }
    let announced = ask(&["--key", &key_file]);
    assert!(announced.status.success(), "{}", String::from_utf8_lossy(&announced.stderr));
    let announced: Value = serde_json::from_slice(&announced.stdout).unwrap();
    assert_eq!(announced["event_id"], measurement.event_id().as_str());
    let again = ask(&["--key", &key_file]);
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again, announced, "asked again it tells the same");
    serving.terminate(LIMIT).await.unwrap();
}

fn write_measurement(path: &Path) {
    let times = blackbox::Times::from(1_800_000_000);
    let mut measurement = blackbox::measurement("http://service.example/health", &times);
    measurement.probe_every_ms = 60_000;
    measurement.slice_s = 300;
    std::fs::write(path, measurement.canonical()).unwrap();
}

/// The provider may ask the oracle to measure, and the buyer may not.
async fn known_provider(world: &mut World) {
    let config = std::fs::read_to_string(world.oracle.service.config_file()).unwrap();
    let (policy, requester) = known_to("provider", &world.provider.key.to_string());
    world.stop("oracle").await;
    world.oracle.service.configure(&format!("{policy}{config}{requester}")).unwrap();
    world.start("oracle").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_whom_the_oracle_does_not_know_renews_what_its_provider_has_announced() {
    let usual = Setting::default();
    let provider_mandate = format!("{}\n[renewal]\naccept = true\n", usual.provider_mandate);
    let mut world = World::with(Setting { provider_mandate, ..usual }).await;
    known_provider(&mut world).await;
    let draft = world.draft();
    let first = world.lock_draft(&draft).await;
    let refused = world.buyer.owner.renew(&first, &fresh_key()).await.unwrap_err().to_string();
    let key = format!("let the key {} ask for measurements", world.buyer.key);
    assert!(refused.contains(&key), "{refused}");

    let mut next = draft.clone();
    let window = &mut next.measurement.window;
    for moment in [&mut window.start, &mut window.end, &mut next.funding_deadline, &mut next.expires] {
        moment.0 += 600;
    }
    world.publish(&next).await;
    let second = world.buyer.owner.renew(&first, &fresh_key()).await.unwrap().escrow_id;
    world.both_reach(&second, "funded").await;
    assert_eq!(world.buyer.escrow(&second).await.agreement.measurement, next.measurement);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_signs_with_its_identity_and_sells_what_the_oracle_measures_for_it_alone() {
    let mut world = World::begin().await;
    known_provider(&mut world).await;
    let draft = world.draft();
    let refused = world.buyer.owner.create_offer(&draft, &fresh_key()).await.unwrap_err();
    assert!(
        refused.to_string().contains("may not ask here"),
        "the buyer's node is none that it knows: {refused}"
    );
    // Whoever may ask has it announced; whoever buys need not be known.
    let id = world.lock_draft(&draft).await;
    world.both_reach(&id, "settled").await;
    blackbox::witness::paid_out(&world, &id, 150_000, 0).await;
}
