//! Live progress: where we are in the timeline, and the verdicts as they come.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use terms::UnixSeconds;

use crate::scenario::Scenario;
use crate::text;

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// Counts of probes so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Probes that found the service well.
    pub good: u64,
    /// Probes that found it failing.
    pub bad: u64,
    /// Probes that nobody could decide.
    pub undecided: u64,
    /// Slices with too few decided probes.
    pub unmeasured_slices: u64,
}

/// Shows progress on a terminal; elsewhere only a line for each stage; or nothing.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    lines: bool,
    start_s: u64,
}

impl Progress {
    /// Progress on standard error.
    pub fn new(scenario: &Scenario) -> Self {
        Self::over(scenario.starts(), scenario.measurement.window.end)
    }

    /// Progress on standard error from one moment to another.
    pub fn over(start: UnixSeconds, end: UnixSeconds) -> Self {
        let start_s = start.0;
        let is_terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::new(end.0.saturating_sub(start_s));
        bar.set_draw_target(if is_terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        bar.set_style(style());
        bar.enable_steady_tick(TICK);
        Self { bar, lines: !is_terminal, start_s }
    }

    /// No progress at all.
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), lines: false, start_s: 0 }
    }

    /// What is being done now.
    pub fn stage(&self, stage: &'static str) {
        self.bar.set_prefix(stage);
        if self.lines {
            eprintln!("{stage} ...");
        }
    }

    /// Simulated time has come this far.
    pub fn moment(&self, now: UnixSeconds) {
        self.bar.set_position(now.0.saturating_sub(self.start_s).min(self.bar.length().unwrap_or(0)));
        if self.bar.message().is_empty() {
            self.bar.set_message(text::stamp(now));
        } else {
            let rest = self.bar.message();
            let rest = rest.split_once("   ").map_or("", |(_, rest)| rest);
            self.bar.set_message(format!("{}   {rest}", text::stamp(now)));
        }
    }

    /// The verdicts so far.
    pub fn verdicts(&self, verdicts: Verdicts) {
        let moment = self.bar.message();
        let moment = moment.split_once("   ").map_or(moment.as_str(), |(moment, _)| moment);
        self.bar.set_message(format!(
            "{moment}   probes: {} good, {} failed, {} undecided",
            text::thousands(verdicts.good),
            text::thousands(verdicts.bad),
            text::thousands(verdicts.undecided)
        ));
    }

    /// Takes the progress off the terminal.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix:<24} {bar:32} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}
