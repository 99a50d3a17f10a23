//! Plans as they are stored: a strategy, and what was drawn for it once.

use negotiation::strategy::{self, BuyerPlan, ProviderPlan};
use protocol::{BuyerStrategy, Offer, ProviderStrategy};
use serde::{Deserialize, Serialize};
use terms::{Hex32, Sat};

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
    let seed = Hex32(random()?);
    let last_sat = strategy::final_price(strategy, offer.price_sat, &negotiable, &seed.0);
    write(&ForOffer { strategy: *strategy, last_sat, seed })
}

/// A buyer's plan for a session, to be stored with it.
pub(crate) fn for_purchase(strategy: &BuyerStrategy) -> Result<String, NodeError> {
    write(&ForPurchase { strategy: *strategy, seed: Hex32(random()?) })
}

fn write<T: Serialize>(plan: &T) -> Result<String, NodeError> {
    serde_json::to_string(plan).map_err(|_| NodeError::Damaged { what: "plan" })
}

impl Talk {
    /// Our plan as the provider; none where the owner answers.
    pub(super) fn provider_plan(&self) -> Result<Option<ProviderPlan>, NodeError> {
        let Some(plan): Option<ForOffer> = self.read_plan()? else { return Ok(None) };
        let Some(negotiable) = self.offer.negotiable else { return Ok(None) };
        let seed = strategy::session_seed(&plan.seed.0, &self.id.0);
        let (price, bond) = (self.offer.price_sat, self.offer.bond_sat);
        Ok(Some(ProviderPlan::new(&plan.strategy, plan.last_sat, price, bond, &negotiable, &seed)))
    }

    /// Our plan as the buyer; none where the owner answers.
    pub(super) fn buyer_plan(&self) -> Result<Option<BuyerPlan>, NodeError> {
        let plan: Option<ForPurchase> = self.read_plan()?;
        Ok(plan.map(|plan| {
            let seed = strategy::session_seed(&plan.seed.0, &self.id.0);
            BuyerPlan::new(&plan.strategy, &self.offer, self.rounds(), &seed)
        }))
    }

    fn read_plan<'a, T: Deserialize<'a>>(&'a self) -> Result<Option<T>, NodeError> {
        let read = |json: &'a String| serde_json::from_str(json);
        self.plan.as_ref().map(read).transpose().map_err(|_| NodeError::Damaged { what: "plan" })
    }
}
