//! One signature to an event, ever: what stops the second one.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::common;

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use common::{MATURITY_S, Oracle, levels, ppm, value};
use signer::{
    AttestError, Journal, JournalError, Nonces, Refusal, SignDecision, TornLine, attest, decide_sign,
};

#[test]
fn an_event_is_not_signed_a_second_before_its_maturity() {
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm()).decided(&value(1002));
    let early = oracle.decide(&event, MATURITY_S - 1);
    assert_eq!(early, SignDecision::NotYet { maturity_s: MATURITY_S });
    assert!(matches!(oracle.decide(&event, MATURITY_S), SignDecision::Sign(_)));
}

#[test]
fn the_outcome_is_stored_before_anything_is_signed() {
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm());
    assert_eq!(oracle.decide(&event, MATURITY_S), SignDecision::StoreOutcome);
}

#[test]
fn what_is_signed_is_not_signed_again() {
    let mut oracle = Oracle::new();
    let mut event = oracle.announced(ppm()).decided(&value(1002));
    oracle.sign(&event);
    event.row.attested = true;
    assert_eq!(oracle.decide(&event, MATURITY_S + 1), SignDecision::AlreadySigned);
}

#[test]
fn after_a_crash_between_journal_and_attestation_the_same_signatures_come_again() {
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm()).decided(&value(1002));
    let first = oracle.sign(&event);
    let mut oracle = oracle.restart(|_| {});
    assert_eq!(oracle.sign(&event), first);
}

#[test]
fn another_outcome_is_never_authorised() {
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm()).decided(&value(1002));
    // Two calls that both saw the event unsigned, with different outcomes.
    let first = oracle.cleared(&event);
    let event = event.decided(&value(1003));
    let second = oracle.cleared(&event);
    let _permit = oracle.journal.authorise(first).unwrap();
    assert!(matches!(oracle.journal.authorise(second), Err(JournalError::OtherOutcome { .. })));
    assert_eq!(oracle.decide(&event, MATURITY_S), SignDecision::Refuse(Refusal::OtherOutcome));
    // Neither a restart nor the operator's word changes that.
    let mut oracle = oracle.restart(|_| {});
    oracle.journal.trust_database(&[(event.row.event_id.clone(), event.row.commitment)], 0).unwrap();
    assert_eq!(oracle.decide(&event, MATURITY_S), SignDecision::Refuse(Refusal::OtherOutcome));
}

#[test]
fn yesterdays_database_with_a_forgotten_outcome_is_refused_until_the_operators_word() {
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm());
    let yesterday = event.row.clone();
    let event = event.decided(&value(1002));
    let first = oracle.sign(&event);
    let view = oracle.journal.view(&event.row.event_id);
    assert_eq!(decide_sign(&yesterday, &view, MATURITY_S), SignDecision::Refuse(Refusal::OutcomeMissing));

    oracle.journal.trust_database(&[(yesterday.event_id.clone(), yesterday.commitment)], 0).unwrap();
    let view = oracle.journal.view(&event.row.event_id);
    assert_eq!(decide_sign(&yesterday, &view, MATURITY_S), SignDecision::StoreOutcome);
    assert_eq!(oracle.sign(&event), first, "the one outcome that may be signed is the one that was");
}

#[test]
fn yesterdays_database_that_lacks_only_samples_is_refused_by_its_mark() {
    let mut oracle = Oracle::new();
    let mut event = oracle.announced(ppm()).decided(&value(1002));
    event.row.database_mark = 4;
    oracle.journal.mark(4).unwrap();
    assert!(matches!(oracle.decide(&event, MATURITY_S), SignDecision::Sign(_)));
    oracle.journal.mark(5).unwrap();
    let stale = Refusal::StaleDatabase { database_mark: 4, journal_mark: 5 };
    assert_eq!(oracle.decide(&event, MATURITY_S), SignDecision::Refuse(stale.clone()));
    let mut oracle = oracle.restart(|_| {});
    assert_eq!(oracle.decide(&event, MATURITY_S), SignDecision::Refuse(stale));

    oracle.journal.trust_database(&[(event.row.event_id.clone(), event.row.commitment)], 4).unwrap();
    assert!(matches!(oracle.decide(&event, MATURITY_S), SignDecision::Sign(_)));
    assert!(matches!(oracle.journal.mark(3), Err(JournalError::MarkWentBack { mark: 3, newest: 4 })));
}

