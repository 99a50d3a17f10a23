//! A bad scenario file is refused with its name, the line and the field.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says so by a panic")]

use std::path::Path;

use replay::play::Play;
use replay::scenario::{Scenario, ScenarioError};

const GOOD: &str = r#"title = "A good file"
notes = "Two lines of head, so that lines are easy to count."

[agreement]
price_sat = 100_000
bond_sat = 50_000
preset = "amazon-s3-standard"
indeterminate = "price to provider, bond back"

[measurement]
target = "http://edge.example/health"
window = "2026-03-02T12:00:00Z / PT1H"
slice = "1m"
probe_every = "10s"

[[timeline]]
from = "2026-03-02T12:10:00Z"
until = "2026-03-02T12:20:00Z"
down = true

[[timeline]]
from = "2026-03-02T12:30:00Z"
until = "2026-03-02T12:40:00Z"
status = 500

[[fault]]
at = "2026-03-02T12:30:00Z"
kill = "provider"
restart_after = "5m"

[expect]
outcome_ppm = 333_334
provider_sat = 50_000
buyer_sat = 100_000
provider = "settled"
"#;

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::parse(text, Path::new("scenarios/good.toml"))
}

/// Replaces one line of the good file, and returns line, field and rule of the refusal.
fn refusal(old: &str, new: &str) -> (usize, String, String) {
    assert!(GOOD.contains(old), "{old}");
    match parse(&GOOD.replacen(old, new, 1)) {
        Err(ScenarioError::Rule { file, line, field, rule }) => {
            assert_eq!(file, Path::new("scenarios/good.toml"));
            (line, field, rule)
        }
        other => panic!("{old} -> {new}: {other:?}"),
    }
}

#[test]
fn the_file_that_the_others_are_made_of_is_good() {
    let scenario = parse(GOOD).unwrap();
    assert_eq!((scenario.name.as_str(), scenario.phases.len(), scenario.faults.len()), ("good", 2, 1));
}

