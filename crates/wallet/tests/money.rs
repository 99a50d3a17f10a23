//! Coins come, are chosen, reserved and spent, and follow the chain wherever it goes.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use std::collections::BTreeSet;
use std::sync::Arc;

use bitcoin::Network;
use bitcoin::hashes::Hash;
use common::{Party, REGTEST, connect, rate, request, sat, unchecked};
use testbed::Bitcoind;
use wallet::{Balance, Birth, FollowError, Payment, Seed, SelectError, SpendError, Wallet, WalletError};

#[test]
fn a_payment_is_seen_in_the_mempool_and_counts_when_a_block_has_it() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    let address = party.address();
    node.fund_unconfirmed(&address, &[sat(70_000)]).unwrap();
    assert!(party.sync().mempool_changed);
    assert_eq!((party.confirmed(), party.unconfirmed()), (0, 70_000));
    assert!(party.wallet.coins().is_empty(), "an unconfirmed coin is none yet");

    node.mine(1).unwrap();
    assert!(party.sync().chain_changed);
    assert_eq!((party.confirmed(), party.unconfirmed()), (70_000, 0));
    let coins = party.wallet.coins();
    assert_eq!(coins.len(), 1);
    assert_eq!(coins[0].confirmations, 1);
    assert_eq!(coins[0].prev_tx.output[coins[0].outpoint.vout as usize], coins[0].txout);
    assert!(party.wallet.is_mine(&address.script_pubkey()));
    assert!(!party.sync().changed(), "a second look finds nothing new");
}

#[test]
fn a_reserved_coin_is_neither_chosen_nor_sent() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    let coins = party.funded(&node, &[100_000, 60_000]);
    let chosen = party.wallet.select_coins(request(50_000), &BTreeSet::new()).unwrap();
    assert_eq!(chosen[0].outpoint, coins[1], "the smaller one suffices");

    let reserved = BTreeSet::from([coins[1]]);
    let next = party.wallet.select_coins(request(50_000), &reserved).unwrap();
    assert_eq!(next[0].outpoint, coins[0]);
    let balance = party.wallet.balance(&reserved);
    let expected = Balance { confirmed: sat(160_000), reserved: sat(60_000), ..Balance::default() };
    assert_eq!(balance, expected);

    let both = BTreeSet::from_iter(coins);
    let none = party.wallet.select_coins(request(50_000), &both).unwrap_err();
    assert!(matches!(none, SelectError::Insufficient { missing, .. } if missing == sat(50_340)));
    let to = unchecked(&party.address());
    let refused = party.wallet.pay(&to, &Payment::Amount(sat(10_000)), rate(1), &both).unwrap_err();
    assert!(matches!(refused, SpendError::Insufficient { .. }), "{refused:?}");
    let nothing = party.wallet.pay(&to, &Payment::Sweep, rate(1), &both).unwrap_err();
    assert!(matches!(nothing, SpendError::NothingToSend | SpendError::Insufficient { .. }), "{nothing:?}");
}

#[test]
fn a_coin_can_be_asked_to_be_deeper() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    party.funded(&node, &[100_000]);
    let mut deep = request(50_000);
    deep.min_confirmations = 3;
    assert!(party.wallet.select_coins(deep, &BTreeSet::new()).is_err());
    node.mine(2).unwrap();
    party.sync();
    assert_eq!(party.wallet.select_coins(deep, &BTreeSet::new()).unwrap()[0].confirmations, 3);
}

#[test]
fn a_sent_payment_arrives_and_its_coin_is_spent_from_the_moment_it_is_stored() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    let mut payee = Party::new(&node);
    let coins = party.funded(&node, &[100_000, 60_000]);
    let to = payee.address();

    let first = party.send(&to, 40_000);
    assert_eq!(first.inputs, [coins[0]]);
    assert_eq!(first.vsize, first.tx.vsize() as u64);
    let asked = first.vsize * 2;
    assert!((asked..=asked + 4).contains(&first.fee.to_sat()), "2 sat/vB: {} for {}", first.fee, first.vsize);
    let second = party.send(&to, 30_000);
    assert_eq!(second.inputs, [coins[1]], "the first coin is spent before any block says so");

    node.mine(1).unwrap();
    party.sync();
    payee.sync();
    assert_eq!(payee.confirmed(), 70_000);
    assert_eq!(party.confirmed(), 90_000 - first.fee.to_sat() - second.fee.to_sat());
    let history = party.wallet.transactions();
    assert_eq!(history.len(), 3, "one in, two out");
    let sent = history.iter().find(|tx| tx.txid == first.tx.compute_txid()).unwrap();
    assert_eq!(sent.sent - sent.received, sat(40_000) + first.fee);
    assert_eq!(sent.fee, Some(first.fee));
    assert!(sent.height.is_some());
}

