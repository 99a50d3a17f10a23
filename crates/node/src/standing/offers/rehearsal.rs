//! The dry run of a standing offer: the windows whose offers it would publish first. No oracle is asked for anything.

use protocol::Offer;
use protocol::owner::{DryAction, DryRun, DryWindow, StandingOfferRequest};
use terms::UnixSeconds;

use super::{Published, StandingOffer};
use crate::core::Core;
use crate::error::NodeError;
use crate::outlook::outlook;
use crate::rehearsal::NOBODYS;
use crate::standing::hindrance;
use crate::ticket::Ticket;

/// So many windows are told.
const FORESEEN: usize = 12;
/// So many windows that begin too soon are passed over before the first that can be told.
const MOST_LATE: usize = 1_000;

impl Core {
    /// Where the dry run of giving a standing offer ends. What would refuse whoever takes its first offer is told.
    pub(super) fn rehearsed_offers(
        &mut self,
        request: StandingOfferRequest,
        ticket: &Ticket,
        now: u64,
    ) -> NodeError {
        let offer = StandingOffer::new(NOBODYS, request, ticket.name().map(str::to_owned), now);
        match self.first_offers(&offer, ticket, now) {
            Ok(plan) => NodeError::Rehearsed(Box::new(plan)),
            Err(refusal) => refusal,
        }
    }

    fn first_offers(
        &mut self,
        offer: &StandingOffer,
        ticket: &Ticket,
        now: u64,
    ) -> Result<DryRun, NodeError> {
        let first = self.check_first(offer)?;
        let (windows, late) = offer.foreseen(now)?;
        let plan = match windows.first() {
            Some(window) => self.first_taken(&first, window.at.0.max(now), ticket),
            None => DryRun::of(DryAction::StandingOffer),
        };
        let agreement = first.agreement(self.keys.public(), first.oracles.keys[0]);
        let missed = format!("{late} windows begin too soon to be offered; {}", plan.note);
        let note = if late == 0 { plan.note } else { missed.trim_end_matches([';', ' ']).to_owned() };
        let outlook = outlook(&agreement, None, None);
        Ok(DryRun { action: DryAction::StandingOffer, windows, outlook, note, ..plan })
    }

    /// What it would come to that the first offer is taken when it is published.
    fn first_taken(&mut self, first: &Offer, at: u64, ticket: &Ticket) -> DryRun {
        match self.rehearsed_offer(first, ticket, at) {
            NodeError::Rehearsed(plan) => *plan,
            refusal => {
                let note = format!("the first offer could not be published: {refusal}");
                let why = hindrance(&refusal).0;
                DryRun { hindrance: Some(why), ..DryRun::of(DryAction::StandingOffer).noting(note) }
            }
        }
    }
}

impl StandingOffer {
    /// The windows whose offers come first, as they would be published if nothing failed, and how many were missed by then.
    fn foreseen(&self, now: u64) -> Result<(Vec<DryWindow>, usize), NodeError> {
        let (mut ahead, mut windows, mut late) = (self.clone(), Vec::new(), 0);
        while windows.len() < FORESEEN && late < MOST_LATE {
            let Some(window) = ahead.next()? else { break };
            let draft = ahead.draft(window)?;
            let end = if now < draft.expires.0.min(draft.funding_deadline.0) {
                let at = UnixSeconds(window.start.0.saturating_sub(self.request.ahead_s));
                let (start, end, price_sat) = (window.start, window.end, draft.price_sat);
                windows.push(DryWindow { start, end, at, price_sat });
                window.end
            } else {
                late += 1;
                ahead.missed(window, now)?.end
            };
            ahead.keep(window.start.0, Published { end: end.0, offer_id: None });
        }
        Ok((windows, late))
    }
}