#[test]
fn every_refusal_names_line_and_field() {
    let cases = [
        ("price_sat = 100_000", "price_sat = -1", 5, "agreement.price_sat"),
        ("price_sat = 100_000", "price_sat = 1.5", 5, "agreement.price_sat"),
        ("price_sat = 100_000", "price_sat = \"much\"", 5, "agreement.price_sat"),
        ("bond_sat = 50_000", "bond_sat = 999", 6, "agreement.bond_sat"),
        ("bond_sat = 50_000\n", "", 4, "agreement.bond_sat"),
        ("\"amazon-s3-standard\"", "\"amazon\"", 7, "agreement.preset"),
        ("preset = \"amazon-s3-standard\"", "", 4, "agreement"),
        ("\"price to provider, bond back\"", "\"half\"", 8, "agreement.indeterminate"),
        ("http://edge.example/health", "ftp://edge.example", 11, "measurement.target"),
        ("/ PT1H", "/ P1M", 12, "measurement.window"),
        ("/ PT1H", "", 12, "measurement.window"),
        ("slice = \"1m\"", "slice = \"7m\"", 13, "measurement.slice"),
        ("slice = \"1m\"", "slcie = \"1m\"", 13, "measurement.slcie"),
        ("probe_every = \"10s\"", "probe_every = \"7s\"", 14, "measurement.probe_every"),
        ("probe_every = \"10s\"", "probe_every = \"10\"", 14, "measurement.probe_every"),
        ("12:10:00Z", "12:10:03Z", 17, "timeline[0].from"),
        ("12:10:00Z", "11:10:00Z", 17, "timeline[0].from"),
        ("12:20:00Z", "12:10:00Z", 18, "timeline[0].until"),
        ("down = true", "down = false", 16, "timeline[0]"),
        ("down = true", "down = true\nstatus = 500", 16, "timeline[0]"),
        ("down = true", "donw = true", 16, "timeline[0]"),
        ("down = true", "delivered_at = \"2026-03-02T12:10:00Z\"", 19, "timeline[0].delivered_at"),
        ("down = true", "wrong_body = \"no\"", 19, "timeline[0].wrong_body"),
        ("down = true", "dns = \"nxdomian\"", 19, "timeline[0].dns"),
        ("down = true", "certificate = \"expired\"", 19, "timeline[0].certificate"),
        ("12:30:00Z", "12:19:50Z", 22, "timeline[1].from"),
        ("status = 500", "status = 99", 24, "timeline[1].status"),
        ("kill = \"provider\"", "kill = \"everybody\"", 28, "fault[0].kill"),
        ("restart_after = \"5m\"", "restart_after = \"0s\"", 29, "fault[0].restart_after"),
        ("restart_after = \"5m\"", "lasts = \"5m\"", 29, "fault[0].lasts"),
        ("kill = \"provider\"", "full_disk = \"bitcoind\"", 28, "fault[0].full_disk"),
        ("kill = \"provider\"\nrestart_after = \"5m\"", "full_disk = \"oracle\"", 26, "fault[0].lasts"),
        ("kill = \"provider\"", "kill = \"provider\"\nfull_disk = \"oracle\"", 26, "fault[0]"),
        ("at = \"2026-03-02T12:30:00Z\"", "at = \"2025-03-02T12:30:00Z\"", 27, "fault[0].at"),
        ("outcome_ppm = 333_334\n", "", 31, "expect"),
        ("outcome_ppm = 333_334", "outcome_ppm = 333_334\nrefunded = true", 31, "expect"),
        ("outcome_ppm = 333_334", "outcome_ppm = 1_000_001", 32, "expect.outcome_ppm"),
        ("provider = \"settled\"", "provider = \"happy\"", 35, "expect.provider"),
        (
            "provider = \"settled\"",
            "events = [\"provider: offer_taken\", \"seller: attested\"]",
            35,
            "expect.events[1]",
        ),
        ("provider = \"settled\"", "never = [\"provider: refunded\"]", 35, "expect.never[0]"),
        ("provider = \"settled\"", "receipts.buyer = { fee_sat = 7 }", 35, "expect.receipts.buyer.movements"),
        ("provider = \"settled\"", "receipts.miner = { movements = 7 }", 35, "expect.receipts.miner"),
        ("title = \"A good file\"\n", "", 1, "title"),
    ];
    for (old, new, line, field) in cases {
        let (got_line, got_field, rule) = refusal(old, new);
        assert_eq!((got_line, got_field.as_str()), (line, field), "{old} -> {new}: {rule}");
    }
}

/// The good file with three oracles and two vantages.
fn of_many() -> String {
    let members: String =
        ["one", "two", "three"].map(|name| format!("[[oracle]]\nname = \"{name}\"\n")).concat();
    let places = "[[vantage]]\nname = \"north\"\n[[vantage]]\nname = \"south\"\n";
    GOOD.replace("indeterminate = ", "oracles = \"2 of 3\"\nindeterminate = ")
        .replace("probe_every = ", "quorum = \"2 of 3\"\nprobe_every = ")
        .replace("down = true", "down = true\nseen_by = [\"north\", \"two\"]")
        .replacen("[[timeline]]", &format!("{members}{places}[[timeline]]"), 1)
}

