//! What must be done next about an escrow.

use bitcoin::OutPoint;

use crate::escrow::Escrow;
use crate::event::SpendKind;
use crate::view::{ChainView, Place, SpendView, Status, status};

/// One thing to do now. Each can be repeated without harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The funding deadline passed before our coins were at stake: let them go.
    Abandon,
    /// Broadcast the funding transaction that we hold.
    BroadcastFunding,
    /// The funding deadline passed and our signatures are out: spend our coins elsewhere.
    BuildCancel,
    /// Broadcast the transaction that takes our coins back.
    BroadcastCancel,
    /// Build that transaction again, at this fee.
    RaiseCancel {
        /// What it pays.
        fee_sat: u64,
    },
    /// Build a child that pays for the transaction which waits.
    BuildBump {
        /// The own output that it spends.
        spends: OutPoint,
        /// What it pays.
        fee_sat: u64,
    },
    /// Broadcast the newest child, with its parent where the mempool has that not.
    BroadcastBump {
        /// The own output that it spends.
        spends: OutPoint,
    },
    /// Ask the oracles for their attestations.
    FetchAttestations,
    /// Ask all oracles again, at a slow pace, for what contradicts their first words.
    RecheckOracles,
    /// Build the CET that the attestations unlock.
    BuildCet,
    /// Broadcast the CET.
    BroadcastCet,
    /// Build the refund.
    BuildRefund,
    /// Broadcast the refund.
    BroadcastRefund,
    /// Broadcast the peer's transaction that closed the escrow, which a reorganisation took back.
    BroadcastSpend,
    /// Broadcast the close that both sides signed.
    BroadcastClose,
    /// See whether the peer's proposal to close pays us what the attestations do.
    ConsiderClose,
}

/// What is due, given what the chain shows now. The whole life of an escrow stands in this match.
///
/// Timelocks compare median time past: nodes refuse a transaction while it equals the locktime, and
/// accept it one second later.
pub fn due(escrow: &Escrow, view: &ChainView, now: u64) -> Vec<Due> {
    let late = now >= escrow.given_up_at();
    match status(escrow, view, now) {
        Status::Agreed | Status::Offered | Status::Accepted if late => vec![Due::Abandon],
        Status::Agreed | Status::Offered | Status::Accepted => vec![],
        Status::Signed if late => take_back(escrow, view),
        Status::Signed => vec![],
        Status::FundingBroadcast => funding(escrow, view, late),
        Status::Cancelling => cancelling(view),
        Status::Funded => with_close(escrow, now, rebroadcast_funding(escrow, view)),
        Status::Measuring => with_close(escrow, now, waiting_for_oracle(escrow, view, now)),
        Status::Attested => with_close(escrow, now, attested(escrow, view, now)),
        Status::CetBroadcast | Status::RefundBroadcast | Status::CloseBroadcast | Status::UnknownSpend => {
            closing(escrow, view, now)
        }
        Status::Settled | Status::Refunded | Status::Closed | Status::Cancelled => vec![],
    }
}

/// What both agreed to goes first; whatever is due without it stays due.
fn with_close(escrow: &Escrow, now: u64, rest: Vec<Due>) -> Vec<Due> {
    let mut due = Vec::new();
    if escrow.closes.tx.is_some() {
        due.push(Due::BroadcastClose);
    } else if escrow.cet.is_some() && escrow.peer_proposal(now).is_some() {
        due.push(Due::ConsiderClose);
    }
    due.extend(rest);
    due
}

/// Where a block holds a transaction that the funding transaction conflicts with, the peer's own cancel say, ours would
/// only cost: once that one is deep, the escrow has ended.
fn take_back(escrow: &Escrow, view: &ChainView) -> Vec<Due> {
    match view.cancel {
        Place::Confirmed { .. } => vec![],
        _ if escrow.coins.is_empty() => vec![Due::Abandon],
        _ => vec![Due::BuildCancel],
    }
}

/// A funding transaction that misses its deadline is an option on an outcome that gets known: whoever can complete,
/// bump or hold it back may wait and see. So each side with a coin in it makes an end of it, the accepter too: once it
/// has been broadcast, its peer has it for good.
fn funding(escrow: &Escrow, view: &ChainView, late: bool) -> Vec<Due> {
    match view.funding {
        Place::Confirmed { .. } => vec![],
        _ if late && !escrow.coins.is_empty() => take_back(escrow, view),
        Place::Unknown if late => vec![Due::Abandon],
        Place::Unknown => rebroadcast_funding(escrow, view),
        Place::Mempool => vec![],
    }
}