#[test]
fn a_wiped_database_cannot_announce_the_event_again_with_fresh_nonces() {
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm());
    let again = oracle.prepared(ppm());
    assert_ne!(again.row.commitment, event.row.commitment);
    let refused = oracle.journal.announce(&again.row.event_id, again.row.commitment);
    assert!(matches!(refused, Err(JournalError::OtherAnnouncement { .. })));
    assert_eq!(oracle.journal.missing(|_| false), std::slice::from_ref(&event.row.event_id));
    // The operator's word does not help here either: two announcements of one event stay forbidden.
    let refused = oracle.journal.trust_database(&[(again.row.event_id.clone(), again.row.commitment)], 0);
    assert!(matches!(refused, Err(JournalError::OtherAnnouncement { .. })));
    let again = again.decided(&value(0));
    assert_eq!(oracle.decide(&again, MATURITY_S), SignDecision::Refuse(Refusal::OtherAnnouncement));
    // The announcement that was made may be repeated.
    oracle.journal.announce(&event.row.event_id, event.row.commitment).unwrap();
}

#[test]
fn a_lost_journal_is_noticed() {
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm()).decided(&value(1002));
    let mut oracle = oracle.restart(|path| fs::remove_file(path).unwrap());
    assert_eq!(oracle.decide(&event, MATURITY_S), SignDecision::Refuse(Refusal::NotInJournal));
    oracle.journal.trust_database(&[(event.row.event_id.clone(), event.row.commitment)], 0).unwrap();
    oracle.sign(&event);
}

#[test]
fn a_permit_is_good_for_its_own_event_nonces_and_key_only() {
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm()).decided(&value(1002));
    let other = oracle.announced(levels()).decided(&terms::Outcome::Level("kept".to_owned()));
    let permit = |oracle: &mut Oracle| oracle.journal.authorise(oracle.cleared(&event)).unwrap();

    let first = permit(&mut oracle);
    let refused = attest(&oracle.key, first, oracle.nonces(&other), &other.announcement);
    assert_eq!(refused, Err(AttestError::Announcement));
    // The same event, announced once more with other nonces: the pair that would reveal the key.
    let twin = oracle.prepared(ppm());
    let for_twin = permit(&mut oracle);
    let refused = attest(&oracle.key, for_twin, oracle.nonces(&twin), &twin.announcement);
    assert_eq!(refused, Err(AttestError::Announcement));
    let second = permit(&mut oracle);
    let refused = attest(&oracle.key, second, Nonces::generate(20).unwrap(), &event.announcement);
    assert_eq!(refused, Err(AttestError::Nonces));
    let third = permit(&mut oracle);
    let refused = attest(&Oracle::new().key, third, oracle.nonces(&event), &event.announcement);
    assert_eq!(refused, Err(AttestError::Key));
}

#[test]
fn an_outcome_that_was_not_announced_is_not_signed() {
    let mut oracle = Oracle::new();
    let digits = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
    for outcome in [digits(&"0".repeat(19)), digits(&"0".repeat(21)), digits(&"2".repeat(20)), vec![]] {
        let mut oracle = Oracle::new();
        let mut event = oracle.announced(ppm());
        event.row.outcome = Some(outcome.clone());
        let permit = oracle.journal.authorise(oracle.cleared(&event)).unwrap();
        let refused = attest(&oracle.key, permit, oracle.nonces(&event), &event.announcement);
        assert!(matches!(refused, Err(AttestError::Check(_))), "{outcome:?}");
    }
    let mut event = oracle.announced(levels());
    event.row.outcome = Some(vec!["late".to_owned()]);
    let permit = oracle.journal.authorise(oracle.cleared(&event)).unwrap();
    let refused = attest(&oracle.key, permit, oracle.nonces(&event), &event.announcement);
    assert!(matches!(refused, Err(AttestError::Check(_))));
}

