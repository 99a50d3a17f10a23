//! The crash walk: a node is killed at every point between two of its effects, and the money is the same in the end.
//!
//! The binaries must carry the points: `cargo build --bins --features earnest/crash-points,earnest-oracle/crash-points`. Each life is first lived
//! undisturbed, with the victim noting every point that it reaches; then once for each of these, in a world of its own, in
//! which the victim kills itself there and is started again.
//!
//! A life is walked only at the points that no life before it has: they begin alike. Of two points with nothing between
//! them that outlives the process, one is walked.
//!
//! `CRASH_WALK=TEXT` walks only points whose name, as `LIFE/VICTIM/POINT#K`, begins with the text; with the name of a
//! life, all of its points.

mod agreed;
mod bumped;
mod lives;
mod negotiated;
mod ordered;
mod walk;

/// Three worlds at a time, also on two cores: each of them waits now and then.
const AT_ONCE: usize = 3;

#[test]
fn killed_at_every_point_nobody_loses_anything_and_nothing_is_paid_twice() {
    walk::everything(AT_ONCE);
}