#[test]
fn what_is_said_of_oracles_and_vantages_is_refused_by_its_field() {
    let good = of_many();
    assert_eq!(parse(&good).unwrap().cast.places().count(), 5);
    let fault = "kill = \"provider\"\nrestart_after = \"5m\"";
    let cases = [
        ("oracles = \"2 of 3\"", "oracles = \"2 of 4\"", "agreement.oracles"),
        ("oracles = \"2 of 3\"", "oracles = \"1 of 3\"", "agreement.oracles"),
        ("oracles = \"2 of 3\"", "oracles = 2", "agreement.oracles"),
        ("oracles = \"2 of 3\"", "", "agreement.oracles"),
        (
            "bond_sat",
            "tolerance = { max_error_exp = 13, min_fail_exp = 3, max_spread_sat = 0 }\nbond_sat",
            "agreement.tolerance",
        ),
        (
            "bond_sat",
            "tolerance = { max_error_exp = 12, min_fail_exp = 3, max_spread_sat = 0 }\nbond_sat",
            "agreement.tolerance",
        ),
        ("quorum = \"2 of 3\"", "quorum = \"1 of 3\"", "measurement.quorum"),
        ("quorum = \"2 of 3\"", "quorum = \"2 of 2\"", "measurement.quorum"),
        ("quorum = \"2 of 3\"", "", "measurement.quorum"),
        ("name = \"two\"", "name = \"one\"", "oracle[1].name"),
        ("name = \"two\"", "name = \"oracle-2\"", "oracle[1].name"),
        ("name = \"two\"", "name = \"buyer\"", "oracle[1].name"),
        ("name = \"north\"", "name = \"three\"", "vantage[0].name"),
        ("name = \"north\"", "name = \"north\"\nclock = \"late\"", "vantage[0].clock"),
        ("\"north\", \"two\"]", "\"north\", \"west\"]", "timeline[0].seen_by[1]"),
        ("\"north\", \"two\"]", "\"north\", \"north\"]", "timeline[0].seen_by[1]"),
        ("\"north\", \"two\"]", "]", "timeline[0].seen_by"),
        ("down = true", "error_share_ppm = 1_000", "timeline[0].error_share_ppm"),
        ("status = 500", "oracle_offline = true", "timeline[1].oracle_offline"),
        (fault, "kill = \"four\"", "fault[0].kill"),
        (fault, "cut = \"north-four\"\nlasts = \"5m\"", "fault[0].cut"),
        (fault, "silent = \"north\"", "fault[0].silent"),
        (fault, "silent = \"one\"\nrestart_after = \"5m\"", "fault[0].restart_after"),
        (fault, "lying = \"one\"", "fault[0].says"),
        (fault, "kill = \"one\"\nsays = \"up\"", "fault[0].says"),
        (fault, "set_back = \"2026-03-02T12:00:00Z\"", "fault[0].oracle"),
        (fault, "reorg = 1\noracle = \"one\"", "fault[0].oracle"),
        ("[expect]", "[clocks]\noracle = \"2m behind\"\n[expect]", "clocks.oracle"),
        (
            "provider = \"settled\"",
            "[[expect.oracle]]\nname = \"north\"\nnothing = true",
            "expect.oracle[0].name",
        ),
        ("provider = \"settled\"", "[[expect.oracle]]\nname = \"one\"", "expect.oracle[0]"),
        (
            "provider = \"settled\"",
            "[[expect.oracle]]\nname = \"one\"\nnothing = true\noutcome_ppm = 0",
            "expect.oracle[0]",
        ),
    ];
    for (old, new, expected) in cases {
        assert!(good.contains(old), "{old}");
        match parse(&good.replacen(old, new, 1)) {
            Err(ScenarioError::Rule { field, rule, .. }) => assert_eq!(field, expected, "{new}: {rule}"),
            other => panic!("{old} -> {new}: {other:?}"),
        }
    }
}

#[test]
fn phases_overlap_only_where_nobody_sees_both() {
    let at = |seen_by: &str| {
        of_many()
            .replace("2026-03-02T12:30:00Z\"\nuntil", "2026-03-02T12:15:00Z\"\nuntil")
            .replace("status = 500", &format!("status = 500\nseen_by = [{seen_by}]"))
    };
    parse(&at("\"south\", \"one\"")).unwrap();
    assert!(parse(&at("\"south\", \"two\"")).is_err());
}

#[test]
fn a_liar_begins_where_its_probes_can_be_counted() {
    let lies = |at: &str| {
        let lie = format!("at = \"2026-03-02T{at}Z\"\nlying = \"two\"\nsays = \"up\"");
        parse(
            &of_many()
                .replace("at = \"2026-03-02T12:30:00Z\"\nkill = \"provider\"\nrestart_after = \"5m\"", &lie),
        )
    };
    lies("12:30:10").unwrap();
    lies("11:59:57").unwrap();
    assert!(lies("12:30:05").unwrap_err().to_string().contains("fault[0].at"));
}

