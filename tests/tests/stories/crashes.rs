//! Processes that die at the worst moment, with the chain as witness.

use std::collections::BTreeSet;

use bitcoin::{Amount, OutPoint};
use blackbox::proxy::Verdict;
use blackbox::{Party, Proxy, Setting, World, witness};
use terms::Sat;

/// The transaction on the chain or in the mempool that spends one of these coins; they must not be spent twice.
fn spender(world: &World, coins: &[OutPoint]) -> Option<bitcoin::Transaction> {
    let height = world.bitcoind.height().unwrap();
    let mut found = None;
    for at in (1..=height).rev().take(120) {
        let hash: String = world.bitcoind.call("getblockhash", &[at.into()]).unwrap();
        let block: serde_json::Value = world.bitcoind.call("getblock", &[hash.into(), 2.into()]).unwrap();
        for tx in block["tx"].as_array().unwrap() {
            let hex = tx["hex"].as_str().unwrap();
            let tx: bitcoin::Transaction = bitcoin::consensus::encode::deserialize_hex(hex).unwrap();
            if tx.input.iter().any(|input| coins.contains(&input.previous_output)) {
                assert!(found.replace(tx).is_none(), "two transactions spend these coins");
            }
        }
    }
    found
}

/// Insists that a party spent its coin to itself alone, for a small fee.
async fn took_coins_back(world: &World, party: &Party) {
    let cancel = spender(world, &party.coins).expect("it spent its coin itself");
    assert!(
        cancel.input.iter().all(|input| party.coins.contains(&input.previous_output)),
        "its own coins alone"
    );
    assert_eq!(cancel.output.len(), 1, "to itself alone");
    let fee = 700_000 - party.available_sat().await;
    assert!((1..5_000).contains(&fee), "all but {fee} sat came back");
}

