//! DNS: answers, wrong answers, none, and names that lead elsewhere a moment later.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::http::HeaderMap;
use clock::barrier::Barrier;
use earnest_oracle::config::Config;
use earnest_oracle::probe::{Cause, Prober};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, MX, NS, TXT};
use hickory_resolver::proto::rr::{RData, RecordType};
use serde_json::{Value, json};
use terms::Target;
use testbed::{NameServer, Reply};

use super::{cause, http, nobody, probe, prober, serve, target};
use crate::common::START;

fn dns(change: impl FnOnce(&mut Value)) -> Target {
    let mut dns = json!({ "name": "edge.example", "record": "A", "timeout_ms": 20_000 });
    change(&mut dns);
    target(json!({ "dns": dns }))
}

async fn name_server(answer: impl Fn(&Query, usize) -> Reply + Send + Sync + 'static) -> NameServer {
    NameServer::start(answer).await.unwrap()
}

/// Its resolver is the test's server.
fn asking(server: &NameServer) -> Prober {
    prober(&format!("[probe]\ndns_server = \"{}\"\n", server.addr()))
}

fn address(last: u8) -> RData {
    RData::A(A::new(192, 0, 2, last))
}

fn name(text: &str) -> hickory_resolver::proto::rr::Name {
    text.parse().unwrap()
}

