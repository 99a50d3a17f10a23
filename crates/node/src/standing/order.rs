//! A standing order as it is stored, and which window it is about next.

use std::collections::BTreeMap;

use protocol::owner::{Hindrance, OrderRequest, OrderState, WindowState};
use serde::{Deserialize, Serialize};
use storage::{Standing, StandingRow, StandingWindowRow};
use terms::{Agreement, Hex32};

use super::{StandingRows, read, write};
use crate::error::NodeError;
use crate::peers::exchange::plain;

/// What an owner ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Given {
    /// The request, with the providers.
    pub request: OrderRequest,
    /// The terms that are bought again.
    pub like: Agreement,
    /// When the first window begins, in unix seconds;
    pub from: u64,
    /// exactly then, or at any later moment.
    pub exact: bool,
}

/// A standing order.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(super) id: Hex32,
    pub(super) given: Given,
    pub(super) key: Option<String>,
    pub(super) created_at: u64,
    pub(super) ended: Option<OrderState>,
    windows: BTreeMap<u64, Window>,
}

/// What came of one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    /// When it ends, where an offer has told that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    pub state: WindowState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Hindrance>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Whether the owner was told that it may be missed.
    #[serde(default)]
    pub warned: bool,
    /// Who was asked for it, the last one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
}

/// One time that a provider was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tried {
    pub offer_id: Hex32,
    pub provider_url: String,
    /// The negotiation's session, which becomes the escrow.
    pub session: Hex32,
}

/// The window that an order is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    /// When it begins.
    pub start: u64,
    /// Exactly then; or, after a gap, at any later moment.
    pub exact: bool,
}

impl Window {
    /// One for which an offer is looked for.
    pub fn open() -> Self {
        Self {
            end: None,
            state: WindowState::Open,
            why: None,
            detail: String::new(),
            warned: false,
            tried: Vec::new(),
        }
    }

    /// The same, and what stands in its way.
    #[must_use]
    pub fn hindered(self, why: Hindrance, detail: &str) -> Self {
        Self { state: WindowState::Open, why: Some(why), detail: plain(detail), ..self }
    }

    /// Whether there was an offer that was not taken: why not stays said when the offer is gone.
    pub fn was_offered(&self) -> bool {
        use Hindrance::{Approval, Mandate, OtherTerms, Refused, TooDear};
        matches!(self.why, Some(Approval | Mandate | OtherTerms | Refused | TooDear))
    }

    /// How often an offer was tried for it.
    pub fn times(&self, offer_id: Hex32) -> usize {
        self.tried.iter().filter(|tried| tried.offer_id == offer_id).count()
    }
}

impl Order {
    /// A new one.
    pub(super) fn new(id: Hex32, given: Given, key: Option<String>, created_at: u64) -> Self {
        Self { id, given, key, created_at, ended: None, windows: BTreeMap::new() }
    }

    /// From its row, without its windows.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(row: StandingRow) -> Result<Self, NodeError> {
        let damaged = |_| NodeError::Damaged { what: "order" };
        let ended = row.ended.map(|why| serde_json::from_value(why.into()).map_err(damaged)).transpose()?;
        let (id, key, created_at) = (row.id, row.key, row.created_at);
        Ok(Self { ended, ..Self::new(id, read(&row.json)?, key, created_at) })
    }

    pub(super) fn row(&self) -> Result<StandingRow, NodeError> {
        let (id, key, created_at) = (self.id, self.key.clone(), self.created_at);
        Ok(StandingRow { id, json: write(&self.given)?, key, created_at, ended: None })
    }

    /// The rows with what came of a window.
    pub(super) fn window_rows(&self, start: u64, window: &Window) -> Result<StandingRows, NodeError> {
        let row = StandingWindowRow { parent: self.id, start, json: write(window)? };
        Ok(StandingRows { window: Some((Standing::Orders, row)), ..StandingRows::default() })
    }

    /// Makes true in memory what is stored of a window.
    pub(super) fn keep(&mut self, start: u64, window: Window) {
        self.windows.insert(start, window);
    }

    /// What came of the window that begins at a moment.
    pub(super) fn window(&self, start: u64) -> Option<&Window> {
        self.windows.get(&start)
    }

    /// All windows, the oldest first.
    pub(super) fn windows(&self) -> impl DoubleEndedIterator<Item = (u64, &Window)> {
        self.windows.iter().map(|(start, window)| (*start, window))
    }

    /// How many windows are bought, with one that is about to be.
    pub(super) fn bought(&self) -> u64 {
        let taken =
            self.windows.values().filter(|w| matches!(w.state, WindowState::Bought | WindowState::Buying));
        taken.count() as u64
    }

    /// The window that it is about: the newest that is not over, or the one that follows.
    pub(super) fn next(&self) -> Next {
        match self.windows.last_key_value() {
            None => Next { start: self.given.from, exact: self.given.exact },
            Some((start, window)) => match (window.state, window.end) {
                (WindowState::Open | WindowState::Buying, _) => Next { start: *start, exact: true },
                (WindowState::Bought | WindowState::Missed, Some(end)) => Next { start: end, exact: true },
                (_, None) => Next { start: start.saturating_add(1), exact: false },
            },
        }
    }

    /// When it looks for an offer of that window, is worried that there is none, and gives it up.
    pub(super) fn moments(&self) -> [u64; 3] {
        let (start, lead) = (self.next().start, self.given.request.lead_s);
        [start.saturating_sub(lead), start.saturating_sub(lead / 2), start]
    }
}
