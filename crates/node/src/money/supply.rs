//! The supply: confirmed coins kept ready, so that several escrows can be taken between two blocks.

use std::collections::BTreeSet;

use bitcoin::{Amount, FeeRate, OutPoint};
use protocol::owner::SupplyView;
use terms::{Sat, Side};
use tokio::task::block_in_place;
use wallet::{Coin, CoinRequest, Lack, SelectError, plan_split, split_fee};

use crate::config::SupplyConfig;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::money::spend::Purpose;

/// What the node knows about the supply between two looks.
#[derive(Debug, Default)]
pub(crate) struct Supply {
    /// What each coin is worth; unknown without an open offer or a configured size.
    coin: Option<Amount>,
    /// What a split waits for.
    waits_for: Option<&'static str>,
}

/// How much of the supply is there.
#[derive(Clone, Copy, Debug)]
struct Stock {
    ready: usize,
    pending: usize,
    missing: usize,
}

impl Core {
    /// Does what is due about the wallet's own money: first the supply, then the sweep of what it leaves over.
    pub(crate) async fn tend_money(&mut self, now: u64) {
        if let Err(error) = self.tend_supply(now).await {
            tracing::warn!(%error, "the supply of coins cannot be filled up; trying again");
        }
        if let Err(error) = self.watch_limits(now).await {
            tracing::warn!(%error, "the limits cannot be looked at; trying again");
        }
        if let Err(error) = self.watch_coins(now).await {
            tracing::warn!(%error, "what escrows lack cannot be looked at; trying again");
        }
        if let Err(error) = self.tend_receipts(now).await {
            tracing::warn!(%error, "the receipts cannot be signed; trying again");
        }
        if let Err(error) = self.tend_sweep(now).await {
            tracing::warn!(%error, "the sweep cannot be made; trying again");
        }
    }

    /// Splits larger coins when too few of the supply are left and none are on their way.
    ///
    /// # Errors
    /// When the Bitcoin node or the database fails; the next look tries again.
    pub(crate) async fn tend_supply(&mut self, now: u64) -> Result<(), NodeError> {
        let Some(config) = self.config.supply.clone() else { return Ok(()) };
        self.supply.coin = self.coin_size(&config, now).await?;
        let Some(coin) = self.supply.coin else { return Ok(()) };
        let stock = self.stock(&config, coin);
        if stock.ready + stock.pending >= config.refill_below() {
            self.supply_waits_for(None);
            return Ok(());
        }
        let Some(rate) = self.rate_within(config.target_blocks, config.max_fee_rate_sat_vb)? else {
            self.supply_waits_for(Some("a fee rate within supply.max_fee_rate_sat_vb"));
            return Ok(());
        };
        let lack = Lack { coin, missing: stock.missing, rate };
        let Some(split) = plan_split(&self.free_coins(), lack) else {
            self.supply_waits_for(Some("more in confirmed coins that no escrow has reserved"));
            return Ok(());
        };
        let signed = self.wallet.split(&split, coin, rate)?;
        match self.may_leave(&signed.tx, now).await {
            Err(NodeError::Mandate(_)) => {
                self.supply_waits_for(Some("the mandate to allow its fee"));
                return Ok(());
            }
            allowed => allowed?,
        }
        self.supply_waits_for(None);
        tracing::info!(coins = split.outputs, each = %coin, fee = %signed.fee, "the supply is filled up");
        let txid = self.write_off(signed.tx, Purpose::Split, Change::default(), now).await?;
        self.broadcast_payment(txid, None, now).await
    }

    /// What each coin of the supply should be worth: what the open offer that needs most needs, to the satoshi.
    async fn coin_size(&self, config: &SupplyConfig, now: u64) -> Result<Option<Amount>, NodeError> {
        if let Some(sat) = config.coin_sat {
            return Ok(Some(Amount::from_sat(sat.0)));
        }
        let mut most = None;
        for offer in self.offers().await?.iter().filter(|offer| offer.expires.0 > now) {
            // Any other key will do as the buyer's: what is needed does not depend on it.
            let agreement = offer.agreement(self.keys.public(), offer.oracles.keys[0]);
            most = most.max(crate::peers::lock::one_coin(&agreement, Side::Provider));
        }
        Ok(most)
    }

