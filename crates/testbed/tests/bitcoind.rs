//! The node as tests use it: a real bitcoind each time.
use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::key::{CompressedPublicKey, Keypair, Secp256k1};
use bitcoin::secp256k1::Message;
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Address, Amount, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, ecdsa,
};
use serde_json::Value;
use testbed::{Bitcoind, BitcoindError, RpcError};

const IN_2021: u64 = 1_623_110_400;

/// A party with a key and no wallet.
struct Party(Keypair);

impl Party {
    fn new(name: &str) -> Self {
        let secret = sha256::Hash::hash(name.as_bytes());
        Self(Keypair::from_seckey_slice(&Secp256k1::new(), secret.as_ref()).unwrap())
    }

    fn address(&self) -> Address {
        Address::p2wpkh(&CompressedPublicKey(self.0.public_key()), Network::Regtest)
    }

    /// Spends a coin to itself, less 1,000 sat, not before the locktime.
    fn spend(&self, coin: OutPoint, value: Amount, lock_time: LockTime) -> Transaction {
        let script = self.address().script_pubkey();
        let mut transaction = Transaction {
            version: Version::TWO,
            lock_time,
            input: vec![TxIn {
                previous_output: coin,
                script_sig: ScriptBuf::new(),
                sequence: Sequence::ENABLE_LOCKTIME_NO_RBF,
                witness: Witness::new(),
            }],
            output: vec![TxOut { value: value - Amount::from_sat(1_000), script_pubkey: script.clone() }],
        };
        let hash = SighashCache::new(&transaction)
            .p2wpkh_signature_hash(0, &script, value, EcdsaSighashType::All)
            .unwrap();
        let message = Message::from_digest(hash.to_byte_array());
        let signature = Secp256k1::new().sign_ecdsa(&message, &self.0.secret_key());
        let signature = ecdsa::Signature::sighash_all(signature);
        transaction.input[0].witness = Witness::p2wpkh(&signature, &self.0.public_key());
        transaction
    }
}

fn sats(amounts: &[u64]) -> Vec<Amount> {
    amounts.iter().copied().map(Amount::from_sat).collect()
}

#[test]
fn parties_get_confirmed_coins_of_exactly_these_amounts_in_order() {
    let node = Bitcoind::start().unwrap();
    let (provider, buyer) = (Party::new("provider"), Party::new("buyer"));
    let amounts = sats(&[100_000, 1_000, 2_500_000_000, 777]);
    let coins = node.fund(&provider.address(), &amounts).unwrap();
    for (coin, amount) in coins.iter().zip(&amounts) {
        assert_eq!(node.unspent(*coin).unwrap(), Some(*amount));
    }
    let height = node.height().unwrap();
    assert_eq!(node.height_of(coins[0].txid).unwrap(), Some(height));
    // More than one coinbase is worth.
    let coins = node.fund(&buyer.address(), &sats(&[12_000_000_000])).unwrap();
    assert_eq!(node.height().unwrap(), height + 1);
    let transaction = node.transaction(coins[0].txid).unwrap().unwrap();
    assert_eq!(transaction.output[0].script_pubkey, buyer.address().script_pubkey());
    assert!(node.mempool().unwrap().is_empty());
}

#[test]
fn funding_goes_on_far_beyond_the_first_coinbases_and_the_first_halving() {
    let node = Bitcoind::start().unwrap();
    let party = Party::new("rich");
    for _ in 0..4 {
        let coins = node.fund(&party.address(), &sats(&[30_000_000_000])).unwrap();
        assert!(node.unspent(coins[0]).unwrap().is_some());
    }
    let all_there_will_be = sats(&[1_600_000_000_000]);
    let error = node.fund(&party.address(), &all_there_will_be).unwrap_err();
    assert!(matches!(error, BitcoindError::TooPoor { .. }), "{error}");
}

#[test]
fn a_coin_that_is_not_mined_yet_is_only_in_the_mempool() {
    let node = Bitcoind::start().unwrap();
    let coins = node.fund_unconfirmed(&Party::new("a").address(), &sats(&[5_000])).unwrap();
    assert_eq!(node.mempool().unwrap(), [coins[0].txid]);
    assert_eq!(node.height_of(coins[0].txid).unwrap(), None);
    assert!(node.transaction(coins[0].txid).unwrap().is_some());
    node.mine(1).unwrap();
    assert_eq!(node.height_of(coins[0].txid).unwrap(), Some(node.height().unwrap()));
}

#[test]
fn a_transaction_nobody_made_is_none_and_not_an_error() {
    let node = Bitcoind::start().unwrap();
    let txid = bitcoin::Txid::from_byte_array([7; 32]);
    assert_eq!(node.transaction(txid).unwrap(), None);
    assert_eq!(node.unspent(OutPoint::new(txid, 0)).unwrap(), None);
}

#[test]
fn a_timelock_opens_with_the_median_time_past_and_not_a_second_before() {
    let node = Bitcoind::builder().mock_time(IN_2021).start().unwrap();
    let party = Party::new("patient");
    let value = Amount::from_sat(50_000);
    let coins = node.fund(&party.address(), &[value]).unwrap();
    let month_later = IN_2021 + 30 * 86_400;
    let lock_time = LockTime::from_time(month_later.try_into().unwrap()).unwrap();
    let transaction = party.spend(coins[0], value, lock_time);

    let tip = node.mine_until_median_time(month_later).unwrap();
    assert_eq!(tip.median_time_s, month_later);
    let reason = node.would_accept(&transaction).unwrap();
    assert_eq!(reason.as_deref(), Some("non-final"));
    let error = node.send(&transaction).unwrap_err();
    assert_eq!(error.refusal(), Some("non-final"));

    let tip = node.mine_until_median_time(month_later + 1).unwrap();
    assert_eq!(tip.median_time_s, month_later + 1);
    assert_eq!(node.would_accept(&transaction).unwrap(), None);
    assert_eq!(node.send(&transaction).unwrap(), transaction.compute_txid());
}

