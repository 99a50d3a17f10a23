//! Which coins an escrow keeps from being used for anything else.

use crate::escrow::Escrow;
use crate::event::{Coin, Event};

/// What an event does to the coins that are set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold<'a> {
    /// These are set aside. Nobody else may hold one.
    Take(&'a [Coin]),
    /// The escrow had ended and let these go; a reorganisation has brought it back. Those that nobody took meanwhile are
    /// set aside again.
    TakeAgain(&'a [Coin]),
    /// The escrow's coins are free, or spent for good.
    LetGo,
    /// Nothing.
    Leave,
}

/// What an event does to the coins that are set aside, of an escrow as it is before the event.
pub fn hold<'a>(escrow: Option<&'a Escrow>, event: &'a Event) -> Hold<'a> {
    match event {
        Event::OfferMade { coins, .. } | Event::OfferTaken { coins, .. } => Hold::Take(coins),
        Event::Abandoned { .. } => Hold::LetGo,
        Event::Observed { status, .. } if status.is_final() => Hold::LetGo,
        Event::Observed { .. } => match escrow {
            Some(escrow) if escrow.noted.is_final() && escrow.abandoned.is_none() => {
                Hold::TakeAgain(&escrow.coins)
            }
            _ => Hold::Leave,
        },
        _ => Hold::Leave,
    }
}
