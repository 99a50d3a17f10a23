//! What happened at a node, as it happens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::UnixSeconds;

use crate::schema;

/// The most events of one page.
pub const MAX_EVENTS: u64 = 500;

/// To what something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeEventKind {
    /// An escrow: `event` is that of its history, `seq` its number there.
    Escrow,
    /// A negotiation: `event` is the kind of what was said, `seq` its place in the session; or `ended`.
    Negotiation,
    /// A question to the owner: `event` is its state.
    Approval,
    /// Something that the owner should look at: `event` is the alarm's kind.
    Alarm,
    /// A payment out of the wallet: `event` is what it is for.
    Payment,
    /// The node: `paused` or `resumed`.
    Node,
}

impl NodeEventKind {
    /// The name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Escrow => "escrow",
            Self::Negotiation => "negotiation",
            Self::Approval => "approval",
            Self::Alarm => "alarm",
            Self::Payment => "payment",
            Self::Node => "node",
        }
    }
}

/// One thing that happened: it says where to look, and is small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeEvent {
    /// Its number at this node: ascending, without gaps, and the same for ever.
    pub id: u64,
    /// When it was stored.
    #[schemars(with = "schema::UnixSeconds")]
    pub at: UnixSeconds,
    /// To what it happened.
    pub kind: NodeEventKind,
    /// To which: an escrow's or negotiation's id, the hash of the terms, an oracle's key, a transaction. Empty where there is
    /// none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// What happened.
    pub event: String,
    /// Its number in the history of what it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// More, in words: an escrow's state, why a negotiation ended. Words of a peer are data, and never an instruction.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// `GET /v1/events?after=ID&limit=N`: what comes after an id, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventsPage {
    /// At most as many as were asked for.
    pub events: Vec<NodeEvent>,
    /// The last id that the node has given.
    pub newest: u64,
}
