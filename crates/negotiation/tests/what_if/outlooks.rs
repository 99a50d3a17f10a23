//! What both sides read before anything locks.

use negotiation::outlook::{Facts, Fees, Kind, Outcomes, Outlook};
use negotiation::simulate::{OracleRisk, Simulation};
use terms::{Agreement, Ppm, Sat, UnixSeconds};

use crate::common::{DAY, HOUR, failing};

const STEPS: &[u8] = include_bytes!("../../../terms/tests/golden/agreement-v1.json");
const RAMP: &[u8] = include_bytes!("../../../terms/tests/golden/agreement-ramp-v1.json");
const LEVELS: &[u8] = include_bytes!("../../../terms/tests/golden/agreement-levels-v1.json");

fn agreement(document: &[u8]) -> Agreement {
    Agreement::parse(document).unwrap()
}

#[test]
fn an_outlook_says_what_each_side_gets_at_every_outcome() {
    let agreement = agreement(STEPS);
    let risk = OracleRisk { indeterminate_ppm: Ppm(10_000), silent_ppm: Ppm(20_000) };
    let simulation = Simulation::new(&agreement.measurement, failing(10 * DAY, HOUR), risk, 1).unwrap();
    let windows = simulation.run(0..500);
    let fees = Some(Fees { provider_sat: Sat(330), buyer_sat: Sat(340) });
    let maturity = Some(UnixSeconds(agreement.measurement.window.end.0 + 600));
    let facts = Facts { fees, now: None, maturity, windows: Some(&windows) };
    let outlook = Outlook::of(&agreement, &facts).unwrap();
    println!("{outlook}");
    assert_eq!(outlook.to_string(), include_str!("outlook.txt"));
    let chances: u64 = outlook.cases.iter().map(|case| case.chance_ppm.unwrap().0).sum();
    assert_eq!(chances, 1_000_000);
}

#[test]
fn without_windows_or_fees_it_says_what_the_agreement_alone_tells() {
    let agreement = agreement(LEVELS);
    let outlook = Outlook::of(&agreement, &Facts::default()).unwrap();
    assert!(outlook.cases.iter().all(|case| case.chance_ppm.is_none()));
    assert!(outlook.publication_comes_on_top);
    let text = outlook.to_string();
    println!("{text}");
    assert!(text.contains("unusable") && text.contains("Fees come on top; what they are depends"), "{text}");
    assert!(text.contains("and for what the oracle takes to publish"), "{text}");
    let kinds: Vec<Kind> = outlook.cases.iter().map(|case| case.kind).collect();
    assert_eq!(kinds, [Kind::Target, Kind::Breach, Kind::Worst, Kind::Indeterminate, Kind::Refund]);
}

#[test]
fn a_ramp_is_one_case_between_two_amounts() {
    let agreement = agreement(RAMP);
    let outlook = Outlook::of(&agreement, &Facts::default()).unwrap();
    println!("{outlook}");
    let table = agreement.compile().unwrap();
    let ramps: Vec<_> =
        outlook.cases.iter().filter(|case| case.provider_sat[0] < case.provider_sat[1]).collect();
    assert!(!ramps.is_empty());
    for case in &outlook.cases {
        assert_eq!(case.provider_sat[0].0 + case.buyer_sat[1].0, agreement.total_sat().0);
        assert_eq!(case.provider_sat[1].0 + case.buyer_sat[0].0, agreement.total_sat().0);
        let Outcomes::Values { from, to } = case.outcomes else { continue };
        for value in (from.0..=to.0).step_by(1 + usize::try_from(to.0 - from.0).unwrap() / 97) {
            let sat = table.at_value(terms::OutcomeValue(value)).unwrap();
            assert!((case.provider_sat[0]..=case.provider_sat[1]).contains(&sat));
        }
    }
}

#[test]
fn the_lock_is_counted_from_now_where_the_time_is_known() {
    let agreement = agreement(STEPS);
    let now = UnixSeconds(agreement.funding_deadline.0 - 3_600);
    let maturity = Some(UnixSeconds(agreement.measurement.window.end.0 + 600));
    let facts = Facts { now: Some(now), maturity, ..Facts::default() };
    let outlook = Outlook::of(&agreement, &facts).unwrap();
    assert_eq!(outlook.refund_at.0, agreement.measurement.window.end.0 + 600 + agreement.refund_delay_s);
    assert_eq!(outlook.locked_at_most_s, outlook.refund_at.0 - now.0);
}
