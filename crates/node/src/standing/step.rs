//! What a standing order does next: a function of what is stored, of what became of the negotiation, and of the time.

use protocol::owner::{Hindrance, OrderState, WindowState};

use super::order::{Next, Order, Window};

/// So often a provider is asked for one window.
pub(super) const MOST_ATTEMPTS: usize = 8;

/// What became of the negotiation with which a window is to be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes on.
    GoesOn,
    /// Its escrow is locked.
    Locked,
    /// It came to nothing.
    Failed(String),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing now.
    Rest,
    /// Look for an offer.
    Search(Next),
    /// Store what came of a window, and tell the owner where it is alarming.
    Note {
        /// When the window begins.
        start: u64,
        /// What came of it.
        window: Window,
        /// What the owner is told.
        alarm: Option<Alarm>,
    },
    /// The order has ended.
    End(OrderState),
}

/// What the owner is told of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    /// There is half of the time left.
    AtRisk,
    /// There is none.
    Missed,
}

/// What an order does next. `fate` is that of the window that is being bought, where there is one, and `hold` what keeps
/// the order as a whole from buying.
pub(super) fn step(order: &Order, fate: Option<Fate>, hold: Option<Hindrance>, now: u64) -> Step {
    let next = order.next();
    let known = order.window(next.start).cloned();
    if let Some(window) = known.clone().filter(|window| window.state == WindowState::Buying) {
        return bought(next.start, window, fate);
    }
    if is_done(order, next, now) {
        return Step::End(OrderState::Done);
    }
    let window = known.unwrap_or_else(Window::open);
    let (start, lead) = (next.start, order.given.request.lead_s);
    if next.exact && now >= start {
        let why = window.why.or(hold).or(Some(Hindrance::NoOffer));
        let missed = Window { state: WindowState::Missed, why, ..window };
        return Step::Note { start, window: missed, alarm: Some(Alarm::Missed) };
    }
    if now < start.saturating_sub(lead) {
        return Step::Rest;
    }
    if let Some(hold) = hold {
        let held = window.clone().hindered(hold, "");
        if next.exact && held != window {
            return Step::Note { start, window: held, alarm: None };
        }
    }
    let is_late = next.exact && now >= start.saturating_sub(lead / 2);
    if is_late && !window.warned && window.why.is_some() {
        return Step::Note { start, window: Window { warned: true, ..window }, alarm: Some(Alarm::AtRisk) };
    }
    match hold {
        None if window.tried.len() < MOST_ATTEMPTS => Step::Search(next),
        _ => Step::Rest,
    }
}

fn bought(start: u64, window: Window, fate: Option<Fate>) -> Step {
    let window = match fate {
        None | Some(Fate::GoesOn) => return Step::Rest,
        Some(Fate::Locked) => {
            Window { state: WindowState::Bought, why: None, detail: String::new(), ..window }
        }
        Some(Fate::Failed(why)) => window.hindered(Hindrance::Refused, &why),
    };
    Step::Note { start, window, alarm: None }
}

fn is_done(order: &Order, next: Next, now: u64) -> bool {
    let request = &order.given.request;
    // After a gap the next window begins in the future.
    let start = if next.exact { next.start } else { next.start.max(now) };
    let too_late = request.until.is_some_and(|until| start >= until.0);
    too_late || request.windows.is_some_and(|most| order.bought() >= most)
}
