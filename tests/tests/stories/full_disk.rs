//! A disk that is full under a running node: it says so, stores nothing half, sends nothing that it could not store,
//! and goes on when there is space.

use blackbox::proxy::Verdict;
use blackbox::{FullDisk, Party, Proxy, World, witness};
use client::ClientError;

/// Insists that a request was refused because of the disk, and says so.
fn names_the_disk<T: std::fmt::Debug>(answer: Result<T, ClientError>) {
    let refused = answer.expect_err("nothing can be stored");
    assert_eq!(refused.status(), Some(503), "{refused}");
    assert!(refused.to_string().contains("disk is full"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_told_that_the_disk_is_full_and_nothing_is_sent_or_spent() {
    let mut world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    let address = world.provider.address().await.to_string();
    let disk = FullDisk::under(&mut world, "buyer").await;
    let url = world.provider.peer_url();

    disk.fill();
    names_the_disk(world.buyer.purchase(&url, offer.id).await);
    names_the_disk(world.buyer.owner.new_address("an-address").await);
    let sent = world.buyer.cli(&["send", &address, "50000", "--fee-rate", "2"]);
    assert_eq!(sent.status.code(), Some(1));
    let said = String::from_utf8_lossy(&sent.stderr).into_owned();
    assert!(said.contains("disk is full"), "{said}");
    world.look().await;
    assert!(world.provider.owner.escrows().await.unwrap().is_empty(), "the provider heard nothing");
    assert!(world.bitcoind.mempool().unwrap().is_empty(), "nothing was spent");
    assert_eq!(world.buyer.available_sat().await, 700_000, "and reading works");

    disk.free();
    let id = world.buy(&offer).await;
    world.both_reach(&id, "funded").await;
    let escrows = world.buyer.owner.escrows().await.unwrap();
    assert_eq!(escrows.len(), 1, "what was refused left nothing behind");
}

/// A world whose provider is reached through a proxy, with a disk under one of the nodes.
async fn with_a_disk_under(name: &str) -> (World, Proxy, FullDisk) {
    let mut world = World::begin().await;
    let disk = FullDisk::under(&mut world, name).await;
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    (world, proxy, disk)
}

/// The disk is full just when this message is on the wire. Returns the escrow's id, half a minute later.
async fn full_when(world: &mut World, proxy: &Proxy, disk: &FullDisk, kind: &'static str) -> String {
    let offer = world.publish(&world.draft()).await;
    let fill = disk.filler();
    proxy.rule(move |seen| {
        if seen.says(&format!("\"type\":\"{kind}\"")) {
            fill();
        }
        Verdict::Pass
    });
    let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    world.pass(60).await;
    assert!(world.bitcoind.mempool().unwrap().is_empty(), "nothing is funded");
    proxy.pass();
    id
}

async fn locks_and_settles(world: &mut World, id: &str) {
    world.both_reach(id, "funded").await;
    world.both_reach(id, "settled").await;
    witness::paid_out(world, id, 150_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_store_an_offer_answers_it_when_there_is_space() {
    let (mut world, proxy, disk) = with_a_disk_under("provider").await;
    let id = full_when(&mut world, &proxy, &disk, "dlc_offer").await;
    assert_eq!(world.provider.escrow(&id).await.state, "agreed", "it took nothing that it could not store");
    assert_eq!(world.buyer.escrow(&id).await.state, "offered");
    disk.free();
    locks_and_settles(&mut world, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_that_cannot_store_its_signatures_does_not_send_them() {
    let (mut world, proxy, disk) = with_a_disk_under("buyer").await;
    let id = full_when(&mut world, &proxy, &disk, "dlc_offer").await;
    assert_eq!(world.provider.escrow(&id).await.state, "accepted", "no signature has left");
    assert_eq!(world.buyer.escrow(&id).await.state, "offered");
    disk.free();
    locks_and_settles(&mut world, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_store_the_funding_transaction_does_not_broadcast_it() {
    let (mut world, proxy, disk) = with_a_disk_under("provider").await;
    let id = full_when(&mut world, &proxy, &disk, "dlc_sign").await;
    assert_eq!(world.provider.escrow(&id).await.state, "accepted");
    disk.free();
    locks_and_settles(&mut world, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_both_disks_full_at_maturity_both_settle_when_there_is_space() {
    let mut world = World::begin().await;
    let disks = [FullDisk::under(&mut world, "provider").await, FullDisk::under(&mut world, "buyer").await];
    let (id, times) = world.lock().await;
    world.pass_until(times.end).await;
    disks.iter().for_each(FullDisk::fill);
    world.pass_until(times.maturity + 180).await;
    assert!(world.attested(&world.buyer.escrow(&id).await.event_id).await);
    assert!(world.bitcoind.mempool().unwrap().is_empty(), "what cannot be stored is not broadcast");
    for party in [&world.provider, &world.buyer] {
        served(party, &id).await;
    }
    disks.iter().for_each(FullDisk::free);
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

/// The owner still sees what there is.
async fn served(party: &Party, id: &str) {
    assert_eq!(party.escrow(id).await.state, "measuring");
    assert!(party.service.log().contains("the disk is full"), "the log says why nothing happens");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_the_disk_is_full_a_node_starts_again_when_there_is_space() {
    let (mut world, proxy, disk) = with_a_disk_under("provider").await;
    let id = full_when(&mut world, &proxy, &disk, "dlc_sign").await;
    world.kill("provider").await;
    disk.free();
    world.start("provider").await;
    locks_and_settles(&mut world, &id).await;
}
