//! Storing what came of an order's windows, and telling the owner where one is missed.

use engine::{Escrow, Status};
use protocol::owner::{Hindrance, OrderState};
use storage::{NoticeRow, Standing};
use terms::{Hex32, UnixSeconds};

use super::StandingRows;
use super::order::{Next, Order, Window};
use super::step::{Alarm, Fate, Step, step};
use crate::core::{Change, Core};
use crate::error::NodeError;

/// So many steps an order takes at one look.
const STEPS: usize = 16;
/// Kinds of stored notices about windows.
const AT_RISK: &str = "window_at_risk";
pub(super) const MISSED: &str = "window_missed";

impl Core {
    /// Takes what came of the orders' windows, and returns those for which an offer is to be looked for.
    ///
    /// # Errors
    /// When the database fails; the next look tries again.
    pub(super) async fn orders_due(&mut self, now: u64) -> Result<Vec<(Hex32, Next)>, NodeError> {
        let standing = self.orders.values().filter(|order| order.ended.is_none());
        let ids: Vec<Hex32> = standing.map(|order| order.id).collect();
        let mut due = Vec::new();
        for id in ids {
            due.extend(self.tend_order(id, now).await?.map(|next| (id, next)));
        }
        Ok(due)
    }

    async fn tend_order(&mut self, id: Hex32, now: u64) -> Result<Option<Next>, NodeError> {
        for _ in 0..STEPS {
            let fate = self.fate(id).await?;
            let order = self.standing_order(id)?;
            let next = match self.is_revoked(order.key.as_deref()) {
                true => Step::End(OrderState::KeyRevoked),
                false => step(order, fate, self.hold(order, now), now),
            };
            match next {
                Step::Rest => return Ok(None),
                Step::Search(next) => return Ok(Some(next)),
                Step::Note { start, window, alarm } => {
                    self.note_window(id, start, window, alarm, now).await?;
                }
                Step::End(state) => {
                    self.end_order(id, state, Change::default(), now).await?;
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// What became of the negotiation with which an order buys its window.
    async fn fate(&self, id: Hex32) -> Result<Option<Fate>, NodeError> {
        let order = self.standing_order(id)?;
        let window = order.window(order.next().start);
        let Some(tried) = window.and_then(|window| window.tried.last()) else { return Ok(None) };
        if let Some(escrow) = self.escrows.get(&tried.session) {
            return Ok(Some(fate_of(escrow)));
        }
        Ok(Some(match self.talk(tried.session).await? {
            Some(talk) => talk.ended.map_or(Fate::GoesOn, Fate::Failed),
            None => Fate::Failed("the negotiation is forgotten".to_owned()),
        }))
    }

    /// What keeps an order as a whole from buying.
    fn hold(&self, order: &Order, now: u64) -> Option<Hindrance> {
        if self.guard.paused {
            return Some(Hindrance::Paused);
        }
        self.is_expired(order.key.as_deref(), now).then_some(Hindrance::KeyExpired)
    }

    /// Whether a delegated key is taken back; one that nobody knows is.
    pub(super) fn is_revoked(&self, key: Option<&str>) -> bool {
        key.is_some_and(|name| self.guard.keys.get(name).is_none_or(|key| key.revoked_at.is_some()))
    }

    /// Whether a delegated key's token has expired, and was not replaced.
    pub(super) fn is_expired(&self, key: Option<&str>, now: u64) -> bool {
        let now = self.guard.time(now).0;
        key.and_then(|name| self.guard.keys.get(name)).is_some_and(|key| key.is_expired(now))
    }

    /// An order.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn standing_order(&self, id: Hex32) -> Result<&Order, NodeError> {
        self.orders.get(&id).ok_or(NodeError::NotFound { what: "standing order" })
    }

    /// Stores what came of a window, with the alarm that it gives.
    pub(super) async fn note_window(
        &mut self,
        id: Hex32,
        start: u64,
        window: Window,
        alarm: Option<Alarm>,
        now: u64,
    ) -> Result<(), NodeError> {
        let order = self.standing_order(id)?;
        let notices: Vec<NoticeRow> =
            alarm.map(|alarm| notice(id, start, &window, alarm, now)).into_iter().collect();
        notices.iter().for_each(|notice| tracing::warn!("ALARM: {}", notice.detail));
        let change = Change { standing: order.window_rows(start, &window)?, notices, ..Change::default() };
        self.commit(change, now).await?;
        self.keep_window(id, start, window);
        Ok(())
    }

    /// Makes true in memory what is stored of a window.
    pub(super) fn keep_window(&mut self, id: Hex32, start: u64, window: Window) {
        tracing::info!(order = %id, start, state = ?window.state, why = ?window.why, "a standing order's window");
        if let Some(order) = self.orders.get_mut(&id) {
            order.keep(start, window);
        }
    }

    /// Notes what stands in a window's way, where that is new. The window of an order that waits for any is unknown.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn hinder(
        &mut self,
        id: Hex32,
        next: Next,
        start: Option<u64>,
        (why, detail): (Hindrance, String),
        now: u64,
    ) -> Result<(), NodeError> {
        let start = start.or(next.exact.then_some(next.start));
        let (Some(start), Some(order)) = (start, self.still(id, next)) else { return Ok(()) };
        let known = order.window(start).cloned();
        if why == Hindrance::NoOffer && known.as_ref().is_some_and(Window::was_offered) {
            return Ok(());
        }
        let window = known.clone().unwrap_or_else(Window::open).hindered(why, &detail);
        if known.as_ref() == Some(&window) {
            return Ok(());
        }
        self.note_window(id, start, window, None, now).await
    }

    /// An order, while it stands and is still about this window.
    pub(super) fn still(&self, id: Hex32, next: Next) -> Option<&Order> {
        self.orders.get(&id).filter(|order| order.ended.is_none() && order.next() == next)
    }

    /// Ends an order, with whatever else is stored.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn end_order(
        &mut self,
        id: Hex32,
        state: OrderState,
        mut change: Change,
        now: u64,
    ) -> Result<(), NodeError> {
        let why = match state {
            OrderState::Standing => return Ok(()),
            OrderState::Done => "done",
            OrderState::Cancelled => "cancelled",
            OrderState::KeyRevoked => "key_revoked",
        };
        change.standing = StandingRows { ended: Some((Standing::Orders, id, why)), ..change.standing };
        self.commit(change, now).await?;
        tracing::info!(order = %id, why, "a standing order has ended");
        if let Some(order) = self.orders.get_mut(&id) {
            order.ended = Some(state);
        }
        Ok(())
    }

    /// When the next order or standing offer has something to do.
    pub(crate) fn standing_moments(&self) -> Vec<u64> {
        let orders = self.orders.values().filter(|order| order.ended.is_none()).flat_map(Order::moments);
        let offers = self.standing_offers.values().filter_map(super::StandingOffer::publish_at);
        orders.chain(offers).collect()
    }
}

fn fate_of(escrow: &Escrow) -> Fate {
    match escrow.noted {
        Status::Cancelled => {
            let why = escrow.abandoned.clone();
            Fate::Failed(why.unwrap_or_else(|| "it was not funded in time".to_owned()))
        }
        status if status.is_locked() => Fate::Locked,
        _ => Fate::GoesOn,
    }
}

fn notice(id: Hex32, start: u64, window: &Window, alarm: Alarm, now: u64) -> NoticeRow {
    let when = calendar::words::moment(UnixSeconds(start));
    let (kind, what) = match alarm {
        Alarm::AtRisk => (AT_RISK, "is not bought yet"),
        Alarm::Missed => (MISSED, "begins without an escrow"),
    };
    let why = window.why.map_or("", in_words);
    let detail = if window.detail.is_empty() { String::new() } else { format!(" ({})", window.detail) };
    let detail = format!("the window from {when} of the standing order {id} {what}: {why}{detail}");
    NoticeRow { at: now, kind: kind.to_owned(), detail }
}

fn in_words(why: Hindrance) -> &'static str {
    match why {
        Hindrance::NoOffer => "no offer",
        Hindrance::OtherTerms => "the offer has other terms",
        Hindrance::TooDear => "too dear",
        Hindrance::Mandate => "the mandate does not allow it",
        Hindrance::Paused => "everything is paused",
        Hindrance::Approval => "it waits for the owner's word",
        Hindrance::Silent => "the provider or its oracle does not answer",
        Hindrance::Refused => "the provider did not agree, or did not go on",
        Hindrance::KeyExpired => "the key's token has expired",
        Hindrance::Failed => "something failed",
    }
}