#[test]
fn a_sweep_takes_all_that_is_free_and_leaves_what_is_reserved() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    let mut payee = Party::new(&node);
    let coins = party.funded(&node, &[100_000, 60_000, 20_000]);
    let to = unchecked(&payee.address());
    let reserved = BTreeSet::from([coins[2]]);
    let swept = party.wallet.pay(&to, &Payment::Sweep, rate(3), &reserved).unwrap();
    assert_eq!(swept.tx.output.len(), 1);
    party.chain.broadcast(&swept.tx).unwrap();
    node.mine(1).unwrap();
    party.sync();
    payee.sync();
    assert_eq!(payee.confirmed(), 160_000 - swept.fee.to_sat());
    assert_eq!(party.confirmed(), 20_000);
}

#[test]
fn payments_that_nobody_can_have_meant_are_refused() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    party.funded(&node, &[100_000]);
    let to = unchecked(&party.address());
    let none = BTreeSet::new();
    let mut pay = |to: &_, amount, at| party.wallet.pay(to, &Payment::Amount(sat(amount)), at, &none);
    assert!(matches!(pay(&to, 10_000, rate(1_001)), Err(SpendError::AbsurdFeeRate { .. })));
    assert!(matches!(pay(&to, 10_000, rate(0)), Err(SpendError::AbsurdFeeRate { .. })));
    assert!(matches!(pay(&to, 293, rate(1)), Err(SpendError::Dust { .. })));
    assert!(matches!(pay(&to, 100_000, rate(1)), Err(SpendError::Insufficient { .. })));
    let mainnet = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu".parse().unwrap();
    assert!(matches!(pay(&mainnet, 10_000, rate(1)), Err(SpendError::WrongNetwork)));
}

#[test]
fn a_young_coinbase_is_immature_and_is_not_chosen() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    let address = party.address();
    node.mine_to(&address, 1).unwrap();
    node.mine(98).unwrap();
    party.sync();
    assert!(party.wallet.balance(&BTreeSet::new()).immature > sat(0));
    assert!(party.wallet.coins().is_empty());
    node.mine(1).unwrap();
    party.sync();
    assert_eq!(party.wallet.coins().len(), 1, "100 blocks make it a coin");
}

#[test]
fn a_reorg_takes_a_receipt_back_to_the_mempool_and_a_new_block_confirms_it_again() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    party.funded(&node, &[80_000]);
    assert_eq!(party.confirmed(), 80_000);
    node.reorg(1).unwrap();
    party.sync();
    assert_eq!((party.confirmed(), party.unconfirmed()), (0, 80_000));
    node.mine(1).unwrap();
    party.sync();
    assert_eq!((party.confirmed(), party.unconfirmed()), (80_000, 0));
}

#[test]
fn a_wallet_whose_birth_block_is_replaced_finds_what_the_new_blocks_hold() {
    let node = Bitcoind::start().unwrap();
    // The payer's coins must be old enough to survive the reorg below.
    node.fund(&stranger(), &[sat(10_000)]).unwrap();
    node.mine(10).unwrap();
    let mut party = Party::new(&node);
    let birth = party.wallet.height();
    node.fund_unconfirmed(&party.address(), &[sat(80_000)]).unwrap();
    let first = connect(&node).block_hash(birth - 2).unwrap().unwrap();
    node.invalidate(first).unwrap();
    party.sync();
    assert_eq!(party.wallet.height(), birth, "nothing is yet in the place of its birth block");
    node.mine(1).unwrap();
    for _ in 0..3 {
        node.mine_block_of(&[]).unwrap();
    }
    party.sync();
    assert_eq!(party.wallet.height(), birth + 1);
    assert_eq!(party.confirmed(), 80_000, "it is in a block below the wallet's birth");
    assert_eq!(party.restarted(&node).confirmed(), 80_000);
}