#[test]
fn a_torn_last_line_is_cut_off_at_every_byte_and_reported() {
    let mut oracle = Oracle::new();
    let event = oracle.announced(ppm()).decided(&value(1002));
    let before = fs::read(oracle.journal_path()).unwrap();
    oracle.sign(&event);
    let after = fs::read(oracle.journal_path()).unwrap();
    let path = oracle.journal_path();
    let Oracle { folder: _folder, key, journal } = oracle;
    drop(journal);
    for length in before.len() + 1..after.len() {
        fs::write(&path, &after[..length]).unwrap();
        let (journal, torn) = Journal::open(&path, &key).unwrap();
        assert_eq!(torn, Some(TornLine { line: 3, bytes: (length - before.len()) as u64 }));
        assert_eq!(journal.view(&event.row.event_id).authorised, None);
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_changed_line_is_named_wherever_it_is() {
    let mut oracle = Oracle::new();
    for mark in 1..5 {
        oracle.journal.mark(mark).unwrap();
    }
    let sound = fs::read_to_string(oracle.journal_path()).unwrap();
    let path = oracle.journal_path();
    let Oracle { folder: _folder, key, journal } = oracle;
    drop(journal);
    let corrupt = |text: &str| {
        fs::write(&path, text).unwrap();
        match Journal::open(&path, &key) {
            Err(JournalError::Corrupt { line, .. }) => line,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(corrupt(&sound.replace("\"mark\":2", "\"mark\":9")), 4, "the line after it no longer follows");
    let without_third: Vec<_> =
        sound.lines().enumerate().filter(|(i, _)| *i != 2).map(|(_, line)| line).collect();
    assert_eq!(corrupt(&(without_third.join("\n") + "\n")), 3);
    let first = sound.lines().next().unwrap();
    assert_eq!(corrupt(&format!("{}\n", first.replace("\"v\":1", "\"v\":2"))), 1);
    assert_eq!(corrupt(&format!("{sound}garbage\n")), 6);
    assert_eq!(corrupt(""), 1);
    assert_eq!(corrupt(&"x".repeat(10_000)), 1);
}

#[test]
fn the_journal_is_one_keys_and_one_processs() {
    let oracle = Oracle::new();
    assert!(matches!(Journal::open(&oracle.journal_path(), &oracle.key), Err(JournalError::Locked { .. })));
    let path = oracle.journal_path();
    let Oracle { folder: _folder, key, journal } = oracle;
    drop(journal);
    let other = Oracle::new();
    assert!(matches!(Journal::open(&path, &other.key), Err(JournalError::OtherKey { .. })));
    assert!(Journal::open(&path, &key).is_ok());
}

#[test]
fn a_mark_is_written_once() {
    let mut oracle = Oracle::new();
    oracle.journal.mark(7).unwrap();
    let length = fs::metadata(oracle.journal_path()).unwrap().len();
    oracle.journal.mark(7).unwrap();
    assert_eq!(fs::metadata(oracle.journal_path()).unwrap().len(), length);
    assert_eq!(oracle.journal.newest_mark(), 7);
    // What another process appended in spite of the lock is found when the journal is opened again.
    let mut file = OpenOptions::new().append(true).open(oracle.journal_path()).unwrap();
    file.write_all(b"{\"prev\":\"\"}\n").unwrap();
    let path = oracle.journal_path();
    let Oracle { folder: _folder, key, journal } = oracle;
    drop(journal);
    assert!(matches!(Journal::open(&path, &key), Err(JournalError::Corrupt { line: 3, .. })));
}