    fn stock(&self, config: &SupplyConfig, coin: Amount) -> Stock {
        let ready = self.free_coins().iter().filter(|free| free.txout.value >= coin).count();
        let pending = self.wallet.own_pending(coin);
        Stock { ready, pending, missing: config.coins.saturating_sub(ready + pending) }
    }

    /// Confirmed coins that no escrow has reserved, largest first.
    pub(crate) fn free_coins(&self) -> Vec<Coin> {
        let coins = self.wallet.coins().into_iter();
        coins.filter(|coin| !self.reserved.contains_key(&coin.outpoint)).collect()
    }

    /// The coins of the supply: of those that are large enough the smallest, as many as are wanted.
    pub(crate) fn supply_coins(&self) -> BTreeSet<OutPoint> {
        let (Some(config), Some(coin)) = (&self.config.supply, self.supply.coin) else {
            return BTreeSet::new();
        };
        let free = self.free_coins();
        let fitting = free.iter().rev().filter(|free| free.txout.value >= coin);
        fitting.take(config.coins).map(|coin| coin.outpoint).collect()
    }

    /// What has to stay in other coins, so that the supply can be filled up.
    pub(crate) fn supply_lacks(&self) -> Amount {
        let (Some(config), Some(coin)) = (&self.config.supply, self.supply.coin) else { return Amount::ZERO };
        let missing = self.stock(config, coin).missing;
        match FeeRate::from_sat_per_vb(config.max_fee_rate_sat_vb) {
            Some(rate) if missing > 0 => coin * missing as u64 + split_fee(missing, rate),
            _ => Amount::ZERO,
        }
    }

    /// Chooses coins for an escrow. One that needs less than half a coin of the supply takes another single coin where
    /// there is one: it would leave the supply's coin in two parts, of which one at most is of use.
    ///
    /// # Errors
    /// When the free coins do not suffice.
    pub(crate) fn choose_coins(&self, request: CoinRequest) -> Result<Vec<Coin>, SelectError> {
        let reserved = self.reserved_coins();
        if self.supply.coin.is_some_and(|coin| request.target * 2 < coin) {
            let spared = reserved.union(&self.supply_coins()).copied().collect();
            match self.wallet.select_coins(request, &spared) {
                Ok(chosen) if chosen.len() == 1 => return Ok(chosen),
                _ => {}
            }
        }
        self.wallet.select_coins(request, &reserved)
    }

    /// The node's fee rate, unless it is above what the owner would pay.
    pub(crate) fn rate_within(&self, blocks: u16, most: u64) -> Result<Option<FeeRate>, NodeError> {
        let floor = FeeRate::from_sat_per_vb(self.config.fees.floor_sat_vb).unwrap_or(FeeRate::MAX);
        let rate = block_in_place(|| self.chain.fee_rate(blocks, floor))?.max(floor);
        Ok((FeeRate::from_sat_per_vb(most).is_some_and(|most| rate <= most)).then_some(rate))
    }

    /// Logged when it changes, and not at every look.
    fn supply_waits_for(&mut self, what: Option<&'static str>) {
        if let Some(what) = what.filter(|_| self.supply.waits_for != what) {
            tracing::warn!("the supply of coins waits for {what}");
        }
        self.supply.waits_for = what;
    }

    /// How much of the supply is there.
    ///
    /// # Errors
    /// When the configuration has none, or the database fails.
    pub(crate) async fn supply_view(&self, now: u64) -> Result<SupplyView, NodeError> {
        let config = self.config.supply.as_ref().ok_or(NodeError::NotFound { what: "supply" })?;
        let coin = self.coin_size(config, now).await?;
        let stock = coin.map(|coin| self.stock(config, coin));
        Ok(SupplyView {
            wanted: config.coins as u64,
            refill_below: config.refill_below() as u64,
            ready: stock.map_or(0, |stock| stock.ready as u64),
            pending: stock.map_or(0, |stock| stock.pending as u64),
            coin_sat: coin.map(|coin| Sat(coin.to_sat())),
            waits_for: self.supply.waits_for.map(str::to_owned),
        })
    }
}