/// A world whose provider is reached through a proxy, with an offer on its card.
async fn with_proxied_provider() -> (World, Proxy, protocol::Offer) {
    let world = World::begin().await;
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    let draft = world.draft();
    let offer = world.publish(&draft).await;
    (world, proxy, offer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_killed_after_storing_and_before_sending_sign_goes_on_after_its_restart() {
    let (mut world, proxy, offer) = with_proxied_provider().await;
    proxy.rule(|seen| if seen.says("\"type\":\"dlc_sign\"") { Verdict::Swallow } else { Verdict::Pass });
    let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    proxy.caught().await;
    assert_eq!(world.buyer.escrow(&id).await.state, "signed", "its owner is served while its peer is silent");
    world.kill("buyer").await;
    world.pass(60).await;
    assert_eq!(world.provider.escrow(&id).await.state, "accepted", "the provider has no signatures");
    assert!(world.bitcoind.mempool().unwrap().is_empty());

    proxy.pass();
    world.start("buyer").await;
    world.both_reach(&id, "funded").await;
    let signed = world.buyer.history(&id).await.iter().filter(|event| *event == "accept_taken").count();
    assert_eq!(signed, 1, "it signed once, before it was killed, and sent that");
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_that_comes_back_only_after_the_funding_deadline_takes_its_coins_back() {
    let (mut world, proxy, offer) = with_proxied_provider().await;
    proxy.rule(|seen| if seen.says("\"type\":\"dlc_sign\"") { Verdict::Swallow } else { Verdict::Pass });
    let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    proxy.caught().await;
    world.kill("buyer").await;
    world.pass_until(offer.funding_deadline.0).await;
    world.provider_reaches(&id, "cancelled").await;
    assert_eq!(world.provider.available_sat().await, 700_000, "the provider's coins are free, all of them");

    proxy.pass();
    world.start("buyer").await;
    world.buyer_reaches(&id, "cancelled").await;
    took_coins_back(&world, &world.buyer).await;
    assert_eq!(spender(&world, &world.provider.coins), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_that_never_gets_the_answer_to_sign_sends_it_again_and_it_counts_once() {
    let (mut world, proxy, offer) = with_proxied_provider().await;
    proxy.rule(|seen| match seen.says("\"type\":\"dlc_sign\"") {
        true => Verdict::SwallowAnswer,
        false => Verdict::Pass,
    });
    let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    proxy.caught().await;
    world.kill("buyer").await;

    proxy.pass();
    world.start("buyer").await;
    world.both_reach(&id, "funded").await;
    let taken = world.provider.history(&id).await.iter().filter(|event| *event == "sign_taken").count();
    assert_eq!(taken, 1);
    assert!(spender(&world, &world.buyer.coins).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_while_a_peer_keeps_it_waiting_a_node_stops_and_loses_nothing() {
    let (mut world, proxy, offer) = with_proxied_provider().await;
    proxy.rule(|seen| if seen.says("\"type\":\"dlc_sign\"") { Verdict::Swallow } else { Verdict::Pass });
    let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    proxy.caught().await;
    world.stop("buyer").await;
    proxy.pass();
    world.start("buyer").await;
    world.both_reach(&id, "funded").await;
}

/// A world whose provider's way to the Bitcoin node can be cut.
async fn with_proxied_chain() -> (World, Proxy) {
    let mut world = World::begin().await;
    let proxy = Proxy::before(world.bitcoind.rpc_addr()).await;
    world.stop("provider").await;
    world.provider.use_bitcoind(&proxy.url());
    world.start("provider").await;
    proxy.rule(|seen| if seen.says("sendrawtransaction") { Verdict::Swallow } else { Verdict::Pass });
    (world, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_killed_after_receiving_sign_and_before_broadcasting_goes_on_after_its_restart() {
    let (mut world, proxy) = with_proxied_chain().await;
    let offer = world.publish(&world.draft()).await;
    let id = world.buyer.purchase(&world.provider.peer_url(), offer.id).await.unwrap();
    proxy.caught().await;
    world.kill("provider").await;
    world.pass(60).await;
    assert!(world.bitcoind.mempool().unwrap().is_empty(), "nothing was broadcast");
    assert_eq!(world.buyer.escrow(&id).await.state, "signed");

    proxy.pass();
    world.start("provider").await;
    world.both_reach(&id, "funded").await;
    assert!(world.provider.history(&id).await.contains(&"sign_taken".to_owned()));
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_comes_back_after_the_deadline_finds_the_buyers_coins_gone_and_gives_up() {
    let (mut world, proxy) = with_proxied_chain().await;
    let offer = world.publish(&world.draft()).await;
    let id = world.buyer.purchase(&world.provider.peer_url(), offer.id).await.unwrap();
    proxy.caught().await;
    world.kill("provider").await;
    world.pass_until(offer.funding_deadline.0).await;
    world.buyer_reaches(&id, "cancelled").await;
    let cancel = spender(&world, &world.buyer.coins).expect("the buyer spent its coin itself");

    proxy.pass();
    world.start("provider").await;
    world.provider_reaches(&id, "cancelled").await;
    world.pass(120).await;
    assert_eq!(spender(&world, &world.buyer.coins), Some(cancel), "the buyer's coin went nowhere else");
    assert!(world.bitcoind.mempool().unwrap().is_empty());
    took_coins_back(&world, &world.buyer).await;
    // With the buyer's coin gone for good the funding transaction can never confirm, so taking its own back would only cost.
    assert_eq!(spender(&world, &world.provider.coins), None);
    assert_eq!(world.provider.available_sat().await, 700_000);
}

/// The late provider is quicker than the buyer's double-spend: then the escrow is live, and stays so.
#[tokio::test(flavor = "multi_thread")]
async fn funding_that_confirms_just_before_the_deadline_stays_live() {
    let (mut world, proxy) = with_proxied_chain().await;
    let offer = world.publish(&world.draft()).await;
    let id = world.buyer.purchase(&world.provider.peer_url(), offer.id).await.unwrap();
    proxy.caught().await;
    world.kill("provider").await;
    world.mine_by_hand();
    world.pass_until(offer.funding_deadline.0 - 30).await;
    proxy.pass();
    world.start("provider").await;
    world.look().await;
    assert_eq!(
        world.bitcoind.mempool().unwrap().len(),
        1,
        "the funding transaction is broadcast at the last moment"
    );
    world.mine(1);
    world.pass_until(offer.funding_deadline.0 + 60).await;
    world.mine_every_minute();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

/// Funding that is only in the mempool at the deadline: the offerer replaces it, and nothing is paid twice.
#[tokio::test(flavor = "multi_thread")]
async fn funding_that_hangs_in_the_mempool_at_the_deadline_is_replaced() {
    let mut world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    world.mine_by_hand();
    let id = world.buy(&offer).await;
    world.both_reach(&id, "funding_broadcast").await;
    let funding = world.buyer.escrow(&id).await.funding_txid.unwrap();
    assert_eq!(world.bitcoind.mempool().unwrap(), [witness::read(funding)]);
    world.pass_until(offer.funding_deadline.0).await;
    world.look().await;

    let mempool = world.bitcoind.mempool().unwrap();
    assert!(!mempool.contains(&witness::read(funding)), "the funding transaction is replaced");
    world.mine_every_minute();
    world.both_reach(&id, "cancelled").await;
    took_coins_back(&world, &world.buyer).await;
    took_coins_back(&world, &world.provider).await;
}

/// The accepter's miner is quicker than the mempool: funding confirms although the offerer has replaced it there.
#[tokio::test(flavor = "multi_thread")]
async fn funding_that_confirms_after_all_is_live_though_the_offerer_took_its_coins_back() {
    let mut world = World::begin().await;
    let offer = world.publish(&world.draft()).await;
    world.mine_by_hand();
    let id = world.buy(&offer).await;
    world.both_reach(&id, "funding_broadcast").await;
    let funding = witness::on_chain(&world, world.buyer.escrow(&id).await.funding_txid.unwrap());
    world.pass_until(offer.funding_deadline.0).await;
    world.look().await;
    assert_eq!(world.buyer.escrow(&id).await.state, "cancelling");
    world.bitcoind.set_mock_time(world.now()).unwrap();
    world.bitcoind.mine_block_of(&[funding]).unwrap();

    world.mine_every_minute();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

/// Kills the buyer each time one of its messages, or the answer to it, is on the wire.
async fn lose_every_message(
    world: &mut World,
    kinds: &[&str],
    draft: impl Fn(&World) -> protocol::OfferDraft,
) {
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    for kind in kinds {
        for request_arrives in [false, true] {
            let offer = world.publish(&draft(world)).await;
            let said = format!("\"type\":\"{kind}\"");
            proxy.rule(move |seen| match (seen.says(&said), request_arrives) {
                (false, _) => Verdict::Pass,
                (true, true) => Verdict::SwallowAnswer,
                (true, false) => Verdict::Swallow,
            });
            let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
            proxy.caught().await;
            world.kill("buyer").await;
            proxy.pass();
            world.start("buyer").await;
            world.both_reach(&id, "funded").await;
        }
    }
    let funded = world.buyer.owner.escrows().await.unwrap();
    let txids: BTreeSet<_> = funded.iter().filter_map(|escrow| escrow.funding_txid).collect();
    assert_eq!(txids.len(), kinds.len() * 2, "each escrow has a funding transaction of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_message_is_lost_with_the_buyers_process_the_escrow_is_locked_after_a_restart() {
    let coins = vec![Amount::from_sat(120_000); 6];
    let setting = Setting { provider_coins: coins.clone(), buyer_coins: coins, ..Setting::default() };
    let mut world = World::with(setting).await;
    lose_every_message(&mut world, &["accept", "dlc_offer", "dlc_sign"], World::draft).await;
}

fn without_bond(world: &World) -> protocol::OfferDraft {
    protocol::OfferDraft { bond_sat: Sat(0), ..world.draft() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_where_the_buyer_funds_alone_and_accepts() {
    let buyer_coins = vec![Amount::from_sat(120_000); 4];
    let mut world = World::with(Setting { buyer_coins, ..Setting::default() }).await;
    lose_every_message(&mut world, &["accept", "dlc_accept"], without_bond).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sole_funder_that_comes_back_after_the_deadline_has_lost_nothing() {
    let mut world = World::begin().await;
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    let offer = world.publish(&without_bond(&world)).await;
    proxy.rule(|seen| match seen.says("\"type\":\"dlc_accept\"") {
        true => Verdict::SwallowAnswer,
        false => Verdict::Pass,
    });
    let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    proxy.caught().await;
    world.kill("buyer").await;
    assert_eq!(world.provider.escrow(&id).await.state, "signed", "the provider's signatures are out");
    world.pass_until(offer.funding_deadline.0).await;
    world.provider_reaches(&id, "cancelled").await;

    proxy.pass();
    world.start("buyer").await;
    world.buyer_reaches(&id, "cancelled").await;
    world.pass(60).await;
    assert_eq!(world.buyer.available_sat().await, 700_000, "not even a fee");
    assert_eq!(spender(&world, &world.buyer.coins), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_again_at_every_stage_an_escrow_still_settles() {
    // Samples that were not written when the oracle is killed are lost, so it writes each at once.
    let oracle = "[probe]\nflush_every_s = 1\n".to_owned();
    let mut world = World::with(Setting { oracle, ..Setting::default() }).await;
    let draft = world.draft();
    let times = world.times();
    let offer = world.publish(&draft).await;
    everybody(&mut world).await;
    let id = world.buy(&offer).await;
    everybody(&mut world).await;
    world.both_reach(&id, "funded").await;
    everybody(&mut world).await;
    world.pass_until(times.start).await;
    world.target.set(testbed::Phase::Down);
    world.pass_until(times.start + 60).await;
    world.target.set(testbed::Phase::Up);
    for stage in [times.start + 300, times.end + 5, times.maturity, times.maturity + 1] {
        world.pass_until(stage).await;
        everybody(&mut world).await;
    }
    for state in ["attested", "cet_broadcast", "settled"] {
        world.both_reach(&id, state).await;
        everybody(&mut world).await;
    }
    witness::paid_out(&world, &id, 100_000, 50_000).await;
    for party in [&world.provider, &world.buyer] {
        let history = party.history(&id).await;
        for once in ["opened", "attested", "cet_built", "spend_seen"] {
            assert_eq!(history.iter().filter(|event| *event == once).count(), 1, "{once} in {history:?}");
        }
    }
}

async fn everybody(world: &mut World) {
    for name in ["oracle", "provider", "buyer"] {
        world.restart(name).await;
    }
}
