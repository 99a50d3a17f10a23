//! Taking an offer as it is.

use client::Rehearsed;
use protocol::owner::PurchaseRequest;
use protocol::schema::Bytes32;
use schemars::JsonSchema;
use serde::Deserialize;
use terms::Hex32;

use super::purchase::Bought;
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
    /// true: only check it, and say what it would come to. Nothing is stored, and the provider is not asked for a quote.
    #[serde(default)]
    dry_run: bool,
}

impl Tool for Buy {
    const NAME: &'static str = "buy_offer";
    const TITLE: &'static str = "Buy an offer";
    const DESCRIPTION: &'static str = "Take an offer as it is and lock the price in an escrow with the provider. This commits \
        the owner's money, within the mandate; it cannot be taken back. Look at quote_offer first, or \
        pass dry_run for what it would use of the limits. Pass an idempotency_key, so that a call that got no answer, or that \
        waited for the owner's word, can be repeated: it is then answered with the escrow that came of it.";
    const HINTS: Hints = Hints::COMMIT;
    type Input = Input;
    type Output = Bought;

    async fn call(agent: &Agent, input: Input) -> Result<Bought, Refusal> {
        let request = PurchaseRequest { provider_url: input.provider_url, offer_id: input.offer_id };
        let rehearsed = input.dry_run.then_some(Rehearsed::Purchase(&request));
        let buy = async |key: &str| agent.node.purchase(&request, key).await;
        Bought::of(agent, input.idempotency_key, rehearsed, buy).await
    }
}
