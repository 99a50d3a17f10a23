//! Probing `https`: whose certificates are believed, for which name, and at which time.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use crate::common;
use crate::tls;

use std::net::SocketAddr;

use clock::barrier::Barrier;
use clock::{Busy, Clock};
use common::{Http, START, World, measurement};
use earnest_oracle::config::Config;
use earnest_oracle::probe::{Cause, Observation, Prober};
use ledger::Verdict;
use serde_json::json;
use terms::{Expectations, Hex32, HttpTarget, Outcome, OutcomeValue, Target, canonical};
use tls::{Authority, Identity, TlsService};

const HOUR: u64 = 3_600;

/// An oracle's prober at 2021-06-08T00:00:00Z, and the authority that it believes.
struct Stage {
    authority: Authority,
    clock: Clock,
    busy: Busy,
    _barrier: Barrier,
    dir: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let barrier = Barrier::bind(START * 1000).await.unwrap();
        let clock = barrier.clock().await.unwrap();
        let (busy, dir) = (clock.busy().await, tempfile::tempdir().unwrap());
        let authority = Authority::new("the stage's authority");
        authority.write(&dir.path().join("roots.pem"));
        Self { authority, clock, busy, _barrier: barrier, dir }
    }

    fn config(&self, lines: &str) -> Config {
        let path = self.dir.path().join("oracle.toml");
        std::fs::write(&path, format!("network = \"regtest\"\ndata_dir = \".\"\n{lines}")).unwrap();
        Config::load(&path).unwrap()
    }

    /// Believes the stage's authority and nobody else; `edge.example` is the service at `addr`.
    fn prober(&self, addr: SocketAddr) -> Prober {
        let lines = format!(
            "[probe]\nsystem_roots = false\nextra_roots = \"roots.pem\"\n\
             [[resolve]]\nhost = \"edge.example\"\naddr = \"{addr}\"\n"
        );
        Prober::new(&self.config(&lines), &self.clock).unwrap()
    }

    async fn cause(&self, identity: Identity) -> Option<Cause> {
        let service = TlsService::start(identity).await;
        let observation = probe(&self.prober(service.addr), "https://edge.example/").await;
        assert_eq!(observation.verdict == Verdict::Good, observation.cause.is_none());
        observation.cause
    }

    async fn until(&mut self, seconds: u64) {
        self.busy.sleep_until_ms((START + seconds) * 1000).await;
    }
}

fn target(url: &str) -> Target {
    Target::Http(HttpTarget::get(url, 5_000, Expectations::status(200, 299, 1_000)))
}

async fn probe(prober: &Prober, url: &str) -> Observation {
    prober.probe(&prober.prepare_target(&target(url), None).unwrap()).await
}

#[tokio::test]
async fn a_target_led_elsewhere_is_asked_by_its_own_name() {
    let stage = Stage::new().await;
    let service = TlsService::start(stage.authority.vouch("edge.example")).await;
    let prober = stage.prober(service.addr);
    assert_eq!(probe(&prober, "https://edge.example:8443/health").await.cause, None);
    let seen = service.seen();
    assert_eq!(seen.sni.as_deref(), Some("edge.example"));
    assert_eq!(seen.host.as_deref(), Some("edge.example:8443"));
}

#[tokio::test]
async fn every_fault_of_a_certificate_has_its_name() {
    let stage = Stage::new().await;
    let (ours, stranger) = (&stage.authority, Authority::new("a stranger"));
    assert_eq!(stage.cause(ours.vouch("edge.example")).await, None);
    assert_eq!(stage.cause(ours.vouch("other.example")).await, Some(Cause::CertificateName));
    assert_eq!(stage.cause(stranger.vouch("edge.example")).await, Some(Cause::CertificateIssuer));
    let tomorrows = ours.vouch_from(24 * HOUR);
    assert_eq!(stage.cause(tomorrows).await, Some(Cause::CertificateNotYetValid));
}

