//! Reputation from facts: what a provider presents counts only as far as the chain, the oracles and whom one trusts bear it.

use std::process::Output;

use blackbox::{Party, Times, World, fresh_key};
use client::ClientError;
use protocol::owner::{NegotiationState, ReputationView};
use protocol::reference::ReferenceFile;
use protocol::transcript::TranscriptFile;
use serde_json::Value;
use terms::{Hex32, Sat};
use testbed::Phase;

use crate::negotiating::{BUYER, pays_at_most, reaches, start, with_strategy};

/// Down for the window's third minute: half of the price comes back.
async fn breached(world: &mut World) -> String {
    let (id, Times { start, .. }) = world.lock().await;
    world.pass_until(start + 120).await;
    world.target.set(Phase::Down);
    world.pass_until(start + 180).await;
    world.target.set(Phase::Up);
    world.both_reach(&id, "settled").await;
    id
}

async fn kept(world: &mut World) -> String {
    let (id, _) = world.lock().await;
    world.both_reach(&id, "settled").await;
    id
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command that fails says.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn present(world: &World, id: &str) {
    let told = json(&world.provider.cli(&["reputation", "present", id, "--json"]));
    assert_eq!((&told[0]["escrow"], &told[0]["public"]), (&Value::from(id), &Value::from(true)));
}

fn fetch(world: &World, party: &Party) -> Value {
    json(&party.cli(&["reputation", "fetch", &world.provider.peer_url(), "--json"]))
}

async fn known(world: &World, party: &Party) -> ReputationView {
    party.owner.reputation(&world.provider.key.to_string()).await.unwrap()
}

/// What a node says of a reference that somebody hands over.
async fn hand_over(party: &Party, file: &ReferenceFile) -> Result<(), (String, String)> {
    match party.owner.verify_reference(file, &fresh_key()).await {
        Ok(_) => Ok(()),
        Err(ClientError::Refused(problem)) => Err((problem.field.unwrap_or_default(), problem.detail)),
        Err(other) => panic!("{other}"),
    }
}

fn changed(file: &ReferenceFile, pointer: &str, to: impl FnOnce(&str) -> String) -> ReferenceFile {
    let mut copy = serde_json::to_value(file).unwrap();
    let value = copy.pointer_mut(pointer).unwrap();
    *value = to(value.as_str().unwrap()).into();
    serde_json::from_value(copy).unwrap()
}

/// The middle digit is another one.
fn edited(text: &str) -> String {
    let middle = text.len() / 2;
    let other = if &text[middle..=middle] == "0" { "1" } else { "0" };
    format!("{}{other}{}", &text[..middle], &text[middle + 1..])
}

/// The block at a height, as explorers show it.
fn block_at(world: &World, height: u32) -> Hex32 {
    let hash: String = world.bitcoind.call("getblockhash", &[height.into()]).unwrap();
    Hex32::parse(&hash).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_node_counts_what_it_verified_on_its_own_chain_refuses_every_forgery_and_forgets_what_is_reorganised_away()
 {
    let mut world = World::begin().await;
    world.provider.use_lines("reputation.publish = \"own\"\n");
    world.restart("provider").await;
    let ids = [kept(&mut world).await, breached(&mut world).await];
    let trusting = format!("reputation.trust = [\"{}\"]\nreputation.min_settled = 3\n", world.buyer.key);
    let friend = world.newcomer("friend", &format!("{trusting}reputation.unknown_ppm = 600_000\n")).await;
    let stranger = world.newcomer("stranger", "").await;
    assert_eq!(fetch(&world, &friend)["verified"], 0, "nothing is presented that the owner has not chosen");
    ids.iter().for_each(|id| present(&world, id));

    // Whom the buyer is trusted by, both count; to anybody else only what speaks against the provider.
    let read = fetch(&world, &friend);
    assert_eq!((&read["verified"], &read["refused"]), (&Value::from(2), &Value::from(Vec::<Value>::new())));
    let told = known(&world, &friend).await;
    assert_eq!((told.counted.kept, told.counted.breached, told.counted.buyers), (1, 1, 1));
    assert_eq!((told.counted, told.pays_ppm), (told.trusted, 600_000));
    assert_eq!((told.counted.ppm_windows, told.counted.promised_ppm), (2, 2_000));
    assert!((50_001..=500_000).contains(&told.counted.measured_ppm), "{}", told.counted.measured_ppm);
    fetch(&world, &stranger);
    let unknown = known(&world, &stranger).await;
    assert_eq!((unknown.strangers.kept, unknown.counted.kept, unknown.counted.breached), (1, 0, 1));
    // Who was there needs no reference.
    let own = known(&world, &world.buyer).await;
    assert_eq!((own.own.kept, own.own.breached, own.counted), (1, 1, own.own));

    // Two windows count, three are asked for.
    let offer = world.publish(&world.draft()).await;
    match friend.purchase(&world.provider.peer_url(), offer.id).await {
        Err(ClientError::Refused(problem)) => {
            assert_eq!((problem.status, problem.field.as_deref()), (403, Some("reputation.min_settled")));
        }
        other => panic!("{other:?}"),
    }
    let (url, offer) = (world.provider.peer_url(), offer.id.to_string());
    let said = refusal(&world.buyer.cli(&["buy", &url, &offer, "--min-settled", "3"]));
    assert!(said.contains("2 settled windows"), "{said}");

    let first = world.provider.owner.reference(&ids[0]).await.unwrap().unwrap();
    let second = world.provider.owner.reference(&ids[1]).await.unwrap().unwrap();
    forgeries(&world, &stranger, &first, &second).await;

    // The same escrow, shown by its other party: it counts once.
    let again = world.buyer.owner.reference(&ids[0]).await.unwrap().unwrap();
    assert_eq!(hand_over(&friend, &again).await, Ok(()));
    assert_eq!(known(&world, &friend).await.counted, told.counted);

    // The second end is reorganised away, and comes again in another block.
    let closing = world.provider.escrow(&ids[1]).await.transactions.cet.unwrap().height.unwrap();
    world.bitcoind.reorg(world.bitcoind.height().unwrap() + 1 - closing).unwrap();
    let less = known(&world, &friend).await;
    assert_eq!((less.gone, less.counted.kept, less.counted.breached), (1, 1, 0));
    let (field, why) = hand_over(&friend, &second).await.unwrap_err();
    assert_eq!((field.as_str(), why.contains("is not in the best chain")), ("closing_block", true), "{why}");
    world.both_reach(&ids[1], "cet_broadcast").await;
    world.both_reach(&ids[1], "settled").await;
    present(&world, &ids[1]);
    fetch(&world, &friend);
    let more = known(&world, &friend).await;
    assert_eq!((more.gone, more.counted), (0, told.counted));
}

/// None of them counts, and each is refused where it was made.
async fn forgeries(world: &World, party: &Party, first: &ReferenceFile, second: &ReferenceFile) {
    let before = known(world, party).await.counted;
    let elsewhere = block_at(world, world.bitcoind.height().unwrap());
    let nowhere = Hex32([7; 32]);
    let with = |transcript| ReferenceFile { transcript, ..second.clone() };
    let crossed =
        TranscriptFile { attestations: first.transcript.attestations.clone(), ..second.transcript.clone() };
    for (file, field, words) in [
        (ReferenceFile { funding_block: elsewhere, ..second.clone() }, "funding_block", "does not have"),
        (
            ReferenceFile { funding_block: first.funding_block, ..second.clone() },
            "funding_block",
            "does not have",
        ),
        (
            ReferenceFile { closing_block: first.closing_block, ..second.clone() },
            "closing_block",
            "does not have",
        ),
        (ReferenceFile { closing_block: nowhere, ..second.clone() }, "closing_block", "has no block"),
        (ReferenceFile { sig: first.sig, ..second.clone() }, "sig", "contract key"),
        (with(first.transcript.clone()), "sig", "contract key"),
        (changed(second, "/transcript/attestations/0", edited), "transcript.attestations[0]", ""),
        (changed(second, "/transcript/funding_tx", edited), "transcript.funding_tx", ""),
        (changed(second, "/transcript/closing_tx", edited), "transcript.closing_tx", ""),
        (with(crossed), "transcript.attestations[0]", ""),
    ] {
        let (named, why) = hand_over(party, &file).await.unwrap_err();
        assert!(named.starts_with(field) && why.contains(words), "{field} {words}: {named}: {why}");
    }
    assert_eq!(known(world, party).await.counted, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_pays_a_provider_of_whom_nothing_is_known_less_until_it_has_kept_a_promise() {
    let mut world = World::begin().await;
    world.buyer.use_lines("reputation.unknown_ppm = 700_000\n");
    world.restart("buyer").await;
    // Of at most 90,000 that is 63,000, and the provider goes down to 70,000.
    let offer = world.publish(&with_strategy(&world)).await;
    let url = world.provider.peer_url();
    let id = start(&world, &url, offer.id, pays_at_most(90_000)).await;
    reaches(&mut world, BUYER, &id, NegotiationState::Ended).await;
    kept(&mut world).await;
    // One promise of one was kept: 72,000.
    let offer = world.publish(&with_strategy(&world)).await;
    let id = start(&world, &url, offer.id, pays_at_most(90_000)).await;
    reaches(&mut world, BUYER, &id, NegotiationState::Agreed).await;
    let price = world.buyer.escrow(&id).await.agreement.price_sat;
    assert!((Sat(70_000)..=Sat(72_000)).contains(&price), "{price}");
}
