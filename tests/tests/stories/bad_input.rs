//! What is wrong is refused by name, and nothing of it stays.

use std::fs;
use std::process::Output;

use blackbox::stranger::deliver;
use blackbox::{Party, Stranger, World, credit, raw, step};
use protocol::{Body, Envelope, HexBytes};
use serde_json::{Value, json};
use terms::{Hex32, Sat, Schedule};

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn token(party: &Party) -> String {
    fs::read_to_string(party.service.data_dir().join("owner-token")).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_configuration_names_the_field_and_exits_with_2() {
    let world = World::begin().await;
    let good = fs::read_to_string(world.provider.service.config_file()).unwrap();
    let broken = [
        (good.replace("network = \"regtest\"", "network = \"tulips\""), "network"),
        (good.replace("network = \"regtest\"\n", ""), "network"),
        (good.replace("poll_every_s = 20", "poll_every_s = 0"), "poll_every_s"),
        (good.replace("confirmations = 2", "confirmations = \"two\""), "confirmations"),
        (good.replace("confirmations = 2", "confirmation = 2"), "confirmation"),
        (good.replace("owner_listen = \"127.0.0.1", "owner_listen = \"0.0.0.0"), "owner_listen"),
        (good.replace("cookie_file", "cookie"), "cookie"),
        (good.replace("max_locked_sat = 1_000_000\n", ""), "max_locked_sat"),
        (good.replace("max_locked_sat = 1_000_000", "max_locked_sat = -1"), "max_locked_sat"),
        (good.replace("[[oracle]]\n", "[[oracle]]\nname = \"nine\"\n"), "name"),
        (good.replace("key = \"", "key = \"zz"), "key"),
        (good.replace("[bitcoind]", "[bitcoind"), "line"),
    ];
    for (text, field) in broken {
        assert_ne!(text, good, "{field}");
        world.provider.service.configure(&text).unwrap();
        for command in [&["serve"][..], &["init"], &["balance"]] {
            let output = world.provider.cli(command);
            assert_eq!(output.status.code(), Some(2), "{field}: {}", stderr(&output));
            assert!(stderr(&output).contains(field), "{field}: {}", stderr(&output));
            assert!(!stderr(&output).contains("panicked"), "{field}: {}", stderr(&output));
        }
    }
    let good = fs::read_to_string(world.oracle.service.config_file()).unwrap();
    let broken = [
        (good.replace("network = \"regtest\"", "network = \"tulips\""), "network"),
        (good.replace("listen =", "listen_on ="), "listen_on"),
        (good.replace("publication_delay_s = 60", "publication_delay_s = -1"), "publication_delay_s"),
        (good.replace("data_dir", "data_folder"), "data_"),
        (good.replace("[[reference]]\nurl = \"http", "[[reference]]\nurl = \"gopher"), "reference"),
    ];
    for (text, field) in broken {
        assert_ne!(text, good, "{field}");
        world.oracle.service.configure(&text).unwrap();
        let output = world.oracle.service.command(&["serve"]).unwrap();
        assert_eq!(output.status.code(), Some(2), "{field}: {}", stderr(&output));
        assert!(stderr(&output).contains(field), "{field}: {}", stderr(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_time_is_refused_off_regtest() {
    let mut world = World::begin().await;
    let time = world.barrier.addr().to_string();
    for service in [&world.provider.service, &world.oracle.service] {
        let text = fs::read_to_string(service.config_file()).unwrap();
        service.configure(&text.replace("network = \"regtest\"", "network = \"signet\"")).unwrap();
        let output = service.command(&["serve", "--simulated-time", &time]).unwrap();
        assert!(!output.status.success());
        assert!(stderr(&output).contains("regtest"), "{}", stderr(&output));
    }
    world.calm().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_owners_token_there_is_nothing_to_see_or_do() {
    let world = World::begin().await;
    let url = world.provider.owner_url();
    let other = token(&world.buyer);
    let mut cut = token(&world.provider);
    cut.pop();
    for wrong in [None, Some(""), Some("wrong"), Some(other.as_str()), Some(cut.as_str())] {
        for path in ["/v1/info", "/v1/balance", "/v1/transactions", "/v1/offers", "/v1/escrows"] {
            let _ = raw::get(&format!("{url}{path}"), wrong).await.problem(401);
        }
        for path in ["/v1/addresses", "/v1/withdrawals", "/v1/offers", "/v1/purchases"] {
            let _ = raw::post(&format!("{url}{path}"), wrong, &[], "{}").await.problem(401);
        }
    }
    // Nor does the peers' door lead there.
    let right = token(&world.provider);
    let _ = raw::get(&format!("{}/v1/balance", world.provider.peer_url()), Some(&right)).await.problem(404);
    assert_eq!(raw::get(&format!("{url}/v1/balance"), Some(&right)).await.status, 200);
}

/// An envelope's JSON with a change, not signed again.
fn with(envelope: &Envelope, change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(&envelope.bytes()).unwrap();
    change(&mut value);
    serde_json::to_vec(&value).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_envelope_is_refused_by_field_and_leaves_nothing_behind() {
    let mut world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    let mut stranger = Stranger::new(1);
    let good = stranger.rfq(&world, offer.id);
    let text = String::from_utf8(good.bytes()).unwrap();
    let huge = [text.as_bytes(), &vec![b' '; 17 * 1024 * 1024]].concat();
    let cases: Vec<(&str, Vec<u8>, u16, Option<&str>)> = vec![
        ("nothing", b"".to_vec(), 400, None),
        ("garbage", vec![0xff; 300], 400, None),
        ("not an object", b"[1, 2]".to_vec(), 400, None),
        ("deep", "[".repeat(100_000).into_bytes(), 400, None),
        ("cut off", text.as_bytes()[..text.len() - 5].to_vec(), 400, None),
        ("twice", [text.as_bytes(), text.as_bytes()].concat(), 400, None),
        ("huge", huge, 413, None),
        ("a version to come", with(&good, |e| e["v"] = json!(3)), 400, Some("v")),
        ("another version than signed", with(&good, |e| e["v"] = json!(2)), 403, Some("sig")),
        ("a number as id", with(&good, |e| e["id"] = json!(7)), 400, Some("id")),
        ("an upper-case id", with(&good, |e| e["id"] = json!("AB".repeat(32))), 400, Some("id")),
        ("a float", text.replace("\"seq\":1", "\"seq\":1.0").into_bytes(), 400, None),
        ("a number too large", text.replace("\"seq\":1", "\"seq\":9007199254740993").into_bytes(), 400, None),
        ("a field twice", text.replacen('{', "{\"v\":1,", 1).into_bytes(), 400, Some("v")),
        ("a field too many", with(&good, |e| e["tip"] = json!(1)), 400, Some("tip")),
        (
            "a field too few",
            with(&good, |e| drop(e.as_object_mut().unwrap().remove("expires"))),
            400,
            Some("expires"),
        ),
        ("an unknown body", with(&good, |e| e["body"]["type"] = json!("gift")), 400, Some("body.type")),
        ("more in the body", with(&good, |e| e["body"]["tip"] = json!(1)), 400, Some("body.tip")),
        (
            "another body than signed",
            with(&good, |e| e["body"]["offer_id"] = json!("ab".repeat(32))),
            403,
            Some("sig"),
        ),
        ("another sender than signed", with(&good, |e| e["from"] = json!(world.buyer.key)), 403, Some("sig")),
        ("no signature", with(&good, |e| e["sig"] = json!("00".repeat(64))), 403, Some("sig")),
        ("for somebody else", rfq_to(&world, &mut stranger, world.buyer.key, 0), 400, Some("to")),
        ("from the future", rfq_to(&world, &mut stranger, world.provider.key, 301), 400, Some("at")),
    ];
    for (what, bytes, status, field) in cases {
        let problem = deliver(&world.provider, &bytes).await.problem(status);
        if let Some(field) = field {
            assert_eq!(problem["field"], field, "{what}: {problem}");
        }
    }
    world.pass(601).await;
    let problem = deliver(&world.provider, &good.bytes()).await.problem(410);
    assert_eq!(problem["field"], "expires", "{problem}");
    assert_eq!(world.provider.owner.escrows().await.unwrap(), []);
    assert!(!world.provider.service.log().contains("panicked"));
}

fn rfq_to(world: &World, stranger: &mut Stranger, to: Hex32, ahead_s: u64) -> Vec<u8> {
    let at = terms::UnixSeconds(world.now() + ahead_s);
    let expires = terms::UnixSeconds(at.0 + 600);
    let (session, id) = (stranger.fresh_id(), stranger.fresh_id());
    let body = Body::Rfq { offer_id: Hex32([1; 32]) };
    let draft = protocol::Session::first(session, id, to, at, expires, body);
    Envelope::seal(draft, &stranger.key).unwrap().bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_envelope_again_gets_the_same_answer_and_its_id_is_good_for_nothing_else() {
    let world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    let mut stranger = Stranger::new(1);
    let rfq = stranger.rfq(&world, offer.id);
    let first = deliver(&world.provider, &rfq.bytes()).await;
    assert_eq!(first.status, 200);
    for _ in 0..3 {
        assert_eq!(deliver(&world.provider, &rfq.bytes()).await.body, first.body);
    }
    let session = stranger.fresh_id();
    let other = stranger.rfq_in(&world, session, rfq.id(), offer.id);
    let problem = deliver(&world.provider, &other.bytes()).await.problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("id"), "{problem}");

    // A session's id is taken as well, by this and by any other stranger.
    for mut again in [stranger, Stranger::new(2)] {
        let id = again.fresh_id();
        let other = again.rfq_in(&world, rfq.session(), id, offer.id);
        let _ = deliver(&world.provider, &other.bytes()).await.problem(409);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_only_as_it_began() {
    let world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    let mut stranger = Stranger::new(1);
    let terms_hash = stranger.ask(&world, offer.id).await;
    let mut other = Stranger::new(2);
    let _ = other.ask(&world, offer.id).await;

    // Another stranger's envelope in the first one's session.
    let accept = stranger.next(&world, Body::Accept { terms_hash });
    let mut value: Value = serde_json::from_slice(&accept.bytes()).unwrap();
    value["from"] = json!(other.public());
    let _ = deliver(&world.provider, &serde_json::to_vec(&value).unwrap()).await.problem(403);

    // Terms that nobody proposed.
    let wrong = other.next(&world, Body::Accept { terms_hash: Hex32([9; 32]) });
    let problem = deliver(&world.provider, &wrong.bytes()).await.problem(409);
    assert_eq!(problem["field"], "terms_hash", "{problem}");

    // A message out of turn, and one that is no message at all.
    let mut third = Stranger::new(3);
    let terms_hash = third.ask(&world, offer.id).await;
    let sign = third.next(&world, Body::DlcSign { message_hex: HexBytes(vec![1, 2, 3]) });
    let answer = deliver(&world.provider, &sign.bytes()).await;
    assert!((400..500).contains(&answer.status), "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(world.provider.owner.escrows().await.unwrap(), []);

    let mut fourth = Stranger::new(4);
    assert_ne!(terms_hash, fourth.ask(&world, offer.id).await, "the terms name the buyer");
    let mut fifth = Stranger::new(5);
    let terms_hash = fifth.ask(&world, offer.id).await;
    let accept = fifth.next(&world, Body::Accept { terms_hash });
    assert_eq!(deliver(&world.provider, &accept.bytes()).await.status, 204);
    for garbage in [vec![0; 100], vec![0xff; 3], vec![0xff; 4_000_000], b"not a dlc message".to_vec()] {
        // Each is the session's next envelope, since a refused one was not taken.
        let mut again = Stranger::new(5);
        again.clone_session(&fifth);
        let offer = again.next(&world, Body::DlcOffer { message_hex: HexBytes(garbage) });
        let problem = deliver(&world.provider, &offer.bytes()).await.problem(400);
        assert!(problem["field"].is_string(), "{problem}");
    }
    let view = &world.provider.owner.escrows().await.unwrap()[0];
    assert_eq!(view.state, "agreed");
    assert_eq!(world.provider.available_sat().await, 700_000, "nothing is reserved for garbage");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_nobody_made_cannot_be_taken() {
    let world = World::begin().await;
    let mut stranger = Stranger::new(1);
    let rfq = stranger.rfq(&world, Hex32([7; 32]));
    let problem = deliver(&world.provider, &rfq.bytes()).await.problem(404);
    assert!(problem["detail"].as_str().unwrap().contains("offer"), "{problem}");
    let url = world.provider.peer_url();
    let refused = world.buyer.purchase(&url, Hex32([7; 32])).await.unwrap_err();
    assert_eq!(refused.status(), Some(404), "{refused}");
    let nobody = testbed::free_addr().unwrap();
    let refused = world.buyer.purchase(&format!("http://{nobody}"), Hex32([7; 32])).await.unwrap_err();
    assert_eq!(refused.status(), Some(502), "{refused}");
    let refused = world.buyer.purchase("gopher://provider.example", Hex32([7; 32])).await.unwrap_err();
    assert_eq!(refused.status(), Some(400), "{refused}");
    assert!(refused.to_string().contains("provider_url"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_breaks_a_rule_is_not_published() {
    let world = World::begin().await;
    let url = format!("{}/v1/offers", world.provider.owner_url());
    let token = token(&world.provider);
    let draft = serde_json::to_value(world.draft()).unwrap();
    let cases: [(&str, Value, &str); 9] = [
        ("/price_sat", json!(999), "price_sat"),
        ("/price_sat", json!(1.5), "price_sat"),
        ("/price_sat", json!(-1), "price_sat"),
        ("/payout/schedule/numeric/pieces/1/credit/price_back_ppm", json!(5_000), "payout.schedule"),
        ("/payout/schedule/numeric/pieces/1/credit/price_back_ppm", json!(600_000), "payout.schedule"),
        ("/funding_deadline", draft["measurement"]["window"]["start"].clone(), "funding_deadline"),
        ("/expires", json!(world.now()), "expires"),
        ("/oracles/keys/0", json!("ab".repeat(32)), "oracles.keys"),
        ("/measurement/probe_every_ms", json!(7_001), "measurement.probe_every_ms"),
    ];
    for (pointer, value, field) in cases {
        let mut broken = draft.clone();
        *broken.pointer_mut(pointer).unwrap() = value.clone();
        let answer = raw::post(&url, Some(&token), &[], broken.to_string()).await;
        assert!((400..500).contains(&answer.status), "{pointer} {value}: {}", answer.status);
        let problem = answer.json();
        let said = format!("{} {}", problem["field"], problem["detail"]);
        assert!(said.contains(field), "{pointer} {value}: {problem}");
    }
    let mut unknown = draft.clone();
    unknown["tip"] = json!(1);
    assert_eq!(raw::post(&url, Some(&token), &[], unknown.to_string()).await.problem(400)["field"], "tip");
    let twice = draft.to_string().replacen('{', "{\"price_sat\":100000,", 1);
    assert_eq!(raw::post(&url, Some(&token), &[], twice).await.problem(400)["field"], "price_sat");
    assert_eq!(world.provider.owner.offers().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_of_dust_is_refused_naming_the_outcome() {
    let world = World::begin().await;
    let mut draft = world.draft();
    draft.bond_sat = Sat(0);
    // 99.5 % of 100,000 leaves the provider 500 sat, which would go to the miners.
    draft.payout.schedule = Schedule::Numeric {
        pieces: vec![step(0, credit(0, 0)), step(1_001, credit(995_000, 0))],
        quantum_bits: 0,
    };
    let refused = world.provider.owner.create_offer(&draft, "dust").await.unwrap_err();
    assert_eq!(refused.status(), Some(400));
    let said = refused.to_string();
    assert!(said.contains("1001") && said.contains("500 sat"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_measurement_that_the_oracle_cannot_make_is_refused_by_field() {
    let world = World::begin().await;
    let url = format!("{}/v1/measurements", world.oracle.client.base());
    let good = serde_json::to_value(world.draft().measurement).unwrap();
    let now = world.now();
    let cases: [(&str, Value, &str); 10] = [
        ("/v", json!(2), "v"),
        ("/target/url", json!("ftp://service.example/"), "target.url"),
        ("/target/url", json!("http://127.0.0.1:22/"), "target.url"),
        ("/target/method", json!("DELETE"), "target.method"),
        ("/window/start", json!(now), "window"),
        ("/window/end", json!(now), "window"),
        ("/slice_s", json!(61), "slice_s"),
        ("/probe_every_ms", json!(7_001), "probe_every_ms"),
        ("/quorum", json!({ "agree": 2, "vantages": 3 }), "quorum.vantages"),
        ("/outcome/numeric/indeterminate_from", json!(1_000_001), "outcome.numeric.indeterminate_from"),
    ];
    for (pointer, value, field) in cases {
        let mut broken = good.clone();
        *broken.pointer_mut(pointer).unwrap() = value.clone();
        let problem = raw::post(&url, None, &[], broken.to_string()).await.problem(400);
        let named = problem["field"].as_str().unwrap_or_default();
        assert!(named.starts_with(field), "{pointer} {value}: {problem}");
    }
    for (what, body) in
        [("nothing", String::new()), ("deep", "[".repeat(100_000)), ("not json", "measure!".to_owned())]
    {
        let answer = raw::post(&url, None, &[], body).await;
        assert!((400..500).contains(&answer.status), "{what}");
    }
    let mut unknown = good.clone();
    unknown["tip"] = json!(1);
    assert_eq!(raw::post(&url, None, &[], unknown.to_string()).await.problem(400)["field"], "tip");
    assert_eq!(world.oracle.client.events(None).await.unwrap().events, [], "nothing was announced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_measurement_needs_the_token_where_the_oracle_asks_for_one() {
    let setting =
        blackbox::Setting { oracle: "[policy]\naccept = \"token\"\n".to_owned(), ..Default::default() };
    let world = World::with(setting).await;
    let document = world.draft().measurement.canonical();
    let url = format!("{}/v1/measurements", world.oracle.client.base());
    let _ = raw::post(&url, None, &[], document.clone()).await.problem(401);
    let _ = raw::post(&url, Some("wrong"), &[], document.clone()).await.problem(401);
    let token = fs::read_to_string(world.oracle.service.data_dir().join("requester-token")).unwrap();
    assert_eq!(raw::post(&url, Some(token.trim()), &[], document).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_over_when_it_expires() {
    let mut world = World::begin().await;
    let mut draft = world.draft();
    draft.expires.0 = world.now() + 100;
    let offer = world.publish(&draft).await;
    let mut early = Stranger::new(1);
    let terms_hash = early.ask(&world, offer.id).await;
    world.pass(100).await;
    let refused = world.buyer.purchase(&world.provider.peer_url(), offer.id).await.unwrap_err();
    assert_eq!(refused.status(), Some(404), "it is on the card no more: {refused}");
    let mut late = Stranger::new(2);
    let rfq = late.rfq(&world, offer.id);
    assert_eq!(deliver(&world.provider, &rfq.bytes()).await.problem(410)["field"], "expires");
    let accept = early.next(&world, Body::Accept { terms_hash });
    assert_eq!(deliver(&world.provider, &accept.bytes()).await.problem(410)["field"], "expires");
    assert_eq!(world.provider.owner.escrows().await.unwrap(), []);
}