#[test]
fn a_reorg_to_a_conflicting_payment_brings_the_spent_coins_back_into_that_one() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    let mut payee = Party::new(&node);
    party.funded(&node, &[100_000]);
    // The same wallet twice spends the same coin in two ways.
    let mut twin = party.restarted(&node);
    let to = payee.address();
    let first = party.pay(&to, &Payment::Amount(sat(40_000)));
    let other = twin.pay(&to, &Payment::Amount(sat(10_000)));
    assert_eq!(first.inputs, other.inputs);

    let block = node.mine_block_of(std::slice::from_ref(&first.tx)).unwrap();
    party.sync();
    payee.sync();
    assert_eq!(payee.confirmed(), 40_000);
    node.invalidate(block).unwrap();
    node.mine_block_of(&[other.tx]).unwrap();
    node.mine(1).unwrap();
    party.sync();
    payee.sync();
    assert_eq!(payee.confirmed(), 10_000);
    assert_eq!(payee.unconfirmed(), 0);
    assert_eq!(party.confirmed(), 90_000 - other.fee.to_sat());
}

#[test]
fn each_replacement_counts_at_once_even_when_all_come_within_one_second() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    let mut payee = Party::new(&node);
    let mut stranger = Party::new(&node);
    party.funded(&node, &[100_000]);
    let stored = party.restarted(&node).stored;
    let first = party.pay(&payee.address(), &Payment::Amount(sat(40_000)));
    party.chain.broadcast(&first.tx).unwrap();
    party.sync();
    payee.sync();
    assert_eq!(payee.unconfirmed(), 40_000);

    let to = unchecked(&stranger.address());
    for sat_per_vb in [10, 20, 30, 40, 50, 60] {
        // The wallet as it was before it paid anything spends the same coin again.
        let mut twin = Wallet::load(&party.seed, REGTEST, stored.clone()).unwrap();
        let dear = twin.pay(&to, &Payment::Amount(sat(40_000)), rate(sat_per_vb), &BTreeSet::new()).unwrap();
        party.chain.broadcast(&dear.tx).unwrap();
        for party in [&mut party, &mut payee, &mut stranger] {
            party.sync();
        }
        assert_eq!(payee.unconfirmed(), 0);
        assert_eq!(stranger.unconfirmed(), 40_000);
        assert_eq!(party.unconfirmed(), 60_000 - dear.fee.to_sat(), "the payer follows as well");
    }
}

#[test]
fn a_receipt_that_leaves_the_mempool_and_comes_back_counts_again_within_the_same_second() {
    let node = Bitcoind::builder().arg("-persistmempool=0").start().unwrap();
    let mut party = Party::new(&node);
    let mut payee = Party::new(&node);
    party.funded(&node, &[100_000]);
    let tx = party.send(&payee.address(), 40_000).tx;
    payee.sync();
    assert_eq!(payee.unconfirmed(), 40_000);
    node.stop().unwrap();
    node.start_again().unwrap();
    payee.sync();
    assert_eq!(payee.unconfirmed(), 0);
    party.sync();
    assert!(party.wallet.coins().is_empty(), "the payer's coin stays spent meanwhile");
    party.chain.broadcast(&tx).unwrap();
    payee.sync();
    assert_eq!(payee.unconfirmed(), 40_000);
}

#[test]
fn an_own_payment_that_the_mempool_lost_keeps_its_coin_until_it_is_given_up() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    let to = Party::new(&node).address();
    party.funded(&node, &[100_000]);
    // Signed and stored, but the process died before the node got it.
    let signed = party.pay(&to, &Payment::Amount(sat(40_000)));
    party.wallet.insert_unconfirmed(Arc::new(signed.tx.clone()), 1_800_000_000);
    let mut party = party.restarted(&node);
    assert!(party.wallet.coins().is_empty(), "it could still confirm, so its coin must not be spent again");
    party.wallet.forget_unconfirmed(signed.tx.compute_txid(), 1_800_000_000);
    assert_eq!(party.wallet.coins().len(), 1);
    assert!(party.restarted(&node).wallet.coins().len() == 1, "giving up is remembered");
}

