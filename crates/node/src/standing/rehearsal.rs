//! The dry run of a standing order: its first window as things are now. Nobody is asked to sell it.

use protocol::owner::{DryAction, DryRun, DryWindow, Hindrance};
use terms::{Agreement, Sat, Side, UnixSeconds};

use super::hindrance;
use super::order::Given;
use crate::core::Core;
use crate::error::NodeError;
use crate::node::Node;
use crate::outlook::outlook;
use crate::rehearsal::{NOBODYS, Terms, refund_at};
use crate::ticket::Ticket;

impl Node {
    /// Where the dry run of giving an order ends. The order itself is not refused for what stands in its first window's way
    /// now, since that may change until it is bought: so it is told.
    pub(super) async fn rehearsed_order(&self, given: Given, ticket: &Ticket) -> NodeError {
        let record = self.known_of(given.like.provider.key).await;
        let mut core = self.core.lock().await;
        let plan = core.may_stand().map_err(NodeError::from).and_then(|()| {
            let plan = core.first_window(&given, ticket, self.now())?;
            Ok(match record {
                Err(error) => hindered(plan, &error),
                Ok(_) => plan,
            })
        });
        plan.map_or_else(|refusal| refusal, |plan| NodeError::Rehearsed(Box::new(plan)))
    }
}

impl Core {
    /// What buying the first window would come to at the moment when it is looked for, or what would stand in its way.
    fn first_window(&mut self, given: &Given, ticket: &Ticket, now: u64) -> Result<DryRun, NodeError> {
        let (first, publication_s) = self.first_terms(given)?;
        let (window, price_sat) = (first.measurement.window, first.price_sat);
        let at = window.start.0.saturating_sub(given.request.lead_s);
        let refund_at = refund_at(&first, publication_s);
        let shown = DryWindow { start: window.start, end: window.end, at: UnixSeconds(at), price_sat };
        let (action, side) = (DryAction::Order, Side::Buyer);
        let terms = Terms { action, id: NOBODYS, side, agreement: &first, refund_at };
        let plan = match too_dear(given, price_sat) {
            Some(why) => DryRun { hindrance: Some(Hindrance::TooDear), ..DryRun::of(action).noting(why) },
            // After a gap the window begins later than this one would, and is looked for as long before it.
            None => match self.rehearsed_as(ticket, terms, if given.exact { at.max(now) } else { at }) {
                NodeError::Rehearsed(plan) => *plan,
                refusal => hindered(DryRun::of(action), &refusal),
            },
        };
        let outlook = outlook(&first, refund_at.0.checked_sub(first.refund_delay_s), None);
        if given.exact {
            return Ok(DryRun { windows: vec![shown], outlook, ..plan });
        }
        let from = calendar::words::moment(UnixSeconds(given.from));
        let note = format!("the first window is the first that is offered from {from} on. {}", plan.note);
        Ok(DryRun { outlook, refund_at: None, note: note.trim_end().to_owned(), ..plan })
    }

    /// The terms of the first window, at the price of what is bought again, and how many seconds after it the oracles sign.
    fn first_terms(&self, given: &Given) -> Result<(Agreement, u64), NodeError> {
        let Some(escrow) = given.request.escrow else { return Ok((given.like.clone(), 0)) };
        let old = self.escrow(escrow)?;
        let publication_s = old.opened.maturity.saturating_sub(given.like.measurement.window.end.0);
        Ok((given.like.renewed()?, publication_s))
    }
}

/// What is told where a window at this price costs more than the order pays. One that negotiates may get it for less.
fn too_dear(given: &Given, price: Sat) -> Option<String> {
    let most = given.request.max_price_sat;
    let dear = price > most && given.request.haggle.is_none();
    dear.then(|| {
        format!("it cost {price} sat, and the order pays {most} at most: only a cheaper offer is bought")
    })
}

/// The same plan, with what would stand in the first window's way.
fn hindered(plan: DryRun, error: &NodeError) -> DryRun {
    let (why, detail) = hindrance(error);
    DryRun {
        hindrance: Some(why),
        ..plan.noting(format!("the first window would not be bought now: {detail}"))
    }
}
