//! What the key may do, and what the wallet has.

use std::collections::BTreeMap;

use protocol::owner::{KeyMandateView, MandateView, UsageView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::Agent;
use crate::refusal::Refusal;
use crate::tool::{Hints, Tool};
use crate::words::moment;

/// Takes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// How much of a limit is used.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Used {
    /// The limit, as a refusal names it in `field`.
    limit: String,
    /// Of whom: a counterparty's key or a service's host; left out where it is about everything.
    #[serde(skip_serializing_if = "String::is_empty")]
    of: String,
    /// What is used, in satoshis.
    used_sat: u64,
    /// The limit, in satoshis.
    allowed_sat: u64,
    /// What is left, in satoshis.
    left_sat: u64,
}

impl From<UsageView> for Used {
    fn from(usage: UsageView) -> Self {
        Self {
            left_sat: usage.allowed_sat.0.saturating_sub(usage.used_sat.0),
            used_sat: usage.used_sat.0,
            allowed_sat: usage.allowed_sat.0,
            limit: usage.limit,
            of: usage.of,
        }
    }
}

/// Limits, and how much of them is used.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Limits {
    /// Every limit that is set, by its name: amounts in satoshis (`_sat`), lengths in seconds (`_s`), shares in millionths
    /// (`_ppm`), lists of keys. What is not set has no bound here.
    limits: BTreeMap<String, Value>,
    /// How much is used of those that fill up.
    usage: Vec<Used>,
}

impl Limits {
    fn of(limits: Value, usage: Vec<UsageView>) -> Self {
        let limits = match limits {
            Value::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            _ => BTreeMap::new(),
        };
        Self { limits, usage: usage.into_iter().map(Used::from).collect() }
    }
}

/// `get_mandate`
pub(super) struct Mandate;

/// What holds for this key.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MandateOutput {
    /// The delegated key in whose name all tools act.
    key: String,
    /// What it may do: `read`, `buy`, `provide`, `close`.
    scopes: Vec<&'static str>,
    /// When its token expires; the owner can rotate it.
    expires_at: String,
    /// Whether the owner has paused everything.
    paused: bool,
    /// The key's own limits, over what it did. Both these and the owner's hold.
    own: Limits,
    /// The owner's limits, over what everybody did.
    owner: Limits,
}

impl Tool for Mandate {
    const NAME: &'static str = "get_mandate";
    const TITLE: &'static str = "What you may do";
    const DESCRIPTION: &'static str = "The limits that the owner has set for this key and for the whole node, how much of each \
        is used, and what is left. Look before you buy; nothing here can be changed through these tools.";
    const HINTS: Hints = Hints::LOOK;
    type Input = Nothing;
    type Output = MandateOutput;

    async fn call(agent: &Agent, _: Nothing) -> Result<MandateOutput, Refusal> {
        let MandateView { paused, limits, usage, key } = agent.node.mandate().await?;
        let KeyMandateView { key, usage: own } =
            key.ok_or_else(|| Refusal::bad_argument("token", "must be a delegated key's"))?;
        Ok(MandateOutput {
            key: key.name,
            scopes: key.scopes.iter().map(|scope| scope.name()).collect(),
            expires_at: moment(key.expires_at),
            paused,
            own: Limits::of(key.limits.unwrap_or_default(), own),
            owner: Limits::of(limits, usage),
        })
    }
}

/// `get_balance`
pub(super) struct Balance;

/// What the wallet holds.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct BalanceOutput {
    /// Confirmed and free, in satoshis. An escrow takes whole coins, so not all of it may be of use at once.
    available_sat: u64,
    /// Confirmed, and reserved for an escrow that is not funded yet.
    reserved_sat: u64,
    /// On its way in, or change that is not confirmed.
    pending_sat: u64,
    /// Our part of what live escrows lock.
    locked_sat: u64,
}

impl Tool for Balance {
    const NAME: &'static str = "get_balance";
    const TITLE: &'static str = "Wallet balance";
    const DESCRIPTION: &'static str = "What the owner's wallet holds. Whether it may be spent is another question, which \
        get_mandate answers. Changes nothing.";
    const HINTS: Hints = Hints::LOOK;
    type Input = Nothing;
    type Output = BalanceOutput;

    async fn call(agent: &Agent, _: Nothing) -> Result<BalanceOutput, Refusal> {
        let balance = agent.node.balance().await?;
        Ok(BalanceOutput {
            available_sat: balance.available_sat.0,
            reserved_sat: balance.reserved_sat.0,
            pending_sat: balance.pending_sat.0,
            locked_sat: balance.locked_sat.0,
        })
    }
}
