//! Two of three oracles decide: each a process with a key of its own and its own sight of the service, so that one
//! that sees something else lies in good faith.

use axum::http::StatusCode;
use blackbox::proxy::Verdict;
use blackbox::{Proxy, Setting, Times, World, witness};
use dlc_messages::OfferDlc;
use dlc_messages::lightning::util::ser::Readable as _;
use protocol::OfferDraft;
use serde_json::json;
use terms::{
    Credit, EnumScale, Level, LevelPayout, NumericScale, OutcomeValue, Sat, Scale, Schedule, Tolerance, Worse,
};
use testbed::{FailingTarget, Phase};

const DELAY: u64 = Times::PUBLICATION_DELAY_S;

/// A world with three oracles, the second and the third of which publish so many seconds after the window.
async fn three(delays: [u64; 2]) -> World {
    World::with(Setting { more_oracles: delays.to_vec(), ..Setting::default() }).await
}

/// What each oracle takes for the service, in their order.
fn targets(world: &World) -> [&FailingTarget; 3] {
    [&world.target, world.more_oracles[0].target(), world.more_oracles[1].target()]
}

/// So many of the 60 probes fail for each oracle.
async fn failing(world: &mut World, times: &Times, probes: [u64; 3]) {
    let mut moments: Vec<u64> = probes.iter().map(|probes| times.start + probes * 10).collect();
    world.pass_until(times.start).await;
    for (target, probes) in targets(world).into_iter().zip(probes) {
        target.set(if probes > 0 { Phase::Down } else { Phase::Up });
    }
    moments.sort_unstable();
    for moment in moments {
        world.pass_until(moment).await;
        for (target, probes) in targets(world).into_iter().zip(probes) {
            if times.start + probes * 10 <= moment {
                target.set(Phase::Up);
            }
        }
    }
}

