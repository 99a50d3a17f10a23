//! A catalogue's results as text.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use super::result::Run;
use crate::done::Done;
use crate::text;

/// `ok` or `FAIL`, as wide as each other.
pub(super) fn mark(run: &Run) -> &'static str {
    if run.passed() { "ok  " } else { "FAIL" }
}

/// How a run ended, in a few words.
pub(crate) fn end(run: &Run) -> String {
    match run.record() {
        Some(record) => record.end_in_words(),
        None => "broke off".to_owned(),
    }
}

/// The table, and below it why something failed.
pub(super) fn summary(runs: &[Run]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    table.set_header(["", "scenario", "failing", "ends", "provider", "buyer"]);
    for run in runs {
        table.add_row(row(run));
    }
    for index in 4..6 {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let failed = runs.iter().filter(|run| !run.passed()).count();
    let total = text::counted(runs.len() as u64, "scenario", "scenarios");
    let last = if failed == 0 {
        format!("As expected: {total}.")
    } else {
        format!("Not as expected: {failed} of {total}.")
    };
    format!("{table}\n{}\n{last}", reasons(runs))
}

fn row(run: &Run) -> [String; 6] {
    let paid = run.record().and_then(Done::paid);
    let [provider, buyer] = match paid {
        Some(paid) => [paid.provider_sat, paid.buyer_sat].map(|sat| text::thousands(sat.0)),
        None => [String::new(), String::new()],
    };
    let failing = run.record().and_then(Done::failing).unwrap_or_default();
    [mark(run).trim().to_owned(), run.name.clone(), failing, end(run), provider, buyer]
}

fn reasons(runs: &[Run]) -> String {
    let failed = runs.iter().filter(|run| !run.passed());
    let lines = failed.flat_map(|run| {
        let head = format!("\n{} ({})\n", run.name, run.file.display());
        let each = run.reasons().into_iter().map(|why| format!("  {}\n", why.replace('\n', "\n  ")));
        std::iter::once(head).chain(each)
    });
    lines.collect()
}
