//! A node whose data folder is lost whole comes back from its seed and what was kept elsewhere.

use std::path::Path;
use std::process::Output;

use axum::http::StatusCode;
use bitcoin::Amount;
use blackbox::proxy::Verdict;
use blackbox::witness::{self, Witness};
use blackbox::{Party, Proxy, Setting, World};
use protocol::OfferDraft;
use protocol::owner::{BackupState, BackupStatus};
use terms::Sat;
use testbed::Phase;

fn with_backup() -> Setting {
    Setting { backup: true, ..Setting::default() }
}

/// So many coins for each, so that many escrows can be open.
fn with_coins(count: usize) -> Setting {
    let coins = vec![Amount::from_sat(120_000); count];
    Setting { provider_coins: coins.clone(), buyer_coins: coins, ..with_backup() }
}

fn party<'a>(world: &'a mut World, name: &str) -> &'a mut Party {
    if name == "buyer" { &mut world.buyer } else { &mut world.provider }
}

/// Insists that a command went well, and returns what it printed.
fn well(output: Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command said when it failed.
fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Kills a node, deletes its data folder whole, restores it from its words and `arguments`, and starts it.
async fn lose_and_restore(world: &mut World, name: &str, arguments: &[&str]) -> serde_json::Value {
    let words = party(world, name).words();
    world.kill(name).await;
    party(world, name).lose_everything();
    let restored = well(party(world, name).restore(&words, arguments));
    world.start(name).await;
    restored
}

async fn backup(party: &Party) -> BackupStatus {
    party.owner.info().await.unwrap().backup
}

/// Takes a target away as if its disk were not mounted, and puts it back.
fn unmount(party: &Party) {
    std::fs::rename(party.target(), party.target().with_extension("away")).unwrap();
    std::fs::create_dir(party.target()).unwrap();
}

fn mount(party: &Party) {
    std::fs::remove_dir(party.target()).expect("nothing was written to the empty mount point");
    std::fs::rename(party.target().with_extension("away"), party.target()).unwrap();
}

/// Insists that all money is where it should be after several escrows: nothing is missing but fees.
async fn conserved(world: &World, escrows: &[(String, u64, u64)]) {
    let mut fees = Amount::ZERO;
    for (id, provider_sat, buyer_sat) in escrows {
        let witness = Witness::call(world, &world.provider.escrow(id).await);
        witness.pays(world, vec![*provider_sat, *buyer_sat]);
        fees += witness.funding_fee(world) + witness.closing_fee();
    }
    let coins = world.provider.coins.iter().chain(&world.buyer.coins);
    let began: Amount = coins.map(|coin| witness::value(world, *coin)).sum();
    let have = world.provider.available_sat().await + world.buyer.available_sat().await;
    assert_eq!(began.to_sat(), have + fees.to_sat(), "every satoshi is somewhere");
}

/// The drill: four escrows in four states, one of the nodes loses everything.
async fn drill(who: &str) {
    let mut world = World::with(with_coins(4)).await;
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    let (attested, times) = world.lock().await;
    world.pass_until(times.start + 60).await;
    world.target.set(Phase::Down);
    world.pass_until(times.start + 120).await;
    world.target.set(Phase::Up);
    let (measuring, _) = world.lock().await;
    world.pass_until(times.maturity - 240).await;
    let (funded, _) = world.lock().await;
    world.both_reach(&attested, "attested").await;
    let offer = world.publish(&world.draft()).await;
    let busy = || Verdict::Answer(StatusCode::SERVICE_UNAVAILABLE, Vec::new());
    proxy.rule(move |seen| if seen.says("\"type\":\"dlc_sign\"") { busy() } else { Verdict::Pass });
    let signed = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    world.calm().await;
    let ids = [&attested, &measuring, &funded, &signed];
    let mut states = Vec::new();
    for id in ids {
        states.push(party(&mut world, who).escrow(id).await.state);
    }
    let last = if who == "buyer" { "signed" } else { "accepted" };
    assert_eq!(states, ["attested", "measuring", "funded", last]);

    let restored = lose_and_restore(&mut world, who, &[]).await;
    assert_eq!(restored["escrows"].as_array().unwrap().len(), 4, "{restored}");
    proxy.pass();
    for id in ids {
        world.both_reach(id, "settled").await;
    }
    // One slice of ten was bad while the first was measured: half of its price goes back.
    let paid = |id: &String| (id.clone(), 150_000, 0);
    let first = (attested.clone(), 100_000, 50_000);
    conserved(&world, &[first, paid(&measuring), paid(&funded), paid(&signed)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_that_loses_its_whole_data_folder_finishes_every_escrow() {
    drill("buyer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_loses_its_whole_data_folder_finishes_every_escrow() {
    drill("provider").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_target_a_buyer_signs_nothing_away_and_goes_on_when_it_is_back() {
    let mut world = World::with(with_backup()).await;
    let offer = world.publish(&world.draft()).await;
    unmount(&world.buyer);
    let id = world.buy(&offer).await;
    world.pass(60).await;
    assert_eq!(world.buyer.escrow(&id).await.state, "signed", "it has signed,");
    assert_eq!(world.provider.escrow(&id).await.state, "accepted", "and nothing of it left");
    let behind = backup(&world.buyer).await;
    assert_eq!((behind.state, behind.escrows_held), (BackupState::Behind, 1));
    assert!(behind.reason.unwrap().contains("is it mounted?"));

    mount(&world.buyer);
    world.both_reach(&id, "funded").await;
    assert_eq!(backup(&world.buyer).await.state, BackupState::Current);
    lose_and_restore(&mut world, "buyer", &[]).await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_target_until_the_deadline_a_buyer_has_its_coins_back() {
    let mut world = World::with(with_backup()).await;
    let offer = world.publish(&world.draft()).await;
    unmount(&world.buyer);
    let id = world.buy(&offer).await;
    world.pass_until(offer.funding_deadline.0).await;
    world.both_reach(&id, "cancelled").await;
    assert_eq!(world.provider.available_sat().await, 700_000);
    let fee = 700_000 - world.buyer.available_sat().await;
    assert!((1..5_000).contains(&fee), "all but {fee} sat came back");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_target_an_accepter_does_not_broadcast() {
    let mut world = World::with(with_backup()).await;
    let offer = world.publish(&world.draft()).await;
    unmount(&world.provider);
    let id = world.buy(&offer).await;
    world.pass(60).await;
    assert!(world.provider.history(&id).await.contains(&"sign_taken".to_owned()), "it could,");
    assert!(world.bitcoind.mempool().unwrap().is_empty(), "and does not");
    assert_eq!(world.buyer.escrow(&id).await.state, "signed");

    world.restart("provider").await;
    assert!(world.bitcoind.mempool().unwrap().is_empty(), "not after a restart either");
    mount(&world.provider);
    world.both_reach(&id, "funded").await;
    assert_eq!(backup(&world.provider).await.state, BackupState::Current);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_target_a_provider_that_offers_answers_with_its_signatures_later() {
    let mut world = World::with(with_backup()).await;
    let draft = OfferDraft { bond_sat: Sat(0), ..world.draft() };
    let offer = world.publish(&draft).await;
    unmount(&world.provider);
    let id = world.buy(&offer).await;
    world.pass(60).await;
    assert_eq!(world.provider.escrow(&id).await.state, "signed");
    assert_eq!(world.buyer.escrow(&id).await.state, "accepted", "the answer was withheld");

    mount(&world.provider);
    world.both_reach(&id, "funded").await;
    let signed = world.provider.history(&id).await.iter().filter(|event| *event == "accept_taken").count();
    assert_eq!(signed, 1, "it is the answer that was stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_of_the_data_folder_neither_overwrites_the_target_nor_signs() {
    let mut world = World::with(with_coins(2)).await;
    let data = world.buyer.service.data_dir();
    let old = data.with_extension("old");
    let offer = world.publish(&world.draft()).await;
    world.mine_by_hand();
    let id = world.buy(&offer).await;
    world.stop("buyer").await;
    copy(&data, &old);
    world.start("buyer").await;
    world.mine_every_minute();
    world.both_reach(&id, "measuring").await;

    world.kill("buyer").await;
    std::fs::rename(&data, data.with_extension("lost")).unwrap();
    std::fs::rename(&old, &data).unwrap();
    world.start("buyer").await;
    let offer = world.publish(&world.draft()).await;
    let second = world.buy(&offer).await;
    world.pass(60).await;
    let behind = backup(&world.buyer).await;
    assert_eq!(behind.escrows_held, 1);
    assert!(behind.reason.unwrap().contains("is an old copy"));
    assert_eq!(world.provider.escrow(&second).await.state, "accepted", "it signs nothing away");

    lose_and_restore(&mut world, "buyer", &[]).await;
    world.both_reach(&id, "settled").await;
    Witness::call(&world, &world.buyer.escrow(&id).await).pays(&world, vec![150_000, 0]);
    assert_eq!(world.buyer.try_escrow(&second).await, None, "it was never kept");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_changed_swapped_rolled_back_or_removed_are_refused_by_name() {
    let mut world = World::with(with_coins(2)).await;
    let (id, _) = world.lock().await;
    let words = world.buyer.words();
    let target = world.buyer.target();
    let records = || -> Vec<String> {
        let names = std::fs::read_dir(&target)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".record") && !name.ends_with("-node.record")).collect()
    };
    let [file] = <[String; 1]>::try_from(records()).unwrap();
    let older = std::fs::read(target.join(&file)).unwrap();
    world.both_reach(&id, "measuring").await;
    world.lock().await;
    world.kill("buyer").await;
    world.buyer.lose_everything();
    let newest = std::fs::read(target.join(&file)).unwrap();
    let other = records().into_iter().find(|name| *name != file).unwrap();
    let mut changed = newest.clone();
    changed[1_000] ^= 1;
    let swapped = std::fs::read(target.join(&other)).unwrap();
    let bad = [
        (Some(changed), "was changed"),
        (Some(newest[..newest.len() - 1].to_vec()), "cut off"),
        (Some(swapped), "another place"),
        (Some(older), "is an older copy"),
        (None, "is missing"),
    ];
    for (content, why) in bad {
        match content {
            Some(content) => std::fs::write(target.join(&file), content).unwrap(),
            None => std::fs::remove_file(target.join(&file)).unwrap(),
        }
        let complaint = complaint(&world.buyer.restore(&words, &[]));
        assert!(complaint.contains(&file) && complaint.contains(why), "{complaint}");
        assert!(!world.buyer.service.data_dir().join("earnest.sqlite").exists(), "nothing was restored");
    }
    let restored = well(world.buyer.restore(&words, &["--skip-damaged"]));
    assert_eq!(restored["escrows"].as_array().unwrap().len(), 1, "the other one is whole: {restored}");
    assert!(restored["skipped"][0].as_str().unwrap().contains(&file));
    let again = complaint(&world.buyer.restore(&words, &["--skip-damaged"]));
    assert!(again.contains("nothing is overwritten"), "{again}");
    world.start("buyer").await;
    world.look().await;
    assert_eq!(backup(&world.buyer).await.state, BackupState::Current, "it goes on without the lost one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_while_the_node_runs_brings_it_back() {
    let mut world = World::with(with_coins(3)).await;
    let (first, _) = world.lock().await;
    let file = world.buyer.target().with_extension("copy");
    let file = file.to_str().unwrap();
    let made = well(world.buyer.cli(&["backup", "--json", file]));
    let sealed = std::fs::read(file).unwrap();
    assert_eq!(made["bytes"], sealed.len());
    for told in [first.as_bytes(), b"SQLite format 3", world.buyer.words().as_bytes()] {
        assert!(!sealed.windows(told.len()).any(|window| window == told), "nothing of it can be read");
    }
    assert!(complaint(&world.buyer.cli(&["backup", file])).contains("exists"), "nothing is overwritten");
    let (second, _) = world.lock().await;

    let restored = lose_and_restore(&mut world, "buyer", &["--from", file]).await;
    assert_eq!(restored["escrows"].as_array().unwrap().len(), 2, "the target knows the second: {restored}");
    assert_eq!(restored["ended"].as_array().unwrap().len(), 0);
    for id in [&first, &second] {
        world.both_reach(id, "settled").await;
    }
    conserved(&world, &[(first, 150_000, 0), (second, 150_000, 0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_alone_ends_what_was_open_and_settles_what_was_signed() {
    let mut world = World::with(with_coins(3)).await;
    let (signed, _) = world.lock().await;
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    let offer = world.publish(&world.draft()).await;
    proxy.rule(|seen| if seen.says("\"type\":\"dlc_offer\"") { Verdict::Swallow } else { Verdict::Pass });
    let open = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    proxy.caught().await;
    let file = world.buyer.target().with_extension("copy");
    let file = file.to_str().unwrap();
    well(world.buyer.cli(&["backup", "--json", file]));

    let restored = lose_and_restore(&mut world, "buyer", &["--from", file, "--without-target"]).await;
    assert_eq!(restored["ended"][0], open.as_str(), "{restored}");
    proxy.pass();
    world.both_reach(&signed, "settled").await;
    assert_eq!(world.buyer.escrow(&open).await.state, "cancelled");
    assert_eq!(world.provider.escrow(&open).await.state, "cancelled");
    conserved(&world, &[(signed, 150_000, 0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_words_alone_the_coins_come_back_with_what_escrows_paid() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.pass_until(times.start).await;
    world.target.set(Phase::Down);
    world.pass_until(times.start + 60).await;
    world.target.set(Phase::Up);
    world.both_reach(&id, "settled").await;
    let had = [world.provider.available_sat().await, world.buyer.available_sat().await];

    let words = world.buyer.words();
    world.kill("buyer").await;
    world.buyer.lose_everything();
    let refused = complaint(&world.buyer.restore(&words, &[]));
    assert!(refused.contains("there is no [backup] target"), "{refused}");
    well(world.buyer.restore(&words, &["--without-target"]));
    world.start("buyer").await;
    lose_and_restore(&mut world, "provider", &["--without-target", "--birth-height", "100"]).await;
    world.look().await;
    assert_eq!([world.provider.available_sat().await, world.buyer.available_sat().await], had);
    let address = world.buyer.address().await;
    let paid = world.buyer.owner.transactions().await.unwrap();
    assert!(paid.iter().any(|tx| tx.received_sat == Sat(50_000)), "what the escrow paid is among it");
    world.bitcoind.fund(&address, &[Amount::from_sat(1_000)]).unwrap();
    world.look().await;
    assert_eq!(world.buyer.available_sat().await, had[1] + 1_000);
}
