//! A machine that loses power tears what was being written. What was committed and reached the disk is there when the
//! database is opened again, and of what did not, nothing: never half a transaction.
//!
//! The tests copy the files of a database that is open, damage the copies as a torn write would, and open them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common;

use std::path::Path;

use common::{NETWORK, coin, envelope, event, id, session};
use storage::{Store, StoredEvent};
use tempfile::TempDir;

const TRANSACTIONS: u64 = 3;
/// <https://www.sqlite.org/fileformat2.html#walformat>
const WAL_HEADER: usize = 32;
const FRAME: usize = 24 + 4_096;

/// The files of a database in the middle of its life: nothing of the write-ahead log is in the main file yet.
struct Snapshot {
    main: Vec<u8>,
    wal: Vec<u8>,
    /// How long the log was after each transaction; the first entry is before any.
    ends: Vec<usize>,
    /// The main file once the whole log is in it.
    checkpointed: Vec<u8>,
}

impl Snapshot {
    async fn take() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open(folder.path(), NETWORK).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        tx.open_session(&session(1), 1).await.unwrap();
        tx.commit().await.unwrap();
        let mut ends = vec![read(&folder, "-wal").len()];
        for number in 0..TRANSACTIONS {
            write(&store, number).await;
            ends.push(read(&folder, "-wal").len());
        }
        let (main, wal) = (read(&folder, ""), read(&folder, "-wal"));
        assert!(ends.windows(2).all(|pair| pair[0] < pair[1]), "each transaction only appends: {ends:?}");
        store.close().await;
        Self { main, wal, ends, checkpointed: read(&folder, "") }
    }

    /// How many transactions lie wholly in the first so many bytes of the log.
    fn whole(&self, bytes: usize) -> Option<u64> {
        let fit = self.ends.iter().filter(|end| **end <= bytes).count() as u64;
        fit.checked_sub(1)
    }

    /// Insists on what a database of these files holds: the first `expected` transactions and nothing of the others.
    /// `None` where not even what was there before the first one is left.
    async fn opens(&self, main: &[u8], wal: &[u8], expected: Option<u64>, what: &str) {
        let folder = TempDir::new().unwrap();
        std::fs::write(path(&folder, ""), main).unwrap();
        std::fs::write(path(&folder, "-wal"), wal).unwrap();
        let store =
            Store::open(folder.path(), NETWORK).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let held = [
            store.events(id(1)).await.unwrap().len(),
            store.reservations().await.unwrap().len(),
            store.transcript(id(1)).await.unwrap().len(),
            store.wallet_changes().await.unwrap().len(),
            store.payments().await.unwrap().len(),
        ];
        let expected = expected.unwrap_or(0);
        assert_eq!(held, [usize::try_from(expected).unwrap(); 5], "{what}: whole transactions");
        if store.session(id(1)).await.unwrap().is_some() {
            write(&store, expected).await;
            assert_eq!(store.events(id(1)).await.unwrap().len() as u64, expected + 1, "{what}: it goes on");
        }
        store.close().await;
    }
}

/// One transaction that writes to five tables, over several pages.
async fn write(store: &Store, number: u64) {
    let event = StoredEvent { json: "x".repeat(6_000), ..event(number) };
    let mut tx = store.begin().await.unwrap();
    tx.append_event(id(1), &event).await.unwrap();
    tx.reserve(&coin(u32::try_from(number).unwrap(), id(1))).await.unwrap();
    tx.put_envelope(&envelope(1, number)).await.unwrap();
    tx.append_wallet_change(&"w".repeat(3_000)).await.unwrap();
    tx.put_payment(&id(u8::try_from(number).unwrap()).to_string(), 1, &[1; 300]).await.unwrap();
    tx.commit().await.unwrap();
}

fn path(folder: &TempDir, suffix: &str) -> std::path::PathBuf {
    Path::new(folder.path()).join(format!("earnest.sqlite{suffix}"))
}

fn read(folder: &TempDir, suffix: &str) -> Vec<u8> {
    std::fs::read(path(folder, suffix)).unwrap()
}

/// Every end of a frame, one byte before and after it, and places within.
fn offsets(snapshot: &Snapshot) -> Vec<usize> {
    let frames = (snapshot.wal.len() - WAL_HEADER) / FRAME;
    let first = (snapshot.ends[0] - WAL_HEADER) / FRAME;
    let within = [0, 24, 2_000];
    let mut offsets: Vec<usize> = (first..frames)
        .flat_map(|frame| within.map(|offset| WAL_HEADER + frame * FRAME + offset))
        .filter(|offset| *offset < snapshot.wal.len())
        .collect();
    offsets.push(snapshot.wal.len());
    offsets
}

#[tokio::test]
async fn a_log_that_ends_anywhere_holds_the_whole_transactions_before_its_end() {
    let snapshot = Snapshot::take().await;
    let offsets = offsets(&snapshot);
    assert!(offsets.len() > 50, "{} places", offsets.len());
    for end in offsets {
        let what = format!("the log ends after {end} bytes");
        snapshot.opens(&snapshot.main, &snapshot.wal[..end], snapshot.whole(end), &what).await;
    }
}

/// The file grew, and what belongs there was not written: zeros, or what the disk held before.
#[tokio::test]
async fn a_log_whose_tail_was_never_written_holds_the_whole_transactions_before_it() {
    let snapshot = Snapshot::take().await;
    for (place, end) in offsets(&snapshot).into_iter().enumerate().filter(|(place, _)| place % 4 == 0) {
        for filler in [0x00, 0xff, 0x5a] {
            let mut wal = snapshot.wal.clone();
            wal[end..].fill(filler);
            // What was to be written may begin with the very same bytes.
            let same = wal.iter().zip(&snapshot.wal).take_while(|(one, other)| one == other).count();
            let what = format!("place {place}: {filler:#x} from byte {end} on");
            snapshot.opens(&snapshot.main, &wal, snapshot.whole(same), &what).await;
        }
    }
}

/// Pages reach the disk in any order: one in the middle of a commit is missing, and later ones are there.
#[tokio::test]
async fn a_log_with_a_hole_holds_the_whole_transactions_before_the_hole() {
    let snapshot = Snapshot::take().await;
    for end in offsets(&snapshot).into_iter().filter(|end| *end < snapshot.wal.len()) {
        let mut wal = snapshot.wal.clone();
        wal[end] ^= 0x01;
        let what = format!("bit 0 of byte {end} is flipped");
        snapshot.opens(&snapshot.main, &wal, snapshot.whole(end), &what).await;
    }
}

/// Moving the log into the main file was cut short, anywhere: the log is still there, and is moved again.
#[tokio::test]
async fn a_main_file_torn_while_the_log_is_moved_into_it_loses_nothing() {
    let snapshot = Snapshot::take().await;
    let length = snapshot.checkpointed.len();
    for moved in (0..length).step_by(2_048).chain([1, 100, length - 1, length]) {
        let mut main = snapshot.checkpointed[..moved].to_vec();
        main.extend(snapshot.main.get(moved..).unwrap_or_default());
        let what = format!("{moved} of {length} bytes were moved");
        snapshot.opens(&main, &snapshot.wal, Some(TRANSACTIONS), &what).await;
    }
}
