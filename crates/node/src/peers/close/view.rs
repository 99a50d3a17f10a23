//! What the owner sees of proposals to close.

use engine::{CloseAnswer, Escrow, OwnProposal, PeerProposal};
use protocol::owner::{CloseView, ProposalState, ProposalView};
use terms::{Hex32, Sat, UnixSeconds};

/// Both sides' last proposals.
pub(crate) fn close_view(escrow: &Escrow, now: u64) -> CloseView {
    let own = escrow.closes.own.as_ref().map(|own| {
        let reason = own.dropped.clone().unwrap_or_default();
        view(escrow, own.session, own.provider_sat, own.until, own_state(escrow, own, now), reason)
    });
    let peer = escrow.closes.peer.as_ref().map(|peer| {
        let state = peer_state(peer, now);
        view(escrow, peer.session, peer.provider_sat, peer.until, state, peer.reason.clone())
    });
    CloseView { own, peer }
}

fn view(
    escrow: &Escrow,
    proposal: Hex32,
    provider_sat: Sat,
    until: u64,
    state: ProposalState,
    reason: String,
) -> ProposalView {
    let buyer_sat = Sat(escrow.agreement().total_sat().0.saturating_sub(provider_sat.0));
    ProposalView { proposal, provider_sat, buyer_sat, until: UnixSeconds(until), state, reason }
}

fn own_state(escrow: &Escrow, own: &OwnProposal, now: u64) -> ProposalState {
    if escrow.closes.signed == Some(own.session) {
        ProposalState::Signed
    } else if own.dropped.is_some() {
        ProposalState::Dropped
    } else {
        open(own.until, now)
    }
}

fn peer_state(peer: &PeerProposal, now: u64) -> ProposalState {
    match peer.answer {
        Some(CloseAnswer::Signed) => ProposalState::Signed,
        Some(CloseAnswer::Refused) => ProposalState::Dropped,
        None => open(peer.until, now),
    }
}

fn open(until: u64, now: u64) -> ProposalState {
    if now < until { ProposalState::Open } else { ProposalState::Expired }
}
