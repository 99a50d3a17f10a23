//! Whether a log goes on from a checkpoint that it signed earlier.
//!
//! A log that is asked to show that it does answers with the root of its first entries, as many as the earlier
//! checkpoint has, and the proof that it begins with these. Where that root is another one, the answer and the two
//! checkpoints prove together, to anybody and for ever, that the log was changed: the later checkpoint commits to the
//! root, and the earlier one to another.

use crate::log::check_consistency;
use crate::{Checkpoint, Digest};

/// What a log answers whoever kept an earlier checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth<'a> {
    /// The root of its first entries, as many as the earlier checkpoint has; none where it has not so many.
    pub root: Option<&'a Digest>,
    /// That it begins with these (RFC 6962, section 2.1.2).
    pub proof: &'a [Digest],
}

/// How a later sight of a log stands to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It goes on from it.
    GoesOn,
    /// Proven: it has other entries in the place of those that it once signed.
    Changed,
    /// It has fewer entries than it once signed. An old page of a cache looks the same.
    Shrank,
    /// It has as many entries or more, and does not show that it goes on, nor that it does not.
    Unshown,
}

/// Compares two checkpoints of one log, whose signatures were checked.
pub fn compare(earlier: &Checkpoint, later: &Checkpoint, growth: Growth<'_>) -> Relation {
    if earlier.size == 0 {
        return Relation::GoesOn;
    }
    if later.size < earlier.size {
        return Relation::Shrank;
    }
    let then =
        if later.size == earlier.size { Some(&later.root) } else { proven_root(earlier, later, growth) };
    match then {
        None => Relation::Unshown,
        Some(root) if *root == earlier.root => Relation::GoesOn,
        Some(_) => Relation::Changed,
    }
}

/// The root of the first entries of the later checkpoint's log, where the answer proves it.
fn proven_root<'a>(earlier: &Checkpoint, later: &Checkpoint, growth: Growth<'a>) -> Option<&'a Digest> {
    let root = growth.root?;
    check_consistency((later.size, &later.root), (earlier.size, root), growth.proof).ok().map(|()| root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Log;
    use crate::log::{Stored, prove_consistency, root_of};

    fn log(history: &str, size: u64) -> (Checkpoint, Stored) {
        let (mut log, mut stored) = (Log::default(), Stored::new());
        for index in 0..size {
            stored.extend(log.append(format!("{history} {index}").as_bytes()).expect("there is room"));
        }
        (Checkpoint { origin: "a log".to_owned(), size, root: log.root() }, stored)
    }

    /// What a log of `size` entries of a history shows to whoever kept `kept` entries of the first history.
    fn shown(kept: u64, history: &str, size: u64) -> Relation {
        let (later, stored) = log(history, size);
        let root = root_of(kept.min(size), &stored).expect("all hashes are there");
        let proof = prove_consistency(size, kept, &stored).unwrap_or_default();
        compare(&log("first", kept).0, &later, Growth { root: Some(&root), proof: &proof })
    }

    #[test]
    fn a_log_may_stay_or_grow() {
        for (kept, size) in [(0, 0), (0, 3), (5, 5), (5, 6), (4, 300), (255, 256), (256, 257)] {
            assert_eq!(shown(kept, "first", size), Relation::GoesOn, "{kept} {size}");
        }
    }

    #[test]
    fn other_entries_in_the_place_of_old_ones_are_proven_whatever_the_sizes() {
        for (kept, size) in [(1, 1), (5, 5), (5, 6), (4, 9), (8, 300), (256, 257)] {
            assert_eq!(shown(kept, "second", size), Relation::Changed, "{kept} {size}");
        }
    }

    #[test]
    fn fewer_entries_are_noticed_whatever_they_are() {
        assert_eq!(shown(5, "first", 4), Relation::Shrank);
        assert_eq!(shown(5, "second", 0), Relation::Shrank);
    }

    #[test]
    fn no_answer_and_a_wrong_answer_show_nothing_either_way() {
        let (earlier, later) = (log("first", 5).0, log("second", 9).0);
        let other = log("third", 5).0.root;
        let proof = prove_consistency(9, 5, &log("second", 9).1).expect("is one");
        for growth in [
            Growth { root: None, proof: &[] },
            Growth { root: None, proof: &proof },
            Growth { root: Some(&earlier.root), proof: &proof },
            Growth { root: Some(&other), proof: &proof },
            Growth { root: Some(&other), proof: &[] },
            Growth { root: Some(&other), proof: &[[7; 32]; 3_000] },
        ] {
            assert_eq!(compare(&earlier, &later, growth), Relation::Unshown, "{:?}", growth.root);
        }
    }
}
