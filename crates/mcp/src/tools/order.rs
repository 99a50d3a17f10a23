//! A standing order as an agent sees it.

use protocol::owner::{OrderState, OrderView, OrderWindowView};
use protocol::schema::Bytes32;
use schemars::JsonSchema;
use serde::Serialize;
use terms::Hex32;

use crate::peer_text::{PeerText, peer_text};
use crate::words::{moment, name_of};

/// So many windows of one order are shown.
const MOST_WINDOWS: usize = 20;

/// What came of one window.
#[derive(Debug, Serialize, JsonSchema)]
struct Window {
    /// When it begins.
    start: String,
    /// When it ends, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    /// `open` (an offer is looked for), `buying`, `bought` or `missed`.
    state: String,
    /// What stands, or stood, in the way: `no_offer`, `other_terms`, `too_dear`, `mandate`, `paused`, `approval`, `silent`,
    /// `refused`, `key_expired` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<String>,
    /// At which price, once that is agreed, in satoshis.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_sat: Option<u64>,
    /// Its escrow or negotiation: look at it with get_status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Bytes32>")]
    escrow_id: Option<Hex32>,
}

/// A standing order.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Order {
    /// Its id.
    #[schemars(with = "Bytes32")]
    pub order_id: Hex32,
    /// `standing`, `done`, `cancelled` or `key_revoked`.
    pub state: String,
    /// The key that gave it; left out: the owner, whose orders you can't cancel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The providers from whom it may buy.
    pub provider_urls: Vec<String>,
    /// The most that one window may cost, in satoshis.
    pub max_price_sat: u64,
    /// After so many windows it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows_wanted: Option<u64>,
    /// It buys none that begins at this moment or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// How many windows it has bought.
    pub bought: u64,
    /// What came of the newest twenty windows, the newest first.
    windows: Vec<Window>,
    /// What can be done next.
    pub next: &'static str,
}

impl Order {
    /// What the node tells, and what of it others wrote.
    pub fn of(told: OrderView) -> (Self, Vec<PeerText>) {
        let newest = || told.windows.iter().take(MOST_WINDOWS);
        let texts = newest().filter_map(|window| {
            let about = format!("what stands in the way of the window from {}", moment(window.start));
            peer_text(about, &window.detail)
        });
        let order = Self {
            order_id: told.id,
            state: name_of(&told.state),
            windows_wanted: told.order.windows,
            until: told.order.until.map(moment),
            max_price_sat: told.order.max_price_sat.0,
            bought: told.bought,
            windows: newest().map(Window::of).collect(),
            next: next(told.state),
            key: told.key.clone(),
            provider_urls: told.order.provider_urls.clone(),
        };
        (order, texts.collect())
    }
}

impl Window {
    fn of(told: &OrderWindowView) -> Self {
        Self {
            start: moment(told.start),
            end: told.end.map(moment),
            state: name_of(&told.state),
            why_not: told.why.as_ref().map(name_of),
            price_sat: told.price_sat.map(|sat| sat.0),
            escrow_id: told.escrow_id,
        }
    }
}

fn next(state: OrderState) -> &'static str {
    match state {
        OrderState::Standing => {
            "The node buys each window by itself, within the mandate. list_standing_orders tells what came of each; \
             cancel_standing_order ends it."
        }
        OrderState::Done | OrderState::Cancelled | OrderState::KeyRevoked => {
            "It buys nothing more. What it has bought goes on, and settles by itself."
        }
    }
}
