//! TCP and TLS: whether a connection comes about, and with whose certificate.

use std::path::Path;

use earnest_oracle::probe::{Cause, Prober};
use serde_json::{Value, json};
use terms::Target;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::tls::{Authority, Identity, TlsService};
use super::{cause, led_to, nobody, probe, prober, prober_in, raw, target};

const DAY: u64 = 86_400;

fn tcp(host: &str, port: u16) -> Target {
    target(json!({ "tcp": { "host": host, "port": port, "timeout_ms": 20_000 } }))
}

fn tls(change: impl FnOnce(&mut Value)) -> Target {
    let mut tls = json!({ "host": "edge.example", "port": 443, "timeout_ms": 20_000 });
    change(&mut tls);
    target(json!({ "tls": tls }))
}

fn believing(dir: &Path, lines: &str) -> Prober {
    prober_in(dir, &format!("[probe]\nsystem_roots = false\nextra_roots = \"roots.pem\"\n{lines}"))
}

#[tokio::test]
async fn a_port_is_up_when_somebody_takes_connections_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let up = prober(&led_to("edge.example", listener.local_addr().unwrap()));
    let observation = probe(&up, &tcp("edge.example", 5432)).await;
    assert_eq!(observation.cause, None);
    assert!(observation.phases.connect_us.is_some() && observation.phases.first_byte_us.is_none());
    let down = prober(&led_to("edge.example", nobody()));
    assert_eq!(cause(&down, &tcp("edge.example", 5432)).await, Some(Cause::Connect));
}

#[tokio::test]
async fn ports_of_the_oracles_own_network_are_not_scanned() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let guarded = prober("");
    for host in ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"] {
        assert_eq!(guarded.prepare_target(&tcp(host, port), None).unwrap_err().field, "target.tcp.host");
    }
    assert_eq!(cause(&guarded, &tcp("localhost", port)).await, Some(Cause::Forbidden));
    let open = prober("[probe]\nallow_private_targets = true\n");
    assert_eq!(cause(&open, &tcp("localhost", port)).await, None);
    assert_eq!(cause(&open, &tcp("127.0.0.1", port)).await, None);
}

#[tokio::test]
async fn a_handshake_is_good_with_a_certificate_that_holds_long_enough() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new("an authority"));
    authority.write(&dir.path().join("roots.pem"));
    let stranger = Authority::new("a stranger");
    let ends_in = |days: u64| authority.vouch_until_now_and(days * DAY);
    let table: [(Identity, Option<u64>, Option<Cause>); 5] = [
        (authority.vouch("edge.example"), None, None),
        (authority.vouch("other.example"), None, Some(Cause::CertificateName)),
        (stranger.vouch("edge.example"), None, Some(Cause::CertificateIssuer)),
        (ends_in(30), Some(29 * DAY), None),
        (ends_in(30), Some(31 * DAY), Some(Cause::CertificateEndsSoon)),
    ];
    for (identity, valid_s, fault) in table {
        let service = TlsService::start(identity).await;
        let prober = believing(dir.path(), &led_to("edge.example", service.addr));
        let target = tls(|t| {
            if let Some(valid_s) = valid_s {
                t["certificate_valid_s"] = json!(valid_s);
            }
        });
        let observation = probe(&prober, &target).await;
        assert_eq!(observation.cause, fault);
        assert!(observation.phases.connect_us.is_some() && observation.phases.tls_us.is_some());
    }
}

#[tokio::test]
async fn https_may_be_asked_for_certificates_that_hold_longer_on_kept_connections_too() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new("an authority"));
    authority.write(&dir.path().join("roots.pem"));
    let service = TlsService::start(authority.vouch_until_now_and(30 * DAY)).await;
    let prober = believing(dir.path(), &led_to("edge.example", service.addr));
    let expects = |valid_s: u64| {
        super::http("/", |t| {
            t["url"] = json!("https://edge.example/");
            t["expect"]["certificate_valid_s"] = json!(valid_s);
        })
    };
    let check = prober.prepare_target(&expects(29 * DAY), None).unwrap();
    for _ in 0..2 {
        assert_eq!(prober.probe(&check).await.cause, None);
    }
    assert_eq!(service.seen().handshakes, 1);
    assert_eq!(cause(&prober, &expects(31 * DAY)).await, Some(Cause::CertificateEndsSoon));
}

#[tokio::test]
async fn what_answers_but_speaks_no_tls_is_called_that() {
    let dir = tempfile::tempdir().unwrap();
    Authority::new("an authority").write(&dir.path().join("roots.pem"));
    let addr = raw(|mut stream| async move {
        let _ = stream.write_all(b"220 mail.example ESMTP\r\n").await;
    })
    .await;
    let prober = believing(dir.path(), &led_to("edge.example", addr));
    assert_eq!(cause(&prober, &tls(|_| ())).await, Some(Cause::Tls));
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let prober = believing(dir.path(), &led_to("edge.example", silent.local_addr().unwrap()));
    assert_eq!(cause(&prober, &tls(|t| t["timeout_ms"] = json!(300))).await, Some(Cause::Timeout));
}

#[tokio::test]
async fn without_roots_no_handshake_can_be_judged() {
    let blind = prober("[probe]\nsystem_roots = false\n");
    assert_eq!(blind.prepare_target(&tls(|_| ()), None).unwrap_err().field, "target.tls");
}
