//! What a scenario's timeline must come to, worked out without running anything.
//!
//! One sample a slot, straight from the timeline, through the oracle's own pure function. A replay
//! never uses this to decide whether it passed: it is the "why" beside an expectation that failed.

use ledger::{Evaluation, Sample, Verdict};
use terms::{DocumentError, Indicator, Measurement, Outcome, Ppm, UnixSeconds, units::PPM_WHOLE};

use crate::agree;
use crate::scenario::{Condition, Fault, Happening, Line, Phase, Place, Says, Scenario, Victim};

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

/// What must be found when everything happens as the timeline says: by the oracle whose word is paid by, or by the first
/// where no word is.
///
/// # Errors
/// As [`ledger::evaluate`]: never for a scenario that was checked.
pub fn evaluate(scenario: &Scenario) -> Result<Evaluation, DocumentError> {
    let mut each = evaluate_each(scenario)?;
    let decides = deciding(scenario, &each).unwrap_or(0);
    Ok(each.swap_remove(decides))
}

/// What each oracle must find, in the file's order.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_each(scenario: &Scenario) -> Result<Vec<Evaluation>, DocumentError> {
    (0..scenario.cast.oracles()).map(|oracle| found_by(scenario, oracle)).collect()
}

/// The oracle whose word is paid by, of those that speak some day.
fn deciding(scenario: &Scenario, each: &[Evaluation]) -> Option<usize> {
    let deadline = UnixSeconds(scenario.measurement.window.start.0 - 1);
    let agreement = scenario.deal.stand_in(&scenario.measurement, each.len(), deadline);
    let table = agreement.compile().ok()?;
    let said: Vec<Option<Outcome>> = (each.iter().enumerate())
        .map(|(oracle, found)| speaks(scenario, oracle).then(|| found.report.outcome.clone()))
        .collect();
    agree::deciding(&agreement.oracles, &table, &said).first().copied()
}

/// Whether nothing keeps it from being heard for ever.
fn speaks(scenario: &Scenario, oracle: usize) -> bool {
    let victim = Victim::Place(Place::Oracle(oracle));
    !scenario.faults.iter().any(|fault| match fault.what {
        Happening::Kill(who, None) => who == victim,
        Happening::Silent(who, None) => who == oracle,
        _ => false,
    })
}

fn found_by(scenario: &Scenario, oracle: usize) -> Result<Evaluation, DocumentError> {
    let measurement = &scenario.measurement;
    let mut places = vec![Place::Oracle(oracle)];
    places.extend((0..scenario.cast.vantages()).map(Place::Vantage));
    let start_ms = measurement.window.start.0 * 1000;
    let probes = (0..measurement.probe_count()).map(|probe| start_ms + probe * measurement.probe_every_ms);
    let samples: Vec<Sample> = probes
        .flat_map(|unix_ms| places.iter().filter_map(move |place| sample(scenario, oracle, *place, unix_ms)))
        .collect();
    ledger::evaluate(measurement, &samples)
}

/// What a probe at the start of a slot finds from a place; `None` where the oracle never learns of it.
fn sample(scenario: &Scenario, oracle: usize, place: Place, unix_ms: u64) -> Option<Sample> {
    let moment = UnixSeconds(unix_ms / 1000);
    if is_dead(scenario, place, moment) || is_unheard(scenario, oracle, place, moment) {
        return None;
    }
    let phase = scenario.phases.iter().find(|phase| phase.range.contains(moment) && phase.is_seen_by(place));
    let (verdict, latency_ms) = match (lie(scenario, place, moment), phase) {
        (Some(Says::Up), _) => (Verdict::Good, 0),
        (Some(Says::Down), _) => (Verdict::Bad, 0),
        (None, None) => (undisturbed(scenario, moment), 0),
        (None, Some(phase)) => disturbed(&scenario.measurement, phase, unix_ms),
    };
    let latency_ms = u32::try_from(latency_ms).unwrap_or(u32::MAX);
    let vantage = scenario.cast.name(place).to_owned();
    Some(Sample { unix_ms, vantage, verdict, latency_ms, value: None })
}

/// The faults whose moment is known beforehand, with it.
fn timed(scenario: &Scenario) -> impl Iterator<Item = (UnixSeconds, &Fault)> {
    scenario.faults.iter().filter_map(|fault| Some((fault.when.moment()?, fault)))
}

/// Dead, or unable to write down what it finds.
fn is_dead(scenario: &Scenario, place: Place, moment: UnixSeconds) -> bool {
    timed(scenario).any(|(at, fault)| match fault.what {
        Happening::Kill(Victim::Place(who), back_after_s) if who == place => {
            at <= moment && back_after_s.is_none_or(|back_after_s| moment.0 < at.0 + back_after_s)
        }
        Happening::FullDisk(Victim::Place(who), lasts_s) if who == place => {
            at <= moment && moment.0 < at.0 + lasts_s
        }
        _ => false,
    })
}

