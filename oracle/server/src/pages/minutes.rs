//! A day, minute by minute: a row for each hour.

use ledger::{Grid, Verdict};
use maud::{Markup, html};

use super::draw::{Canvas, Px};
use super::words;
use crate::status::{DAY_S, Probe};

/// What a minute came to. A larger one hides a smaller one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Minute {
    /// Nothing was to be measured, or it is still to come.
    #[default]
    None,
    /// Left out of the measurement.
    Excluded,
    /// To be measured, and nothing could be decided.
    Unknown,
    /// Every probe that could be decided was good.
    Good,
    /// At least one probe was bad.
    Bad,
}

impl Minute {
    fn class(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Excluded => "excluded",
            Self::Unknown => "unknown",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::None => "nothing was to be measured",
            Self::Excluded => "excluded",
            Self::Unknown => "could not be measured",
            Self::Good => "up",
            Self::Bad => "down, in part at least",
        }
    }
}

/// The minutes of a day.
pub(super) struct Day {
    start_s: u64,
    minutes: Vec<Minute>,
}

impl Day {
    pub(super) fn new(start_s: u64) -> Self {
        Self { start_s, minutes: vec![Minute::None; 1_440] }
    }

    /// Adds what an event's probes came to. Slots that ended before `written_s`, up to which samples must have been
    /// written, and have no verdict, are unknown; later ones are still to come.
    pub(super) fn add<'a>(&mut self, grid: &Grid, probes: impl Fn(u64) -> Option<&'a Probe>, written_s: u64) {
        let (from, to) = slots(grid, self.start_s);
        for slot in from..to {
            let start_s = grid.probe_start_ms(slot) / 1000;
            let end_s = grid.probe_start_ms(slot + 1).div_ceil(1000);
            let minute = match probes(slot).map(|probe| probe.1) {
                None if end_s > written_s => return,
                _ if grid.is_excluded(grid.slice_of_probe(slot)) => Minute::Excluded,
                Some(Verdict::Good) => Minute::Good,
                Some(Verdict::Bad) => Minute::Bad,
                Some(Verdict::Unknown) | None => Minute::Unknown,
            };
            self.mark(start_s, end_s, minute);
        }
    }

    fn mark(&mut self, start_s: u64, end_s: u64, state: Minute) {
        let index = |second: u64| usize::try_from(second.saturating_sub(self.start_s) / 60).unwrap_or(1_440);
        let (first, last) = (index(start_s), index(end_s.saturating_sub(1)));
        for minute in self.minutes.iter_mut().skip(first).take(last.saturating_sub(first) + 1) {
            *minute = state.max(*minute);
        }
    }

    /// How many minutes came to this.
    pub(super) fn count(&self, state: Minute) -> u64 {
        self.minutes.iter().filter(|minute| **minute == state).count() as u64
    }

    /// The grid of the day.
    pub(super) fn draw(&self, canvas: Canvas) -> Markup {
        let (left, cell, row) = canvas.either((440, 138, 140), (400, 50, 110));
        html! {
            svg class=(canvas.class()) viewBox=(format!("0 0 {} {}", Px(left + 60 * cell), Px(24 * row + 160)))
                role="img" aria-label=(self.caption()) {
                @for tick in [0, 15, 30, 45] {
                    text.soft.tiny x=(Px(left + tick * cell)) y="11" { ":" (format!("{tick:02}")) }
                }
                @for (hour, minutes) in (0..).zip(self.minutes.chunks(60)) {
                    @let top = 160 + hour * row;
                    @if hour % canvas.either(1, 2) == 0 {
                        text.soft.tiny x=(Px(left - 50)) y=(Px(top + row - 30)) text-anchor="end" {
                            (format!("{hour:02}:00"))
                        }
                    }
                    (self.hour(minutes, hour * 60, left, cell, top, row))
                }
            }
        }
    }

    /// An hour's minutes; those that are alike and next to each other are one rectangle.
    fn hour(&self, minutes: &[Minute], first: u64, left: u64, cell: u64, top: u64, row: u64) -> Markup {
        let ends = minutes.chunk_by(|a, b| a == b).scan(0, |end, run| {
            *end += run.len() as u64;
            Some((*end, run))
        });
        html! {
            @for (end, run) in ends {
                @let length = run.len() as u64;
                @let from = end - length;
                @let state = run.first().copied().unwrap_or_default();
                // What failed stands taller, so that no colour is needed to see it.
                @let inset = if state == Minute::Bad { 0 } else { 20 };
                rect class=(state.class()) x=(Px(left + from * cell)) y=(Px(top + inset)) width=(Px(length * cell - 8)) height=(Px(row - 10 - 2 * inset)) {
                    title { (self.title(first + from, length, state)) }
                }
            }
        }
    }

    fn title(&self, first: u64, length: u64, state: Minute) -> String {
        let start_s = self.start_s + first * 60;
        let end = if start_s + length * 60 == self.start_s + DAY_S {
            "24:00".to_owned()
        } else {
            words::time_of_day(start_s + length * 60)
        };
        format!("{} to {end}: {}", words::time_of_day(start_s), state.words())
    }

    fn caption(&self) -> String {
        format!(
            "{} minutes up, {} down, {} unmeasured, {} excluded",
            self.count(Minute::Good),
            self.count(Minute::Bad),
            self.count(Minute::Unknown),
            self.count(Minute::Excluded)
        )
    }
}

/// The slots of an event that begin in a day.
pub(super) fn slots(grid: &Grid, day_s: u64) -> (u64, u64) {
    let every_ms = grid.measurement().probe_every_ms;
    let start_ms = grid.measurement().window.start.0 * 1000;
    let index = |at_s: u64| (at_s * 1000).saturating_sub(start_ms).div_ceil(every_ms).min(grid.probes());
    (index(day_s), index(day_s + DAY_S))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{START, measurement};

    #[test]
    fn a_minute_with_one_bad_probe_is_down_and_one_without_verdicts_is_unknown() {
        let grid = Grid::new(&measurement("http://a.example/", |_| ())).unwrap();
        let verdicts = [Verdict::Good, Verdict::Good, Verdict::Bad, Verdict::Good, Verdict::Good];
        let probes: Vec<Probe> = verdicts.map(|verdict| (0, verdict, Vec::new())).into();
        let mut day = Day::new(START);
        day.add(&grid, |slot| probes.get(usize::try_from(slot).unwrap()), START + 180);
        assert_eq!(day.minutes[..4], [Minute::Bad, Minute::Good, Minute::Unknown, Minute::None]);
        assert_eq!((day.count(Minute::Good), day.count(Minute::None)), (1, 1_437));
    }

    #[test]
    fn what_may_not_be_written_yet_is_to_come_and_not_unknown() {
        let grid = Grid::new(&measurement("http://a.example/", |_| ())).unwrap();
        let good: Probe = (0, Verdict::Good, Vec::new());
        let mut day = Day::new(START);
        day.add(&grid, |slot| (slot < 8).then_some(&good), START + 60);
        assert_eq!((day.count(Minute::Good), day.count(Minute::Unknown)), (2, 0));
    }

    #[test]
    fn a_window_that_began_the_day_before_has_only_its_later_slots_in_this_one() {
        let grid = Grid::new(&measurement("http://a.example/", |m| m.window.start.0 -= 3_600)).unwrap();
        assert_eq!(slots(&grid, START), (240, 480));
        assert_eq!(slots(&grid, START - DAY_S), (0, 240));
        assert_eq!(slots(&grid, START + DAY_S), (480, 480));
    }
}
