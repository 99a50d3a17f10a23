//! In simulated time one thing happens after the other, and most of the time goes into waking the next process. On one
//! CPU that takes half as long as across two.

use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Keeps this thread, and every process and thread that it starts from now on, on one CPU. Replays that run side by
/// side spread over the CPUs by their turns, or where they know of none by their process ids. Where the system
/// refuses, the replay is only slower.
pub(crate) fn stay(turn: Option<usize>) {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let cpus: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
    let turn = turn.unwrap_or(std::process::id() as usize);
    let Some(turn) = turn.checked_rem(cpus.len()) else { return };
    let mut one = CpuSet::new();
    one.set(cpus[turn]);
    let _ = sched_setaffinity(None, &one);
}

/// Asks the system to end this process, as SIGTERM does, when the one that started it is killed. Where the system
/// refuses, it runs to its own end.
pub(crate) fn end_with_parent() {
    let _ = set_parent_process_death_signal(Some(Signal::TERM));
}