#[test]
fn a_restart_from_what_was_stored_gives_the_same_wallet() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    party.funded(&node, &[100_000, 30_000]);
    let sent = party.send(&stranger(), 20_000);
    node.mine(3).unwrap();
    party.sync();
    let last = party.address();
    let mut again = party.restarted(&node);
    assert_eq!(again.wallet.balance(&BTreeSet::new()), party.wallet.balance(&BTreeSet::new()));
    assert_eq!(again.wallet.coins(), party.wallet.coins());
    assert_eq!(again.wallet.transactions(), party.wallet.transactions());
    assert!(again.wallet.is_own_coin(&sent.inputs[0]), "also a spent one is known as ours");
    assert_ne!(again.address(), last, "no address is handed out twice");
}

#[test]
fn what_happened_while_the_process_was_down_is_caught_up() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    let address = party.address();
    node.fund(&address, &[sat(50_000)]).unwrap();
    node.reorg(2).unwrap();
    node.mine(40).unwrap();
    let again = party.restarted(&node);
    assert_eq!(again.confirmed(), 50_000);
    assert_eq!(again.wallet.height(), node.height().unwrap());
}

#[test]
fn a_restored_seed_finds_its_coins_from_genesis_and_a_fresh_wallet_starts_at_the_tip() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    // Addresses that came to nothing must not hide the coins behind them.
    for _ in 0..100 {
        party.address();
    }
    party.funded(&node, &[50_000]);
    let seed = || Seed::from_words(&party.seed.words()).unwrap();
    let chain = connect(&node);
    let genesis = chain.block_hash(0).unwrap().unwrap();
    let restored = Party::from_seed(&node, seed(), Birth { height: 0, hash: genesis });
    assert_eq!(restored.confirmed(), 50_000);
    let tip = chain.tip().unwrap();
    let fresh = Party::from_seed(&node, seed(), Birth { height: tip.height, hash: tip.hash });
    assert_eq!(fresh.confirmed(), 0);
}

#[test]
fn stored_changes_of_another_seed_or_network_are_refused() {
    let node = Bitcoind::start().unwrap();
    let mut party = Party::new(&node);
    party.store();
    let other = Seed::generate().unwrap();
    assert!(matches!(Wallet::load(&other, REGTEST, party.stored.clone()), Err(WalletError::Load(_))));
    let signet = Wallet::load(&party.seed, Network::Signet, party.stored.clone());
    assert!(matches!(signet, Err(WalletError::Load(_))));
    assert!(Wallet::load(&party.seed, REGTEST, wallet::ChangeSet::default()).is_err());
}

#[test]
fn a_node_on_another_chain_than_the_wallets_is_noticed() {
    let node = Bitcoind::start().unwrap();
    let seed = Seed::generate().unwrap();
    let tip = connect(&node).tip().unwrap();
    let mut signet = Wallet::create(
        &seed,
        Network::Signet,
        Birth { height: 0, hash: bitcoin::constants::genesis_block(Network::Signet).block_hash() },
    )
    .unwrap();
    let mut follower = wallet::Follower::new(connect(&node));
    let (node_on, wallet_on) = (REGTEST, Network::Signet);
    assert!(matches!(
        follower.sync(&mut signet, 0),
        Err(FollowError::OtherNetwork { node, wallet }) if (node, wallet) == (node_on, wallet_on)
    ));
    let wrong = Birth { height: 0, hash: bitcoin::BlockHash::all_zeros() };
    assert!(matches!(Wallet::create(&seed, REGTEST, wrong), Err(WalletError::Birth { height: 0 })));
    assert_eq!(tip.height, node.height().unwrap());
}

fn stranger() -> bitcoin::Address {
    let address: bitcoin::Address<_> = "bcrt1qcr8te4kr609gcawutmrza0j4xv80jy8zeqchgx".parse().unwrap();
    address.require_network(REGTEST).unwrap()
}
