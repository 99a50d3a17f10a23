//! In simulated time one thing happens after the other, and most of the time goes into waking the next process. On one
//! CPU that takes half as long as across two.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Keeps this thread, and every process and thread that it starts from now on, on one CPU. Replays that run side by
/// side spread over the CPUs by their process ids. Where the system refuses, the replay is only slower.
pub(crate) fn stay() {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let cpus: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
    let Some(turn) = (std::process::id() as usize).checked_rem(cpus.len()) else { return };
    let mut one = CpuSet::new();
    one.set(cpus[turn]);
    let _ = sched_setaffinity(None, &one);
}
