//! Taking an offer as it is.

use protocol::owner::PurchaseRequest;
use protocol::schema::Bytes32;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::Hex32;

use super::idempotency_key;
use crate::agent::Agent;
use crate::refusal::Refusal;
use crate::tool::{Hints, Tool};

/// `buy_offer`
pub(super) struct Buy;

/// Which offer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The base URL of the provider's node.
    provider_url: String,
    /// The offer's id, from discover_offers.
    #[schemars(with = "Bytes32")]
    offer_id: Hex32,
    /// A word of your choice, the same when you repeat this very purchase: it is then made once. 1 to 128 visible
    /// characters. Without it every call is a new purchase.
    #[serde(default)]
    idempotency_key: Option<String>,
}

/// What began.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The escrow's id: look at it with get_status.
    escrow_id: String,
    /// The hash of the terms that both sides have accepted.
    #[schemars(with = "Bytes32")]
    terms_hash: Hex32,
    /// What happens next.
    next: &'static str,
    /// Under this key the purchase was made.
    idempotency_key: String,
}

impl Tool for Buy {
    const NAME: &'static str = "buy_offer";
    const TITLE: &'static str = "Buy an offer";
    const DESCRIPTION: &'static str = "Take an offer as it is and lock the price in an escrow with the provider. This commits \
        the owner's money, within the mandate; it cannot be taken back. Look at quote_offer first. Pass an \
        idempotency_key, so that a call that got no answer can be repeated.";
    const HINTS: Hints = Hints::COMMIT;
    type Input = Input;
    type Output = Output;

    async fn call(agent: &Agent, input: Input) -> Result<Output, Refusal> {
        let key = idempotency_key(input.idempotency_key)?;
        let request = PurchaseRequest { provider_url: input.provider_url, offer_id: input.offer_id };
        let bought = agent.node.purchase(&request, &key).await;
        let bought = bought.map_err(|error| Refusal::from(error).under(&key))?;
        Ok(Output {
            escrow_id: bought.escrow_id,
            terms_hash: bought.terms_hash,
            next: "Both nodes lock it now, measure and settle by themselves. get_status tells how far it is.",
            idempotency_key: key,
        })
    }
}
