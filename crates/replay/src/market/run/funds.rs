//! Coins for every wallet.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use bitcoin::{Address, Amount, Network, OutPoint};
use terms::Sat;

use super::director::Director;
use crate::market::file::Purse;
use crate::market::record::Side;
use crate::run::blocking::with_node;

/// So many blocks the wallets may take to see their coins.
const BLOCKS_TO_SEE: u32 = 5;

/// The coins that the parties began with, and what each is worth.
pub(super) type Coins = BTreeMap<OutPoint, Amount>;

impl Purse {
    /// How many coins a party begins with.
    pub(super) fn coins(self, side: Side) -> u64 {
        match side {
            Side::Provider => self.provider_coins,
            Side::Buyer => self.buyer_coins,
        }
    }

    /// What they come to.
    pub(super) fn start_sat(self, side: Side) -> Sat {
        Sat(self.coins(side) * self.coin_sat.0)
    }
}

impl Director<'_> {
    /// Gives every wallet its coins, in one block, and waits until all see them.
    pub(super) async fn fund(&mut self) -> anyhow::Result<Coins> {
        self.progress.stage("funding the wallets");
        let mut coins = Coins::new();
        let purse = self.market.purse;
        let coin = Amount::from_sat(purse.coin_sat.0);
        for member in &self.world.members {
            let address = member.party.owner.new_address("market-funding").await?.address;
            let address: Address<_> = address.parse().context("the node's address")?;
            let address = address.require_network(Network::Regtest).context("the node's address")?;
            let amounts = vec![coin; usize::try_from(purse.coins(member.side))?];
            let funded =
                with_node(&self.world.bitcoind, move |node| node.fund_unconfirmed(&address, &amounts));
            coins.extend(funded.await?.into_iter().map(|outpoint| (outpoint, coin)));
        }
        with_node(&self.world.bitcoind, |node| node.mine(1)).await?;
        for _ in 0..BLOCKS_TO_SEE {
            self.step().await?;
            if self.wallets_see().await? {
                return Ok(coins);
            }
        }
        bail!("the wallets do not see their coins after {BLOCKS_TO_SEE} blocks")
    }

    async fn wallets_see(&self) -> anyhow::Result<bool> {
        for member in &self.world.members {
            let start = self.market.purse.start_sat(member.side);
            if member.party.owner.balance().await?.available_sat < start {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
