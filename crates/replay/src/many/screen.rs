//! What a person sees while a catalogue runs.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::result::Run;
use super::summary::{end, mark};

/// How often the spinners turn.
const TICK: Duration = Duration::from_millis(120);

/// A bar for all, a line for each lane, and a line for each scenario that has ended. Off a terminal, only the latter.
pub(super) struct Screen {
    bars: MultiProgress,
    all: ProgressBar,
    lanes: Vec<ProgressBar>,
    is_terminal: bool,
}

impl Screen {
    pub(super) fn new(scenarios: usize, jobs: usize) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let all = bars.add(ProgressBar::new(scenarios as u64));
        all.set_style(style("{pos}/{len} {bar:40} {elapsed}"));
        let lane = |_| {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(style("  {spinner} {msg}"));
            bar.enable_steady_tick(TICK);
            bar
        };
        let lanes = (0..jobs).map(lane).collect();
        Self { bars, all, lanes, is_terminal }
    }

    pub(super) fn begins(&self, lane: usize, name: &str) {
        self.lanes[lane].set_message(name.to_owned());
    }

    pub(super) fn ends(&self, lane: usize, run: &Run) {
        self.lanes[lane].set_message("");
        self.all.inc(1);
        let line = format!("{} {:>5} s  {}: {}", mark(run), run.took.as_secs(), run.name, end(run));
        if self.is_terminal {
            // Where the terminal is gone, nobody misses the line.
            let _ = self.bars.println(line);
        } else {
            eprintln!("{line}");
        }
    }

    pub(super) fn rests(&self, lane: usize) {
        self.lanes[lane].finish_and_clear();
    }

    pub(super) fn finish(&self) {
        self.all.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("━╸─")
}
