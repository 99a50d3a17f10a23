//! Who may ask for measurements: keys that the configuration names, and how much each may have.

use protocol::request::{Call, Credential, MAX_SKEW_S};
use secp256k1_zkp::{Keypair, SECP256K1};
use serde_json::{Value, json};
use terms::{Hex32, Measurement, UnixSeconds};

use crate::common::{Http, START, World, measurement};

const PATH: &str = "/v1/measurements";

fn keypair(number: u8) -> Keypair {
    Keypair::from_seckey_slice(SECP256K1, &[number; 32]).unwrap()
}

/// A configuration with two requesters, the second with little.
fn configure(world: &World) {
    let [acme, small] = [keypair(1), keypair(2)].map(|keypair| protocol::public_key(&keypair));
    world.configure(&format!(
        "policy = {{ accept = \"keys\" }}\n[[requester]]\nname = \"Acme\"\nkey = \"{acme}\"\n\
         [[requester]]\nname = \"Small\"\nkey = \"{small}\"\nopen_events = 2\nper_day = 3\nprobes_per_event = 240\n"
    ));
}

/// Somebody who signs requests to one oracle.
struct Requester<'a> {
    http: &'a Http,
    oracle: Hex32,
    keypair: Keypair,
}

impl<'a> Requester<'a> {
    async fn new(http: &'a Http, number: u8) -> Self {
        let oracle = serde_json::from_value(http.json("/v1/info").await["pubkey"].take()).unwrap();
        Self { http, oracle, keypair: keypair(number) }
    }

    fn sign(&self, body: &[u8], time: u64, nonce: u8) -> Credential {
        let call = Call { method: "POST", path: PATH, body };
        Credential::sign(&call, self.oracle, UnixSeconds(time), Hex32([nonce; 32]), &self.keypair)
    }

    /// Asks ten minutes before the window of [`measurement`], which is when the tests begin.
    async fn ask(&self, measurement: &Measurement, nonce: u8) -> (u16, Value) {
        let body = measurement.canonical();
        let credential = self.sign(&body, START - 600, nonce);
        self.http.post_as(body, &credential.to_string()).await
    }
}

fn slices_of(seconds: u64) -> Measurement {
    measurement(|m| m["slice_s"] = json!(seconds))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_known_keys_are_heard_and_only_in_requests_that_they_signed() {
    let world = World::new().await;
    configure(&world);
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let (acme, stranger) = (Requester::new(&http, 1).await, Requester::new(&http, 3).await);
    let wanted = slices_of(300);
    assert_eq!(http.post(wanted.canonical(), None).await.0, 401);
    assert_eq!(http.post(wanted.canonical(), Some("a token")).await.0, 401);
    assert_eq!(stranger.ask(&wanted, 1).await.0, 401);

    let other_body = acme.sign(b"{}", START - 600, 2).to_string();
    let (status, answer) = http.post_as(wanted.canonical(), &other_body).await;
    assert_eq!((status, answer["field"].as_str()), (403, Some("authorization.sig")), "{answer}");
    let elsewhere = Requester { oracle: Hex32([9; 32]), ..Requester::new(&http, 1).await };
    assert_eq!(elsewhere.ask(&wanted, 3).await.0, 403);
    let late = acme.sign(&wanted.canonical(), START - 600 - MAX_SKEW_S - 1, 4).to_string();
    let (status, answer) = http.post_as(wanted.canonical(), &late).await;
    assert_eq!((status, answer["field"].as_str()), (401, Some("authorization.time")), "{answer}");
    assert_eq!(http.json("/v1/events").await, json!({ "events": [] }));

    assert_eq!(acme.ask(&wanted, 5).await.0, 201);
    assert_eq!(http.json("/v1/info").await["accept"], "keys");
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_is_good_once_even_across_a_restart() {
    let world = World::new().await;
    configure(&world);
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let wanted = slices_of(300);
    let (first, announced) = Requester::new(&http, 1).await.ask(&wanted, 1).await;
    assert_eq!(first, 201);
    let (again, answer) = Requester::new(&http, 1).await.ask(&wanted, 1).await;
    assert_eq!((again, answer["field"].as_str()), (409, Some("authorization.nonce")), "{answer}");
    world.stop(oracle).await;

    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let acme = Requester::new(&http, 1).await;
    assert_eq!(acme.ask(&wanted, 1).await.0, 409);
    // The same nonce is another key's to use, and a fresh one finds the event as it was.
    assert_eq!(Requester::new(&http, 2).await.ask(&wanted, 1).await, (200, announced.clone()));
    assert_eq!(acme.ask(&wanted, 2).await, (200, announced));
    world.stop(oracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requester_gets_what_its_allowance_says_and_the_others_are_not_disturbed() {
    let mut world = World::new().await;
    configure(&world);
    let oracle = world.start().await.unwrap();
    let http = Http::of(&oracle);
    let (acme, small) = (Requester::new(&http, 1).await, Requester::new(&http, 2).await);
    let fine = measurement(|m| m["probe_every_ms"] = json!(10_000));
    let (status, answer) = small.ask(&fine, 1).await;
    assert_eq!((status, answer["field"].as_str()), (400, Some("probe_every_ms")), "{answer}");
    assert_eq!(acme.ask(&fine, 1).await.0, 201);

    assert_eq!(small.ask(&slices_of(300), 2).await.0, 201);
    assert_eq!(small.ask(&slices_of(600), 3).await.0, 201);
    let (status, answer) = small.ask(&slices_of(900), 4).await;
    assert_eq!(status, 429, "{answer}");
    assert_eq!(small.ask(&slices_of(600), 5).await.0, 200, "what is announced is not refused");
    assert_eq!(acme.ask(&slices_of(900), 4).await.0, 201);

    // Attested, they are no longer open; but a day has only room for a third.
    world.until(START + 3_600 + 700).await;
    let next_day = |hours: u64| {
        let start = START + 86_400 + hours * 3_600;
        measurement(|m| m["window"] = json!({ "start": start, "end": start + 3_600 })).canonical()
    };
    let mut answers = Vec::new();
    for hours in 0..2 {
        let body = next_day(hours);
        let credential = small.sign(&body, START + 3_600 + 700, 6 + u8::try_from(hours).unwrap());
        answers.push(http.post_as(body, &credential.to_string()).await.0);
    }
    assert_eq!(answers, [201, 429]);
    world.stop(oracle).await;
}
