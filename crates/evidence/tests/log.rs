//! The log in storage: it grows as the tree in memory does, and what it once said it can always prove.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use evidence::log::{
    Stored, check_consistency, consistency_positions, inclusion_positions, prove_consistency,
    prove_inclusion, root_of,
};
use evidence::{Checkpoint, CheckpointError, Log, LogError, LogKey, TilePath, Tree, verify};
use proptest::prelude::*;

fn leaf(index: u64) -> Vec<u8> {
    format!("leaf {index}").into_bytes()
}

/// A log of so many leaves, with everything that was to be stored.
fn log_of(size: u64) -> (Log, Stored) {
    let (mut log, mut stored) = (Log::default(), Stored::new());
    for index in 0..size {
        stored.extend(log.append(&leaf(index)).unwrap());
    }
    (log, stored)
}

fn tree_of(size: u64) -> Tree {
    let mut tree = Tree::new();
    (0..size).for_each(|index| tree.push(&leaf(index)));
    tree
}

/// Only the hashes that were asked for, as a database would give them.
fn some(stored: &Stored, positions: Vec<u64>) -> Stored {
    positions.into_iter().map(|position| (position, stored[&position])).collect()
}

#[test]
fn an_empty_log_has_the_root_of_nothing() {
    assert_eq!(Log::default().root(), Tree::new().root());
    assert_eq!(Log::resume(0, &Stored::new()), Ok(Log::default()));
}

proptest! {
    #[test]
    fn a_log_in_storage_is_the_tree_in_memory(size in 0_u64..600, more in 1_u64..300) {
        let (log, stored) = log_of(size);
        prop_assert_eq!(log.root(), tree_of(size).root());
        let mut resumed = Log::resume(size, &some(&stored, Log::edge(size))).unwrap();
        prop_assert_eq!(&resumed, &log);
        for index in size..size + more {
            resumed.append(&leaf(index)).unwrap();
        }
        prop_assert_eq!(resumed.root(), tree_of(size + more).root());
    }

    #[test]
    fn every_leaf_is_proved_at_every_size(size in 1_u64..600, pick in any::<prop::sample::Index>()) {
        let (log, stored) = log_of(size);
        let index = pick.index(usize::try_from(size).unwrap()) as u64;
        let hashes = some(&stored, inclusion_positions(size, index).unwrap());
        let proof = prove_inclusion(size, index, &hashes).unwrap();
        prop_assert_eq!(verify(&log.root(), size, index, &leaf(index), &proof), Ok(()));
        prop_assert!(verify(&log.root(), size, index, &leaf(index + 1), &proof).is_err());
    }

    #[test]
    fn a_later_log_begins_with_an_earlier_one_and_with_no_other(older in 1_u64..400, more in 0_u64..400) {
        let newer = older + more;
        let (log, stored) = log_of(newer);
        let old_root = root_of(older, &some(&stored, Log::edge(older))).unwrap();
        prop_assert_eq!(old_root, tree_of(older).root());
        let hashes = some(&stored, consistency_positions(newer, older).unwrap());
        let proof = prove_consistency(newer, older, &hashes).unwrap();
        let check = |root: &[u8; 32]| check_consistency((newer, &log.root()), (older, root), &proof);
        prop_assert_eq!(check(&old_root), Ok(()));
        prop_assert_eq!(check(&[7; 32]), Err(LogError::Inconsistent { older, newer }));
    }

    #[test]
    fn tiles_give_back_the_hashes_of_the_log(size in 1_u64..1_500, pick in any::<prop::sample::Index>()) {
        let (_, stored) = log_of(size);
        let bundle = pick.index(usize::try_from(size.div_ceil(256)).unwrap()) as u64;
        let width = (size - bundle * 256).min(256);
        let partial = if width < 256 { format!(".p/{width}") } else { String::new() };
        let tile = TilePath::parse(&format!("0/{bundle:03}{partial}")).unwrap();
        let positions = tile.positions(size).unwrap();
        prop_assert_eq!(positions.len() as u64, width);
        let mut alone = Tree::new();
        alone.push(&leaf(bundle * 256));
        prop_assert_eq!(stored[&positions[0]], alone.root(), "the hash of one leaf is the root over it");
        let entries = TilePath::parse(&format!("entries/{bundle:03}{partial}")).unwrap();
        prop_assert_eq!(entries.range(size), Some((bundle * 256, width)));
        prop_assert_eq!(tile.positions(bundle * 256), None, "a smaller log has no such tile");
    }

    #[test]
    fn no_path_of_a_tile_is_a_panic(path in "[0-9xp./a-z]{0,40}", size in any::<u64>()) {
        if let Some(tile) = TilePath::parse(&path) {
            let _ = tile.positions(size >> 24);
        }
    }

    #[test]
    fn no_text_is_a_checkpoint_by_accident(text in "\\PC{0,200}") {
        let key = LogKey::from_seed("earnest/test", &[1; 32]).unwrap();
        prop_assert!(Checkpoint::open(key.public(), &text).is_err());
    }
}

