//! Holds the published schema and the reader to the same fields.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::Value;
use toml::Table;

use super::SCHEMA;
use crate::play::Play;

thread_local! {
    static ASKED: RefCell<BTreeSet<String>> = RefCell::default();
}

/// The reader asks for a field, whether or not it is there.
pub(super) fn asked(path: &str) {
    let plain = path.split('.').map(|part| part.split('[').next().unwrap_or(part));
    let plain = plain.collect::<Vec<_>>().join(".");
    ASKED.with_borrow_mut(|asked| asked.insert(plain));
}

/// Fields that no shipped file needs: a metric of latency, and shares that forfeit the bond.
const RARE: &str = r#"
title = "Fields that no shipped file has"

[agreement]
price_sat = 100_000
bond_sat = 50_000
indeterminate = "price back, bond back"
round_to = "provider"
fee_rate = 3
quantum_bits = 12
schedule = [{ from = 100_000, price_back = "10 %", bond_forfeit = "0 %", ramp_to = { price_back = "50 %", bond_forfeit = "10 %" } }, { above = 500_000, price_back = "50 %", bond_forfeit = "100 %" }]

[measurement]
target = "http://edge.example/"
window = "2026-03-02T12:00:00Z / PT1H"
slice = "1m"
probe_every = "10s"
timeout = "5s"
status = "200"
body_contains = "ok"
indicator = "latency"
threshold = "300ms"
percentile = "95 %"
method = "timeslices"
bad_above = "0 %"
rounding = "down"
least_samples = 1
indeterminate_above = "20 %"
maintenance = [{ from = "2026-03-02T12:00:00Z", until = "2026-03-02T12:01:00Z" }]

[chain]
block_every = "10m"
poll_every = "5m"
confirmations = 2
lead = "3h"
publication_delay = "10m"

[expect]
outcome_ppm = 0
provider_sat = 150_000
buyer_sat = 0
receipts.provider = { movements = 0, funding_sat = 0, fee_sat = 0, settlement_sat = 0, refund_sat = 0, bump_sat = 0, cancel_sat = 0 }
receipts.buyer = { movements = 9, funding_sat = 1 }
"#;

/// The same for a market.
const RARE_MARKET: &str = r#"
title = "Fields that no shipped market has"

[market]
coin_sat = 100_000
provider_coins = 1
buyer_coins = 1

[market.agreement]
indeterminate = "price back, bond back"
round_to = "provider"
refund_delay = "1d"
fee_rate = 3
quantum_bits = 12
schedule = [{ from = 100_000, price_back = "10 %", ramp_to = { price_back = "50 %", bond_forfeit = "0 %" } }, { above = 500_000, price_back = "50 %", bond_forfeit = "100 %" }]

[market.measurement]
window = "2026-03-02T12:00:00Z / PT1H"
slice = "1m"
probe_every = "10s"
timeout = "5s"
status = "200-204"
body = "ok"
body_contains = "o"

[market.mandate]
max_contract_sat = 70_000
max_locked_sat = 400_000
max_per_counterparty_sat = 200_000

[market.expect]
escrows = 1
without_agreement = 0

[[market.provider]]
name = "one"
target = "http://one.example/"
price_sat = 50_000
bond_sat = 20_000
least_sat = 25_000
final_sat = 40_000
mandate = { max_bond_sat = 30_000, max_at_risk_per_service_sat = 100_000 }
expect = { escrows = 1, locked_sat = 20_000, paid_out_sat = 60_000, outcomes = [{ ppm = 166_667 }] }

[[market.provider.timeline]]
from = "2026-03-02T12:10:00Z"
until = "2026-03-02T12:20:00Z"
error_share_ppm = 500_000

[[market.provider.timeline]]
from = "2026-03-02T12:20:00Z"
until = "2026-03-02T12:30:00Z"
flapping = { down = "1m", up = "2m" }
note = "over and over"

[[market.provider.timeline]]
from = "2026-03-02T12:30:00Z"
until = "2026-03-02T12:31:00Z"
status = 500

[[market.provider.timeline]]
from = "2026-03-02T12:31:00Z"
until = "2026-03-02T12:32:00Z"
slow_ms = 6_000

[[market.provider.timeline]]
from = "2026-03-02T12:32:00Z"
until = "2026-03-02T12:33:00Z"
wrong_body = "sorry"

