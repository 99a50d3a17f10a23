//! The rules of each kind of target.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{http, names};
use crate::canonical::{DocumentError, ensure};
use crate::measurement::{DnsTarget, HeartbeatTarget, RecordType, Target, TcpTarget, TlsTarget};

const MAX_TIMEOUT_MS: u64 = 60_000;
const MAX_ANSWERS: usize = 32;
const MAX_ANSWER_BYTES: usize = 255;

/// Ten years: longer than any certificate's whole life.
const MAX_CERTIFICATE_S: u64 = 315_360_000;

/// Checks a target.
pub(super) fn check(target: &Target, probe_every_ms: u64) -> Result<(), DocumentError> {
    let kind = target.kind();
    match target {
        Target::Http(it) => http::check(it, probe_every_ms),
        Target::Tcp(it) => tcp(it, probe_every_ms).map_err(|error| error.within(kind)),
        Target::Tls(it) => tls(it, probe_every_ms).map_err(|error| error.within(kind)),
        Target::Dns(it) => dns(it, probe_every_ms).map_err(|error| error.within(kind)),
        Target::Heartbeat(it) => heartbeat(it).map_err(|error| error.within(kind)),
    }
}

/// So a vantage never has two probes of one target under way.
pub(super) fn timeout(timeout_ms: u64, probe_every_ms: u64) -> Result<(), DocumentError> {
    ensure((1..=MAX_TIMEOUT_MS).contains(&timeout_ms), "timeout_ms", "must be from 1 to 60000")?;
    ensure(timeout_ms <= probe_every_ms, "timeout_ms", "must be at most probe_every_ms")
}

/// For how long a certificate must still be valid.
pub(super) fn certificate(valid_s: Option<u64>) -> Result<(), DocumentError> {
    let holds = valid_s.is_none_or(|valid_s| (1..=MAX_CERTIFICATE_S).contains(&valid_s));
    ensure(holds, "certificate_valid_s", "must be from 1 to 315360000 (ten years)")
}

fn tcp(target: &TcpTarget, probe_every_ms: u64) -> Result<(), DocumentError> {
    names::host("host", &target.host)?;
    names::port("port", target.port)?;
    timeout(target.timeout_ms, probe_every_ms)
}

fn tls(target: &TlsTarget, probe_every_ms: u64) -> Result<(), DocumentError> {
    names::host("host", &target.host)?;
    names::port("port", target.port)?;
    certificate(target.certificate_valid_s)?;
    timeout(target.timeout_ms, probe_every_ms)
}

fn dns(target: &DnsTarget, probe_every_ms: u64) -> Result<(), DocumentError> {
    ensure(
        names::is_dns_name(&target.name),
        "name",
        "must be a name in lower case without a dot at its end",
    )?;
    timeout(target.timeout_ms, probe_every_ms)?;
    if let Some(server) = &target.server {
        names::authority("server", server)?;
    }
    ensure(target.answers.len() <= MAX_ANSWERS, "answers", "must be at most 32")?;
    for (index, answer) in target.answers.iter().enumerate() {
        let field = format!("answers[{index}]");
        ensure(is_answer(target.record, answer), &field, answer_rule(target.record))?;
        let before = index.checked_sub(1).and_then(|before| target.answers.get(before));
        ensure(
            before.is_none_or(|before| before < answer),
            &field,
            "must come after the one before it: answers ascend, each once",
        )?;
    }
    Ok(())
}

fn is_answer(record: RecordType, text: &str) -> bool {
    match record {
        RecordType::A => text.parse::<Ipv4Addr>().is_ok(),
        RecordType::Aaaa => text.parse::<Ipv6Addr>().is_ok_and(|address| address.to_string() == text),
        RecordType::Cname | RecordType::Ns => names::is_dns_name(text),
        RecordType::Mx => text.split_once(' ').is_some_and(|(preference, name)| {
            let number = preference.parse::<u16>().ok();
            number.is_some_and(|number| number.to_string() == preference) && names::is_dns_name(name)
        }),
        RecordType::Txt => {
            (1..=MAX_ANSWER_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
        }
    }
}

fn answer_rule(record: RecordType) -> &'static str {
    match record {
        RecordType::A => "must be an IPv4 address",
        RecordType::Aaaa => "must be an IPv6 address in normal form",
        RecordType::Cname | RecordType::Ns => "must be a name in lower case without a dot at its end",
        RecordType::Mx => "must be a preference and a name, such as \"10 mail.example\"",
        RecordType::Txt => "must be 1 to 255 bytes of text without control characters",
    }
}

fn heartbeat(target: &HeartbeatTarget) -> Result<(), DocumentError> {
    let name = &target.name;
    let holds = (1..=64).contains(&name.len())
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
    ensure(holds, "name", "must be 1 to 64 characters of a-z, 0-9, -, _ and .")
}
