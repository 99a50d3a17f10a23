//! Who takes part, who is busy, and whose turn is next: the barrier's decisions, without its
//! connections.

use std::collections::BTreeMap;

use crate::NEVER;
use crate::frame::FrameError;

/// Orders participants that are due at the same moment: the barrier's own process before all
/// others, these by name, namesakes by the order of joining.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seat {
    pub(crate) guest: bool,
    pub(crate) name: String,
    pub(crate) number: u64,
}

/// What a participant does, as far as the barrier knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It has something to do, so time stands still.
    Busy,
    /// It has nothing to do until this time in unix milliseconds; [`NEVER`] if only a message
    /// from elsewhere can give it something.
    QuiescentUntil(u64),
}

impl Activity {
    fn wake_ms(self) -> Option<u64> {
        match self {
            Self::Busy | Self::QuiescentUntil(NEVER) => None,
            Self::QuiescentUntil(wake_ms) => Some(wake_ms),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Roll<Link> {
    now_ms: u64,
    seats: BTreeMap<Seat, (Activity, Link)>,
    busy: usize,
    /// By how many milliseconds the clocks of the participants of these names are ahead.
    skews: BTreeMap<String, i64>,
}

impl<Link> Roll<Link> {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self { now_ms, seats: BTreeMap::new(), busy: 0, skews: BTreeMap::new() }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    pub(crate) fn skew(&mut self, name: &str, ahead_ms: i64) {
        self.skews.insert(name.to_owned(), ahead_ms);
    }

    /// The time as the clock of this participant shows it.
    pub(crate) fn shown_ms(&self, seat: &Seat) -> u64 {
        self.now_ms.saturating_add_signed(self.ahead_ms(&seat.name))
    }

    fn ahead_ms(&self, name: &str) -> i64 {
        self.skews.get(name).copied().unwrap_or(0)
    }

    pub(crate) fn link(&self, seat: &Seat) -> Option<&Link> {
        self.seats.get(seat).map(|(_, link)| link)
    }

    pub(crate) fn seats(&self) -> impl Iterator<Item = (&str, Activity)> {
        let seats = self.seats.iter();
        seats.map(|(seat, (activity, _))| (seat.name.as_str(), *activity))
    }

    /// A new participant is busy until it says otherwise.
    pub(crate) fn join(&mut self, seat: Seat, link: Link) {
        self.seats.insert(seat, (Activity::Busy, link));
        self.busy += 1;
    }

    pub(crate) fn leave(&mut self, seat: &Seat) {
        if let Some((Activity::Busy, _)) = self.seats.remove(seat) {
            self.busy -= 1;
        }
    }

    /// May come while the participant counts as busy already: an advance has crossed it.
    pub(crate) fn set_busy(&mut self, seat: &Seat) {
        if let Some((activity @ Activity::QuiescentUntil(_), _)) = self.seats.get_mut(seat) {
            *activity = Activity::Busy;
            self.busy += 1;
        }
    }

    /// # Errors
    /// Out of turn when the participant is quiescent already.
    pub(crate) fn set_quiescent(&mut self, seat: &Seat, until_ms: u64) -> Result<(), FrameError> {
        let until_ms = match until_ms {
            NEVER => NEVER,
            shown_ms => shown_ms.saturating_add_signed(self.ahead_ms(&seat.name).saturating_neg()),
        };
        match self.seats.get_mut(seat) {
            Some((activity @ Activity::Busy, _)) => {
                *activity = Activity::QuiescentUntil(until_ms);
                self.busy -= 1;
                Ok(())
            }
            _ => Err(FrameError::OutOfTurn),
        }
    }

    /// When all are quiescent: moves time to the earliest moment that anybody waits for, and
    /// makes the first of those who wait for it busy. One at a time, so that what the processes
    /// do at one moment happens in the same order in every run.
    pub(crate) fn advance(&mut self) -> Option<(&Seat, u64, &Link)> {
        if self.busy > 0 {
            return None;
        }
        // The first of the equally early ones, in the order of the seats.
        let (seat, (activity, link), wake_ms) = self
            .seats
            .iter_mut()
            .filter_map(|(seat, entry)| entry.0.wake_ms().map(|wake_ms| (seat, entry, wake_ms)))
            .min_by_key(|(.., wake_ms)| *wake_ms)?;
        self.now_ms = self.now_ms.max(wake_ms);
        self.busy += 1;
        *activity = Activity::Busy;
        let ahead_ms = self.skews.get(&seat.name).copied().unwrap_or(0);
        Some((seat, self.now_ms.saturating_add_signed(ahead_ms), link))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(guest: bool, name: &str, number: u64) -> Seat {
        Seat { guest, name: name.to_owned(), number }
    }

    fn who_is_next(roll: &mut Roll<()>) -> Option<(String, u64)> {
        let (seat, now_ms, ()) = roll.advance()?;
        Some((seat.name.clone(), now_ms))
    }

    #[test]
    fn time_stands_still_while_one_of_many_is_busy() {
        let mut roll = Roll::new(1_000);
        let (a, b) = (seat(true, "a", 0), seat(true, "b", 1));
        roll.join(a.clone(), ());
        roll.join(b.clone(), ());
        roll.set_quiescent(&a, 2_000).unwrap();
        assert_eq!(who_is_next(&mut roll), None);
        roll.set_quiescent(&b, 3_000).unwrap();
        assert_eq!(who_is_next(&mut roll), Some(("a".to_owned(), 2_000)));
        assert_eq!(who_is_next(&mut roll), None);
    }

    #[test]
    fn those_due_at_one_moment_take_turns_the_host_first_and_then_by_name() {
        let mut roll = Roll::new(0);
        let seats = [seat(true, "provider", 0), seat(true, "buyer", 1), seat(false, "runner", 2)];
        for seat in &seats {
            roll.join(seat.clone(), ());
            roll.set_quiescent(seat, 500).unwrap();
        }
        for (name, index) in [("runner", 2), ("buyer", 1), ("provider", 0)] {
            assert_eq!(who_is_next(&mut roll), Some((name.to_owned(), 500)));
            roll.set_quiescent(&seats[index], NEVER).unwrap();
        }
        assert_eq!(who_is_next(&mut roll), None);
    }

    #[test]
    fn a_clock_that_is_ahead_wakes_its_owner_sooner_and_shows_it_its_own_time() {
        let mut roll = Roll::new(1_000);
        let (early, right) = (seat(true, "early", 0), seat(true, "right", 1));
        roll.skew("early", 300);
        for seat in [&early, &right] {
            roll.join(seat.clone(), ());
        }
        assert_eq!((roll.shown_ms(&early), roll.shown_ms(&right)), (1_300, 1_000));
        roll.set_quiescent(&early, 2_000).unwrap();
        roll.set_quiescent(&right, 1_800).unwrap();
        assert_eq!(who_is_next(&mut roll), Some(("early".to_owned(), 2_000)));
        assert_eq!(roll.now_ms(), 1_700);
        roll.set_quiescent(&early, NEVER).unwrap();
        assert_eq!(who_is_next(&mut roll), Some(("right".to_owned(), 1_800)));
    }

    #[test]
    fn who_leaves_while_busy_holds_nobody_up() {
        let mut roll = Roll::new(0);
        let (a, b) = (seat(true, "a", 0), seat(true, "b", 1));
        roll.join(a.clone(), ());
        roll.join(b.clone(), ());
        roll.set_quiescent(&a, 10).unwrap();
        roll.leave(&b);
        assert_eq!(who_is_next(&mut roll), Some(("a".to_owned(), 10)));
    }

    #[test]
    fn a_wake_time_in_the_past_does_not_turn_time_back() {
        let mut roll = Roll::new(100);
        let a = seat(true, "a", 0);
        roll.join(a.clone(), ());
        roll.set_quiescent(&a, 5).unwrap();
        assert_eq!(who_is_next(&mut roll), Some(("a".to_owned(), 100)));
    }

    #[test]
    fn saying_quiescent_twice_is_out_of_turn() {
        let mut roll = Roll::new(0);
        let a = seat(true, "a", 0);
        roll.join(a.clone(), ());
        roll.set_quiescent(&a, 5).unwrap();
        assert_eq!(roll.set_quiescent(&a, 6), Err(FrameError::OutOfTurn));
    }
}