#[test]
fn only_a_name_can_fail_to_be_looked_up() {
    let by_address = GOOD
        .replace("http://edge.example/health", "http://192.0.2.1/")
        .replace("down = true", "dns = \"nxdomain\"");
    let refused = parse(&by_address).unwrap_err().to_string();
    assert!(refused.contains(":19: timeline[0].dns: needs a name in measurement.target"), "{refused}");
}

#[test]
fn what_is_not_toml_is_refused_at_its_line() {
    for (old, new, line) in [("[expect]", "[expect", 31), ("price_sat = 100_000", "price_sat = ", 5)] {
        let (got, _, rule) = refusal(old, new);
        assert_eq!(got, line, "{rule}");
        assert!(rule.contains("is not TOML"), "{rule}");
    }
    let (line, _, _) = refusal("bond_sat = 50_000", "bond_sat = 50_000\nbond_sat = 50_000");
    assert_eq!(line, 7);
}

#[test]
fn a_schedule_that_would_pay_dust_is_refused_with_the_outcome() {
    let schedule = "schedule = [{ above = 1_000, price_back = \"99.5 %\", bond_forfeit = \"100 %\" }]";
    let (line, field, rule) = refusal("preset = \"amazon-s3-standard\"", schedule);
    assert_eq!((line, field.as_str()), (7, "agreement.schedule"));
    assert!(rule.contains("1001") && rule.contains("sat"), "{rule}");
}

#[test]
fn a_delivery_needs_a_body_to_hash_and_an_outcome_in_its_own_unit() {
    let lateness = "window = \"2026-03-02T12:00:00Z / PT1H\"\nindicator = \"lateness\"\nlate_unit = \"minute\"\nlate_max = 30\n\
                    deadline = \"2026-03-02T12:05:00Z\"";
    let (_, field, _) = refusal("window = \"2026-03-02T12:00:00Z / PT1H\"", lateness);
    assert_eq!(field, "measurement.body");
    let with_body = format!("{lateness}\nbody = \"data\"");
    let (_, field, rule) = refusal("window = \"2026-03-02T12:00:00Z / PT1H\"", &with_body);
    // The preset's schedule reaches beyond 30 minutes.
    assert_eq!(field, "agreement.preset", "{rule}");
}

/// Faults in place of the good file's, at these times of the day.
fn with_faults(faults: &[(&str, &str)]) -> Result<Scenario, ScenarioError> {
    let fault = |(at, what): &(&str, &str)| match at.contains(':') {
        true => format!("[[fault]]\nat = \"2026-03-02T{at}:00Z\"\n{what}\n"),
        false => format!("[[fault]]\n{what}\n"),
    };
    let (before, rest) = GOOD.split_once("[[fault]]").unwrap();
    let (_, after) = rest.split_once("[expect]").unwrap();
    let faults: String = faults.iter().map(fault).collect();
    parse(&format!("{before}{faults}[expect]{after}"))
}

