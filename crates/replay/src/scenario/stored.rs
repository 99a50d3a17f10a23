//! What `[expect]` says about what the nodes have stored: events of the escrow, and receipts.

use std::fmt;

use terms::Sat;

use super::error::ScenarioError;
use super::reader::{Field, Table};

/// One of the two whose nodes store something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Who sells.
    Provider,
    /// Who buys.
    Buyer,
}

impl Party {
    /// The word for it in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Buyer => "buyer",
        }
    }
}

/// An event of the escrow at one of the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Provider or buyer.
    pub who: Party,
    /// Its name as the node stores it, and with `observed` the state.
    pub event: String,
}

impl fmt::Display for StoredEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.who.name(), self.event)
    }
}

/// What a node's receipts come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedReceipts {
    /// How many lines there are, corrections included.
    pub movements: u64,
    /// What the lines of some purposes come to, less what others take back, by the purposes' names.
    pub totals: Vec<(&'static str, Sat)>,
}

/// What both nodes' receipts come to, as far as the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipts {
    /// The provider's.
    pub provider: Option<ExpectedReceipts>,
    /// The buyer's.
    pub buyer: Option<ExpectedReceipts>,
}

/// The longest list of events.
const MAX_EVENTS: usize = 200;

/// As nodes store them.
const EVENTS: [&str; 17] = [
    "opened",
    "offer_made",
    "offer_taken",
    "accept_taken",
    "sign_taken",
    "funding_seen",
    "attested",
    "equivocated",
    "announcement_changed",
    "secret_learned",
    "cet_built",
    "refund_built",
    "cancel_built",
    "cancel_raised",
    "bump_built",
    "abandoned",
    "spend_seen",
];

/// States in which an escrow stays long enough to be seen.
pub(super) const LASTING: [&str; 10] = [
    "agreed",
    "offered",
    "accepted",
    "signed",
    "funding_broadcast",
    "funded",
    "measuring",
    "attested",
    "cet_broadcast",
    "refund_broadcast",
];

/// What a node can observe besides, behind the event `observed`.
const OBSERVED: [&str; 5] = ["unknown_spend", "cancelling", "settled", "refunded", "cancelled"];

/// Purposes of receipts, by the fields that say what they come to.
const TOTALS: [(&str, &str); 6] = [
    ("funding_sat", "funding"),
    ("fee_sat", "fee"),
    ("settlement_sat", "settlement"),
    ("refund_sat", "refund"),
    ("bump_sat", "bump"),
    ("cancel_sat", "cancel"),
];

/// A list of events such as `"buyer: offer_made"` or `"buyer: observed funded"`.
pub(super) fn events(field: &Field<'_>) -> Result<Vec<StoredEvent>, ScenarioError> {
    field.list(MAX_EVENTS)?.iter().map(event).collect()
}

fn event(field: &Field<'_>) -> Result<StoredEvent, ScenarioError> {
    let rule = || {
        field.error(format!(
            "must be such as \"buyer: offer_made\" or \"provider: observed funded\"; events are {}; observed are {}",
            EVENTS.join(", "),
            [&LASTING[..], &OBSERVED].concat().join(", ")
        ))
    };
    let (who, event) = field.text()?.split_once(':').ok_or_else(rule)?;
    let parties = [Party::Provider, Party::Buyer];
    let who = parties.into_iter().find(|party| party.name() == who.trim()).ok_or_else(rule)?;
    let event = event.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_known = match event.strip_prefix("observed ") {
        Some(state) => LASTING.contains(&state) || OBSERVED.contains(&state),
        None => EVENTS.contains(&event.as_str()),
    };
    if is_known { Ok(StoredEvent { who, event }) } else { Err(rule()) }
}

pub(super) fn receipts(field: &Field<'_>) -> Result<Receipts, ScenarioError> {
    let table = field.table()?;
    let receipts = Receipts {
        provider: table.read(Party::Provider.name(), of_one)?,
        buyer: table.read(Party::Buyer.name(), of_one)?,
    };
    table.close()?;
    Ok(receipts)
}

fn of_one(field: &Field<'_>) -> Result<ExpectedReceipts, ScenarioError> {
    let table: Table<'_> = field.table()?;
    let movements = table.need("movements")?.number(0..=1_000)?;
    let mut totals = Vec::new();
    for (key, purpose) in TOTALS {
        if let Some(sat) = table.read(key, |field| field.number(0..=terms::units::MAX_NUMBER))? {
            totals.push((purpose, Sat(sat)));
        }
    }
    table.close()?;
    Ok(ExpectedReceipts { movements, totals })
}
