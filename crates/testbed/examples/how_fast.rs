//! How fast the testbed is: starting a node, calling it, mining, paying, and the target's
//! answers over one kept connection.
//!
//! `cargo run -p testbed --example how_fast`

use std::error::Error;
use std::time::Instant;

use bitcoin::key::{CompressedPublicKey, Keypair, Secp256k1};
use bitcoin::{Address, Amount, Network};
use testbed::{Bitcoind, FailingTarget};

const CALLS: u32 = 1_000;
const REQUESTS: u32 = 20_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The first start also asks where bitcoind is.
    drop(Bitcoind::start()?);
    let started = Instant::now();
    let node = Bitcoind::start()?;
    report("start a node", 1, started);
    use_node(&node)?;
    let started = Instant::now();
    drop(node);
    report("kill the node", 1, started);
    ask_target().await
}

fn use_node(node: &Bitcoind) -> Result<(), Box<dyn Error>> {
    let key = Keypair::from_seckey_slice(&Secp256k1::new(), &[1; 32])?;
    let address = Address::p2wpkh(&CompressedPublicKey(key.public_key()), Network::Regtest);
    let amount = [Amount::from_sat(100_000)];

    let started = Instant::now();
    node.fund(&address, &amount)?;
    report("fund a party, the first time", 1, started);

    let started = Instant::now();
    for _ in 0..100 {
        node.fund(&address, &amount)?;
    }
    report("fund a party again", 100, started);

    let started = Instant::now();
    for _ in 0..CALLS {
        node.height()?;
    }
    report("call the node", CALLS, started);

    let started = Instant::now();
    for _ in 0..CALLS {
        node.mine(1)?;
    }
    report("mine a block", CALLS, started);
    Ok(())
}

async fn ask_target() -> Result<(), Box<dyn Error>> {
    let target = FailingTarget::start().await?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let started = Instant::now();
    for _ in 0..REQUESTS {
        client.get(target.url("/")).send().await?.bytes().await?;
    }
    report("ask the target", REQUESTS, started);
    Ok(())
}

fn report(what: &str, times: u32, started: Instant) {
    let micros = started.elapsed().as_micros() / u128::from(times);
    println!("{what}: {micros} us");
}
