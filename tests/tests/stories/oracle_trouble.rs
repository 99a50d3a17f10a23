//! Oracles that contradict themselves, and oracles that one side cannot reach.

use std::fs;
use std::path::Path;

use axum::http::StatusCode;
use blackbox::proxy::Verdict;
use blackbox::{Proxy, World, witness};
use dlc_messages::TlvRecord as _;
use dlc_messages::oracle_msgs::{OracleAnnouncement, OracleAttestation};
use protocol::owner::{Alarm, AlarmKind};
use serde_json::json;
use terms::{Hex32, Outcome, OutcomeValue, Sat};
use testbed::Phase;

use crate::oracle::oracle_cli;

/// A copy of an oracle's whole memory: database, journal and key.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Sets the oracle back to a copy of its memory, behind its own back: neither database nor journal can tell.
pub(crate) async fn roll_back(world: &mut World, copied: &Path) {
    world.stop("oracle").await;
    let data = world.oracle.service.data_dir();
    fs::remove_dir_all(&data).unwrap();
    copy(copied, &data);
    world.start("oracle").await;
}

pub(crate) async fn remember(world: &mut World) -> tempfile::TempDir {
    let memory = tempfile::tempdir().unwrap();
    world.stop("oracle").await;
    copy(&world.oracle.service.data_dir(), memory.path());
    world.start("oracle").await;
    memory
}