#[test]
fn faults_that_make_no_sense_together_are_refused_with_both_of_them() {
    let kill = |who: &str| format!("kill = \"{who}\"\nrestart_after = \"30m\"");
    let full = |who: &str| format!("full_disk = \"{who}\"\nlasts = \"30m\"");
    let cut = |line: &str| format!("cut = \"{line}\"\nlasts = \"30m\"");
    let (forever, silent) = ("kill = \"provider\"".to_owned(), "silent = \"oracle\"".to_owned());
    let back = "set_back = \"2026-03-02T12:05:00Z\"".to_owned();
    let at_a_step = format!("at_step = \"provider: funded\"\n{forever}");
    let cases = [
        (("12:30", &forever), ("12:50", &forever), "kill", "the provider again, which was never restarted"),
        (("12:30", &forever), ("", &at_a_step), "kill", "the provider again, which was never restarted"),
        (("12:30", &kill("buyer")), ("12:50", &kill("buyer")), "kill", "dead until 2026-03-02T13:00:00Z"),
        (
            ("12:30", &kill("buyer")),
            ("12:50", &full("buyer")),
            "full_disk",
            "dead until 2026-03-02T13:00:00Z",
        ),
        (
            ("12:30", &full("buyer")),
            ("12:50", &full("buyer")),
            "full_disk",
            "full until 2026-03-02T13:00:00Z",
        ),
        (("12:30", &full("buyer")), ("12:29", &kill("buyer")), "at", "the fault above it"),
        (("12:30", &full("buyer")), ("12:45", &kill("provider")), "", ""),
        (("12:30", &full("buyer")), ("12:30", &kill("buyer")), "", ""),
        (("12:30", &full("buyer")), ("12:50", &full("provider")), "", ""),
        (("12:30", &full("buyer")), ("13:00", &full("buyer")), "", ""),
        (("12:00", &kill("oracle")), ("12:40", &back), "set_back", "dead until 2026-03-02T12:30:00Z"),
        (("12:20", &full("oracle")), ("12:40", &back), "set_back", "full until 2026-03-02T12:50:00Z"),
        (("12:30", &silent), ("12:50", &silent), "silent", "oracle, which is cut for good"),
        (("12:30", &cut("buyer-oracle")), ("12:50", &silent), "silent", "cut until 2026-03-02T13:00:00Z"),
        (("12:30", &cut("buyer-oracle")), ("12:50", &cut("provider-oracle")), "", ""),
        (("12:30", &cut("buyer-oracle")), ("12:50", &cut("buyer-oracle")), "cut", "between buyer and oracle"),
        (("12:30", &kill("bitcoind")), ("12:50", &"reorg = 2".to_owned()), "reorg", "the Bitcoin node"),
        (
            ("12:30", &kill("bitcoind")),
            ("12:50", &"fee_spike = 9".to_owned()),
            "fee_spike",
            "the Bitcoin node",
        ),
    ];
    for ((first_at, first), (second_at, second), expected, words) in cases {
        match with_faults(&[(first_at, first), (second_at, second)]) {
            Err(ScenarioError::Rule { field, rule, .. }) => {
                assert_eq!(field, format!("fault[1].{expected}"), "{first} + {second}: {rule}");
                assert!(rule.contains(words) && (expected == "at" || rule.contains("fault[0]")), "{rule}");
            }
            Ok(_) => assert_eq!(expected, "", "{first} + {second}"),
            Err(other) => panic!("{first} + {second}: {other}"),
        }
    }
    // Started again while its disk is still full.
    let refused =
        with_faults(&[("12:30", "full_disk = \"buyer\"\nlasts = \"50m\""), ("12:40", &kill("buyer"))]);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("fault[1].restart_after") && refused.contains("(fault[0])"), "{refused}");
}

#[test]
fn a_fault_begins_at_a_moment_or_at_a_step_that_there_is() {
    let kill = "kill = \"buyer\"\nrestart_after = \"5m\"";
    let step = |step: &str, what: &str| with_faults(&[("", &format!("at_step = \"{step}\"\n{what}"))]);
    for good in ["buyer: funded", "said: rfq", "said: dlc_accept", "heard: accept", "heard: dlc_sign"] {
        step(good, kill).unwrap();
        step(good, "reorg = 1").unwrap();
    }
    let cases = [
        ("oracle: funded", kill, "at_step"),
        ("said: funded", kill, "at_step"),
        ("heard: dlc_accept", kill, "at_step"),
        ("heard: quote", kill, "at_step"),
        ("said: rfq", "kill = \"buyer\"", "restart_after"),
        ("said: accept", "lying = \"oracle\"\nsays = \"up\"", "at"),
        ("said: accept", "at = \"2026-03-02T12:00:00Z\"\nreorg = 1", ""),
    ];
    for (at, what, field) in cases {
        let refused = step(at, what).unwrap_err().to_string();
        let path = format!("fault[0].{field}");
        assert!(refused.contains(path.trim_end_matches('.')), "{at}: {refused}");
    }
    // Who locks alone accepts the DLC offer, and so the provider makes it: as an answer.
    let alone = GOOD
        .replace("bond_sat = 50_000", "bond_sat = 0")
        .replace("at = \"2026-03-02T12:30:00Z\"", "at_step = \"STEP\"");
    parse(&alone.replace("STEP", "heard: dlc_accept")).unwrap();
    assert!(parse(&alone.replace("STEP", "heard: dlc_offer")).is_err());
}

