//! The kinds of target: how each is written, and which of its rules is broken.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use crate::common;

use common::{MEASUREMENT, refused_measurement, with};
use serde_json::{Value, json};
use terms::{Measurement, Target};

fn accepted(target: &Value) -> Measurement {
    Measurement::parse(&with(MEASUREMENT, &[("/target", target.clone())])).unwrap()
}

/// `target` is good; each change to it breaks a rule of the field that is named beside it.
fn each_is_refused(target: &Value, cases: &[(&str, Value, &str)]) {
    accepted(target);
    for (pointer, value, field) in cases {
        let whole = format!("/target{pointer}");
        let error = refused_measurement(&[("/target", target.clone()), (&whole, value.clone())]);
        assert_eq!(error.field, format!("target.{field}"), "{pointer} = {value}: {}", error.rule);
    }
}

fn http() -> Value {
    json!({
        "url": "https://edge.example/v1/jobs",
        "method": "POST",
        "headers": [{"name": "accept", "value": "application/json"}, {"name": "x-probe", "value": "1"}],
        "body": "{\"dry_run\":true}",
        "timeout_ms": 5000,
        "expect": {
            "status_from": 200,
            "status_to": 202,
            "status_also": [{"from": 208, "to": 208}, {"from": 409, "to": 410}],
            "body_matches": "^\\{\"id\":\\d+",
            "body_min_bytes": 2,
            "body_max_bytes": 65536,
            "json": [
                {"pointer": "/state", "equals": "done"},
                {"pointer": "/queue/length", "at_most": "12.5"},
                {"pointer": "/a~1b", "at_least": "-3"}
            ],
            "json_schema": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "integer", "minimum": 1}, "state": {"enum": ["done", "open"]}},
                "additionalProperties": false
            },
            "certificate_valid_s": 604800
        }
    })
}

#[test]
fn every_kind_of_target_is_written_again_as_it_was_read() {
    let key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    for (target, words) in [
        (http(), "https://edge.example/v1/jobs"),
        (json!({"tcp": {"host": "db.example", "port": 5432, "timeout_ms": 2000}}), "tcp://db.example:5432"),
        (json!({"tcp": {"host": "2001:db8::1", "port": 1, "timeout_ms": 1}}), "tcp://[2001:db8::1]:1"),
        (
            json!({"tls": {"host": "mx.example", "port": 993, "timeout_ms": 2000, "certificate_valid_s": 86400}}),
            "tls://mx.example:993",
        ),
        (
            json!({"dns": {"name": "_dmarc.edge.example", "record": "TXT", "timeout_ms": 2000,
                "answers": ["v=DMARC1; p=reject"], "server": "[2001:db8::53]:53"}}),
            "dns:_dmarc.edge.example?type=TXT",
        ),
        (json!({"heartbeat": {"name": "nightly-backup", "key": key}}), "heartbeat:nightly-backup"),
    ] {
        let measurement = accepted(&target);
        assert_eq!(serde_json::to_value(&measurement.target).unwrap(), target);
        assert_eq!(measurement.target.to_string(), words);
        assert_eq!(Measurement::parse(&measurement.canonical()).unwrap(), measurement);
    }
}

#[test]
fn a_target_is_one_kind_and_an_error_says_where_in_it() {
    let tcp = json!({"tcp": {"host": "db.example", "port": 5432, "timeout_ms": 2000}});
    each_is_refused(
        &tcp,
        &[
            ("/tcp/port", json!(65536), "tcp.port"),
            ("/tcp/port", json!(0), "tcp.port"),
            ("/tcp/port", json!("5432"), "tcp.port"),
            ("/tcp/port", Value::Null, "tcp.port"),
            ("/tcp/path", json!("/"), "tcp.path"),
            ("/tcp/timeout_ms", json!(15_001), "tcp.timeout_ms"),
            ("/udp", json!({}), "udp"),
        ],
    );
    for (pointer, value) in [
        ("/target/url", json!("http://edge.example/")),
        ("/target/dns", json!({"name": "a", "record": "A", "timeout_ms": 1})),
    ] {
        let error = refused_measurement(&[("/target", tcp.clone()), (pointer, value)]);
        assert_eq!(error.field, "target", "{}", error.rule);
    }
    assert_eq!(refused_measurement(&[("/target", json!({}))]).field, "target.url");
    assert_eq!(refused_measurement(&[("/target/expect", Value::Null)]).field, "target.expect");
    assert_eq!(refused_measurement(&[("/target/tcp", json!([]))]).field, "target.tcp");
}

