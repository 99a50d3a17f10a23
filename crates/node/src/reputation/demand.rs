//! What a provider's record means for buying: whether at all, and for how much.

use negotiation::reputation::most_sat;
use protocol::BuyerStrategy;
use protocol::owner::ReputationView;
use terms::Hex32;

use crate::error::NodeError;
use crate::node::Node;

impl Node {
    /// Holds a provider to the least that the owner asks for, before anything is said to it. Returns what is known of it;
    /// nothing where nothing is asked for.
    ///
    /// # Errors
    /// When too few windows count, or the Bitcoin node or the database fails.
    pub(crate) async fn known_of(&self, provider: Hex32) -> Result<Option<ReputationView>, NodeError> {
        let asked = &self.config.reputation;
        if !asked.asks() {
            return Ok(None);
        }
        let known = self.reputation(provider).await?;
        let (settled, least) = (known.counted.settled(), asked.min_settled);
        match settled < least {
            true => Err(NodeError::TooFewSettled { provider, settled, least }),
            false => Ok(Some(known)),
        }
    }

    /// A strategy, as far as the provider's record bears it.
    pub(crate) fn for_record(
        &self,
        strategy: BuyerStrategy,
        known: Option<&ReputationView>,
    ) -> BuyerStrategy {
        let Some(known) = known else { return strategy };
        let unknown = self.config.reputation.unknown_ppm;
        let maximum_sat = most_sat(strategy.maximum_sat, &known.counted, unknown);
        if maximum_sat < strategy.maximum_sat {
            let provider = known.key;
            tracing::info!(%provider, asked = %strategy.maximum_sat, %maximum_sat, "its record bears no more");
        }
        let opening_sat = strategy.opening_sat.map(|opening| opening.min(maximum_sat));
        BuyerStrategy { maximum_sat, opening_sat, ..strategy }
    }
}
