//! Each network, with a real Bitcoin node on it that has no peers: its chain is the genesis block.

use bitcoin::Network;
use bitcoin::constants::genesis_block;
use clock::Clock;
use testbed::Bitcoind;
use wallet::FollowError;

use super::World;
use crate::error::NodeError;
use crate::{Config, ConfigError, Node};

const NETWORKS: [(&str, Network); 4] = [
    ("regtest", Network::Regtest),
    ("signet", Network::Signet),
    ("testnet4", Network::Testnet4),
    ("mainnet", Network::Bitcoin),
];

fn on(network: Network) -> Bitcoind {
    Bitcoind::builder().network(network).start().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_comes_up_on_the_network_of_its_configuration_and_on_no_other() {
    for ((name, network), (_, other)) in NETWORKS.into_iter().zip(NETWORKS.into_iter().cycle().skip(1)) {
        let world = World::on(name, on(network));
        let node = world.open().await;
        world.look(&node).await;
        {
            let core = node.core.lock().await;
            let tip = core.follower.tip().unwrap();
            assert_eq!((tip.height, tip.hash), (0, genesis_block(network).block_hash()), "{name}");
            assert_eq!(core.wallet.network(), network);
        }
        drop(node);

        let strangers =
            World { folder: world.folder, network: name, bitcoind: on(other), more: String::new() };
        match Node::open(strangers.config(), Clock::system()).await.err() {
            Some(NodeError::Follow(FollowError::OtherNetwork { node, wallet })) => {
                assert_eq!((node, wallet), (other, network));
            }
            refused => panic!("{name} on {other}: {refused:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bitcoin_node_that_is_replaced_by_one_of_another_network_is_followed_no_further() {
    let world = World::begin();
    world.bitcoind.stop().unwrap();
    // It does not answer, and the folder is new: nothing says where to begin.
    let refused = Node::open(world.config(), Clock::system()).await.err();
    assert!(matches!(refused, Some(NodeError::Chain(_))), "{refused:?}");
    world.bitcoind.start_again().unwrap();
    drop(world.open().await);

    world.bitcoind.stop().unwrap();
    let node = world.open().await;
    let other = World { bitcoind: on(Network::Signet), ..world };
    {
        let mut core = node.core.lock().await;
        let config = other.config();
        let auth = wallet::RpcAuth::Cookie(config.bitcoind.cookie_file.unwrap());
        core.follower = wallet::Follower::new(wallet::Bitcoind::new(&config.bitcoind.url, auth).unwrap());
        let followed = core.sync(node.now()).await;
        assert!(matches!(followed, Err(NodeError::Follow(FollowError::OtherNetwork { .. }))), "{followed:?}");
    }
}

#[test]
fn mainnet_is_for_those_who_wrote_what_they_risk() {
    let world = World::begin();
    let text = world.text().replace("'regtest'", "'mainnet'");
    let file = world.folder.path().join("mainnet.toml");
    let load = |line: &str| {
        std::fs::write(&file, format!("{line}\n{text}")).unwrap();
        Config::load(&file)
    };
    for line in ["", "mainnet_acknowledgement = 'yes'", "mainnet_acknowledgement = ''"] {
        let refused = load(line).expect_err(line);
        assert!(matches!(refused, ConfigError::Unacknowledged), "{line}: {refused}");
        assert!(refused.to_string().contains(crate::MAINNET_ACKNOWLEDGEMENT), "it says what to write");
        // What the refusal says to write is what is taken.
        let sentence = refused.to_string();
        let (_, line) = sentence.split_once("write ").unwrap();
        assert_eq!(load(line).unwrap().bitcoin_network(), Network::Bitcoin);
    }
}