#[test]
fn hosts_have_one_spelling() {
    for host in [
        "",
        "DB.example",
        "db.example.",
        "db..example",
        "-db.example",
        "db_1.example",
        "1.2.3",
        "1.2.3.4.5",
        "2001:0db8::1",
        "[::1]",
        "db.example:80",
        "db example",
        "dü.example",
        "a/b",
    ] {
        let tcp = json!({"tcp": {"host": host, "port": 1, "timeout_ms": 1}});
        assert_eq!(refused_measurement(&[("/target", tcp)]).field, "target.tcp.host", "{host:?}");
    }
    let long = format!("{}example", "x.".repeat(130));
    let tls = json!({"tls": {"host": long, "port": 1, "timeout_ms": 1}});
    assert_eq!(refused_measurement(&[("/target", tls)]).field, "target.tls.host");
    for host in ["db", "127.0.0.1", "::1", "xn--d-xga.example", "1.example"] {
        accepted(&json!({"tls": {"host": host, "port": 1, "timeout_ms": 1}}));
    }
}

#[test]
fn answers_of_dns_are_of_the_type_that_was_asked_for() {
    let dns = |record: &str, answers: Value| json!({"dns": {"name": "a.example", "record": record, "timeout_ms": 1, "answers": answers}});
    for (record, answers) in [
        ("A", json!(["192.0.2.1", "192.0.2.2"])),
        ("AAAA", json!(["2001:db8::1"])),
        ("CNAME", json!(["b.example"])),
        ("MX", json!(["10 mx1.example", "20 mx2.example"])),
        ("NS", json!(["ns1.example"])),
        ("TXT", json!(["v=spf1 -all"])),
    ] {
        accepted(&dns(record, answers));
    }
    for (record, answers, field) in [
        ("A", json!(["2001:db8::1"]), "answers[0]"),
        ("A", json!(["192.0.2.2", "192.0.2.1"]), "answers[1]"),
        ("A", json!(["192.0.2.1", "192.0.2.1"]), "answers[1]"),
        ("AAAA", json!(["2001:DB8::1"]), "answers[0]"),
        ("CNAME", json!(["b.example."]), "answers[0]"),
        ("MX", json!(["mx1.example"]), "answers[0]"),
        ("MX", json!(["010 mx1.example"]), "answers[0]"),
        ("TXT", json!([""]), "answers[0]"),
        ("TXT", json!(["a\u{1b}"]), "answers[0]"),
        ("A", json!([]), "answers"),
        ("SOA", json!(["a"]), "record"),
    ] {
        let error = refused_measurement(&[("/target", dns(record, answers.clone()))]);
        assert_eq!(error.field, format!("target.dns.{field}"), "{record} {answers}: {}", error.rule);
    }
    let many: Vec<_> = (0..33).map(|number| format!("192.0.2.{number:03}")).collect();
    assert_eq!(refused_measurement(&[("/target", dns("TXT", json!(many)))]).field, "target.dns.answers");
    let whole =
        json!({"dns": {"name": "a.example", "record": "A", "timeout_ms": 1, "server": "ns1.example:53"}});
    let mut cases = vec![("/dns/name", json!("A.example"), "dns.name"), ("/dns/name", json!(""), "dns.name")];
    for server in
        ["ns1.example", ":53", "ns1.example:", "ns1.example:0", "ns1.example:053", "::1:53", "[ns1]:53"]
    {
        cases.push(("/dns/server", json!(server), "dns.server"));
    }
    each_is_refused(&whole, &cases);
}

#[test]
fn what_http_asks_for_is_bounded_and_has_one_spelling() {
    let header = |name: &str, value: &str| json!({"name": name, "value": value});
    each_is_refused(
        &http(),
        &[
            ("/headers/0/name", json!("Accept"), "headers[0].name"),
            ("/headers/0/name", json!("host"), "headers[0].name"),
            ("/headers/0/name", json!("transfer-encoding"), "headers[0].name"),
            ("/headers/0/name", json!(""), "headers[0].name"),
            ("/headers/0/name", json!("x-probe"), "headers[1].name"),
            ("/headers/0/value", json!("a\r\nb: c"), "headers[0].value"),
            ("/headers/0/value", json!(" a"), "headers[0].value"),
            ("/headers/0/value", json!("x".repeat(1025)), "headers[0].value"),
            (
                "/headers",
                json!((0..17).map(|i| header(&format!("x-{i:02}"), "")).collect::<Vec<_>>()),
                "headers",
            ),
            ("/headers", json!([]), "headers"),
            ("/body", json!("x".repeat(4097)), "body"),
            ("/body", json!(""), "body"),
            ("/method", json!("GET"), "body"),
            ("/redirects", json!(3), "redirects"),
            ("/url", json!("http://edge.example/"), "expect.certificate_valid_s"),
        ],
    );
    let get = json!({"url": "http://edge.example/", "method": "GET", "timeout_ms": 1, "redirects": 10,
        "expect": {"status_from": 200, "status_to": 200, "body_max_bytes": 0}});
    each_is_refused(&get, &[("/redirects", json!(0), "redirects"), ("/redirects", json!(11), "redirects")]);
}

