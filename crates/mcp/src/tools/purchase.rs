//! What began with a purchase or a renewal, or what would begin.

use client::{ClientError, Rehearsed};
use protocol::owner::Purchase;
use protocol::schema::Bytes32;
use schemars::JsonSchema;
use serde::Serialize;
use terms::Hex32;

use super::idempotency_key;
use super::plan::Plan;
use crate::agent::Agent;
use crate::refusal::Refusal;

/// What happens once it is agreed.
const NEXT: &str =
    "Both nodes lock it now, measure and settle by themselves. get_status tells how far it is.";
/// What happens after a dry run.
const REHEARSED: &str =
    "Nothing was done. The same call without dry_run does it, unless things have changed by then.";

/// What began; of a dry run only `plan`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Bought {
    /// The escrow's id: look at it with get_status.
    #[serde(skip_serializing_if = "Option::is_none")]
    escrow_id: Option<String>,
    /// The hash of the terms that both sides have accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Bytes32>")]
    terms_hash: Option<Hex32>,
    /// With dry_run: what it would come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
    /// What happens next.
    next: &'static str,
    /// Under this key it was bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
}

impl Bought {
    /// Buys under a key, or only says what that would come to.
    ///
    /// # Errors
    /// The refusal of either, which is the same.
    pub async fn of(
        agent: &Agent,
        given: Option<String>,
        rehearsed: Option<Rehearsed<'_>>,
        buy: impl AsyncFnOnce(&str) -> Result<Purchase, ClientError>,
    ) -> Result<Self, Refusal> {
        if let Some(what) = rehearsed {
            // What a provider says is in no plan of a purchase: none was asked for a quote.
            let (plan, _) = Plan::of(agent.node.dry_run(&what).await?);
            let (plan, next) = (Some(plan), REHEARSED);
            return Ok(Self { escrow_id: None, terms_hash: None, plan, next, idempotency_key: None });
        }
        let key = idempotency_key(given)?;
        let bought = buy(&key).await.map_err(|error| Refusal::from(error).under(&key))?;
        let (escrow_id, terms_hash) = (Some(bought.escrow_id), Some(bought.terms_hash));
        Ok(Self { escrow_id, terms_hash, plan: None, next: NEXT, idempotency_key: Some(key) })
    }
}