[[market.buyer]]
name = "two"
wants = 1
worth = [{ provider = "one", sat = 50_000 }]
maximum_sat = 50_000
opening_sat = 50_000
rounds = 2
mandate = { max_price_sat = 60_000, max_committed_per_hour_sat = 100_000, max_committed_per_day_sat = 100_000 }
expect = { escrows = 1, locked_sat = 50_000, paid_out_sat = 10_000 }
"#;

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    crate::catalogue::find(&[folder]).unwrap()
}

/// What is tried: every shipped file, and the rare fields of either kind.
fn texts() -> Vec<String> {
    let shipped = shipped().into_iter().map(|file| std::fs::read_to_string(file).unwrap());
    shipped.chain([RARE, RARE_MARKET].map(str::to_owned)).collect()
}

fn validator() -> Validator {
    jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap()
}

fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(list) => list.iter().map(json).collect(),
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
        other => serde_json::to_value(other).unwrap(),
    }
}

fn reader_takes(table: &Table) -> Result<Play, String> {
    let text = toml::to_string(table).unwrap();
    Play::parse(&text, Path::new("tried.toml")).map_err(|error| error.to_string())
}

/// The schema's fields by their paths.
fn fields(schema: &Value, at: &Value, path: &str, found: &mut BTreeSet<String>) {
    let at = match at.get("$ref").and_then(Value::as_str) {
        Some(link) => schema.pointer(link.trim_start_matches('#')).unwrap(),
        None => at,
    };
    if let Some(items) = at.get("items") {
        fields(schema, items, path, found);
    }
    for (key, inner) in at.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        fields(schema, inner, &path, found);
        found.insert(path);
    }
}

/// Every way to change one entry somewhere in a table.
fn changed(table: &Table, change: &dyn Fn(&mut Table, &str)) -> Vec<(String, Table)> {
    let mut all = Vec::new();
    for (key, value) in table {
        let mut other = table.clone();
        change(&mut other, key);
        all.push((key.clone(), other));
        let mut put = |at: Option<usize>, inner: Vec<(String, Table)>| {
            for (path, inner) in inner {
                let mut other = table.clone();
                match (&mut other[key], at) {
                    (toml::Value::Array(list), Some(index)) => list[index] = inner.into(),
                    (slot, _) => *slot = inner.into(),
                }
                all.push((format!("{key}.{path}"), other));
            }
        };
        match value {
            toml::Value::Table(inner) => put(None, changed(inner, change)),
            toml::Value::Array(list) => {
                for (index, inner) in list.iter().enumerate() {
                    inner.as_table().into_iter().for_each(|inner| put(Some(index), changed(inner, change)));
                }
            }
            _ => {}
        }
    }
    all
}

fn misspell(table: &mut Table, key: &str) {
    let value = table.remove(key).unwrap();
    table.insert(format!("{key}x"), value);
}

/// No field is a list of numbers.
fn spoil(table: &mut Table, key: &str) {
    table.insert(key.to_owned(), toml::Value::Array(vec![7.into()]));
}

#[test]
fn reader_and_schema_take_every_shipped_file() {
    let validator = validator();
    for text in texts() {
        let table: Table = text.parse().unwrap();
        reader_takes(&table).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let broken: Vec<String> =
            validator.iter_errors(&json(&table.into())).map(|error| error.to_string()).collect();
        assert_eq!(broken, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn every_misspelt_field_and_every_field_of_another_type_is_refused_by_both() {
    let validator = validator();
    for text in texts() {
        let table: Table = text.parse().unwrap();
        for (path, other) in [changed(&table, &misspell), changed(&table, &spoil)].concat() {
            assert!(reader_takes(&other).is_err(), "the reader takes {path} of {}", table["title"]);
            assert!(
                !validator.is_valid(&json(&other.into())),
                "the schema takes {path} of {}",
                table["title"]
            );
        }
    }
}

#[test]
fn the_reader_knows_the_schemas_fields_and_no_others() {
    ASKED.take();
    for text in texts() {
        reader_takes(&text.parse().unwrap()).unwrap();
    }
    let asked = ASKED.take();
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut documented = BTreeSet::new();
    fields(&schema, &schema, "", &mut documented);
    assert_eq!(asked, documented);
}