/// The machine's clock is years past both: only the simulated one can tell them apart.
#[tokio::test]
async fn a_certificate_is_judged_at_the_simulated_time() {
    let mut stage = Stage::new().await;
    assert_eq!(stage.cause(stage.authority.vouch_until(HOUR)).await, None);
    stage.until(HOUR + 1).await;
    assert_eq!(stage.cause(stage.authority.vouch_until(HOUR)).await, Some(Cause::CertificateExpired));
}

#[tokio::test]
async fn a_kept_connection_does_not_outlive_its_certificate() {
    let mut stage = Stage::new().await;
    let service = TlsService::start(stage.authority.vouch_until(2 * HOUR)).await;
    let prober = stage.prober(service.addr);
    let check = prober.prepare_target(&target("https://edge.example/"), None).unwrap();
    for seconds in [0, 60, HOUR] {
        stage.until(seconds).await;
        assert_eq!(prober.probe(&check).await.cause, None);
    }
    // One connection for an hour, as long as the certificate was known to last.
    assert_eq!(service.seen().handshakes, 1);
    stage.until(2 * HOUR).await;
    assert_eq!(prober.probe(&check).await.cause, None);
    stage.until(2 * HOUR + 1).await;
    assert_eq!(prober.probe(&check).await.cause, Some(Cause::CertificateExpired));
    // The operator renews it: the next probe knows.
    service.present(stage.authority.vouch("edge.example"));
    assert_eq!(prober.probe(&check).await.cause, None);
}

#[tokio::test]
async fn what_is_not_tls_is_not_called_unreachable() {
    let stage = Stage::new().await;
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer).await;
        });
        assert_eq!(probe(&stage.prober(addr), "https://edge.example/").await.cause, Some(Cause::Tls));
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(probe(&stage.prober(nobody), "https://edge.example/").await.cause, Some(Cause::Connect));
}

#[tokio::test]
async fn an_own_network_is_guarded_over_https_too() {
    let stage = Stage::new().await;
    let service = TlsService::start(stage.authority.vouch("localhost")).await;
    let (named, written) =
        (format!("https://localhost:{}/", service.addr.port()), format!("https://{}/", service.addr));
    let roots = "[probe]\nsystem_roots = false\nextra_roots = \"roots.pem\"\n";
    let guarded = Prober::new(&stage.config(roots), &stage.clock).unwrap();
    assert_eq!(probe(&guarded, &named).await.cause, Some(Cause::Forbidden));
    assert_eq!(guarded.prepare_target(&target(&written), None).unwrap_err().field, "target.url");
    assert_eq!(service.seen().handshakes, 0);
    let open = format!("{roots}allow_private_targets = true\n");
    let open = Prober::new(&stage.config(&open), &stage.clock).unwrap();
    assert_eq!(probe(&open, &named).await.cause, None);
    // The certificate is a name's, and no address's.
    assert_eq!(probe(&open, &written).await.cause, Some(Cause::CertificateName));
}

#[tokio::test]
async fn without_roots_https_is_refused_and_not_called_down() {
    let stage = Stage::new().await;
    let blind = "[probe]\nsystem_roots = false\n";
    let prober = Prober::new(&stage.config(blind), &stage.clock).unwrap();
    let refusal = prober.prepare_target(&target("https://edge.example/"), None).unwrap_err();
    assert_eq!(refusal.field, "target.url");
    assert!(refusal.to_string().contains("ca-certificates"), "{refusal}");
    assert!(prober.prepare_target(&target("http://edge.example/"), None).is_ok());
    let reference = format!("{blind}[[reference]]\nurl = \"https://reference.example/\"\n");
    let refusal = Prober::new(&stage.config(&reference), &stage.clock).unwrap_err().to_string();
    assert!(refusal.starts_with("reference.url: https://reference.example/"), "{refusal}");
}