/// The usual offer with levels instead of numbers: kept, missed (above 1,000 ppm: half of the price back), broken (above
/// 500,000: everything).
fn levels(world: &World) -> OfferDraft {
    let mut draft = world.draft_of_several(2);
    let level = |name: &str, from| Level { name: name.to_owned(), from: OutcomeValue(from) };
    draft.measurement.outcome = Scale::Enum(EnumScale {
        levels: vec![level("kept", 0), level("missed", 1_001), level("broken", 500_001)],
        indeterminate: "no-data".to_owned(),
        worse: Worse::Higher,
    });
    let pays = |level: &str, credit| LevelPayout { level: level.to_owned(), credit };
    draft.payout.schedule = Schedule::Levels(vec![
        pays("kept", Credit::NONE),
        pays("missed", Credit::of_price(500_000)),
        pays("broken", Credit::ALL),
    ]);
    draft
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_that_name_a_level_are_paid_by_and_the_third_is_not_heard() {
    let mut world = three([DELAY, DELAY]).await;
    let (draft, times) = (levels(&world), world.times());
    let id = world.lock_draft(&draft).await;
    // The second oracle sees 59 of 60 probes fail, `broken`; the others one, `missed`.
    failing(&mut world, &times, [1, 59, 1]).await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 50_000 + 50_000, 50_000).await;
    assert_eq!(world.buyer.escrow(&id).await.attestations.len(), 3, "the liar was heard out");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_numbers_that_share_only_their_block_settle_beside_a_liar() {
    let mut world = three([DELAY, DELAY]).await;
    let (draft, times) = (world.draft_of_several(2), world.times());
    let id = world.lock_draft(&draft).await;
    // 24 and 27 of 60 are 400,000 and 450,000 ppm, both from 393,216 to 458,751 (6 * 2^16 and 2^16 values more), a
    // block of the step from 50,001 to 500,000: half of the price back. The second oracle saw nothing.
    failing(&mut world, &times, [24, 0, 27]).await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 50_000 + 50_000, 50_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_within_the_tolerance_settle_at_the_level_of_the_first_oracle() {
    let mut world = three([DELAY, DELAY]).await;
    let (mut draft, times) = (world.draft_of_several(2), world.times());
    // One probe of 60 is 16,667 ppm: up to 2^15 apart settles, 2^16 does not. Two levels may then lie 2 * (2^16 - 1) apart,
    // which reaches over the last step: 50,000 sat of price and the bond. There must be room above the maximum.
    draft.measurement.outcome = Scale::Numeric(NumericScale {
        unit: "ppm".to_owned(),
        digits: 21,
        max: OutcomeValue(1_000_000),
        indeterminate_from: OutcomeValue((1 << 21) - (1 << 19)),
        worse: Worse::Higher,
    });
    let tolerance = Tolerance { max_error_exp: 16, min_fail_exp: 15, max_spread_sat: Sat(100_000) };
    draft.oracles.tolerance = Some(tolerance);
    let id = world.lock_draft(&draft).await;
    // The first says 50,000 ppm, of which a tenth goes back, the third 66,667, of which it would be half. The second is far
    // off.
    failing(&mut world, &times, [3, 59, 4]).await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 90_000 + 50_000, 10_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_silent_oracle_of_three_hinders_nobody() {
    let mut world = three([DELAY, DELAY]).await;
    let (draft, times) = (world.draft_of_several(2), world.times());
    let id = world.lock_draft(&draft).await;
    world.kill("oracle-2").await;
    failing(&mut world, &times, [6, 0, 6]).await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 50_000 + 50_000, 50_000).await;
    assert_eq!(world.buyer.escrow(&id).await.attestations.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_oracles_of_three_opinions_end_in_a_refund() {
    let mut world = three([DELAY, DELAY]).await;
    let (draft, times) = (world.draft_of_several(2), world.times());
    let id = world.lock_draft(&draft).await;
    // 0, 100,000 and 550,000 ppm: three levels.
    failing(&mut world, &times, [0, 6, 33]).await;
    world.both_reach(&id, "attested").await;
    world.both_reach(&id, "refunded").await;
    witness::paid_out(&world, &id, 50_000, 100_000).await;
    let view = world.provider.escrow(&id).await;
    assert_eq!(view.attestations.len(), 3);
    assert_eq!(view.transactions.cet, None);
    assert_eq!(view.alarms, [], "to differ is no fraud");
}

#[tokio::test(flavor = "multi_thread")]
async fn oracles_of_different_maturity_settle_when_two_agree_and_the_refund_waits_for_the_last() {
    let mut world = three([1_800, 3_600]).await;
    let (draft, times) = (world.draft_of_several(2), world.times());
    let id = world.lock_draft(&draft).await;
    failing(&mut world, &times, [6, 6, 6]).await;
    world.pass_until(times.end + 1_800).await;
    assert_eq!(world.buyer.escrow(&id).await.state, "measuring", "one attestation is not two");
    assert_eq!(world.buyer.escrow(&id).await.attestations.len(), 1);
    world.both_reach(&id, "settled").await;
    assert!(world.now() < times.end + 3_600, "the third oracle was not waited for");
    witness::paid_out(&world, &id, 50_000 + 50_000, 50_000).await;

    // The refund that both signed waits for the last maturity and the refund delay.
    let messages = world.buyer.escrow(&id).await.messages;
    let offer = messages.offer.expect("the offer is kept").0;
    let offer = OfferDlc::read(&mut offer.as_slice()).expect("the library reads it");
    assert_eq!(u64::from(offer.refund_locktime), times.end + 3_600 + Times::REFUND_DELAY_S);
}

#[tokio::test(flavor = "multi_thread")]
async fn attestations_that_come_late_and_out_of_order_settle_beside_a_forger() {
    let mut world = three([DELAY, DELAY]).await;
    let proxies = {
        let mut proxies = Vec::new();
        for addr in [world.oracle.addr, world.more_oracles[0].addr, world.more_oracles[1].addr] {
            proxies.push(Proxy::before(addr).await);
        }
        proxies
    };
    for name in ["provider", "buyer"] {
        world.stop(name).await;
    }
    for (place, proxy) in proxies.iter().enumerate() {
        world.provider.use_oracle_at(place, &proxy.url());
        world.buyer.use_oracle_at(place, &proxy.url());
    }
    for name in ["provider", "buyer"] {
        world.start(name).await;
    }
    let (draft, times) = (world.draft_of_several(2), world.times());
    let id = world.lock_draft(&draft).await;
    let event = world.buyer.escrow(&id).await.event_id;
    for proxy in &proxies {
        proxy.rule(|seen| match seen.path.starts_with("/v1/events/") {
            true => Verdict::Answer(StatusCode::SERVICE_UNAVAILABLE, b"{}".to_vec()),
            false => Verdict::Pass,
        });
    }
    failing(&mut world, &times, [6, 6, 6]).await;
    world.pass_until(times.maturity + 60).await;
    assert_eq!(world.buyer.escrow(&id).await.state, "measuring");
    // The third oracle's word comes first, then the second's with a digit turned round, then the first's.
    proxies[2].pass();
    let mut forged = world.more_oracles[0].client.attestation(&event).await.unwrap().expect("it is signed");
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let forged = json!({ "attestation_hex": hex::encode(forged) }).to_string().into_bytes();
    proxies[1].rule(move |_| Verdict::Answer(StatusCode::OK, forged.clone()));
    world.look().await;
    world.look().await;
    let view = world.buyer.escrow(&id).await;
    assert_eq!(
        (view.state.as_str(), view.attestations.len()),
        ("measuring", 1),
        "the forgery counts for nothing"
    );
    proxies[0].pass();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 50_000 + 50_000, 50_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oracle_that_does_not_prove_its_nonces_is_not_taken_with_others() {
    let mut world = three([DELAY, DELAY]).await;
    let proxy = Proxy::before(world.more_oracles[1].addr).await;
    world.stop("buyer").await;
    world.buyer.use_oracle_at(2, &proxy.url());
    world.start("buyer").await;
    let draft = world.draft_of_several(2);
    let offer = world.publish(&draft).await;
    let event = draft.measurement.event_id();
    let genuine = world.more_oracles[1].client.event(&event).await.unwrap().unwrap();
    let mut unproven = serde_json::to_value(&genuine).unwrap();
    let mut proofs = genuine.nonce_proofs;
    proofs.swap(0, 1);
    for (proofs, field) in [(json!(null), "nonce_proofs"), (json!(proofs), "nonce_proofs[0]")] {
        match proofs.is_null() {
            true => drop(unproven.as_object_mut().unwrap().remove("nonce_proofs")),
            false => unproven["nonce_proofs"] = proofs,
        }
        let answer = unproven.to_string().into_bytes();
        proxy.rule(move |_| Verdict::Answer(StatusCode::OK, answer.clone()));
        let refused = world.buyer.purchase(&world.provider.peer_url(), offer.id).await.unwrap_err();
        assert_eq!(refused.status(), Some(400));
        assert!(refused.to_string().contains(field), "{refused}");
    }
    assert_eq!(world.buyer.owner.escrows().await.unwrap(), []);
    // The right proofs again, and it is bought.
    proxy.pass();
    let id = world.buy(&offer).await;
    world.both_reach(&id, "funded").await;
}