/// The shipped market with something replaced: field and rule of the refusal.
fn market_refusal(old: &str, new: &str) -> (String, String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/market.toml");
    let good = std::fs::read_to_string(file).unwrap();
    assert!(good.contains(old), "{old}");
    match Play::parse(&good.replacen(old, new, 1), Path::new("market.toml")) {
        Err(ScenarioError::Rule { field, rule, .. }) => (field, rule),
        other => panic!("{old} -> {new}: {other:?}"),
    }
}

#[test]
fn a_markets_refusals_name_the_party_and_its_field() {
    let cases = [
        ("coin_sat       = 100_000", "coin_sat = 1", "market.coin_sat"),
        ("max_contract_sat         =  70_000\n", "", "market.mandate"),
        ("[market.expect]", "[expect]\noutcome_ppm = 0\n\n[market.expect]", "expect"),
        ("name        = \"boris\"", "name = \"ada\"", "market.buyer[1].name"),
        ("name        = \"ada\"", "name = \"oracle\"", "market.buyer[0].name"),
        ("provider = \"atlas\"", "provider = \"nobody\"", "market.buyer[0].worth[0].provider"),
        ("opening_sat = 60_000", "opening_sat = 70_001", "market.buyer[0].opening_sat"),
        ("final_sat  = 48_000", "final_sat = 60_001", "market.provider[0].final_sat"),
        ("least_sat  = 30_000", "least_sat = 60_001", "market.provider[0].least_sat"),
        ("bond_sat   = 30_000", "bond_sat = 999", "market.provider[0].bond_sat"),
        ("http://borealis.example", "http://atlas.example", "market.provider[1].target"),
        ("{ ppm = 0 }, { ppm = 0 }", "{ ppm = 0 }", "market.provider[0].expect.outcomes"),
        ("12:40:00Z", "12:40:07Z", "market.provider[2].timeline[0].from"),
        ("down  = true", "down = false", "market.provider[2].timeline[0]"),
        ("down  = true", "wrong_body = \"no\"", "market.provider[2].timeline[0].wrong_body"),
        ("down  = true", "oracle_offline = true", "market.provider[2].timeline[0]"),
        ("wants       = 4", "want = 4", "market.buyer[0].wants"),
    ];
    for (old, new, field) in cases {
        let (got, rule) = market_refusal(old, new);
        assert_eq!(got, field, "{old} -> {new}: {rule}");
    }
}

#[test]
fn no_text_makes_the_parser_panic() {
    let lines: Vec<&str> = GOOD.lines().collect();
    for cut in 0..GOOD.len() {
        let _ = parse(&GOOD[..cut]);
    }
    for left_out in 0..lines.len() {
        let kept: Vec<&str> =
            lines.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, line)| *line).collect();
        let _ = parse(&kept.join("\n"));
    }
    for odd in [
        "9999999999999999999999",
        "\"2026-99-02T12:00:00Z / PT1H\"",
        "{}",
        "[]",
        "nan",
        "\"\\u0000\"",
        "1979-05-27",
    ] {
        for line in lines.iter().filter(|line| line.contains(" = ")) {
            let key = line.split(" = ").next().unwrap();
            let _ = parse(&GOOD.replacen(line, &format!("{key} = {odd}"), 1));
        }
    }
}
