//! What the node does with the wallet by itself: once, within bounds, and never with a coin that is spoken for.

use std::collections::BTreeSet;

use bitcoin::{Amount, FeeRate, OutPoint};
use engine::Event;
use protocol::owner::{AlarmKind, SweepRun, WithdrawalRequest};
use terms::{Hex32, Sat, UnixSeconds};
use wallet::CoinRequest;

use super::guard::opened;
use super::names::offer;
use super::{World, elsewhere};
use crate::core::Change;
use crate::error::NodeError;
use crate::node::Node;
use crate::ticket::Ticket;

/// 2026-01-01T00:00:00Z: a moment of every schedule below.
const MIDNIGHT: u64 = 1_767_225_600;

fn sweeping() -> String {
    format!("[sweep]\naddress = '{}'\nevery_s = 3_600\nkeep_sat = 30_000\nmin_sat = 10_000\n", elsewhere())
}

const SUPPLY: &str = "[supply]\ncoins = 5\ncoin_sat = 50_000\n";

fn request(sat: u64) -> WithdrawalRequest {
    WithdrawalRequest {
        address: elsewhere().to_string(),
        amount_sat: Some(Sat(sat)),
        sweep: false,
        fee_rate_sat_vb: Some(2),
    }
}

impl World {
    async fn paid(&self, node: &Node, sats: &[u64]) {
        let address = node.core.lock().await.wallet.new_address();
        let amounts: Vec<Amount> = sats.iter().copied().map(Amount::from_sat).collect();
        self.bitcoind.fund(&address, &amounts).unwrap();
        self.sync(node).await;
    }

    async fn sync(&self, node: &Node) {
        node.core.lock().await.sync(node.now()).await.unwrap();
    }

    async fn mine(&self, node: &Node) {
        self.bitcoind.mine(1).unwrap();
        self.sync(node).await;
    }
}

