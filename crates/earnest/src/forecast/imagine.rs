//! Imagining windows on all processors.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use negotiation::history;
use negotiation::simulate::{Delivery, Distribution, OracleRisk, Renewal, Service, Simulation};
use terms::{Measurement, Ppm};

use super::args::Windows;
use crate::exit::Failure;

/// So many windows are imagined at a time.
const PORTION: u64 = 64;

/// Imagines the windows that the arguments ask for. What comes out does not depend on the number of processors.
pub fn windows(measurement: &Measurement, arguments: &Windows) -> Result<Distribution, Failure> {
    let service = service(measurement, arguments)?;
    let risk = OracleRisk {
        indeterminate_ppm: Ppm(arguments.indeterminate_ppm),
        silent_ppm: Ppm(arguments.silent_ppm),
    };
    let simulation = Simulation::new(measurement, service, risk, arguments.seed)?;
    Ok(spread_out(&simulation, arguments.runs))
}

/// How the service fails, in words.
pub fn in_words(arguments: &Windows) -> String {
    use calendar::words::length;
    match (arguments.mtbf, arguments.mttr, arguments.slip, &arguments.history) {
        (Some(mtbf), Some(mttr), ..) => {
            format!(
                "a service that fails every {} and is repaired in {}, in the mean",
                length(mtbf / 1000),
                length(mttr / 1000)
            )
        }
        (.., Some(slip), _) => format!(
            "a delivery planned {} before its deadline that slips by {} in the mean",
            length(arguments.lead / 1000),
            length(slip / 1000)
        ),
        (.., Some(history)) => format!("a service that fails as in {}", history.display()),
        _ => "a service".to_owned(),
    }
}

fn service(measurement: &Measurement, arguments: &Windows) -> Result<Service, Failure> {
    if let (Some(mtbf_ms), Some(mttr_ms)) = (arguments.mtbf, arguments.mttr) {
        return Ok(Service::Renewal(Renewal::Exponential { mtbf_ms, mttr_ms }));
    }
    if let Some(slip_ms) = arguments.slip {
        return Ok(Service::Delivery(Delivery::Planned { lead_ms: arguments.lead, slip_ms }));
    }
    let path = arguments.history.as_ref().context("--mtbf, --history or --slip is needed")?;
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string());
    let reading = history::read(&text.map_err(Failure::bad_input)?, measurement, arguments.over)?;
    if reading.left_out > 0 {
        eprintln!("note: rows left out, since their severity is no outage: {}", reading.left_out);
    }
    if let Service::Renewal(Renewal::Measured(history)) = &reading.service {
        use calendar::words::length;
        let (mtbf, mttr) = (length(history.mtbf_ms() / 1000), length(history.mttr_ms() / 1000));
        eprintln!("history: {} outages, mtbf {mtbf}, mttr {mttr}", history.outages());
    }
    Ok(reading.service)
}

fn spread_out(simulation: &Simulation, runs: u64) -> Distribution {
    let (next, all) = (AtomicU64::new(0), Mutex::new(Distribution::default()));
    let bar = bar(runs);
    let work = || {
        let mut own = Distribution::default();
        loop {
            let from = next.fetch_add(PORTION, Ordering::Relaxed);
            if from >= runs {
                break;
            }
            let to = from.saturating_add(PORTION).min(runs);
            own.merge(simulation.run(from..to));
            bar.inc(to - from);
        }
        all.lock().unwrap_or_else(std::sync::PoisonError::into_inner).merge(own);
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| (0..processors).for_each(|_| drop(scope.spawn(work))));
    bar.finish_and_clear();
    all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Progress on a terminal, and nothing elsewhere.
fn bar(runs: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix} {bar:32} {human_pos} of {human_len} windows, {eta} left");
    let bar = ProgressBar::new(runs).with_prefix("imagining");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
    bar
}
