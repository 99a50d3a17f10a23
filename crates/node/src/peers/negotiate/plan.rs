//! Plans as they are stored: a strategy, and what was drawn for it once.

use negotiation::strategy::{self, BuyerPlan, ProviderPlan};
use protocol::{BuyerStrategy, Offer, ProviderStrategy};
use serde::{Deserialize, Serialize};
use terms::{Hex32, Sat, canonical};

use super::talk::Talk;
use crate::error::NodeError;
use crate::keys::random;

/// How a provider's node answers counters to one of its offers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct ForOffer {
    strategy: ProviderStrategy,
    last_sat: Sat,
    seed: Hex32,
}

/// How a buyer's node negotiates in one session.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct ForPurchase {
    strategy: BuyerStrategy,
    seed: Hex32,
}

/// A provider's plan for an offer, to be stored beside it.
pub(crate) fn for_offer(strategy: &ProviderStrategy, offer: &Offer) -> Result<String, NodeError> {
    strategy.check(offer.price_sat, offer.negotiable.as_ref())?;
    let missing = || terms::DocumentError::new("negotiable", "must be given where strategy is");
    let negotiable = offer.negotiable.ok_or_else(missing)?;
    let seed = seed(strategy.seed)?;
    let last_sat = strategy::final_price(strategy, offer.price_sat, &negotiable, &seed.0);
    write(&ForOffer { strategy: *strategy, last_sat, seed })
}

/// A buyer's plan for a session, to be stored with it.
pub(crate) fn for_purchase(strategy: &BuyerStrategy) -> Result<String, NodeError> {
    write(&ForPurchase { strategy: *strategy, seed: seed(strategy.seed)? })
}

/// The seed that the owner chose, or one that nobody can guess.
fn seed(chosen: Option<u64>) -> Result<Hex32, NodeError> {
    Ok(Hex32(match chosen {
        Some(number) => canonical::sha256(&number.to_be_bytes()),
        None => random()?,
    }))
}

fn write<T: Serialize>(plan: &T) -> Result<String, NodeError> {
    serde_json::to_string(plan).map_err(|_| NodeError::Damaged { what: "plan" })
}

impl Talk {
    /// Our plan as the provider; none where the owner answers.
    pub(super) fn provider_plan(&self) -> Result<Option<ProviderPlan>, NodeError> {
        let Some(plan): Option<ForOffer> = self.read_plan()? else { return Ok(None) };
        let Some(negotiable) = self.offer.negotiable else { return Ok(None) };
        let seed = self.session_seed(plan.seed, plan.strategy.seed);
        let (price, bond) = (self.offer.price_sat, self.offer.bond_sat);
        Ok(Some(ProviderPlan::new(&plan.strategy, plan.last_sat, price, bond, &negotiable, &seed)))
    }

    /// Our plan as the buyer; none where the owner answers.
    pub(super) fn buyer_plan(&self) -> Result<Option<BuyerPlan>, NodeError> {
        let plan: Option<ForPurchase> = self.read_plan()?;
        Ok(plan.map(|plan| {
            let seed = self.session_seed(plan.seed, plan.strategy.seed);
            BuyerPlan::new(&plan.strategy, &self.offer, self.rounds(), &seed)
        }))
    }

    /// What is drawn in this session: with a seed that the owner chose the same with the same peer, else something else
    /// in each.
    fn session_seed(&self, seed: Hex32, chosen: Option<u64>) -> [u8; 32] {
        let about = if chosen.is_some() { self.counterparty() } else { self.id };
        strategy::session_seed(&seed.0, &about.0)
    }

    fn read_plan<'a, T: Deserialize<'a>>(&'a self) -> Result<Option<T>, NodeError> {
        let read = |json: &'a String| serde_json::from_str(json);
        self.plan.as_ref().map(read).transpose().map_err(|_| NodeError::Damaged { what: "plan" })
    }
}