fn cancelling(view: &ChainView) -> Vec<Due> {
    let decided = view.cancel.is_seen() || matches!(view.funding, Place::Confirmed { .. });
    if decided { vec![] } else { vec![Due::BroadcastCancel] }
}

fn rebroadcast_funding(escrow: &Escrow, view: &ChainView) -> Vec<Due> {
    if escrow.funding_tx.is_some() && !view.funding.is_seen() { vec![Due::BroadcastFunding] } else { vec![] }
}

fn waiting_for_oracle(escrow: &Escrow, view: &ChainView, now: u64) -> Vec<Due> {
    let mut due = Vec::new();
    if now >= escrow.first_maturity() {
        due.push(Due::FetchAttestations);
    }
    due.extend(refund(escrow, view));
    due.extend(taken_back_spend(escrow, view));
    due
}

/// The peer's CET or refund that a reorganisation took back pays us too: we may have nothing else to close with.
fn taken_back_spend(escrow: &Escrow, view: &ChainView) -> Option<Due> {
    let (_, kind, _) = escrow.spend.as_ref()?;
    let again = match kind {
        SpendKind::Cet { .. } => escrow.cet.is_none(),
        SpendKind::Refund => escrow.refund.is_none(),
        // A close that was seen is kept, and broadcast, as one of ours.
        SpendKind::Close { .. } | SpendKind::Unknown => false,
    };
    let gone = view.spend.is_none_or(|spend| !spend.place.is_seen());
    (again && gone).then_some(Due::BroadcastSpend)
}

/// Enough attestations may still not agree. Then the other oracles are asked, and the refund stays a way out.
fn attested(escrow: &Escrow, view: &ChainView, now: u64) -> Vec<Due> {
    if escrow.cet.is_some() {
        let valid = view.median_time_past > escrow.agreement().measurement.window.end.0;
        let broadcast = valid.then_some(Due::BroadcastCet);
        return broadcast.into_iter().chain(recheck(escrow, now)).collect();
    }
    let mut due = vec![Due::BuildCet];
    let missing = escrow.attestations.len() < escrow.agreement().oracles.keys.len();
    due.extend(if missing { Some(Due::FetchAttestations) } else { recheck(escrow, now) });
    due.extend(refund(escrow, view));
    due.extend(taken_back_spend(escrow, view));
    due
}

fn refund(escrow: &Escrow, view: &ChainView) -> Option<Due> {
    let valid = view.median_time_past > escrow.refund_locktime();
    valid.then_some(if escrow.refund.is_some() { Due::BroadcastRefund } else { Due::BuildRefund })
}

/// A spend is in the mempool or not deep yet: keep it known to the network, whoever made it.
fn closing(escrow: &Escrow, view: &ChainView, now: u64) -> Vec<Due> {
    let mut due = match view.spend {
        Some(SpendView { kind: SpendKind::Refund, place: Place::Mempool, .. }) => late_cet(escrow),
        Some(SpendView { place: Place::Mempool | Place::Confirmed { .. }, .. }) => vec![],
        _ if escrow.cet.is_some() => vec![Due::BroadcastCet],
        _ if escrow.refund.is_some() => vec![Due::BroadcastRefund],
        _ => vec![],
    };
    due.extend(recheck(escrow, now));
    due
}

/// An attestation that comes while the refund waits for a block. Both transactions are valid, the attested outcome is
/// what was agreed for this case, and miners choose: the CET is offered at each look, so that it goes in where
/// the refund falls out, or where a node lets it take its place.
fn late_cet(escrow: &Escrow) -> Vec<Due> {
    match &escrow.cet {
        Some(_) => vec![Due::BroadcastCet],
        None if escrow.is_attested() => vec![Due::BuildCet],
        None => vec![],
    }
}

/// Until an end is final the oracles are asked again: one that tells others something else is found out.
fn recheck(escrow: &Escrow, now: u64) -> Option<Due> {
    (now >= escrow.first_maturity()).then_some(Due::RecheckOracles)
}
