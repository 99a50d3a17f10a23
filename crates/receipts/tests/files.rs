//! An exported file verifies; whatever is done to it is found, and where.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use receipts::{
    Batch, Chain, Fault, Line, Movement, Payee, Purpose, Record, csv, export, reconcile, redact, verify,
};
use secp256k1_zkp::{Keypair, SECP256K1};
use terms::{Hex32, Sat, UnixSeconds};

fn key(number: u8) -> Keypair {
    Keypair::from_seckey_slice(SECP256K1, &[number; 32]).unwrap()
}

fn public(number: u8) -> Hex32 {
    Hex32(key(number).x_only_public_key().0.serialize())
}

fn movement(number: u64) -> Movement {
    Movement {
        at: UnixSeconds(1_767_225_600 + number),
        paid_to: if number.is_multiple_of(2) { Payee::Miners } else { Payee::Party(Hex32([7; 32])) },
        sat: Sat(1_000 + number),
        purpose: Purpose::Settlement,
        escrow: Some(Hex32([1; 32])),
        txid: Some(Hex32([2; 32])),
        terms_hash: None,
        attestation: None,
        corrects: None,
    }
}

/// So many lines, of which every `each` become a batch; the last ones have none.
fn book(lines: u64, each: u64) -> (Vec<Line>, Vec<Batch>) {
    let mut chain = Chain::EMPTY;
    let salt = |number: u64| [u8::try_from(number % 251).unwrap() + 1; 32];
    let lines: Vec<Line> = (0..lines).map(|number| chain.append(movement(number), salt(number))).collect();
    let mut batches: Vec<Batch> = Vec::new();
    for chunk in lines.chunks_exact(usize::try_from(each).unwrap()) {
        let batch = Batch::over(chunk, batches.last(), UnixSeconds(1_767_226_200), &key(1));
        batches.push(batch.unwrap());
    }
    (lines, batches)
}

fn file(lines: u64, each: u64) -> String {
    let (lines, batches) = book(lines, each);
    export(&lines, &batches, UnixSeconds(1_767_230_000), &key(1))
}

fn faults(text: &str) -> Vec<(usize, Fault)> {
    verify(text, &[]).findings.into_iter().map(|finding| (finding.line, finding.fault)).collect()
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_file_as_it_was_exported_has_nothing_wrong_also_when_it_is_empty() {
    for (lines, each) in [(0, 1), (1, 1), (7, 3), (9, 3), (40, 10)] {
        let report = verify(&file(lines, each), &[public(1)]);
        assert_eq!(report.findings, [], "{lines} lines, {each} a batch");
        assert_eq!((report.receipts, report.open, report.batches), (lines, lines, lines / each));
        assert_eq!(report.keys, [public(1)]);
    }
}

#[test]
fn somebody_elses_signature_is_found_where_a_key_is_asked_for() {
    let wrong = verify(&file(4, 2), &[public(2)]).findings;
    assert_eq!(wrong.len(), 3, "two batches and the end: {wrong:?}");
    assert!(wrong.iter().all(|finding| finding.fault == Fault::OtherKey { key: public(1) }));
}

#[test]
fn single_lines_can_be_opened_while_the_others_say_nothing() {
    let whole = file(6, 3);
    let one = redact(&whole, &BTreeSet::from([4])).unwrap();
    let report = verify(&one, &[public(1)]);
    assert_eq!((report.findings.as_slice(), report.receipts, report.open), (&[][..], 6, 1));
    assert!(one.contains("\"sat\":1004") && !one.contains("\"sat\":1003"), "only one amount is told");
    let forged = one.replace("\"sat\":1004", "\"sat\":9004");
    assert_eq!(faults(&forged), [(6, Fault::Edited { seq: 4 })], "and it is the one that was committed to");
}

#[test]
fn the_table_has_a_row_for_each_open_line() {
    let table = csv(&file(3, 3)).unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 4);
    assert!(rows[0].starts_with("seq,at,paid_to,sat,purpose,escrow,txid,"));
    assert!(rows[2].starts_with(&format!("1,1767225601,party:{},1001,settlement,", Hex32([7; 32]))));
    assert_eq!(csv(&table), Err(1), "what is no export is refused, with its line");
}

#[test]
fn dropped_moved_and_repeated_lines_are_named() {
    let lines: Vec<String> = file(6, 3).lines().map(str::to_owned).collect();
    let without = |gone: usize| {
        let rest: Vec<String> =
            (0..lines.len()).filter(|at| *at != gone).map(|at| lines[at].clone()).collect();
        faults(&joined(&rest))
    };
    assert_eq!(without(1)[0], (2, Fault::Missing { from: 1, to: 1 }));
    assert_eq!(without(2)[0], (3, Fault::NotSigned { number: 0, from: 0, to: 2 }));
    assert_eq!(without(3)[0], (7, Fault::BatchOutOfPlace { number: 1 }));
    assert_eq!(without(8), [(9, Fault::NoEnd)]);
    let mut moved = lines.clone();
    moved.swap(0, 1);
    assert_eq!(
        faults(&joined(&moved))[..2],
        [(1, Fault::Missing { from: 0, to: 0 }), (2, Fault::OutOfPlace { seq: 0 })]
    );
    let mut repeated = lines.clone();
    repeated.insert(2, lines[0].clone());
    assert_eq!(faults(&joined(&repeated))[0], (3, Fault::OutOfPlace { seq: 0 }));
}