#[test]
fn paths_that_the_library_would_panic_on_are_none() {
    for path in
        ["0/000.p/0", "64/000", "255/000", "8/000", "0/x", "0", "entries/000.p/0", "00/000", "0/001/x002"]
    {
        assert_eq!(TilePath::parse(path), None, "{path}");
    }
    let tile = TilePath::parse("1/x001/067.p/8");
    assert_eq!(tile, Some(TilePath::Hashes { level: 1, index: 1_067, width: 8 }));
}

#[test]
fn a_checkpoint_says_what_its_key_signed_and_nothing_else() {
    let key = LogKey::from_seed("earnest/test", &[1; 32]).unwrap();
    let text = key.sign(3, &tree_of(3).root()).unwrap();
    let opened = Checkpoint::open(key.public(), &text).unwrap();
    assert_eq!(opened, Checkpoint { origin: "earnest/test".to_owned(), size: 3, root: tree_of(3).root() });

    let other = LogKey::from_seed("earnest/test", &[2; 32]).unwrap();
    assert_eq!(Checkpoint::open(other.public(), &text), Err(CheckpointError::Signature));
    let more = text.replacen("\n3\n", "\n4\n", 1);
    assert_eq!(Checkpoint::open(key.public(), &more), Err(CheckpointError::Signature));
    assert_eq!(Checkpoint::open("nonsense", &text), Err(CheckpointError::Key));
    assert_eq!(LogKey::from_seed("two words", &[1; 32]).unwrap_err(), CheckpointError::Origin);
}

/// As C2SP's signed-note spells a public key, worked out apart from the library,
/// with the key of RFC 8032's first test vector.
#[test]
fn the_public_key_is_the_one_that_other_verifiers_take() {
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let seed: [u8; 32] = hex::decode(seed).unwrap().try_into().unwrap();
    let key = LogKey::from_seed("earnest.example/log", &seed).unwrap();
    let (name, rest) = key.public().split_once('+').unwrap();
    let (hash, base64) = rest.split_once('+').unwrap();
    assert_eq!(name, "earnest.example/log");
    assert_eq!(base64, "AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea");
    assert_eq!(hash, EXPECTED_HASH);
}

/// The first four bytes of `SHA-256("earnest.example/log" || 0x0a || 0x01 || public key)`.
const EXPECTED_HASH: &str = "49cbeb3a";

#[test]
fn tiles_are_named_as_they_are_read_and_complete_in_their_turn() {
    for (index, path) in [(0, "entries/000"), (67, "entries/067"), (1_234_067, "entries/x001/x234/067")] {
        assert_eq!(TilePath::Entries { index, width: 256 }.path(), path);
        assert_eq!(TilePath::parse(path), Some(TilePath::Entries { index, width: 256 }));
    }
    let tile = TilePath::Hashes { level: 1, index: 1_067, width: 8 };
    assert_eq!(tile.path(), "1/x001/067.p/8");
    assert_eq!(TilePath::completed(0), []);
    assert_eq!(TilePath::completed(511), []);
    assert_eq!(TilePath::completed(512), [TilePath::Hashes { level: 0, index: 1, width: 256 }]);
    let both = TilePath::completed(65_536).iter().map(|tile| tile.path()).collect::<Vec<_>>();
    assert_eq!(both, ["0/255", "1/000"]);
    let growing = TilePath::growing(65_536 + 300).iter().map(|tile| tile.path()).collect::<Vec<_>>();
    assert_eq!(
        growing,
        ["0/x257/000.p/44".replace("x257/000", "257"), "1/001.p/1".into(), "2/000.p/1".into()]
    );
}

#[test]
fn a_tiles_hashes_are_the_logs() {
    let (log, stored) = log_of(600);
    for tile in TilePath::growing(log.size()).into_iter().chain(TilePath::completed(512)) {
        let hashes = tile.hashes(log.size(), &stored).unwrap();
        assert_eq!(hashes.len() as u64, tile.range(log.size()).unwrap().1);
    }
    assert_eq!(TilePath::Hashes { level: 0, index: 3, width: 1 }.hashes(600, &stored), None);
}
