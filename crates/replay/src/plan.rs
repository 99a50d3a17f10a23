//! What a scenario's timeline must come to, worked out without running anything.
//!
//! One sample a slot, straight from the timeline, through the oracle's own pure function. A replay
//! never uses this to decide whether it passed: it is the "why" beside an expectation that failed.

use ledger::{Evaluation, Sample, Verdict};
use terms::{DocumentError, Indicator, Ppm, UnixSeconds, units::PPM_WHOLE};

use crate::scenario::{Condition, Happening, Phase, Scenario, Victim, When};

/// How many of a phase's first `requests` requests fail: spread evenly, rounded down, counted from
/// the phase's start.
///
/// ```
/// // 49 minutes with 4 probes a minute at 85 %: 166.6 rounded down.
/// assert_eq!(replay::plan::failures(terms::Ppm(850_000), 49 * 4), 166);
/// ```
pub fn failures(share: Ppm, requests: u64) -> u64 {
    let product = u128::from(requests) * u128::from(share.0);
    u64::try_from(product / u128::from(PPM_WHOLE)).unwrap_or(u64::MAX)
}

/// Whether the `k`-th request of a phase fails, counted from 1.
pub fn fails(share: Ppm, k: u64) -> bool {
    failures(share, k) > failures(share, k.saturating_sub(1))
}

/// What the oracle must find when everything happens as the timeline says.
///
/// # Errors
/// As [`ledger::evaluate`]: never for a scenario that was checked.
pub fn evaluate(scenario: &Scenario) -> Result<Evaluation, DocumentError> {
    let measurement = &scenario.measurement;
    let samples: Vec<Sample> = (0..measurement.probe_count())
        .filter_map(|probe| {
            sample(scenario, measurement.window.start.0 * 1000 + probe * measurement.probe_every_ms)
        })
        .collect();
    ledger::evaluate(measurement, &samples)
}

/// What a probe at the start of a slot finds; `None` while the oracle is dead.
fn sample(scenario: &Scenario, unix_ms: u64) -> Option<Sample> {
    let moment = UnixSeconds(unix_ms / 1000);
    if oracle_is_dead(scenario, moment) {
        return None;
    }
    let phase = scenario.phases.iter().find(|phase| phase.range.contains(moment));
    let (verdict, latency_ms) = match phase {
        None => (undisturbed(scenario, moment), 0),
        Some(phase) => disturbed(scenario, phase, unix_ms),
    };
    let latency_ms = u32::try_from(latency_ms).unwrap_or(u32::MAX);
    Some(Sample { unix_ms, vantage: "plan".to_owned(), verdict, latency_ms, value: None })
}

fn oracle_is_dead(scenario: &Scenario, moment: UnixSeconds) -> bool {
    scenario.faults.iter().any(|fault| match (&fault.when, fault.what) {
        (When::At(at), Happening::Kill(Victim::Oracle, back_after_s)) => {
            *at <= moment && back_after_s.is_none_or(|back_after_s| moment.0 < at.0 + back_after_s)
        }
        _ => false,
    })
}

fn undisturbed(scenario: &Scenario, moment: UnixSeconds) -> Verdict {
    let is_delivery = matches!(scenario.measurement.indicator, Indicator::Lateness { .. });
    let is_there = !is_delivery || scenario.delivery.as_ref().is_some_and(|delivery| delivery.at <= moment);
    if is_there { Verdict::Good } else { Verdict::Bad }
}

fn disturbed(scenario: &Scenario, phase: &Phase, unix_ms: u64) -> (Verdict, u64) {
    let target = &scenario.measurement.target;
    let good_if = |good| if good { Verdict::Good } else { Verdict::Bad };
    match &phase.condition {
        Condition::Down | Condition::WrongBody(_) => (Verdict::Bad, 0),
        Condition::OracleOffline => (Verdict::Unknown, 0),
        Condition::Errors(share) => {
            let request = (unix_ms - phase.range.start.0 * 1000) / scenario.measurement.probe_every_ms + 1;
            (good_if(!fails(*share, request)), 0)
        }
        Condition::Status(code) => {
            let accepted = target.http().is_none_or(|http| http.expect.accepts_status(*code));
            (good_if(accepted), 0)
        }
        Condition::Slow(latency_ms) => {
            (good_if(target.timeout_ms().is_none_or(|timeout_ms| *latency_ms <= timeout_ms)), *latency_ms)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn with(timeline: &str, indicator: &str) -> Evaluation {
        let text = format!(
            "title = \"t\"\n[agreement]\nprice_sat = 100_000\nbond_sat = 50_000\nindeterminate = \"price back, bond back\"\n\
             schedule = [{{ from = 1, price_back = \"10 %\" }}]\n\
             [measurement]\ntarget = \"http://edge.example/\"\nwindow = \"2026-03-02T12:00:00Z / PT1H\"\nslice = \"1m\"\n\
             probe_every = \"10s\"\n{indicator}\n{timeline}\n[expect]\nrefunded = true\nprovider_sat = 0\nbuyer_sat = 0\n"
        );
        evaluate(&Scenario::parse(&text, Path::new("t.toml")).unwrap()).unwrap()
    }

    fn phase(what: &str) -> String {
        format!("[[timeline]]\nfrom = \"2026-03-02T12:10:00Z\"\nuntil = \"2026-03-02T12:20:10Z\"\n{what}")
    }

    #[test]
    fn of_any_number_of_requests_the_share_fails_rounded_down() {
        for ppm in [1, 9_999, 333_333, 500_000, 850_000, 1_000_000] {
            let failed = |requests: u64| (1..=requests).filter(|k| fails(Ppm(ppm), *k)).count() as u64;
            for requests in [0, 1, 2, 61, 196, 1_000] {
                assert_eq!(failed(requests), requests * ppm / PPM_WHOLE, "{ppm} of {requests}");
            }
        }
    }

    #[test]
    fn a_phase_holds_as_many_probes_as_begin_in_it() {
        // 10 minutes and 10 seconds, a probe every 10 s: 61.
        assert_eq!(with(&phase("down = true"), "").report.probes.bad, 61);
        assert_eq!(with(&phase("status = 503"), "").report.probes.bad, 61);
        assert_eq!(with(&phase("status = 204"), "").report.probes.bad, 0);
        assert_eq!(with(&phase("error_share_ppm = 500_000"), "").report.probes.bad, 30);
    }

    #[test]
    fn slow_is_bad_beyond_the_timeout_and_for_a_latency_from_the_threshold() {
        assert_eq!(with(&phase("slow_ms = 10_000"), "").report.probes.bad, 0);
        assert_eq!(with(&phase("slow_ms = 10_001"), "").report.probes.bad, 61);
        let latency = "indicator = \"latency\"\nthreshold = \"300ms\"";
        assert_eq!(with(&phase("slow_ms = 301"), latency).report.probes.bad, 61);
        assert_eq!(with(&phase("slow_ms = 300"), latency).report.probes.bad, 0);
    }

    #[test]
    fn an_oracle_offline_or_dead_decides_nothing() {
        let offline = with(&phase("oracle_offline = true"), "").report.probes;
        assert_eq!((offline.bad, offline.undecided), (0, 61));
        let fault = "[[fault]]\nat = \"2026-03-02T12:10:00Z\"\nkill = \"oracle\"\nrestart_after = \"10m\"";
        let dead = with(fault, "").report.probes;
        assert_eq!((dead.bad, dead.undecided), (0, 60));
    }
}