#[test]
fn corrections_take_back_what_is_not_true_any_more_and_nothing_twice() {
    let now = UnixSeconds(9);
    let (a, b, c) = (movement(1), movement(2), movement(3));
    let first = reconcile(&[], &[a.clone(), b.clone()], now);
    assert_eq!(
        first.iter().map(|line| (line.sat, line.corrects)).collect::<Vec<_>>(),
        [(Sat(1_001), None), (Sat(1_002), None)]
    );
    let mut written: Vec<(u64, Movement)> = (0..).zip(first).collect();
    assert_eq!(reconcile(&written, &[a.clone(), b.clone()], now), [], "nothing has changed");
    for line in reconcile(&written, &[a.clone(), c.clone()], now) {
        written.push((written.len() as u64, line));
    }
    assert_eq!((written[2].1.sat, written[2].1.corrects), (Sat(1_002), Some(1)));
    assert_eq!((written[3].1.sat, written[3].1.corrects), (Sat(1_003), None));
    assert_eq!(reconcile(&written, &[a.clone(), c], now), []);
    let back = reconcile(&written, &[a, b], now);
    assert_eq!(
        back.iter().map(|line| (line.sat, line.corrects)).collect::<Vec<_>>(),
        [(Sat(1_003), Some(3)), (Sat(1_002), None)]
    );
}

/// What can be done to a file.
#[derive(Clone, Debug)]
enum Edit {
    Flip(prop::sample::Index, u8),
    Drop(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index, prop::sample::Index),
    CutOff(prop::sample::Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        3 => (index(), 0..7_u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        1 => index().prop_map(Edit::Drop),
        1 => (index(), index()).prop_map(|(a, b)| Edit::Swap(a, b)),
        1 => (index(), index()).prop_map(|(what, at)| Edit::Insert(what, at)),
        1 => index().prop_map(Edit::CutOff),
    ]
}

/// The file after an edit, and the first and last file lines that can be blamed; `None` where it changed nothing.
fn edited(text: &str, edit: Edit) -> Option<(Vec<u8>, usize, usize)> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let count = lines.len();
    match edit {
        Edit::Flip(at, bit) => {
            let mut bytes = text.as_bytes().to_vec();
            let at = at.index(bytes.len());
            let line = text[..at].matches('\n').count() + 1;
            bytes[at] ^= 1 << bit;
            Some((bytes, line, line))
        }
        Edit::Drop(which) => {
            let which = which.index(count);
            lines.remove(which);
            Some((joined(&lines).into_bytes(), which + 1, count))
        }
        Edit::Swap(a, b) => {
            let (a, b) = (a.index(count), b.index(count));
            lines.swap(a, b);
            (a != b).then(|| (joined(&lines).into_bytes(), a.min(b) + 1, a.max(b) + 1))
        }
        Edit::Insert(what, at) => {
            let (what, at) = (what.index(count), at.index(count + 1));
            lines.insert(at, lines[what].clone());
            Some((joined(&lines).into_bytes(), at.min(what) + 1, count + 1))
        }
        Edit::CutOff(at) => {
            let at = at.index(text.len());
            let line = text[..at].matches('\n').count() + 1;
            // Cut right behind a line that is whole, the next one is missing.
            Some((text.as_bytes()[..at].to_vec(), line, line + 1))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// One bit, one line, one cut: always found, and first where it was done.
    #[test]
    fn whatever_is_done_to_a_file_is_found_and_said_where(lines in 1..14_u64, each in 1..6_u64, edit in edit()) {
        let text = file(lines, each);
        if let Some((bytes, first, last)) = edited(&text, edit) {
            let found = faults(&String::from_utf8_lossy(&bytes));
            prop_assert!(!found.is_empty());
            let line = found[0].0;
            prop_assert!((first..=last).contains(&line), "line {line}, not {first} to {last}: {found:?}");
        }
    }

    /// Somebody without the key who writes the whole chain anew from an edited line on.
    #[test]
    fn a_chain_that_was_written_anew_is_not_the_signed_one(
        lines in 1..14_u64, each in 1..6_u64, which in any::<prop::sample::Index>(), more in 1..9_u64
    ) {
        let (honest, batches) = book(lines, each);
        let which = which.index(honest.len());
        let mut chain = Chain::EMPTY;
        let forged: Vec<Line> = honest.iter().enumerate().map(|(at, line)| {
            let opening = line.opening.clone().unwrap();
            let sat = Sat(opening.movement.sat.0 + if at == which { more } else { 0 });
            chain.append(Movement { sat, ..opening.movement }, opening.salt.0)
        }).collect();
        let mut text = export(&forged, &batches, UnixSeconds(1), &key(1));
        // The end is the honest one: its key is not theirs.
        let end = export(&honest, &batches, UnixSeconds(1), &key(1)).lines().last().unwrap().to_owned();
        let cut = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
        text.replace_range(cut.., &format!("{end}\n"));
        let found = faults(&text);
        let seq = which as u64;
        let named = found.iter().any(|(_, fault)| matches!(
            fault, Fault::NotSigned { from, to, .. } if (*from..=*to).contains(&seq)
        ));
        let batched = seq < batches.len() as u64 * each;
        prop_assert!(if batched { named } else { matches!(found[..], [(_, Fault::OtherEnd { .. })]) }, "{found:?}");
    }

    /// Any bytes at all.
    #[test]
    fn no_input_panics(text in "\\PC{0,200}(\n\\PC{0,80}){0,4}") {
        prop_assert!(!verify(&text, &[]).findings.is_empty());
        let _ = (csv(&text), redact(&text, &BTreeSet::new()), Record::parse(&text));
    }
}
