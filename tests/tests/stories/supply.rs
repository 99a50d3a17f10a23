//! A supply of coins, and the schedule that empties the wallet.

use bitcoin::{Address, Amount, Network};
use blackbox::witness::Witness;
use blackbox::{Setting, World};
use testbed::Bitcoind;

const MANDATE: &str =
    "max_contract_sat = 2_000_000\nmax_locked_sat = 2_000_000\nmax_per_counterparty_sat = 2_000_000\n";

fn cold() -> Address {
    let address: Address<_> = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080".parse().unwrap();
    address.require_network(Network::Regtest).unwrap()
}

/// What the cold address has on the chain.
fn arrived(bitcoind: &Bitcoind) -> Vec<u64> {
    let scan: serde_json::Value =
        bitcoind.call("scantxoutset", &["start".into(), vec![format!("addr({})", cold())].into()]).unwrap();
    let unspents = scan["unspents"].as_array().unwrap();
    let sats = unspents.iter().map(|coin| coin["amount"].to_string());
    sats.map(|btc| Amount::from_str_in(&btc, bitcoin::Denomination::Bitcoin).unwrap().to_sat()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_with_one_big_coin_locks_ten_escrows_in_a_row_without_a_block_in_between() {
    let setting = Setting {
        provider_mandate: format!("{MANDATE}\n[supply]\ncoins = 10\n"),
        buyer_mandate: MANDATE.to_owned(),
        provider_coins: vec![Amount::from_sat(2_000_000)],
        buyer_coins: vec![Amount::from_sat(110_000); 10],
        ..Setting::default()
    };
    let mut world = World::with(setting).await;
    let offer = world.publish(&world.draft()).await;
    world
        .until("the supply", async |world| world.provider.owner.supply().await.unwrap().unwrap().ready >= 10)
        .await;
    let coin = world.provider.owner.supply().await.unwrap().unwrap().coin_sat.unwrap().0;

    world.mine_by_hand();
    let height = world.bitcoind.height().unwrap();
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(world.buy(&offer).await);
    }
    for id in &ids {
        assert_eq!(world.provider.escrow(id).await.state, "funding_broadcast");
    }
    assert_eq!(world.bitcoind.height().unwrap(), height, "no block came in between");

    world.mine_every_minute();
    for id in &ids {
        world.both_reach(id, "settled").await;
        let witness = Witness::call(&world, &world.provider.escrow(id).await);
        witness.pays(&world, vec![150_000, 0]);
        assert_eq!(witness.funding.input.len(), 2, "one coin of each side");
    }
    // Each escrow took one coin of the supply whole and brought 150,000; splitting cost its fees.
    let transactions = world.provider.owner.transactions().await.unwrap();
    let splits = transactions.iter().filter(|tx| tx.purpose.as_deref() == Some("split"));
    let fees: Vec<u64> = splits.map(|tx| tx.fee_sat.unwrap().0).collect();
    assert!((1..=2).contains(&fees.len()), "split when it was empty, and not at each escrow: {fees:?}");
    world.look().await;
    let expected = 2_000_000 - fees.iter().sum::<u64>() - 10 * coin + 10 * 150_000;
    assert_eq!(world.provider.available_sat().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_sweep_pays_once_at_its_moment_however_often_the_node_dies() {
    let provider_mandate =
        format!("{MANDATE}\n[sweep]\naddress = \"{}\"\nat = [\"00:20\"]\nkeep_sat = 300_000\n", cold());
    let mut world = World::with(Setting { provider_mandate, ..Setting::default() }).await;
    let next = world.provider.owner.sweep().await.unwrap().unwrap().next_at.0;
    let id = {
        let offer = world.publish(&world.draft()).await;
        let id = world.buy(&offer).await;
        world.both_reach(&id, "funded").await;
        id
    };
    assert_eq!(arrived(&world.bitcoind), [0u64; 0]);
    world.kill("provider").await;
    world.pass_until(next + 100).await;
    world.start("provider").await;
    world.look().await;
    world.restart("provider").await;
    world.pass(120).await;
    let paid = arrived(&world.bitcoind);
    assert_eq!(paid.len(), 1, "{paid:?}");
    let swept = world.provider.owner.sweep().await.unwrap().unwrap().last.unwrap();
    assert_eq!(swept.due_at.0, next);
    let transactions = world.provider.owner.transactions().await.unwrap();
    let sweep = transactions.iter().find(|tx| tx.purpose.as_deref() == Some("sweep")).unwrap();
    assert_eq!(Some(sweep.txid), swept.txid);
    assert_eq!(sweep.sent_sat.0 - sweep.received_sat.0 - sweep.fee_sat.unwrap().0, paid[0]);
    assert!(world.provider.available_sat().await >= 300_000, "what is kept");
    // The escrow's money was never its own to sweep.
    world.both_reach(&id, "settled").await;
    Witness::call(&world, &world.provider.escrow(&id).await).pays(&world, vec![150_000, 0]);
}