async fn values(node: &Node) -> Vec<u64> {
    node.core.lock().await.free_coins().iter().map(|coin| coin.txout.value.to_sat()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_was_stored_and_not_sent_is_sent_after_the_restart_and_is_the_only_one() {
    let world = World { more: sweeping(), ..World::begin() };
    let node = world.open().await;
    world.paid(&node, &[100_000, 20_000]).await;
    let due = MIDNIGHT + 3_600;
    let txid = {
        let mut core = node.core.lock().await;
        core.tend_sweep(MIDNIGHT + 5).await.unwrap();
        core.tend_sweep(due - 1).await.unwrap();
        assert_eq!(core.sweep_view(due - 1).unwrap().next_at.0, due);
        assert_eq!(world.bitcoind.mempool().unwrap(), [], "a schedule does not begin with a sweep");
        // What is done at the next moment, but for the broadcast.
        let config = core.config.sweep.clone().unwrap();
        let tx = core.build_sweep(&config, FeeRate::from_sat_per_vb_u32(2)).unwrap();
        let run = SweepRun { due_at: UnixSeconds(due), at: UnixSeconds(due), txid: None, note: None };
        core.store_sweep(tx, run, due).await.unwrap()
    };
    drop(node);
    assert_eq!(world.bitcoind.mempool().unwrap(), []);

    let node = world.open().await;
    world.sync(&node).await;
    for now in [due, due + 3_599] {
        node.core.lock().await.tend_sweep(now).await.unwrap();
    }
    assert_eq!(world.bitcoind.mempool().unwrap(), [txid]);
    world.mine(&node).await;
    // 20,000 stayed as they were; 10,000 came back, so that 30,000 are kept.
    assert_eq!(values(&node).await, [20_000, 10_000]);
    let shown = node.core.lock().await.transactions().await.unwrap();
    assert_eq!(shown[0].purpose.as_deref(), Some("sweep"));
    assert_eq!(shown[0].sent_sat.0 - shown[0].received_sat.0, 90_000);

    // Three moments pass at once, and there is too little: all three are over.
    world.paid(&node, &[9_000]).await;
    let mut core = node.core.lock().await;
    core.tend_sweep(due + 3 * 3_600).await.unwrap();
    let last = core.sweep_view(due + 3 * 3_600).unwrap().last.unwrap();
    assert_eq!((last.due_at.0, last.txid), (due + 3 * 3_600, None));
    assert_eq!(world.bitcoind.mempool().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_big_coin_becomes_a_supply_once_and_the_sweep_leaves_it_alone() {
    let world = World { more: format!("{SUPPLY}{}", sweeping()), ..World::begin() };
    let node = world.open().await;
    world.paid(&node, &[1_000_000]).await;
    node.core.lock().await.tend_sweep(MIDNIGHT).await.unwrap();
    for _ in 0..3 {
        node.core.lock().await.tend_supply(node.now()).await.unwrap();
        world.sync(&node).await;
    }
    assert_eq!(world.bitcoind.mempool().unwrap().len(), 1, "while it is on its way it is not made again");
    let view = node.core.lock().await.supply_view(node.now()).await.unwrap();
    assert_eq!((view.wanted, view.ready, view.pending), (5, 0, 6), "five, and the change");
    world.mine(&node).await;
    let coins = values(&node).await;
    assert_eq!(coins[1..], [50_000; 5]);
    // 11 + 68 + 6 * 31 vB at 2 sat/vB are 530; bdk counts a little less, and our own rounding adds a little.
    let fee = 1_000_000 - coins.iter().sum::<u64>();
    assert!((526..=535).contains(&fee), "{fee}");

    node.core.lock().await.tend_sweep(MIDNIGHT + 3_600).await.unwrap();
    world.mine(&node).await;
    assert_eq!(
        values(&node).await,
        [[50_000; 5].as_slice(), &[30_000]].concat(),
        "the supply, and what is kept"
    );

    // An escrow takes one of them whole; a small one takes another coin where there is one.
    let core = node.core.lock().await;
    let ask = |target| CoinRequest {
        target: Amount::from_sat(target),
        fee_per_input: Amount::from_sat(136),
        min_confirmations: 1,
    };
    let chosen = |target| {
        let coins = core.choose_coins(ask(target)).unwrap();
        coins.iter().map(|coin| coin.txout.value.to_sat()).collect::<Vec<_>>()
    };
    assert_eq!(chosen(49_864), [50_000]);
    assert_eq!(chosen(20_000), [30_000]);
    assert_eq!(chosen(29_900), [50_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_split_or_swept_at_a_fee_rate_that_the_owner_would_not_pay() {
    let bounded = |text: &str| format!("{text}max_fee_rate_sat_vb = 1\n");
    let world = World { more: bounded(SUPPLY) + &bounded(&sweeping()), ..World::begin() };
    let node = world.open().await;
    world.paid(&node, &[1_000_000]).await;
    // The node has no estimate, so that fees.floor_sat_vb counts, which is 2.
    let mut core = node.core.lock().await;
    for now in [MIDNIGHT, MIDNIGHT + 3_600] {
        core.tend_sweep(now).await.unwrap();
        core.tend_supply(now).await.unwrap();
    }
    assert_eq!(world.bitcoind.mempool().unwrap(), []);
    assert!(core.supply_view(node.now()).await.unwrap().waits_for.unwrap().contains("max_fee_rate_sat_vb"));
    let view = core.sweep_view(MIDNIGHT + 3_600).unwrap();
    assert!(view.waits_for.unwrap().contains("max_fee_rate_sat_vb"));
    assert_eq!(view.last.unwrap().due_at.0, MIDNIGHT, "the moment is not over; it waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_within_a_day_is_counted_across_restarts_and_the_sweep_is_not() {
    let limits = "max_withdrawal_sat = 60_000\nmax_withdrawn_per_day_sat = 100_000\n";
    let world = World { more: format!("{limits}{}", sweeping()), ..World::begin() };
    let node = world.open().await;
    world.paid(&node, &[200_000, 80_000, 80_000]).await;
    let pay = async |node: &Node, sat: u64, now: u64| {
        let paid = node.core.lock().await.withdraw(&request(sat), &Ticket::default(), now).await;
        paid.map_err(|error| match error {
            NodeError::Mandate(refusal) => refusal.limit(),
            other => panic!("{other}"),
        })
    };
    assert_eq!(pay(&node, 60_000, MIDNIGHT).await, Err("max_withdrawal_sat"), "the fee counts");
    pay(&node, 59_000, MIDNIGHT).await.unwrap();
    drop(node);
    let node = world.open().await;
    world.mine(&node).await;
    assert_eq!(pay(&node, 50_000, MIDNIGHT + 86_400).await, Err("max_withdrawn_per_day_sat"));
    {
        let mut core = node.core.lock().await;
        core.tend_sweep(MIDNIGHT).await.unwrap();
        core.tend_sweep(MIDNIGHT + 3_600).await.unwrap();
        assert!(core.sweep_view(MIDNIGHT).unwrap().last.unwrap().txid.is_some(), "the owner's own address");
    }
    world.mine(&node).await;
    world.paid(&node, &[200_000]).await;
    pay(&node, 40_000, MIDNIGHT + 3_601).await.unwrap();
    assert_eq!(pay(&node, 50_000, MIDNIGHT + 3_602).await, Err("max_withdrawn_per_day_sat"));
    pay(&node, 50_000, MIDNIGHT + 86_401).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn escrows_withdrawals_splits_and_sweeps_never_use_one_coin_twice() {
    let world = World { more: format!("{SUPPLY}{}", sweeping()), ..World::begin() };
    let node = world.open().await;
    world.paid(&node, &[400_000, 300_000, 120_000, 70_000, 60_000, 40_000]).await;
    let mut spent: BTreeSet<OutPoint> = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut now = MIDNIGHT;
    // A fixed sequence that mixes the four in many orders.
    for step in 0u64..60 {
        let mut core = node.core.lock().await;
        match (step * step + step / 3) % 7 {
            0 => core.tend_supply(now).await.unwrap(),
            1 => {
                now += 3_600;
                core.tend_sweep(now).await.unwrap();
            }
            2 | 3 => drop(core.withdraw(&request(11_000 + step * 500), &Ticket::default(), now).await),
            4 | 5 => {
                let target = Amount::from_sat(15_000 + (step % 5) * 9_000);
                let fee_per_input = Amount::from_sat(136);
                let ask = CoinRequest { target, fee_per_input, min_confirmations: 1 };
                // As an offer that is made does it; every other one comes to nothing.
                let coins = core.choose_coins(ask).unwrap_or_default();
                if step % 2 == 0 {
                    core.reserved.extend(coins.iter().map(|coin| (coin.outpoint, Hex32([7; 32]))));
                }
            }
            _ => {
                drop(core);
                world.paid(&node, &[90_000]).await;
                continue;
            }
        }
        drop(core);
        for txid in world.bitcoind.mempool().unwrap() {
            if seen.insert(txid) {
                for input in world.bitcoind.transaction(txid).unwrap().unwrap().input {
                    let reserved = node.core.lock().await.reserved.contains_key(&input.previous_output);
                    assert!(!reserved, "step {step}: a reserved coin is spent");
                    assert!(spent.insert(input.previous_output), "step {step}: a coin is spent twice");
                }
            }
        }
    }
    assert!(seen.len() >= 15, "{} transactions", seen.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreed_escrow_without_coins_is_an_alarm_at_once_and_once() {
    let world = World::begin();
    let node = world.rich(10_000).await;
    let alarms = async |node: &Node| {
        let alarms = node.core.lock().await.alarms().await.unwrap();
        let missing = alarms.into_iter().filter(|alarm| alarm.kind == AlarmKind::CoinsMissing);
        missing.map(|alarm| alarm.detail).collect::<Vec<_>>()
    };
    let (id, now) = (Hex32([7; 32]), node.now());
    let Event::Opened(mut begun) = opened(id) else { panic!("an escrow begins with it") };
    begun.agreement = offer(now).agreement(node.own_keys().current, Hex32([2; 32]));
    begun.maturity = begun.agreement.measurement.window.end.0 + 600;
    node.core.lock().await.commit(Change::event(id, Event::Opened(begun)), now).await.unwrap();
    world.look(&node).await;
    let [told] = alarms(&node).await.try_into().unwrap();
    assert!(told.contains(&id.to_string()) && told.contains("is missing"), "{told}");
    drop(node);
    let node = world.open().await;
    world.look(&node).await;
    assert_eq!(alarms(&node).await.len(), 1, "a restart repeats none");

    let address = node.core.lock().await.wallet.new_address();
    world.bitcoind.fund(&address, &[Amount::from_sat(900_000)]).unwrap();
    world.look(&node).await;
    assert!(node.core.lock().await.short_of_coins.is_empty(), "there are enough");
    let all: Vec<OutPoint> = node.core.lock().await.free_coins().iter().map(|coin| coin.outpoint).collect();
    node.core.lock().await.reserved.extend(all.into_iter().map(|coin| (coin, Hex32([8; 32]))));
    world.look(&node).await;
    assert_eq!(alarms(&node).await.len(), 2, "another escrow took them");
}