/// What a vantage saw in a slice counts nowhere when it can't report it until nobody waits any more.
fn is_unheard(scenario: &Scenario, oracle: usize, place: Place, moment: UnixSeconds) -> bool {
    let Place::Vantage(vantage) = place else { return false };
    let measurement = &scenario.measurement;
    let into_s = moment.0 - measurement.window.start.0;
    let ends = measurement.window.start.0 + (into_s / measurement.slice_s + 1) * measurement.slice_s;
    let waits_until = ends + scenario.vantage_grace_s();
    timed(scenario).any(|(at, fault)| match fault.what {
        Happening::Cut(line, lasts_s) if line == Line::Report(vantage, oracle) => {
            at.0 <= ends && waits_until <= at.0 + lasts_s
        }
        _ => false,
    })
}

/// What it makes itself see by then.
fn lie(scenario: &Scenario, place: Place, moment: UnixSeconds) -> Option<Says> {
    let lies = timed(scenario).filter_map(|(at, fault)| match fault.what {
        Happening::Lie(who, says) if who == place && at <= moment => Some(says),
        _ => None,
    });
    lies.last()
}

fn undisturbed(scenario: &Scenario, moment: UnixSeconds) -> Verdict {
    let is_delivery = matches!(scenario.measurement.indicator, Indicator::Lateness { .. });
    let is_there = !is_delivery || scenario.delivery.as_ref().is_some_and(|delivery| delivery.at <= moment);
    if is_there { Verdict::Good } else { Verdict::Bad }
}

/// What a probe at this moment of a phase finds, and how many milliseconds the answer takes.
pub(crate) fn disturbed(measurement: &Measurement, phase: &Phase, unix_ms: u64) -> (Verdict, u64) {
    let target = &measurement.target;
    let good_if = |good| if good { Verdict::Good } else { Verdict::Bad };
    match &phase.condition {
        Condition::Down | Condition::WrongBody(_) | Condition::Dns(_) | Condition::Certificate(_) => {
            (Verdict::Bad, 0)
        }
        Condition::OracleOffline => (Verdict::Unknown, 0),
        Condition::Errors(share) => {
            let request = (unix_ms - phase.range.start.0 * 1000) / measurement.probe_every_ms + 1;
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

    const TRIO: &str =
        "[[oracle]]\nname = \"one\"\n[[oracle]]\nname = \"two\"\n[[oracle]]\nname = \"three\"\n";

    #[test]
    fn a_liar_and_what_one_alone_sees_are_counted_for_it_alone() {
        let seen_by = |name: &str| format!("{}\nseen_by = [\"{name}\"]", phase("down = true"));
        let lie = "[[fault]]\nat = \"2026-03-02T12:30:00Z\"\nlying = \"three\"\nsays = \"down\"";
        let scenario = of_three("2 of 3", TRIO, &format!("{}\n{lie}", seen_by("two")));
        let bad: Vec<u64> =
            evaluate_each(&scenario).unwrap().iter().map(|found| found.report.probes.bad).collect();
        assert_eq!(bad, [0, 61, 180]);
        // No two agree, so the first one's is shown.
        assert_eq!(evaluate(&scenario).unwrap().report.probes.bad, 0);
        let scenario = of_three("2 of 3", TRIO, &format!("{}\n{lie}", phase("down = true")));
        assert_eq!(evaluate(&scenario).unwrap().report.probes.bad, 61, "the first two agree");
    }

    #[test]
    fn what_one_of_three_places_sees_is_outvoted_and_one_that_is_gone_is_missed_where_the_others_differ() {
        let places = "[[vantage]]\nname = \"north\"\n[[vantage]]\nname = \"south\"\n";
        let seen = |names: &str, more: &str| {
            let timeline = format!("{}\nseen_by = [{names}]\n{more}", phase("down = true"));
            let probes = evaluate(&of_three("", places, &timeline)).unwrap().report.probes;
            (probes.bad, probes.undecided)
        };
        assert_eq!(seen("\"north\"", ""), (0, 0));
        assert_eq!(seen("\"north\", \"south\"", ""), (61, 0));
        let gone = "[[fault]]\nat = \"2026-03-02T12:15:00Z\"\nkill = \"south\"";
        assert_eq!(seen("\"north\"", gone), (0, 31), "one against one from then on");
        let cut = "[[fault]]\nat = \"2026-03-02T12:15:30Z\"\ncut = \"south-oracle\"\nlasts = \"7m\"";
        // A slice waits for 300 s: those that end at 12:16 and 12:17 wait in vain, that of 12:18 does not.
        assert_eq!(seen("\"north\"", cut), (0, 12));
    }

    fn of_three(oracles: &str, cast: &str, timeline: &str) -> Scenario {
        let (oracles, quorum) = match oracles {
            "" => (String::new(), "quorum = \"2 of 3\""),
            of => (format!("oracles = \"{of}\""), ""),
        };
        let text = format!(
            "title = \"t\"\n[agreement]\nprice_sat = 100_000\nbond_sat = 50_000\nindeterminate = \"price back, bond back\"\n\
             schedule = [{{ from = 1, price_back = \"10 %\" }}]\n{oracles}\n\
             [measurement]\ntarget = \"http://edge.example/\"\nwindow = \"2026-03-02T12:00:00Z / PT1H\"\nslice = \"1m\"\n\
             probe_every = \"10s\"\n{quorum}\n{cast}\n{timeline}\n\
             [expect]\nrefunded = true\nprovider_sat = 0\nbuyer_sat = 0\n"
        );
        Scenario::parse(&text, Path::new("t.toml")).unwrap()
    }
}