#[tokio::test]
async fn a_file_of_roots_is_used_whole_or_not_at_all() {
    let stage = Stage::new().await;
    let path = stage.dir.path().join("more.pem");
    let refusal = || {
        let config = stage.config("[probe]\nextra_roots = \"more.pem\"\n");
        Prober::new(&config, &stage.clock).unwrap_err().to_string()
    };
    assert!(refusal().contains("more.pem"), "{}", refusal());
    std::fs::write(&path, "nothing of the kind").unwrap();
    assert!(refusal().ends_with("holds no certificate"), "{}", refusal());
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    stage.authority.write(&path);
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + bad).unwrap();
    assert!(refusal().contains("certificate 2"), "{}", refusal());
}

#[tokio::test]
async fn references_over_https_tell_the_oracles_fault_from_the_targets() {
    let stage = Stage::new().await;
    let stranger = Authority::new("a stranger");
    let target = TlsService::start(stranger.vouch("edge.example")).await;
    for (reference, expected) in [
        (stage.authority.vouch("reference.example"), Verdict::Bad),
        (stranger.vouch("reference.example"), Verdict::Unknown),
    ] {
        let reference = TlsService::start(reference).await;
        let lines = format!(
            "[probe]\nsystem_roots = false\nextra_roots = \"roots.pem\"\n\
             [[reference]]\nurl = \"https://reference.example/\"\n\
             [[resolve]]\nhost = \"reference.example\"\naddr = \"{}\"\n\
             [[resolve]]\nhost = \"edge.example\"\naddr = \"{}\"\n",
            reference.addr, target.addr
        );
        let prober = Prober::new(&stage.config(&lines), &stage.clock).unwrap();
        assert_eq!(probe(&prober, "https://edge.example/").await.verdict, expected);
    }
}

/// A world whose oracle believes `authority`, and finds `edge.example` at `service`.
async fn world(authority: &Authority, service: &TlsService) -> World {
    let world = World::new().await;
    authority.write(&world.path("roots.pem"));
    world.configure(&format!(
        "[probe]\nsystem_roots = false\nextra_roots = \"roots.pem\"\n\
         [[resolve]]\nhost = \"edge.example\"\naddr = \"{}\"",
        service.addr
    ));
    world
}

fn https() -> terms::Measurement {
    measurement(|m| m["target"]["url"] = json!("https://edge.example/health"))
}

#[tokio::test]
async fn a_certificate_that_expires_half_way_halves_the_availability() {
    let authority = Authority::new("an authority");
    let service = TlsService::start(authority.vouch_until(HOUR / 2 - 1)).await;
    let mut world = world(&authority, &service).await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let id = http.announce(&https()).await.event_id;
    world.until(START + HOUR + 601).await;
    let event = http.event(&id).await;
    // 240 probes; those of the first 120 slots end by second 1,799.
    assert_eq!(event.provisional.unwrap().outcome, Outcome::Value(OutcomeValue(500_000)));
    let (_, failures) = http.text(&format!("/v1/events/{id}/failures")).await;
    assert_eq!(failures.lines().filter(|line| line.ends_with("certificate expired")).count(), 120);
    world.stop(oracle).await;
}

#[tokio::test]
async fn an_oracle_that_lost_its_roots_does_not_start_while_it_owes_an_https_event() {
    let authority = Authority::new("an authority");
    let service = TlsService::start(authority.vouch("edge.example")).await;
    let world = world(&authority, &service).await;
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let info = http.json("/v1/info").await;
    let ours = Hex32(canonical::sha256(authority.der()));
    assert_eq!((info["system_roots"].clone(), info["extra_roots"].clone()), (json!(0), json!([ours])));
    let id = http.announce(&https()).await.event_id;
    world.stop(oracle).await;
    world.configure("[probe]\nsystem_roots = false");
    let refusal = world.start().await.unwrap_err().to_string();
    assert!(refusal.contains(id.as_str()) && refusal.contains("root certificates"), "{refusal}");
}
