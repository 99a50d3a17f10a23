//! The two parties: coins for their wallets, an offer, and a purchase.

use anyhow::{Context as _, bail};
use bitcoin::{Address, Amount, Network};
use protocol::OfferDraft;
use protocol::owner::{EscrowView, Purchase, PurchaseRequest};
use terms::{Agreement, EventId, Sat, UnixSeconds};

use super::blocking::with_node;
use super::director::Director;
use super::programs::Party;

/// An escrow that the parties agreed about.
#[derive(Clone, Debug)]
pub(super) struct Struck {
    /// The escrow's id, at both nodes.
    pub escrow_id: String,
    /// The agreement, as the replay computes it from the scenario and the keys.
    pub agreement: Agreement,
    /// The measured event.
    pub event_id: EventId,
}

/// The states in which nothing is left to do.
const FINAL: [&str; 3] = ["settled", "refunded", "cancelled"];

/// What a party gets beyond what it locks: room for fees of both transactions at any fee rate that scenarios allow.
const ROOM_VB: u64 = 2_000;

/// And some change, so that a wallet looks like one.
const CHANGE_SAT: u64 = 250_000;

/// So many blocks a wallet may take to see its coins.
const BLOCKS_TO_SEE: u32 = 5;

impl Party {
    /// Whether its escrow is in a final state.
    pub(super) async fn is_done(&self, escrow_id: &str) -> anyhow::Result<bool> {
        let escrows = self.owner.escrows().await?;
        let escrow = escrows.iter().find(|escrow| escrow.id == escrow_id);
        Ok(escrow.is_some_and(|escrow| FINAL.contains(&escrow.state.as_str())))
    }

    /// Its escrow with everything.
    pub(super) async fn escrow(&self, escrow_id: &str) -> anyhow::Result<EscrowView> {
        let escrow = self.owner.escrow(escrow_id).await?;
        escrow.with_context(|| format!("the node {} does not know escrow {escrow_id}", self.key))
    }
}

impl Director<'_> {
    /// Gives both wallets a coin, and waits until they see it.
    pub(super) async fn fund(&mut self) -> anyhow::Result<()> {
        self.progress.stage("funding the wallets");
        let deal = &self.scenario.deal;
        let room = ROOM_VB * deal.fee_rate_sat_vb + CHANGE_SAT;
        let coins = [Sat(deal.bond_sat.0 + room), Sat(deal.price_sat.0 + room)];
        for (party, coin) in [&self.world.provider, &self.world.buyer].into_iter().zip(coins) {
            let address = party.owner.new_address("replay-funding").await?.address;
            let address: Address<_> = address.parse().context("the node's address")?;
            let address = address.require_network(Network::Regtest).context("the node's address")?;
            let amount = Amount::from_sat(coin.0);
            with_node(&self.world.bitcoind, move |node| node.fund(&address, &[amount]).map(drop)).await?;
        }
        for _ in 0..BLOCKS_TO_SEE {
            self.step().await?;
            if self.wallets_see(coins).await? {
                return Ok(());
            }
        }
        bail!("the wallets do not see their coins after {BLOCKS_TO_SEE} blocks")
    }

    async fn wallets_see(&self, coins: [Sat; 2]) -> anyhow::Result<bool> {
        let provider = self.world.provider.owner.balance().await?.available_sat;
        let buyer = self.world.buyer.owner.balance().await?.available_sat;
        Ok(provider >= coins[0] && buyer >= coins[1])
    }

    /// The provider publishes an offer, and the buyer takes it.
    pub(super) async fn agree(&mut self) -> anyhow::Result<Struck> {
        self.progress.stage("agreeing");
        let offer = self.world.provider.owner.create_offer(&self.offer(), "replay-offer").await?;
        let announced = match self.world.oracles.len() {
            1 => "the oracle has announced what it will measure",
            _ => "each oracle has announced what it will measure",
        };
        self.tell("provider", format!("publishes an offer; {announced}"));
        let provider_url = self.world.provider.peer_url.clone();
        let request = PurchaseRequest { provider_url, offer_id: offer.id };
        let purchase = self.purchase(&request).await?;
        self.tell("buyer", "takes the offer");
        Ok(Struck {
            escrow_id: purchase.escrow_id,
            agreement: offer.agreement(self.world.provider.key, self.world.buyer.key),
            event_id: offer.measurement.event_id(),
        })
    }

    /// Buys as an owner would: once more, where a fault of the scenario came between.
    async fn purchase(&mut self, request: &PurchaseRequest) -> anyhow::Result<Purchase> {
        loop {
            let (owner, bell) = (self.world.buyer.owner.clone(), self.world.bell.clone());
            let purchase = owner.purchase(request, "replay-purchase");
            tokio::pin!(purchase);
            let tripped = tokio::select! {
                bought = &mut purchase => return Ok(bought?),
                () = bell.rung() => self.begin_tripped().await?,
            };
            if let Ok(purchase) = purchase.await {
                return Ok(purchase);
            }
            while self.is_to_end(&tripped) {
                self.step().await?;
            }
        }
    }

    fn offer(&self) -> OfferDraft {
        let scenario = self.scenario;
        let oracles = &self.world.oracles;
        let window_start = scenario.measurement.window.start.0;
        OfferDraft {
            measurement: scenario.measurement.clone(),
            price_sat: scenario.deal.price_sat,
            bond_sat: scenario.deal.bond_sat,
            payout: scenario.deal.payout.clone(),
            oracles: scenario.deal.oracle_set(oracles.iter().map(|oracle| oracle.key).collect()),
            oracle_urls: oracles.iter().map(|oracle| oracle.client.base().to_owned()).collect(),
            funding_deadline: UnixSeconds(window_start - scenario.chain.funding_margin_s),
            refund_delay_s: scenario.deal.refund_delay_s,
            fee_rate_sat_vb: Some(scenario.deal.fee_rate_sat_vb),
            expires: UnixSeconds(window_start - scenario.chain.funding_margin_s),
            negotiable: None,
            strategy: None,
        }
    }
}