/// The one alarm that both owners are told of, wherever they look.
async fn alarm(world: &World, id: &str) -> Alarm {
    let mut told = Vec::new();
    for party in [&world.provider, &world.buyer] {
        let mut alarms = party.owner.alarms().await.unwrap();
        // Its log is another one as well, which is a story of its own (`oracle_logs`).
        alarms.retain(|alarm| alarm.kind != AlarmKind::ForkedLog);
        assert_eq!(alarms, party.escrow(id).await.alarms);
        assert_eq!(alarms.len(), 1, "{alarms:?}");
        assert!(party.service.log().contains("ALARM"), "the log says so");
        let shown = party.cli(&["escrow", "show", id]);
        assert!(String::from_utf8_lossy(&shown.stdout).contains("ALARM"), "the command says so");
        told.push(alarms[0].clone());
    }
    assert_eq!((told[0].kind, told[0].oracle), (told[1].kind, told[1].oracle));
    assert_eq!(told[0].oracle, Some(world.oracle.key));
    told.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oracle_that_signs_twice_raises_an_alarm_with_the_proof_and_its_first_word_is_paid_by() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    let memory = remember(&mut world).await;
    world.pass_until(times.maturity + 5).await;
    assert_eq!(world.buyer.escrow(&id).await.outcome, Some(Outcome::Value(OutcomeValue(0))));
    // It believes that it slept through the window, and signs that it does not know.
    roll_back(&mut world, memory.path()).await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;

    let alarm = alarm(&world, &id).await;
    assert_eq!(alarm.kind, AlarmKind::Equivocation);
    let said =
        [&alarm.proof[0], &alarm.proof[1]].map(|tlv| OracleAttestation::from_tlv_bytes(&tlv.0).unwrap());
    assert_eq!(said[0].oracle_public_key, said[1].oracle_public_key);
    assert_eq!(said[0].event_id, said[1].event_id);
    assert_eq!(said[0].outcomes.concat(), "0".repeat(20));
    assert_eq!(said[1].outcomes.concat(), "1".repeat(20));
    for (first, second) in said[0].signatures.iter().zip(&said[1].signatures) {
        assert_eq!(
            first.as_ref()[..32],
            second.as_ref()[..32],
            "the same nonce, which is what makes it a proof"
        );
    }
    // What the node tells its owner proves it to anybody.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alarms.json");
    fs::write(&file, world.buyer.cli(&["alarms", "--json"]).stdout).unwrap();
    let (code, proven, why) = oracle_cli(&["prove".as_ref(), file.as_os_str()]);
    assert!(code == Some(0) && proven.contains("signed two outcomes"), "{proven}{why}");
    assert!(proven.contains(&world.oracle.key.to_string()), "{proven}");
    // The alarms outlive a restart.
    let before = world.buyer.owner.alarms().await.unwrap();
    world.restart("buyer").await;
    assert_eq!(world.buyer.owner.alarms().await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_announcement_is_noticed_and_nothing_of_it_is_ever_used() {
    let mut world = World::begin().await;
    let memory = remember(&mut world).await;
    let draft = world.draft();
    let id = world.lock_draft(&draft).await;
    let agreed = world.buyer.escrow(&id).await.announcements;
    roll_back(&mut world, memory.path()).await;
    let again = world.oracle.client.announce(&draft.measurement).await.unwrap();
    assert_ne!(again.announcement_hex, agreed[0], "fresh nonces");
    world.both_reach(&id, "refunded").await;
    witness::paid_out(&world, &id, 50_000, 100_000).await;

    let alarm = alarm(&world, &id).await;
    assert_eq!(alarm.kind, AlarmKind::ChangedAnnouncement);
    assert_eq!(alarm.proof, [agreed[0].clone(), again.announcement_hex]);
    for tlv in &alarm.proof {
        let announcement = OracleAnnouncement::from_tlv_bytes(&tlv.0).unwrap();
        announcement.validate(secp256k1_zkp::SECP256K1).unwrap();
    }
    for party in [&world.provider, &world.buyer] {
        let view = party.escrow(&id).await;
        assert_eq!((view.attestations.len(), &view.announcements), (0, &agreed));
    }
}

/// From its next start on, a party gets no word of events out of its oracle: of announcements, it does.
pub(crate) async fn cut_off(world: &mut World, name: &str) -> Proxy {
    let proxy = Proxy::before(world.oracle.addr).await;
    world.stop(name).await;
    let party = if name == "provider" { &mut world.provider } else { &mut world.buyer };
    party.use_oracle(&proxy.url());
    world.start(name).await;
    proxy
}

fn silence(proxy: &Proxy) {
    proxy.rule(|_| Verdict::Answer(StatusCode::SERVICE_UNAVAILABLE, b"{}".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_reach_the_oracle_gets_the_attestation_from_the_buyer() {
    let mut world = World::begin().await;
    let proxy = cut_off(&mut world, "provider").await;
    let (id, times) = world.lock().await;
    silence(&proxy);
    world.pass_until(times.maturity + 5).await;
    assert_eq!(world.provider.escrow(&id).await.attestations.len(), 1, "passed on");
    // Median time past trails, so no CET is out yet: the provider settles alone.
    assert!(world.bitcoind.mempool().unwrap().is_empty());
    world.kill("buyer").await;
    world.provider_reaches(&id, "settled").await;
    world.start("buyer").await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_that_cannot_reach_the_oracle_gets_the_attestation_from_the_provider() {
    let mut world = World::begin().await;
    let proxy = cut_off(&mut world, "buyer").await;
    let (id, times) = world.lock().await;
    silence(&proxy);
    world.pass_until(times.start).await;
    world.target.set(Phase::Down);
    world.pass_until(times.maturity + 80).await;
    assert_eq!(world.buyer.escrow(&id).await.attestations.len(), 1, "passed on");
    assert!(world.bitcoind.mempool().unwrap().is_empty());
    world.kill("provider").await;
    world.buyer_reaches(&id, "settled").await;
    world.start("provider").await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 0, 150_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_know_an_escrow_or_brings_junk_can_exchange_nothing() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.pass_until(times.maturity + 5).await;
    let url = format!("{}/v1/attestations", world.provider.peer_url());
    let ask = |escrow: String, attestations: serde_json::Value| {
        let body = json!({ "escrow_id": escrow, "attestations": attestations }).to_string().into_bytes();
        blackbox::raw::post(&url, None, &[], body)
    };
    let right =
        world.oracle.client.attestation(&world.buyer.escrow(&id).await.event_id).await.unwrap().unwrap();
    let mut forged = right.clone();
    *forged.last_mut().unwrap() ^= 1;

    let stranger = ask("77".repeat(32), json!([hex::encode(&right)])).await;
    assert_eq!(stranger.problem(404)["type"], "urn:earnest:problem:not-found");
    for junk in [json!([hex::encode(&forged)]), json!(["zz"]), json!(vec![hex::encode(&right); 61])] {
        let refused = ask(id.clone(), junk).await.problem(400);
        assert_eq!(refused["type"], "urn:earnest:problem:bad-input");
    }
    ask(id.clone(), json!([])).await.json()["attestations"].as_array().filter(|all| all.len() == 1).unwrap();
    let mut last = 200;
    for _ in 0..40 {
        last = ask(id.clone(), json!([])).await.status;
    }
    assert_eq!(last, 429, "a peer that asks over and over is told to wait");
    assert_eq!(world.provider.escrow(&id).await.attestations.len(), 1);
    assert_eq!(world.provider.owner.alarms().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_escrows_cet_gave_away_settles_another_when_the_oracle_is_gone() {
    let mut world = World::begin().await;
    let chain = Proxy::before(world.bitcoind.rpc_addr()).await;
    world.provider.use_bitcoind(&chain.url());
    let oracle = cut_off(&mut world, "buyer").await;
    world.restart("provider").await;
    let peer = Proxy::before(world.provider.peer_addr()).await;
    let (draft, times) = (world.draft(), world.times());
    let mut other = draft.clone();
    other.price_sat = Sat(80_000);
    let mut ids = Vec::new();
    for draft in [&draft, &other] {
        let offer = world.publish(draft).await;
        ids.push(world.buyer.purchase(&peer.url(), offer.id).await.expect("the purchase works"));
        world.calm().await;
    }
    let [first, second] = [&ids[0], &ids[1]].map(String::clone);
    for id in &ids {
        world.both_reach(id, "funded").await;
    }
    // From here on the buyer has the chain and nothing else.
    silence(&oracle);
    silence(&peer);
    world.pass_until(times.start + 120).await;
    world.target.set(Phase::Down);
    world.pass_until(times.start + 180).await;
    world.target.set(Phase::Up);
    world.provider_reaches(&first, "attested").await;
    world.provider_reaches(&second, "attested").await;
    // The provider's CET of the second escrow never reaches the chain.
    let kept =
        world.provider.escrow(&second).await.transactions.cet.expect("the CET is built").hex.to_string();
    chain.rule(move |seen| match seen.says(&kept) {
        true => Verdict::Answer(StatusCode::SERVICE_UNAVAILABLE, b"{}".to_vec()),
        false => Verdict::Pass,
    });
    for id in &ids {
        world.both_reach(id, "settled").await;
    }

    // 6 of 60 probes, 100,000 ppm: half of either price goes back.
    for (id, pays) in [(&first, [100_000, 50_000]), (&second, [90_000, 40_000])] {
        let view = world.buyer.escrow(id).await;
        witness::Witness::call(&world, &view).pays(&world, pays.to_vec());
        assert!(view.attestations.is_empty(), "no attestation ever reached the buyer");
        assert_eq!(view.outcome, None);
        let learned = view.learned.expect("what the CET gave away");
        // The block that shares a signature: 65,536 to 131,071, within the step from 50,001 to 500,000.
        let value = |value| Outcome::Value(OutcomeValue(value));
        assert_eq!((learned.from, learned.to), (value(65_536), value(131_071)));
        assert_eq!(learned.oracles, [world.oracle.key]);
        assert_eq!(
            Some(learned.txid),
            closing(&world, &first).await,
            "it is the first escrow's CET that told"
        );
    }
    let history = world.buyer.history(&second).await;
    assert!(history.contains(&"secret_learned".to_owned()) && history.contains(&"cet_built".to_owned()));
    assert!(!world.buyer.history(&first).await.contains(&"cet_built".to_owned()));
    let shown = world.buyer.cli(&["escrow", "show", &second]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("65536 to 131071"));
}

async fn closing(world: &World, id: &str) -> Option<Hex32> {
    world.buyer.escrow(id).await.closing_txid
}
