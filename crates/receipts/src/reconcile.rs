//! What is to be written so that the lines say what is true now.

use terms::UnixSeconds;

use crate::movement::Movement;

/// The movements to append, at `now`: a correction for each line that is not true any more, then what has no line yet.
///
/// `written` are the lines about something, with their numbers; `wanted` is all that is true about it now.
pub fn reconcile(written: &[(u64, Movement)], wanted: &[Movement], now: UnixSeconds) -> Vec<Movement> {
    let corrected = |seq: &u64| written.iter().any(|(_, movement)| movement.corrects == Some(*seq));
    let standing = written.iter().filter(|(seq, movement)| movement.corrects.is_none() && !corrected(seq));
    let mut missing: Vec<&Movement> = wanted.iter().collect();
    let mut appended = Vec::new();
    for (seq, movement) in standing {
        match missing.iter().position(|wanted| wanted.is_same(movement)) {
            Some(place) => {
                missing.remove(place);
            }
            None => appended.push(Movement { at: now, corrects: Some(*seq), ..movement.clone() }),
        }
    }
    appended.extend(missing.into_iter().map(|wanted| Movement { at: now, ..wanted.clone() }));
    appended
}
