//! Samples as text, and what is wrong with text that is none.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use ledger::csv::{Columns, CsvError, HEADER, HEADER_WITH_VALUE, Rule, read, write};
use ledger::{Sample, Verdict};
use proptest::prelude::*;
use terms::Decimal;

fn refused(lines: &str) -> CsvError {
    read(format!("{HEADER}\n{lines}").as_bytes()).unwrap_err()
}

#[test]
fn good_bad_and_unknown_are_read_as_they_are_written() {
    let text = format!("{HEADER}\n1000,fra1,1,23\n2000,fra1,0,5000\n3000,fra1,,0\n");
    let samples = read(text.as_bytes()).unwrap();
    let verdicts: Vec<_> = samples.iter().map(|sample| sample.verdict).collect();
    assert_eq!(verdicts, [Verdict::Good, Verdict::Bad, Verdict::Unknown]);
    assert_eq!(write(Columns::Plain, &samples), text);
}

#[test]
fn a_latency_may_be_left_out_where_there_was_no_good_answer() {
    let samples = read(format!("{HEADER}\n1000,fra1,0,\n2000,fra1,,\n").as_bytes()).unwrap();
    assert!(samples.iter().all(|sample| sample.latency_ms == 0));
    let error = refused("1000,fra1,1,\n");
    assert_eq!(error.to_string(), "line 2, column latency_ms: must be there when ok is 1");
}

#[test]
fn an_error_names_its_line_and_column() {
    let good = "1000,fra1,1,23\n";
    let cases = [
        (format!("{good}-5,fra1,1,23\n"), 3, "unix_ms"),
        (format!("{good}+5,fra1,1,23\n"), 3, "unix_ms"),
        (format!("{good}9007199254740992,fra1,1,23\n"), 3, "unix_ms"),
        (format!("{good}{good}1000,,1,23\n"), 4, "vantage"),
        ("1000,a b,1,23\n".to_owned(), 2, "vantage"),
        (format!("1000,{},1,23\n", "v".repeat(65)), 2, "vantage"),
        ("1000,fra1,2,23\n".to_owned(), 2, "ok"),
        ("1000,fra1,true,23\n".to_owned(), 2, "ok"),
        ("1000,fra1,1,4294967296\n".to_owned(), 2, "latency_ms"),
        ("1000,fra1,1,1.5\n".to_owned(), 2, "latency_ms"),
        ("1000,fra1,1\n".to_owned(), 2, "latency_ms"),
        ("1000,fra1,1,23,more\n".to_owned(), 2, "latency_ms"),
    ];
    for (lines, line, column) in cases {
        let error = refused(&lines);
        assert_eq!((error.line, error.column), (line, column), "{lines:?}: {error}");
    }
}

#[test]
fn readings_of_a_metric_are_a_fifth_column() {
    let text = format!("{HEADER_WITH_VALUE}\n1000,fra1,1,23,-12.5\n2000,fra1,0,5000,\n3000,fra1,,0,\n");
    let samples = read(text.as_bytes()).unwrap();
    let values: Vec<_> = samples.iter().map(|sample| sample.value.map(|value| value.to_string())).collect();
    assert_eq!(values, [Some("-12.5".to_owned()), None, None]);
    assert_eq!(write(Columns::WithValue, &samples), text);
    for line in ["1000,fra1,1,23,1.50", "1000,fra1,1,23,1e3", "1000,fra1,0,23,1", "1000,fra1,,,1"] {
        let error = read(format!("{HEADER_WITH_VALUE}\n{line}\n").as_bytes()).unwrap_err();
        assert_eq!((error.line, error.column, error.rule), (2, "value", Rule::Value), "{line}");
    }
    let error = read(format!("{HEADER_WITH_VALUE}\n1000,fra1,0,23\n").as_bytes()).unwrap_err();
    assert_eq!((error.column, error.rule), ("value", Rule::Columns { expected: 5, got: 4 }));
}

#[test]
fn another_header_is_refused() {
    for text in ["", "1000,fra1,1,23\n", "unix_ms,vantage,ok\n"] {
        let error = read(text.as_bytes()).unwrap_err();
        assert_eq!((error.line, error.rule), (1, Rule::Header), "{text:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(
        fields in prop::collection::vec((0..1_u64 << 53, "[A-Za-z0-9._-]{1,64}", 0..3_u8, any::<u32>()), 0..20),
    ) {
        let sample = |(unix_ms, vantage, verdict, latency_ms)| Sample {
            unix_ms,
            vantage,
            verdict: [Verdict::Good, Verdict::Bad, Verdict::Unknown][usize::from(verdict)],
            latency_ms,
            value: (verdict == 0).then(|| Decimal::from(latency_ms)),
        };
        let samples: Vec<_> = fields.into_iter().map(sample).collect();
        prop_assert_eq!(&read(write(Columns::WithValue, &samples).as_bytes()).unwrap(), &samples);
        let without = |sample: &Sample| Sample { value: None, ..sample.clone() };
        let plain: Vec<_> = samples.iter().map(without).collect();
        prop_assert_eq!(read(write(Columns::Plain, &samples).as_bytes()).unwrap(), plain);
    }

    #[test]
    fn any_bytes_give_samples_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = [HEADER.as_bytes(), b"\n", &bytes].concat();
        let _ = read(&text[..]);
        let _ = read(&bytes[..]);
    }
}
