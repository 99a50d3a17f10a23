//! What a configuration may say.

use std::path::Path;

use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/earnest/oracle.toml"))
}

#[test]
fn two_lines_are_a_whole_configuration() {
    let config = parse("network = \"regtest\"\ndata_dir = \"data\"").unwrap();
    assert_eq!(config.data_dir, Path::new("/etc/earnest/data"));
    assert_eq!(config.publication_delay_s, 600);
    assert_eq!(config.journal_file(), Path::new("/etc/earnest/data/signing.journal"));
    assert!(!config.probe.allow_private_targets);
}

#[test]
fn the_published_example_is_read() {
    let text = include_str!("../../../../docs/examples/oracle.toml");
    let config = parse(text).unwrap();
    assert_eq!(config.references.len(), 2);
}

#[test]
fn an_unknown_field_is_named_with_its_line() {
    let error = parse("network = \"regtest\"\ndata_dir = \"d\"\nlisten_on = 1").unwrap_err().to_string();
    assert!(error.contains("listen_on") && error.contains("line 3"), "{error}");
}

const NORTH_AS_LOCAL: &str = "[[remote_vantage]]\nname = \"local\"\n\
     key = \"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\"";
const NO_KEY: &str = "[[remote_vantage]]\nname = \"north\"\n\
     key = \"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"";

#[test]
fn the_published_vantage_is_read_and_is_one() {
    let config = parse(include_str!("../../../../docs/examples/vantage.toml")).unwrap();
    assert!(config.is_vantage() && config.remote_vantages.is_empty());
}

#[test]
fn a_broken_rule_names_its_field() {
    let requester = format!("[[requester]]\nname = \"a\"\nkey = \"{}\"\n", "07".repeat(32));
    let cases = [
        ("vantage = \"Frankfurt 1\"", "vantage"),
        ("publication_delay_s = 99999999", "publication_delay_s"),
        ("references_needed = 2\n[[reference]]\nurl = \"http://a.example\"", "references_needed"),
        ("[[reference]]\nurl = \"ftp://a.example\"", "reference.url"),
        ("[probe]\nflush_every_s = 0", "probe.flush_every_s"),
        ("[probe]\nflush_every_s = 9000000000000000000", "probe.flush_every_s"),
        ("[probe]\nreference_timeout_ms = 0", "probe.reference_timeout_ms"),
        ("[limits]\nrequests = 9000000000000000000", "limits.requests"),
        ("[limits]\nprobes = 9000000000000000000", "limits.probes"),
        ("[limits]\nstream_readers = 9000000000000000000", "limits.stream_readers"),
        ("[rate]\nburst = 0", "rate.burst"),
        ("[policy]\nprice_hook = \"https://pay.example/\"", "policy.price_hook"),
        ("[[alias]]\nasset = \"edge\"\nhost = \"edge.example\"", "alias.asset"),
        ("[[alias]]\nasset = \"edge01\"", "alias"),
        ("[policy]\naccept = \"keys\"", "policy.accept"),
        (&format!("{requester}{requester}"), "requester.key"),
        ("vantage_grace_s = 600", "vantage_grace_s"),
        (NORTH_AS_LOCAL, "remote_vantage.name"),
        (NO_KEY, "remote_vantage.key"),
        (
            "[[oracle]]\nurl = \"ftp://a.example\"\nkey = \"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\"",
            "oracle.url",
        ),
        ("[[resolve]]\nhost = \"192.0.2.1\"\naddr = \"127.0.0.1:80\"", "resolve.host"),
        ("[[resolve]]\nhost = \"edge.example\"", "resolve"),
        ("[[resolve]]\nhost = \"edge.example\"\naddr = \"127.0.0.1:80\"\nport = 80", "resolve"),
    ];
    for (line, field) in cases {
        let text = format!("network = \"regtest\"\ndata_dir = \"d\"\n{line}");
        let error = parse(&text).unwrap_err();
        assert!(matches!(&error, ConfigError::Invalid { field: f, .. } if f == field), "{error}");
    }
}
