//! Buying the next window of an escrow.

use client::Rehearsed;
use protocol::schema::Bytes32;
use schemars::JsonSchema;
use serde::Deserialize;
use terms::Hex32;

use super::purchase::Bought;
use crate::agent::Agent;
use crate::refusal::Refusal;
use crate::tool::{Hints, Tool};

/// `renew_escrow`
pub(super) struct Renew;

/// Which escrow.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The id of a funded escrow that was bought, from get_status.
    #[schemars(with = "Bytes32")]
    escrow_id: Hex32,
    /// A word of your choice, the same when you repeat this very call. 1 to 128 visible characters.
    #[serde(default)]
    idempotency_key: Option<String>,
    /// true: only check it, and say what it would come to. Nothing is stored, and neither provider nor oracle is asked.
    #[serde(default)]
    dry_run: bool,
}

impl Tool for Renew {
    const NAME: &'static str = "renew_escrow";
    const TITLE: &'static str = "Buy the next window";
    const DESCRIPTION: &'static str = "Lock the window that follows that of a funded escrow, on the same terms and at the same \
        price, with fresh coins. This commits the owner's money, within the mandate. An escrow has one renewal: asked again it \
        tells of the same. To buy window after window without being asked, use create_standing_order.";
    const HINTS: Hints = Hints::COMMIT_ONCE;
    type Input = Input;
    type Output = Bought;

    async fn call(agent: &Agent, input: Input) -> Result<Bought, Refusal> {
        let id = input.escrow_id.to_string();
        let rehearsed = input.dry_run.then_some(Rehearsed::Renewal(&id));
        let renew = async |key: &str| agent.node.renew(&id, key).await;
        Bought::of(agent, input.idempotency_key, rehearsed, renew).await
    }
}
