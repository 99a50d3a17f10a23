//! Each preset pays what its page says, at the last satoshi before and the first after every edge.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use terms::presets::{self, Preset};
use terms::{Credit, NumericScale, OutcomeValue, PayoutTable, Sat, Scale, Side};

/// A price of a million makes a ppm a satoshi.
const PRICE: Sat = Sat(1_000_000);
const BOND: Sat = Sat(500_000);

fn compile(preset: &Preset) -> PayoutTable {
    let payout = preset.payout(Credit::NONE, Side::Buyer);
    PayoutTable::compile(&payout, &Scale::Numeric(NumericScale::ppm()), PRICE, BOND).unwrap()
}

/// What goes back at an unavailability in ppm, in percent of the price.
fn percent_back(name: &str, ppm: u64) -> u64 {
    let table = compile(presets::find(name).unwrap());
    let provider = table.at_value(OutcomeValue(ppm)).unwrap();
    (table.total_sat().0 - provider.0) / 10_000
}

/// `(unavailability, percent)`: the percentage holds from there on, and not one ppm earlier.
fn pays_from(name: &str, edges: &[(u64, u64)]) {
    let mut before = 0;
    for &(from_ppm, percent) in edges {
        assert_eq!(percent_back(name, from_ppm - 1), before, "{name} below {from_ppm}");
        assert_eq!(percent_back(name, from_ppm), percent, "{name} at {from_ppm}");
        before = percent;
    }
    assert_eq!(percent_back(name, 1_000_000), before, "{name} at total loss");
}

#[test]
fn s3_standard_pays_10_25_and_100_percent_below_99_9_and_99_and_95() {
    pays_from("amazon-s3-standard", &[(1_001, 10), (10_001, 25), (50_001, 100)]);
}

#[test]
fn s3_infrequent_access_pays_10_25_and_100_percent_below_99_and_98_and_95() {
    pays_from("amazon-s3-infrequent-access", &[(10_001, 10), (20_001, 25), (50_001, 100)]);
}

#[test]
fn an_ec2_region_pays_10_30_and_100_percent_below_99_99_and_99_and_95() {
    pays_from("amazon-ec2-region", &[(101, 10), (10_001, 30), (50_001, 100)]);
}

#[test]
fn dax_pays_from_99_99_in_several_zones_and_from_99_5_in_one() {
    pays_from("amazon-dax-multi-az", &[(101, 10), (10_001, 25), (50_001, 100)]);
    pays_from("amazon-dax-single-az", &[(5_001, 10), (10_001, 25), (50_001, 100)]);
}

#[test]
fn cloud_directory_pays_like_s3_standard() {
    pays_from("amazon-cloud-directory", &[(1_001, 10), (10_001, 25), (50_001, 100)]);
}

#[test]
fn azure_virtual_machines_pay_10_25_and_100_percent_below_99_99_and_99_and_95() {
    pays_from("azure-virtual-machines", &[(101, 10), (10_001, 25), (50_001, 100)]);
}

#[test]
fn lambda_pays_below_99_95_and_99_and_95() {
    pays_from("amazon-lambda", &[(501, 10), (10_001, 25), (50_001, 100)]);
}

#[test]
fn cloud_functions_pay_at_most_half() {
    pays_from("google-cloud-functions", &[(5_001, 10), (10_001, 25), (50_001, 50)]);
}

#[test]
fn cloud_interconnect_never_pays_more_than_25_percent() {
    pays_from("google-cloud-interconnect", &[(101, 10), (10_001, 25)]);
}

#[test]
fn github_pays_at_99_9_percent_exactly_and_the_larger_credit_below_99() {
    pays_from("github-enterprise-cloud", &[(1_000, 10), (10_001, 25)]);
}

#[test]
fn cloudflare_gives_back_what_failed_and_at_most_a_quantum_less() {
    let table = compile(presets::find("cloudflare-enterprise").unwrap());
    for ppm in (0..983_040).step_by(509) {
        let back = table.total_sat().0 - table.at_value(OutcomeValue(ppm)).unwrap().0;
        assert!(back <= ppm && ppm - back < 4096, "{ppm} ppm failed, {back} went back");
    }
    assert_eq!(table.at_value(OutcomeValue(983_040)), Some(BOND));
}

#[test]
fn every_preset_has_a_name_of_its_own_a_source_and_few_signatures() {
    for (index, preset) in presets::all().iter().enumerate() {
        assert!(presets::all()[..index].iter().all(|other| other.name != preset.name));
        assert!(preset.source.starts_with("https://"));
        assert_eq!(presets::find(preset.name), Some(preset));
        let signatures = compile(preset).signature_estimate();
        assert!(signatures <= 300, "{} takes {signatures} signatures", preset.name);
    }
}

#[test]
fn an_unknown_preset_is_none() {
    assert_eq!(presets::find("amazon-s3"), None);
}

#[test]
fn no_preset_touches_the_bond() {
    for preset in presets::all() {
        let table = compile(preset);
        assert!(table.at_value(OutcomeValue(1_000_000)).unwrap() >= BOND);
    }
}