#[test]
fn what_an_answer_must_be_is_bounded() {
    let check = |fields: Value| json!([fields]);
    each_is_refused(
        &http(),
        &[
            ("/expect/status_also/0/from", json!(202), "expect.status_also[0].from"),
            ("/expect/status_also/0/to", json!(207), "expect.status_also[0].to"),
            ("/expect/status_also/1/from", json!(208), "expect.status_also[1].from"),
            ("/expect/status_also/1/to", json!(600), "expect.status_also[1].to"),
            ("/expect/body_matches", json!("("), "expect.body_matches"),
            ("/expect/body_matches", json!(""), "expect.body_matches"),
            ("/expect/body_matches", json!("x".repeat(513)), "expect.body_matches"),
            ("/expect/body_matches", json!("((a{100}){100}){100}"), "expect.body_matches"),
            ("/expect/body_matches", json!("(".repeat(200) + &")".repeat(200)), "expect.body_matches"),
            ("/expect/body_min_bytes", json!(0), "expect.body_min_bytes"),
            ("/expect/body_min_bytes", json!(65537), "expect.body_min_bytes"),
            ("/expect/certificate_valid_s", json!(0), "expect.certificate_valid_s"),
            ("/expect/json/0/pointer", json!("state"), "expect.json[0].pointer"),
            ("/expect/json/0/pointer", json!("/a~2"), "expect.json[0].pointer"),
            ("/expect/json/0/pointer", json!("/a~"), "expect.json[0].pointer"),
            ("/expect/json", check(json!({"pointer": ""})), "expect.json[0]"),
            ("/expect/json", check(json!({"pointer": "", "equals": 1, "at_most": "2"})), "expect.json[0]"),
            ("/expect/json", check(json!({"pointer": "", "equals": {}})), "expect.json[0].equals"),
            ("/expect/json", check(json!({"pointer": "", "at_most": "1.50"})), "expect.json[0].at_most"),
            ("/expect/json", check(json!({"pointer": "", "at_most": 1})), "expect.json[0].at_most"),
        ],
    );
}

#[test]
fn a_schema_has_keywords_that_every_oracle_reads_alike() {
    for (schema, field) in [
        (json!(true), ""),
        (json!({"$ref": "https://elsewhere.example/schema"}), ".$ref"),
        (json!({"allOf": [{}]}), ".allOf"),
        (json!({"type": "float"}), ".type"),
        (json!({"type": []}), ".type"),
        (json!({"properties": {"a": {"format": "email"}}}), ".properties.a.format"),
        (json!({"properties": {"a\u{1b}": {}}}), ".properties"),
        (json!({"items": {"pattern": "("}}), ".items.pattern"),
        (json!({"required": ["a", "a"]}), ".required"),
        (json!({"uniqueItems": true}), ".uniqueItems"),
        (json!({"description": "x".repeat(16 * 1024)}), ""),
        (
            json!({"items": {"items": {"items": {"items": {"items": {"items": {"items": {"items": {}}}}}}}}}),
            "",
        ),
    ] {
        let error = refused_measurement(&[("/target/expect/json_schema", schema.clone())]);
        assert_eq!(error.field, format!("target.expect.json_schema{field}"), "{schema}: {}", error.rule);
    }
    let good = json!({"type": ["array", "null"], "maxItems": 10, "uniqueItems": true,
        "items": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 9}});
    let changes = [("/target/expect/json_schema", good)];
    Measurement::parse(&with(MEASUREMENT, &changes)).unwrap();
}

#[test]
fn an_answer_to_head_has_no_body_to_look_at() {
    let head = ("/target/method", json!("HEAD"));
    for (name, value) in [
        ("body_matches", json!("a")),
        ("body_min_bytes", json!(1)),
        ("json", json!([{"pointer": "", "equals": 1}])),
        ("json_schema", json!({})),
    ] {
        let pointer = format!("/target/expect/{name}");
        let error = refused_measurement(&[head.clone(), (&pointer, value)]);
        assert_eq!(error.field, format!("target.expect.{name}"));
    }
}

#[test]
fn heartbeats_have_a_key_and_no_latency() {
    let beats = json!({"heartbeat": {"name": "a", "key": "00".repeat(32)}});
    each_is_refused(
        &beats,
        &[
            ("/heartbeat/name", json!("A b"), "heartbeat.name"),
            ("/heartbeat/key", json!("00"), "heartbeat.key"),
            ("/heartbeat/timeout_ms", json!(1), "heartbeat.timeout_ms"),
        ],
    );
    let latency = json!({"latency": {"threshold_ms": 100}});
    let error = refused_measurement(&[("/target", beats.clone()), ("/indicator", latency)]);
    assert_eq!(error.field, "indicator.latency.threshold_ms");
    assert_eq!(accepted(&beats).target.timeout_ms(), None);
    assert!(matches!(accepted(&beats).target, Target::Heartbeat(_)));
}
