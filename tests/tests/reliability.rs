//! `docs/reliability.md` names a test for every fault, and each of them is there.

use std::path::Path;

const PAGE: &str = include_str!("../../docs/reliability.md");

/// One row of one of the page's tables.
struct Row<'a> {
    fault: &'a str,
    test: &'a str,
    outcome: &'a str,
}

/// The rows below each heading `| fault | test | what happens |`.
fn rows(page: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut in_table = false;
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        in_table = match cells[..] {
            ["fault", "test", "what happens"] => true,
            [fault, test, outcome] if in_table => {
                if !fault.starts_with("---") {
                    rows.push(Row { fault, test, outcome });
                }
                true
            }
            _ => {
                assert!(!(in_table && line.starts_with('|')), "a row has three cells: {line}");
                false
            }
        };
    }
    rows
}

/// What is wrong with a row, if anything is.
fn fault_of(row: &Row<'_>) -> Option<String> {
    if row.fault.is_empty() || row.outcome.is_empty() {
        return Some("an empty cell".to_owned());
    }
    let name = row.test.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    let Some((file, function)) = name.and_then(|name| name.split_once(" :: ")) else {
        return Some(format!("{} is not `file :: test`", row.test));
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let Ok(source) = std::fs::read_to_string(&path) else {
        return Some(format!("there is no file {file}"));
    };
    (!is_test(&source, function)).then(|| format!("{file} has no test {function}"))
}

/// Whether a function of this name stands in the source, with an attribute above it that makes it a test.
fn is_test(source: &str, function: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let declared = |line: &str| {
        let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        rest.and_then(|rest| rest.strip_prefix(function)).is_some_and(|rest| rest.starts_with('('))
    };
    let above = |at: usize| lines[..at].iter().rev().take_while(|line| line.starts_with(['#', '/']));
    let marks = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    (0..lines.len()).any(|at| declared(lines[at]) && above(at).any(marks))
}

#[test]
fn every_fault_on_the_page_has_a_test_that_exists() {
    let rows = rows(PAGE);
    let wrong: Vec<String> =
        rows.iter().filter_map(|row| Some(format!("{:?}: {}", row.fault, fault_of(row)?))).collect();
    assert!(wrong.is_empty(), "docs/reliability.md\n{}", wrong.join("\n"));
    assert!(rows.len() > 100, "the page's tables are read: {} rows", rows.len());
    println!("docs/reliability.md: {} faults, each with its test", rows.len());
}

#[test]
fn a_row_without_its_test_is_named() {
    let row = |test| Row { fault: "a fault", test, outcome: "it ends" };
    let helper = "`tests/tests/reliability.rs :: is_test`";
    let gone = "`tests/tests/reliability.rs :: a_row_without`";
    for (test, why) in [
        (helper, "no test is_test"),
        (gone, "no test a_row_without"),
        ("`none.rs :: x`", "no file"),
        ("x", "not"),
    ] {
        assert!(fault_of(&row(test)).is_some_and(|said| said.contains(why)), "{test}");
    }
    assert_eq!(fault_of(&row("`tests/tests/reliability.rs :: a_row_without_its_test_is_named`")), None);
}
