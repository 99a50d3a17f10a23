//! The run as text: what each party put in and got out, the transactions, and what was checked.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use terms::Sat;

use crate::record::{Check, PartyRecord, Record, TxRecord};
use crate::text;

/// Everything that a person wants to see in a terminal.
pub fn summary(record: &Record) -> String {
    let mut parts = vec![format!("\n{}", record.scenario.title), found(record)];
    parts.extend(oracles(record).map(|table| table.to_string()));
    parts.extend(vantages(record).map(|table| table.to_string()));
    parts.push(money(record).to_string());
    parts.push(transactions(record).to_string());
    parts.push(checks(&record.checks));
    parts.join("\n\n")
}

fn found(record: &Record) -> String {
    let outcome = match &record.outcome {
        Some(outcome) => format!("attested {}", text::outcome(outcome, &record.measurement.outcome)),
        None => "nothing was attested".to_owned(),
    };
    let probes = record.reading.as_ref().map(|report| {
        format!(
            ", {} of {} probes failed, {} of {} slices unmeasured",
            text::thousands(report.probes.bad),
            text::thousands(report.probes.bad + report.probes.good),
            text::thousands(report.slices.unmeasured),
            text::thousands(report.slices.total)
        )
    });
    format!("Outcome: {outcome}{}", probes.unwrap_or_default())
}

/// What each of several oracles said.
fn oracles(record: &Record) -> Option<Table> {
    let mut table = table(["oracle", "signed", ""]);
    for oracle in &record.oracles {
        let signed = oracle.attested.as_ref();
        let signed = signed
            .map_or_else(|| "nothing".to_owned(), |said| text::outcome(said, &record.measurement.outcome));
        let standing = match (oracle.agrees, oracle.contradiction.is_empty()) {
            (true, true) => "agrees",
            (true, false) => "agrees, and signed two outcomes",
            (false, true) => "",
            (false, false) => "signed two outcomes",
        };
        table.add_row([oracle.name.clone(), signed, standing.to_owned()]);
    }
    (record.oracles.len() > 1).then_some(table)
}

/// What each of several places saw.
fn vantages(record: &Record) -> Option<Table> {
    let mut table = table(["place", "for", "good", "failed", "undecided", "too late"]);
    for oracle in &record.oracles {
        for place in &oracle.vantages {
            let counts = [place.good, place.bad, place.undecided, place.late_batches].map(text::thousands);
            table.add_row([place.name.clone(), oracle.name.clone()].into_iter().chain(counts));
        }
    }
    align_right(&mut table, 2..6);
    record.oracles.iter().any(|oracle| !oracle.vantages.is_empty()).then_some(table)
}

/// One line of a party's account.
type Part = fn(&PartyRecord) -> Sat;

fn money(record: &Record) -> Table {
    let mut table = table(["satoshis", "provider", "buyer", "together"]);
    let rows: [(&str, Part); 5] = [
        ("put in", |party| party.put_in_sat),
        ("change", |party| party.change_sat),
        ("fees", |party| party.fees_sat),
        ("locked", |party| party.locked_sat),
        ("paid out", |party| party.got_out_sat),
    ];
    for (name, part) in rows {
        let (provider, buyer) = (part(&record.provider).0, part(&record.buyer).0);
        let sums = [provider, buyer, provider + buyer].map(text::thousands);
        table.add_row([name.to_owned()].into_iter().chain(sums));
    }
    let locked = record.locked_sat();
    let paid = Sat(record.provider.got_out_sat.0 + record.buyer.got_out_sat.0);
    table.add_row([
        "gain or loss".to_owned(),
        text::signed(record.provider.got_out_sat, record.provider.locked_sat),
        text::signed(record.buyer.got_out_sat, record.buyer.locked_sat),
        text::signed(paid, locked),
    ]);
    table.add_row(["state", record.provider.state.as_str(), record.buyer.state.as_str(), ""]);
    align_right(&mut table, 1..4);
    table
}

fn transactions(record: &Record) -> Table {
    let mut table = table(["transaction", "txid", "block", "fee"]);
    for tx in record.transactions.all() {
        table.add_row([tx.kind.clone(), tx.txid.clone(), block(tx), text::thousands(tx.fee_sat.0)]);
    }
    align_right(&mut table, 2..4);
    table
}

fn block(tx: &TxRecord) -> String {
    tx.height.map_or_else(|| "none".to_owned(), |height| height.to_string())
}

/// Each check on a line, and what all of them come to.
pub(crate) fn checks(checks: &[Check]) -> String {
    let mut lines = Vec::new();
    for check in checks {
        if check.holds {
            lines.push(format!("  ok    {}: {}", check.what, check.got));
        } else {
            lines.push(format!("  FAIL  {}: expected {}, got {}", check.what, check.expected, check.got));
            lines.extend(check.why.iter().map(|why| format!("        why: {why}")));
        }
    }
    let failed = checks.iter().filter(|check| !check.holds).count();
    lines.push(match failed {
        0 => format!("\nAs expected: all {} checks hold.", checks.len()),
        _ => format!("\nNot as expected: {failed} of {} checks fail.", checks.len()),
    });
    lines.join("\n")
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(header);
    table
}

fn align_right(table: &mut Table, columns: std::ops::Range<usize>) {
    for index in columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
