//! Only the right attestation becomes a CET, whatever an oracle's server says.

use axum::http::StatusCode;
use blackbox::proxy::Verdict;
use blackbox::{Proxy, World, witness};
use serde_json::json;
use testbed::Phase;

/// A world in which both parties reach the oracle through a proxy.
async fn with_proxied_oracle() -> (World, Proxy) {
    let mut world = World::begin().await;
    let proxy = Proxy::before(world.oracle.addr).await;
    for name in ["provider", "buyer"] {
        world.stop(name).await;
    }
    world.provider.use_oracle(&proxy.url());
    world.buyer.use_oracle(&proxy.url());
    for name in ["provider", "buyer"] {
        world.start(name).await;
    }
    (world, proxy)
}

/// From now on every question about an event is answered with this attestation.
fn tell(proxy: &Proxy, attestation: &[u8]) {
    let answer = json!({ "attestation_hex": hex::encode(attestation) }).to_string().into_bytes();
    proxy.rule(move |seen| match seen.path.starts_with("/v1/events/") {
        true => Verdict::Answer(StatusCode::OK, answer.clone()),
        false => Verdict::Pass,
    });
}

/// Lets both sides ask a few times, and insists that nothing came of it.
async fn nothing_comes_of_it(world: &mut World, id: &str, what: &str) {
    let logged = world.buyer.service.log().len();
    world.look().await;
    for party in [&world.provider, &world.buyer] {
        let view = party.escrow(id).await;
        assert_eq!(view.state, "measuring", "{what}");
        assert!(view.attestations.is_empty(), "{what}");
        assert_eq!(view.transactions.cet, None, "{what}");
    }
    assert!(world.bitcoind.mempool().unwrap().is_empty(), "{what}");
    let log = world.buyer.service.log()[logged..].to_owned();
    assert!(log.contains("no attestation yet") && log.contains("WARN"), "{what}: the owner is told: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_foreign_or_broken_attestation_never_becomes_a_cet() {
    let (mut world, proxy) = with_proxied_oracle().await;
    let (id, times) = world.lock().await;
    let event = world.buyer.escrow(&id).await.event_id;
    // Another event of the same oracle with the same window, which expects what the service never says: its attestation
    // is a good one, and would pay the buyer everything.
    let mut other = world.draft().measurement;
    other.window = world.buyer.escrow(&id).await.agreement.measurement.window;
    other.target.http_mut().unwrap().expect.body_contains = Some("another world".to_owned());
    let other = world.oracle.client.announce(&other).await.unwrap().event_id;
    proxy.rule(|seen| match seen.path.starts_with("/v1/events/") {
        true => Verdict::Answer(StatusCode::NOT_FOUND, b"{}".to_vec()),
        false => Verdict::Pass,
    });
    world.pass_until(times.maturity + 5).await;
    let right = world.oracle.client.attestation(&event).await.unwrap().expect("it is signed");
    let foreign = world.oracle.client.attestation(&other).await.unwrap().expect("it is signed");

    let mut forgeries = vec![
        ("empty".to_owned(), Vec::new()),
        ("of another event".to_owned(), foreign),
        ("with a byte too many".to_owned(), [right.as_slice(), &[0]].concat()),
    ];
    for part in 1..4 {
        forgeries.push((format!("cut off after {part} quarters"), right[..right.len() * part / 4].to_vec()));
    }
    for at in (5..right.len()).step_by(right.len() / 12) {
        let mut flipped = right.clone();
        flipped[at] ^= 1;
        forgeries.push((format!("with one bit flipped in byte {at}"), flipped));
    }
    // The last outcome of the attestation, a digit: 0 becomes 1, and then something that is no digit.
    let last = right.len() - 1;
    for digit in [b'0', b'1', b'2', b'9'] {
        let mut changed = right.clone();
        changed[last] = digit;
        if changed != right {
            forgeries.push((format!("with the last digit {:?}", char::from(digit)), changed));
        }
    }
    for (what, forgery) in forgeries {
        tell(&proxy, &forgery);
        nothing_comes_of_it(&mut world, &id, &what).await;
    }

    tell(&proxy, &right);
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oracles_nonsense_is_survived() {
    let (mut world, proxy) = with_proxied_oracle().await;
    let (id, times) = world.lock().await;
    world.pass_until(times.start).await;
    world.target.set(Phase::Down);
    world.pass_until(times.maturity - 5).await;
    let deep = "[".repeat(100_000).into_bytes();
    let nonsense = [b"".to_vec(), b"not json".to_vec(), b"{\"attestation_hex\": 7}".to_vec(), deep];
    for body in nonsense {
        proxy.rule(move |seen| match seen.path.starts_with("/v1/events/") {
            true => Verdict::Answer(StatusCode::OK, body.clone()),
            false => Verdict::Pass,
        });
        world.look().await;
        assert_eq!(world.buyer.escrow(&id).await.state, "measuring");
    }
    proxy.pass();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 0, 150_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_with_another_events_announcement_is_refused() {
    let (world, proxy) = with_proxied_oracle().await;
    let offer = world.publish(&world.draft()).await;
    let mut other = world.draft().measurement;
    other.target.http_mut().unwrap().url = "http://service.example/elsewhere".to_owned();
    let other = world.oracle.client.announce(&other).await.unwrap();
    let answer = json!({ "announcement_hex": other.announcement_hex }).to_string().into_bytes();
    proxy.rule(move |seen| match seen.path.starts_with("/v1/events/") {
        true => Verdict::Answer(StatusCode::OK, answer.clone()),
        false => Verdict::Pass,
    });
    let refused = world.buyer.purchase(&world.provider.peer_url(), offer.id).await.unwrap_err();
    assert_eq!(refused.status(), Some(400));
    assert!(refused.to_string().contains("event_id"), "{refused}");
    assert_eq!(world.buyer.owner.escrows().await.unwrap(), []);
    assert_eq!(world.provider.owner.escrows().await.unwrap(), []);
    assert_eq!(world.buyer.available_sat().await, 700_000);
}
