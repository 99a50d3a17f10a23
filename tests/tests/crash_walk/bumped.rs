//! A life whose CET nobody would mine: fees have risen, and its owner pays for it with a child.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, Transaction};
use blackbox::{Mortal, Setting, witness};
use terms::Sat;

use crate::lives::{BEGAN, draft, fee, lock};

/// What large transactions pay that nobody here has made.
const RUSH_SAT_VB: u64 = 9;
/// The longest until blocks have had room for all of these, in seconds.
const RUSH_S: u64 = 1_800;

/// The smallest mempool that bitcoind allows, at Core's static minimum (Knots' is higher).
pub fn setting() -> Setting {
    let bitcoind = ["-maxmempool=5", "-minrelaytxfee=0.00001"].map(str::to_owned).to_vec();
    Setting { bitcoind, ..Setting::default() }
}

/// The service never fails, so the provider is paid everything, and rescues it alone.
pub async fn bumped(mortal: &mut Mortal) {
    let draft = draft(&mortal.world, 50_000);
    let end = draft.measurement.window.end.0;
    let id = lock(mortal, &draft).await;
    mortal.pass_until(end - 60).await;
    mortal.world.mine_by_hand();
    mortal.both_reach(&id, "attested").await;
    rush(mortal, end);
    mortal.both_reach(&id, "cet_broadcast").await;
    mortal.world.mine_every_minute();
    mortal.both_reach(&id, "settled").await;
    let last = mortal.world.now() + RUSH_S;
    while !mortal.world.bitcoind.mempool().expect("the node answers").is_empty() {
        assert!(mortal.world.now() < last, "the rush ends");
        mortal.pass(60).await;
    }
    paid_with_a_child(mortal, &id).await;
}

/// The CET's locktime passes, and others fill the mempool before anybody looks.
fn rush(mortal: &Mortal, locktime: u64) {
    let bitcoind = &mortal.world.bitcoind;
    bitcoind.mine_until_median_time(locktime + 1).expect("the node mines");
    bitcoind.set_mock_time(mortal.world.now()).expect("the node takes the time");
    let rush = bitcoind.prepare_rush(RUSH_SAT_VB).expect("the testbed has coins");
    bitcoind.rush(&rush).expect("the mempool is small");
}

async fn paid_with_a_child(mortal: &mut Mortal, id: &str) {
    mortal.is_over(&[id]).await;
    let ours = ours(mortal);
    let [funding, cet, child] = ours.as_slice() else { panic!("not {} transactions", ours.len()) };
    let (world, view) = (&mortal.world, mortal.world.provider.escrow(id).await);
    let told = [view.funding_txid, view.closing_txid].map(|txid| witness::read(txid.expect("is told")));
    assert_eq!(told, [funding.compute_txid(), cet.compute_txid()]);
    let paid: Vec<u64> = cet.output.iter().map(|output| output.value.to_sat()).collect();
    assert_eq!(paid, [150_000], "what was attested");
    let spent: Vec<OutPoint> = child.input.iter().map(|input| input.previous_output).collect();
    assert_eq!((spent, child.output.len()), (vec![OutPoint::new(told[1], 0)], 1), "its own part, to itself");

    assert_eq!(view.bump_fees_sat, Sat(fee(world, child)));
    assert_eq!(world.buyer.escrow(id).await.bump_fees_sat, Sat(0), "who is paid nothing pays nothing");
    let fees: u64 = ours.iter().map(|tx| fee(world, tx)).sum();
    let have = world.provider.available_sat().await + world.buyer.available_sat().await;
    assert_eq!(have + fees, 2 * BEGAN, "every satoshi is somewhere");
}

/// What was mined that spends the parties' coins, or what came of them.
fn ours(mortal: &Mortal) -> Vec<Transaction> {
    let mut coins: BTreeSet<OutPoint> =
        mortal.world.provider.coins.iter().chain(&mortal.world.buyer.coins).copied().collect();
    let mut mined = mortal.on_chain();
    mined.retain(|tx| {
        let is_ours = tx.input.iter().any(|input| coins.contains(&input.previous_output));
        if is_ours {
            let txid = tx.compute_txid();
            coins.extend((0..).zip(&tx.output).map(|(vout, _)| OutPoint::new(txid, vout)));
        }
        is_ours
    });
    mined
}