/// One record of each type that a measurement can ask for.
fn zone(record: RecordType) -> Vec<RData> {
    match record {
        RecordType::A => vec![address(1), address(2)],
        RecordType::AAAA => vec![RData::AAAA(AAAA("2001:db8::1".parse().unwrap()))],
        RecordType::CNAME => vec![RData::CNAME(CNAME(name("Other.Example.")))],
        RecordType::MX => vec![RData::MX(MX::new(10, name("mail.example.")))],
        RecordType::NS => vec![RData::NS(NS(name("ns1.example.")))],
        RecordType::TXT => vec![RData::TXT(TXT::new(vec!["v=spf1 ".to_owned(), "-all".to_owned()]))],
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn every_type_of_record_is_asked_for_and_compared() {
    let server = name_server(|query, _| Reply::Records(zone(query.query_type()))).await;
    let prober = asking(&server);
    for (record, good, other) in [
        ("A", "192.0.2.2", "192.0.2.3"),
        ("AAAA", "2001:db8::1", "2001:db8::2"),
        ("CNAME", "other.example", "edge.example"),
        ("MX", "10 mail.example", "20 mail.example"),
        ("NS", "ns1.example", "ns2.example"),
        ("TXT", "v=spf1 -all", "v=spf1"),
    ] {
        let asks = |answers: Value| dns(|t| (t["record"], t["answers"]) = (json!(record), answers));
        let observation = probe(&prober, &asks(json!([good]))).await;
        assert_eq!(observation.cause, None, "{record}");
        assert!(observation.phases.dns_us.is_some() && observation.phases.connect_us.is_none());
        assert_eq!(cause(&prober, &asks(json!([]))).await, None, "{record}");
        assert_eq!(cause(&prober, &asks(json!([good, other]))).await, Some(Cause::DnsAnswer), "{record}");
    }
}

#[tokio::test]
async fn every_way_not_to_answer_has_its_name() {
    type Replies = fn() -> Reply;
    let table: [(Replies, Cause); 6] = [
        (|| Reply::Code(ResponseCode::NXDomain), Cause::DnsNoName),
        (|| Reply::Records(Vec::new()), Cause::DnsNoRecord),
        (|| Reply::Code(ResponseCode::ServFail), Cause::DnsCode(2)),
        (|| Reply::Code(ResponseCode::Refused), Cause::DnsCode(5)),
        (|| Reply::Code(ResponseCode::NotImp), Cause::DnsCode(4)),
        (
            || Reply::Records(vec![RData::TXT(TXT::new(vec!["not an address".to_owned()]))]),
            Cause::DnsNoRecord,
        ),
    ];
    for (reply, fault) in table {
        let server = name_server(move |_, _| reply()).await;
        assert_eq!(cause(&asking(&server), &dns(|_| ())).await, Some(fault));
    }
}

#[tokio::test]
async fn junk_is_no_answer() {
    type Replies = fn() -> Reply;
    let table: [Replies; 5] = [
        || Reply::Silence,
        || Reply::Junk(Vec::new()),
        || Reply::Junk(vec![0xff; 3_000]),
        || Reply::Junk(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        || Reply::Mistaken(vec![address(1)]),
    ];
    for reply in table {
        let server = name_server(move |_, _| reply()).await;
        let fault = cause(&asking(&server), &dns(|t| t["timeout_ms"] = json!(600))).await;
        assert!(matches!(fault, Some(Cause::Timeout | Cause::DnsBroken)), "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_fetched_over_tcp() {
    let server = name_server(|_, _| Reply::Truncated((0..200).map(address).collect())).await;
    let target = dns(|t| t["answers"] = json!(["192.0.2.199"]));
    assert_eq!(cause(&asking(&server), &target).await, None);
}

#[tokio::test]
async fn a_lost_packet_is_no_outage_and_nothing_is_remembered() {
    let server =
        name_server(
            |_, number| {
                if number.is_multiple_of(2) { Reply::Silence } else { Reply::Records(vec![address(1)]) }
            },
        )
        .await;
    let prober = asking(&server);
    let check = prober.prepare_target(&dns(|t| t["timeout_ms"] = json!(3_000)), None).unwrap();
    for probes in 1..=2 {
        assert_eq!(prober.probe(&check).await.cause, None);
        assert_eq!(server.asked(), 2 * probes);
    }
}

#[tokio::test]
async fn a_measurement_may_name_the_server_but_none_of_the_oracles_own_network() {
    let server = name_server(|_, _| Reply::Records(vec![address(1)])).await;
    let port = server.addr().port();
    let named = |host: &str| dns(|t| t["server"] = json!(format!("{host}:{port}")));
    let guarded = prober("");
    for host in ["127.0.0.1", "169.254.169.254", "[::1]"] {
        assert_eq!(guarded.prepare_target(&named(host), None).unwrap_err().field, "target.dns.server");
    }
    assert_eq!(cause(&guarded, &named("localhost")).await, Some(Cause::Forbidden));
    assert_eq!(server.asked(), 0);
    let open = prober("[probe]\nallow_private_targets = true\n");
    assert_eq!(cause(&open, &named("127.0.0.1")).await, None);
    assert_eq!(cause(&open, &named("localhost")).await, None);
    let led = prober(&super::led_to("ns1.example", server.addr()));
    assert_eq!(cause(&led, &named("ns1.example")).await, None);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_not_there() {
    let prober = prober(&format!("[probe]\ndns_server = \"{}\"\n", nobody()));
    let fault = cause(&prober, &dns(|t| t["timeout_ms"] = json!(2_000))).await;
    assert!(matches!(fault, Some(Cause::Connect | Cause::Timeout)), "{fault:?}");
}

/// A name of a stranger's that leads to a public address when it is judged, and into the oracle's network when it is
/// connected to, would need two lookups. There is one.
#[tokio::test]
async fn a_name_that_leads_elsewhere_a_moment_later_leads_nowhere() {
    let touched = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&touched);
    let inside =
        Router::new().fallback(move || async move { counter.fetch_add(1, Ordering::SeqCst).to_string() });
    let port = serve(inside).await.port();
    // An address that was given back, and that nobody routes.
    let public = RData::AAAA(AAAA("3ffe::1".parse::<Ipv6Addr>().unwrap()));
    let own = RData::A(A::new(127, 0, 0, 1));
    let server = name_server(move |query, number| {
        let is_v6 = query.query_type() == RecordType::AAAA;
        match (number < 2, is_v6) {
            (true, true) => Reply::Records(vec![public.clone()]),
            (false, false) => Reply::Records(vec![own.clone()]),
            _ => Reply::Records(Vec::new()),
        }
    })
    .await;
    let prober = asking(&server);
    let target = http("/", |t| {
        t["url"] = json!(format!("http://rebind.example:{port}/"));
        t["timeout_ms"] = json!(1_000);
    });
    let first = cause(&prober, &target).await;
    assert!(matches!(first, Some(Cause::Connect | Cause::Timeout)), "{first:?}");
    assert_eq!(cause(&prober, &target).await, Some(Cause::Forbidden));
    assert_eq!(touched.load(Ordering::SeqCst), 0);
}

/// The name server that an operator names decides where targets are, so that an outage of DNS can be replayed.
#[tokio::test]
async fn targets_are_found_by_the_configured_name_server() {
    let service = serve(Router::new().fallback(|| async { "here" })).await;
    let server = name_server(|query, number| match (number < 2, query.query_type()) {
        (true, RecordType::A) => Reply::Records(vec![RData::A(A::new(127, 0, 0, 1))]),
        (true, _) => Reply::Records(Vec::new()),
        (false, _) => Reply::Code(ResponseCode::NXDomain),
    })
    .await;
    let lines = format!(
        "[probe]\nallow_private_targets = true\nkeep_alive = false\ndns_server = \"{}\"\n",
        server.addr()
    );
    let prober = prober(&lines);
    let target = http("/", |t| t["url"] = json!(format!("http://service.example:{}/", service.port())));
    let up = probe(&prober, &target).await;
    assert_eq!(up.cause, None);
    assert!(up.phases.dns_us.is_some() && up.phases.connect_us.is_some());
    assert_eq!(cause(&prober, &target).await, Some(Cause::Name));
}

/// A service that is found by the test's name server, at its own port.
fn finding(server: &NameServer, service: SocketAddr) -> String {
    format!(
        "[probe]\nallow_private_targets = true\nkeep_alive = false\ndns_server = \"{}\"\n\
         [[resolve]]\nhost = \"service.example\"\nport = {}\n",
        server.addr(),
        service.port()
    )
}

#[tokio::test]
async fn a_name_can_be_looked_up_and_lead_to_another_port() {
    let service = serve(Router::new().fallback(|headers: HeaderMap| async move {
        headers["host"].to_str().unwrap_or_default().to_owned()
    }))
    .await;
    let server = name_server(|query, _| match query.query_type() {
        RecordType::A => Reply::Records(vec![RData::A(A::new(127, 0, 0, 1))]),
        _ => Reply::Records(Vec::new()),
    })
    .await;
    let target = http("/", |t| {
        t["url"] = json!("http://service.example/");
        t["expect"]["body_contains"] = json!("service.example");
    });
    assert_eq!(cause(&prober(&finding(&server, service)), &target).await, None);
    assert_eq!(server.asked(), 2, "the name was looked up");
}

/// What would take half a minute takes none: the answer says how late it is.
#[tokio::test]
async fn a_late_name_server_is_late_in_simulated_time_and_nobody_waits() {
    let service = serve(Router::new().fallback(|| async { "here" })).await;
    let late_ms = Arc::new(AtomicU32::new(4_000));
    let latency = Arc::clone(&late_ms);
    let server = name_server(move |query, _| {
        let records = match query.query_type() {
            RecordType::A => vec![RData::A(A::new(127, 0, 0, 1))],
            _ => Vec::new(),
        };
        Reply::Late { records, latency_ms: latency.load(Ordering::SeqCst) }
    })
    .await;
    let barrier = Barrier::bind(START * 1000).await.unwrap();
    let clock = barrier.clock().await.unwrap();
    let (_busy, dir) = (clock.busy().await, tempfile::tempdir().unwrap());
    let path = dir.path().join("oracle.toml");
    let lines = finding(&server, service);
    std::fs::write(&path, format!("network = \"regtest\"\ndata_dir = \".\"\n{lines}")).unwrap();
    let simulated = Prober::new(&Config::load(&path).unwrap(), &clock).unwrap();
    let page = http("/", |t| {
        (t["url"], t["timeout_ms"]) = (json!("http://service.example/"), json!(5_000));
    });
    let name = dns(|t| t["timeout_ms"] = json!(5_000));
    for target in [&page, &name] {
        late_ms.store(4_000, Ordering::SeqCst);
        let seen = probe(&simulated, target).await;
        assert_eq!((seen.cause, seen.latency_ms), (None, 4_000));
        late_ms.store(u32::MAX, Ordering::SeqCst);
        let seen = probe(&simulated, target).await;
        assert_eq!((seen.cause, seen.latency_ms), (Some(Cause::Timeout), 5_000));
    }
    assert_eq!(cause(&prober(&lines), &page).await, None, "by the machine's own clock nobody's word counts");
}
