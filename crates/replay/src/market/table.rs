//! A market as text: who paid what, what each service came to, and what was checked.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use terms::{Outcome, Sat};

use super::record::{MarketRecord, MemberRecord, Side};
use crate::table::checks;
use crate::text;

/// Everything that a person wants to see in a terminal.
pub fn summary(record: &MarketRecord) -> String {
    let parts = [
        format!("\n{}", record.scenario.title),
        services(record),
        trades(record).to_string(),
        money(record).to_string(),
        checks(&record.checks),
    ];
    parts.join("\n\n")
}

fn services(record: &MarketRecord) -> String {
    let found = |outcome: Option<&Outcome>| match outcome {
        Some(Outcome::Value(value)) => format!("{} ppm", text::thousands(value.0)),
        Some(_) => "indeterminate".to_owned(),
        None => "nothing".to_owned(),
    };
    let line = |service: &super::record::ServiceRecord| {
        let each: Vec<String> = service.windows.iter().map(|window| found(window.outcome.as_ref())).collect();
        format!("  {}: {}", service.provider, each.join(", "))
    };
    let lines: Vec<String> = record.services.iter().map(line).collect();
    format!("Attested, window by window:\n{}", lines.join("\n"))
}

/// A row for each buyer, a column for each provider: what was locked as price, and what came back.
fn trades(record: &MarketRecord) -> Table {
    let mut table = Table::new();
    let providers: Vec<&MemberRecord> = record.side(Side::Provider).collect();
    let names = providers.iter().map(|provider| provider.name.clone());
    let head = ["price, back".to_owned()].into_iter().chain(names);
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(head);
    for buyer in record.side(Side::Buyer) {
        let cell = |provider: &&MemberRecord| traded(record, &provider.name, &buyer.name);
        table.add_row([buyer.name.clone()].into_iter().chain(providers.iter().map(cell)));
    }
    align_right(&mut table, 1..=providers.len());
    table
}

fn traded(record: &MarketRecord, provider: &str, buyer: &str) -> String {
    let (mut price, mut back, mut any) = (0, 0, false);
    for escrow in record.between(provider, buyer) {
        any = true;
        price += escrow.agreement.price_sat.0;
        back += escrow.payouts.paid.map_or(0, |paid| paid.buyer_sat.0);
    }
    match (any, back) {
        (false, _) => String::new(),
        (true, 0) => text::thousands(price),
        (true, back) => format!("{}, {}", text::thousands(price), text::thousands(back)),
    }
}

fn money(record: &MarketRecord) -> Table {
    let mut table = Table::new();
    table
        .load_preset(UTF8_HORIZONTAL_ONLY)
        .set_header(["satoshis", "escrows", "at start", "locked", "fees", "paid out", "at end", "gain"]);
    for party in &record.parties {
        let sums = [party.start_sat, party.locked_sat, party.fees_sat, party.paid_out_sat, party.end_sat];
        let sums = sums.map(|sat: Sat| text::thousands(sat.0));
        let row = [party.name.clone(), party.escrows.to_string()].into_iter().chain(sums);
        table.add_row(row.chain([text::signed(party.end_sat, party.start_sat)]));
    }
    align_right(&mut table, 1..=7);
    table
}

fn align_right(table: &mut Table, columns: std::ops::RangeInclusive<usize>) {
    for index in columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
