//! What must be done next about an escrow.

use crate::escrow::Escrow;
use crate::event::DlcRole;
use crate::view::{ChainView, Place, Status, status};

/// One thing to do now. Each can be repeated without harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The funding deadline passed before our coins were at stake: let them go.
    Abandon,
    /// Broadcast the funding transaction that we hold.
    BroadcastFunding,
    /// The funding deadline passed and our signatures are out: spend one of our coins elsewhere.
    BuildCancel,
    /// Broadcast the transaction that takes our coins back.
    BroadcastCancel,
    /// Ask the oracles for their attestations.
    FetchAttestations,
    /// Build the CET that the attestations unlock.
    BuildCet,
    /// Broadcast the CET.
    BroadcastCet,
    /// Build the refund.
    BuildRefund,
    /// Broadcast the refund.
    BroadcastRefund,
}

/// What is due, given what the chain shows now. The whole life of an escrow stands in this match.
///
/// Timelocks compare median time past: nodes refuse a transaction while it equals the locktime, and
/// accept it one second later.
pub fn due(escrow: &Escrow, view: &ChainView, now: u64) -> Vec<Due> {
    let late = now >= escrow.agreement().funding_deadline.0;
    match status(escrow, view, now) {
        Status::Agreed | Status::Offered | Status::Accepted if late => vec![Due::Abandon],
        Status::Agreed | Status::Offered | Status::Accepted => vec![],
        Status::Signed if late => vec![take_back(escrow)],
        Status::Signed => vec![],
        Status::FundingBroadcast => funding(escrow, view, late),
        Status::Cancelling => vec![Due::BroadcastCancel],
        Status::Funded => rebroadcast_funding(escrow, view),
        Status::Measuring => waiting_for_oracle(escrow, view, now),
        Status::Attested => attested(escrow, view),
        Status::CetBroadcast | Status::RefundBroadcast | Status::UnknownSpend => closing(escrow, view),
        Status::Settled | Status::Refunded | Status::Cancelled => vec![],
    }
}

fn take_back(escrow: &Escrow) -> Due {
    if escrow.coins.is_empty() { Due::Abandon } else { Due::BuildCancel }
}

fn funding(escrow: &Escrow, view: &ChainView, late: bool) -> Vec<Due> {
    match (escrow.opened.role, view.funding, late) {
        (_, Place::Confirmed { .. }, _) => vec![],
        (DlcRole::Offerer, _, true) if !escrow.coins.is_empty() => vec![Due::BuildCancel],
        (DlcRole::Accepter, Place::Unknown, true) => vec![Due::Abandon],
        (_, Place::Unknown, false) => rebroadcast_funding(escrow, view),
        _ => vec![],
    }
}

fn rebroadcast_funding(escrow: &Escrow, view: &ChainView) -> Vec<Due> {
    if escrow.funding_tx.is_some() && !view.funding.is_seen() { vec![Due::BroadcastFunding] } else { vec![] }
}

fn waiting_for_oracle(escrow: &Escrow, view: &ChainView, now: u64) -> Vec<Due> {
    let mut due = Vec::new();
    if now >= escrow.opened.maturity {
        due.push(Due::FetchAttestations);
    }
    if view.median_time_past > escrow.refund_locktime() {
        due.push(if escrow.refund.is_some() { Due::BroadcastRefund } else { Due::BuildRefund });
    }
    due
}

fn attested(escrow: &Escrow, view: &ChainView) -> Vec<Due> {
    if escrow.cet.is_none() {
        vec![Due::BuildCet]
    } else if view.median_time_past > escrow.agreement().measurement.window.end.0 {
        vec![Due::BroadcastCet]
    } else {
        vec![]
    }
}

/// A spend is in the mempool or not deep yet: keep it known to the network, whoever made it.
fn closing(escrow: &Escrow, view: &ChainView) -> Vec<Due> {
    match view.spend.map(|spend| spend.place) {
        Some(Place::Unknown) | None if escrow.cet.is_some() => vec![Due::BroadcastCet],
        Some(Place::Unknown) | None if escrow.refund.is_some() => vec![Due::BroadcastRefund],
        _ => vec![],
    }
}