#[test]
fn a_month_of_mock_time_does_not_expire_the_mempool() {
    let node = Bitcoind::builder().mock_time(IN_2021).start().unwrap();
    let coins = node.fund_unconfirmed(&Party::new("a").address(), &sats(&[5_000])).unwrap();
    for day in 1..=30 {
        node.set_mock_time(IN_2021 + day * 86_400).unwrap();
        node.mine_block_of(&[]).unwrap();
    }
    let waiting: Vec<_> = node.mempool().unwrap();
    assert!(waiting.contains(&coins[0].txid));
}

#[test]
fn a_reorg_takes_confirmations_away_and_can_be_undone() {
    let node = Bitcoind::start().unwrap();
    let party = Party::new("reorganised");
    let coins = node.fund(&party.address(), &sats(&[5_000])).unwrap();
    node.mine(2).unwrap();
    let before = node.tip().unwrap();
    let replaced = node.reorg(3).unwrap();
    let after = node.tip().unwrap();
    assert_eq!(after.height, before.height + 1);
    assert_eq!(node.height_of(coins[0].txid).unwrap(), None);
    assert_eq!(node.mempool().unwrap(), [coins[0].txid]);
    // The old branch is valid again but one block shorter, until it grows.
    node.invalidate(node.call("getblockhash", &[(before.height - 2).into()]).unwrap()).unwrap();
    node.reconsider(replaced).unwrap();
    assert_eq!(node.tip().unwrap(), before);
    assert!(node.height_of(coins[0].txid).unwrap().is_some());
}

#[test]
fn blocks_without_transactions_can_be_replaced_while_the_time_stands_still() {
    let node = Bitcoind::builder().mock_time(IN_2021).start().unwrap();
    node.mine(3).unwrap();
    for depth in [1, 2, 3] {
        let before = node.tip().unwrap();
        node.reorg(depth).unwrap();
        let after = node.tip().unwrap();
        assert_eq!(after.height, before.height + 1);
        assert_ne!(after.hash, before.hash);
    }
}

#[test]
fn the_funder_notices_a_reorg_that_took_its_coins() {
    let node = Bitcoind::start().unwrap();
    let party = Party::new("a");
    node.fund(&party.address(), &sats(&[5_000])).unwrap();
    let first: bitcoin::BlockHash = node.call("getblockhash", &[1.into()]).unwrap();
    node.invalidate(first).unwrap();
    assert_eq!(node.height().unwrap(), 0);
    // Else the same coinbases would be mined again, and refused as the blocks that were taken back.
    node.set_mock_time(node.tip().unwrap().median_time_s + 400_000_000).unwrap();
    let coins = node.fund(&party.address(), &sats(&[6_000])).unwrap();
    assert_eq!(node.unspent(coins[0]).unwrap(), Some(Amount::from_sat(6_000)));
}

#[test]
fn a_killed_node_comes_back_on_its_port_with_its_chain_and_time() {
    let node = Bitcoind::builder().mock_time(IN_2021).start().unwrap();
    node.mine(5).unwrap();
    node.set_mock_time(IN_2021 + 3_600).unwrap();
    node.stop().unwrap();
    let error = node.call::<Value>("getblockcount", &[]).unwrap_err();
    assert!(matches!(error, RpcError::NotRunning { .. }), "{error}");
    let url = node.rpc_url();
    node.start_again().unwrap();
    assert!(matches!(node.start_again(), Err(BitcoindError::Running)));
    assert_eq!(node.rpc_url(), url);
    assert_eq!(node.height().unwrap(), 5);
    node.mine_until_median_time(IN_2021 + 3_600).unwrap();
    node.kill();
    node.kill();
    node.start_again().unwrap();
    node.mine(1).unwrap();
}

#[test]
fn nothing_of_a_node_is_left_when_it_is_dropped() {
    let node = Bitcoind::start().unwrap();
    let (folder, addr) = (node.folder().to_owned(), node.rpc_addr());
    assert!(node.cookie_file().is_file());
    drop(node);
    assert!(!folder.exists());
    assert!(std::net::TcpStream::connect(addr).is_err());
}

#[test]
fn a_folder_that_was_asked_for_stays() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("the node");
    let node = Bitcoind::builder().folder(&folder).start().unwrap();
    node.mine(3).unwrap();
    node.stop().unwrap();
    drop(node);
    let node = Bitcoind::builder().folder(&folder).start().unwrap();
    assert_eq!(node.height().unwrap(), 3);
}

#[test]
fn arguments_reach_the_node_and_a_wrong_one_fails_with_its_words() {
    let node = Bitcoind::builder().arg("-maxmempool=5").start().unwrap();
    let info: Value = node.call("getmempoolinfo", &[]).unwrap();
    assert_eq!(info["maxmempool"], 5_000_000);
    let error = Bitcoind::builder().arg("-nosuchthing=1").start().unwrap_err();
    assert!(error.to_string().contains("nosuchthing"), "{error}");
}

#[test]
fn many_nodes_start_at_once_each_on_its_own() {
    let start = || std::thread::spawn(|| Bitcoind::start().unwrap());
    let starting: Vec<_> = (0..4).map(|_| start()).collect();
    let nodes: Vec<Bitcoind> = starting.into_iter().map(|node| node.join().unwrap()).collect();
    for (height, node) in (1..).zip(&nodes) {
        node.mine(height).unwrap();
    }
    for (height, node) in (1..).zip(&nodes) {
        assert_eq!(node.height().unwrap(), height);
    }
}
