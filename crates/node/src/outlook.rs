//! What terms mean for both sides at every outcome, told wherever an owner decides about them.

use contract::Announcements;
use engine::Escrow;
use negotiation::outlook::{Facts, Fees, Outlook};
use protocol::owner::OutlookView;
use terms::{Agreement, Side, UnixSeconds};

use crate::peers::lock::fees;

/// The outlook of terms; `maturity` is that of the last of the oracles' events, and `now` the time, from which the lock
/// is counted. None for terms that pay nothing exactly, which are never taken.
pub(crate) fn outlook(agreement: &Agreement, maturity: Option<u64>, now: Option<u64>) -> Option<OutlookView> {
    let fees =
        Fees { provider_sat: fees(agreement, Side::Provider), buyer_sat: fees(agreement, Side::Buyer) };
    let facts = Facts {
        fees: Some(fees),
        now: now.map(UnixSeconds),
        maturity: maturity.map(UnixSeconds),
        windows: None,
    };
    let outlook = Outlook::of(agreement, &facts).ok()?;
    let figures = serde_json::to_value(&outlook).ok()?;
    Some(OutlookView { text: outlook.to_string(), figures })
}

/// The outlook of terms whose events are announced.
pub(crate) fn announced(
    agreement: &Agreement,
    announcements: &[Vec<u8>],
    now: Option<u64>,
) -> Option<OutlookView> {
    let known = Announcements::parse(agreement, announcements).ok();
    outlook(agreement, known.map(|known| known.latest_maturity().0), now)
}

/// The outlook of an escrow, counted from its funding deadline: the same whenever it is asked for.
pub(crate) fn of_escrow(escrow: &Escrow) -> Option<OutlookView> {
    outlook(escrow.agreement(), Some(escrow.opened.maturity), None)
}
