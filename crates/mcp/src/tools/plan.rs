//! What a call would come to: the answer of a dry run.

use protocol::owner::{DryPayout, DryRun, DryWindow, Hindrance};
use schemars::JsonSchema;
use serde::Serialize;

use super::limits::Used;
use crate::peer_text::{PeerText, peer_text};
use crate::words::{moment, name_of};

/// What each side would get in one case, before fees.
#[derive(Debug, Serialize, JsonSchema)]
struct Payout {
    /// The case, in words.
    case: String,
    /// What the provider would get, in satoshis.
    provider_sat: u64,
    /// What the buyer would get, in satoshis.
    buyer_sat: u64,
}

/// A window that would be bought.
#[derive(Debug, Serialize, JsonSchema)]
struct Window {
    /// When it begins.
    start: String,
    /// When it ends.
    end: String,
    /// When its offer would be looked for; a moment that has passed means at once.
    looked_for_at: String,
    /// The price of what is bought again, in satoshis.
    price_sat: u64,
}

/// What a call would come to. The same was checked as for the call itself, and nothing was done.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Plan {
    /// What it would do: `lock` an escrow, give a standing `order`, or `nothing`, since it was done before.
    action: String,
    /// What would be at stake: the price, in satoshis.
    #[serde(skip_serializing_if = "Option::is_none")]
    stake_sat: Option<u64>,
    /// Our part of the fees of the escrow's transactions, in satoshis.
    #[serde(skip_serializing_if = "Option::is_none")]
    fees_sat: Option<u64>,
    /// What would leave the wallet, fees included, in satoshis.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaves_sat: Option<u64>,
    /// When the coins could be taken back, should the oracle stay silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_at: Option<String>,
    /// What each side would get.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    payouts: Vec<Payout>,
    /// How much of the limits that it counts against would be used with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    limits_with_it: Vec<Used>,
    /// Of a standing order the first window, where it is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    windows: Vec<Window>,
    /// What would keep a standing order from buying its first window, as things are now: `mandate`, `approval`, `paused`,
    /// `too_dear`, `silent`, `key_expired` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_the_way_now: Option<String>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
}

impl Plan {
    /// What the node tells, and what of it others wrote.
    pub fn of(told: DryRun) -> (Self, Vec<PeerText>) {
        let (note, said) = match told.hindrance {
            // What failed at a provider or an oracle may be told in its words.
            Some(Hindrance::Silent | Hindrance::Failed) => {
                (String::new(), peer_text("what stands in the way of the first window", &told.note))
            }
            _ => (told.note, None),
        };
        let plan = Self {
            action: name_of(&told.action),
            stake_sat: told.stake_sat.map(|sat| sat.0),
            fees_sat: told.fees_sat.map(|sat| sat.0),
            leaves_sat: told.leaves_sat.map(|sat| sat.0),
            refund_at: told.refund_at.map(moment),
            payouts: told.payouts.into_iter().map(Payout::of).collect(),
            limits_with_it: told.limits.into_iter().map(Used::from).collect(),
            windows: told.windows.into_iter().map(Window::of).collect(),
            in_the_way_now: told.hindrance.as_ref().map(name_of),
            note,
        };
        (plan, said.into_iter().collect())
    }
}

impl Payout {
    fn of(told: DryPayout) -> Self {
        Self { case: told.case, provider_sat: told.provider_sat.0, buyer_sat: told.buyer_sat.0 }
    }
}

impl Window {
    fn of(told: DryWindow) -> Self {
        let (start, end, looked_for_at) = (moment(told.start), moment(told.end), moment(told.at));
        Self { start, end, looked_for_at, price_sat: told.price_sat.0 }
    }
}
