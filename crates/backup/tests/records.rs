//! What the keeper of a target, or an accident, can do to a record: nothing that is not noticed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use backup::{
    BackupError, BackupKey, EnvelopeRecord, EscrowRecord, EventRecord, Live, NodeRecord, WalletPlace,
};
use proptest::prelude::*;
use terms::Hex32;

fn key() -> BackupKey {
    BackupKey::from_secret(&[7; 32])
}

fn record(escrow: u8) -> EscrowRecord {
    let envelope = |seq: u64| EnvelopeRecord {
        seq,
        id: Hex32([seq as u8; 32]),
        ours: seq.is_multiple_of(2),
        delivered: true,
        text: format!("{{\"seq\":{seq}}}"),
    };
    let event = |seq: u64| EventRecord { seq, at: 1_000 + seq, name: "opened".into(), json: "{}".into() };
    EscrowRecord {
        v: 1,
        network: "regtest".into(),
        escrow: Hex32([escrow; 32]),
        counterparty: Hex32([2; 32]),
        peer_url: Some("http://provider.example:7811".into()),
        offer_id: Some(Hex32([3; 32])),
        renews: None,
        announcements: vec![],
        envelopes: (1..4).map(envelope).collect(),
        events: (0..2).map(event).collect(),
    }
}

fn open(key: &BackupKey, file: &str, sealed: &[u8]) -> Result<EscrowRecord, BackupError> {
    EscrowRecord::open(key, file, sealed, "regtest")
}

#[test]
fn a_record_comes_back_as_it_was() {
    let (key, record) = (key(), record(1));
    let sealed = record.seal(&key).unwrap();
    assert_eq!(open(&key, &key.escrow_file(record.escrow), &sealed).unwrap(), record);
    assert_eq!(record.revision(), 2);
}

#[test]
fn neither_a_file_nor_its_name_tells_whose_it_is() {
    let (key, record) = (key(), record(1));
    let sealed = record.seal(&key).unwrap();
    for told in [&b"regtest"[..], b"provider.example", b"opened", record.escrow.to_string().as_bytes()] {
        assert!(!sealed.windows(told.len()).any(|window| window == told));
    }
    let file = key.escrow_file(record.escrow);
    assert!(!file.contains(&record.escrow.to_string()[..16]), "{file}");
    assert!(key.names_escrow(&file) && !key.names_escrow(&key.node_file()));
    assert!(!BackupKey::from_secret(&[8; 32]).names_escrow(&file), "another node's");
    assert_ne!(sealed, record.seal(&key).unwrap(), "the same record is never sealed the same twice");
}

#[test]
fn every_changed_byte_and_every_cut_is_refused_by_name() {
    let (key, record) = (key(), record(1));
    let file = key.escrow_file(record.escrow);
    let sealed = record.seal(&key).unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        let refused = open(&key, &file, &changed).unwrap_err();
        assert!(refused.to_string().starts_with(&file), "{refused}");
        assert!(open(&key, &file, &sealed[..at]).is_err(), "cut after {at} bytes");
    }
    let longer = [sealed.as_slice(), b"x"].concat();
    assert!(matches!(open(&key, &file, &longer), Err(BackupError::Refused { .. })));
}

#[test]
fn another_escrows_another_seeds_and_another_networks_record_are_refused() {
    let key = key();
    let (one, two) = (record(1), record(2));
    let (file, other) = (key.escrow_file(one.escrow), two.seal(&key).unwrap());
    assert!(matches!(open(&key, &file, &other), Err(BackupError::Refused { name }) if name == file));
    let foreign = one.seal(&BackupKey::from_secret(&[8; 32])).unwrap();
    assert!(matches!(open(&key, &file, &foreign), Err(BackupError::Refused { .. })));
    let refused = EscrowRecord::open(&key, &file, &one.seal(&key).unwrap(), "mainnet");
    assert!(matches!(refused, Err(BackupError::OtherNetwork { .. })), "{refused:?}");
}

#[test]
fn a_record_with_a_gap_is_refused() {
    let key = key();
    type Break = fn(&mut EscrowRecord);
    let gaps: [(Break, &str); 4] = [
        (|record| record.events.clear(), "events"),
        (|record| record.events[1].seq = 2, "events"),
        (|record| record.envelopes[0].seq = 0, "envelopes"),
        (|record| record.v = 2, "v"),
    ];
    for (break_it, expected) in gaps {
        let mut record = record(1);
        break_it(&mut record);
        let refused = open(&key, &key.escrow_file(record.escrow), &record.seal(&key).unwrap());
        assert!(matches!(refused, Err(BackupError::Field { field, .. }) if field == expected), "{refused:?}");
    }
}

#[test]
fn the_nodes_own_record_tells_the_revisions_that_were_kept() {
    let (key, escrow) = (key(), Hex32([1; 32]));
    let wallet = WalletPlace { birth_height: 840_000, receive_index: Some(4), change_index: None };
    let escrows = vec![Live { escrow, revision: 9 }];
    let record = NodeRecord {
        v: 1,
        network: "regtest".into(),
        key: Hex32([5; 32]),
        identity_index: 3,
        wallet,
        escrows,
        breaches: Vec::new(),
    };
    let read = NodeRecord::open(&key, &record.seal(&key).unwrap(), "regtest").unwrap();
    assert_eq!(read, record);
    assert_eq!((read.listed(escrow), read.listed(Hex32([2; 32]))), (Some(9), None));
    assert!(NodeRecord::open(&key, &self::record(1).seal(&key).unwrap(), "regtest").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Around the borders of the chunks (1 MiB), where a stream is cut.
    #[test]
    fn what_is_sealed_opens_and_what_is_shortened_does_not(chunks in 0..3_usize, around in 0..3_usize, cut in 1..40_usize) {
        let size = ((chunks << 20) + around).saturating_sub(1);
        let plain = vec![0x5a; size];
        let mut sealed = Vec::new();
        backup::seal(&key(), "label", &mut plain.as_slice(), &mut sealed).unwrap();
        let mut opened = Vec::new();
        backup::open(&key(), "label", &mut sealed.as_slice(), &mut opened).unwrap();
        prop_assert!(opened == plain);
        let short = &sealed[..sealed.len() - cut.min(sealed.len())];
        prop_assert!(backup::open(&key(), "label", &mut &*short, &mut Vec::new()).is_err());
        prop_assert!(backup::open(&key(), "other", &mut sealed.as_slice(), &mut Vec::new()).is_err());
    }
}
