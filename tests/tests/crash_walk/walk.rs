//! Which points are walked, and walking them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use blackbox::{Mortal, Setting, World};
use tempfile::TempDir;

use crate::lives::Life;

/// How many lives a victim may outlive.
const LIVES: usize = 3;
/// One point of so many may be of a life that does not come back. More would be a walk that leaves out what matters.
const OUTLIVED_OF: usize = 50;

/// One thing to do: live a life in which the victim dies at a point, or notes them all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Walk {
    life: Life,
    victim: &'static str,
    point: String,
}

impl Walk {
    fn name(&self) -> String {
        format!("{}/{}/{}", self.life.name(), self.victim, self.point)
    }
}

/// Records every life, walks its points, and tells how many they were.
///
/// # Panics
/// When there are no points, or when any of the walks ends differently.
pub fn everything(at_once: usize) {
    let began = Instant::now();
    let wanted = std::env::var("CRASH_WALK").unwrap_or_default();
    let lives: Vec<(Life, &'static str)> = Life::ALL
        .into_iter()
        .flat_map(|life| life.victims().iter().map(move |victim| (life, *victim)))
        .collect();
    let lives: Vec<_> = lives.into_iter().filter(|(life, victim)| matter(*life, victim, &wanted)).collect();
    let recorded = side_by_side(at_once, &lives, |(life, victim)| record(*life, victim));
    let mut hits = BTreeMap::<Life, usize>::new();
    let mut known = BTreeSet::new();
    let mut walks = Vec::new();
    for ((life, victim), points) in lives.iter().zip(recorded) {
        let points = points.unwrap_or_else(|why| panic!("{}, undisturbed: {why}", life.name()));
        *hits.entry(*life).or_default() += points.len();
        let is_new = |name: &str| !known.contains(&(*victim, name.to_owned()));
        let walk = |point| Walk { life: *life, victim, point };
        walks.extend(chosen(&points, is_new).into_iter().map(walk));
        known.extend(points.iter().map(|point| (*victim, name_of(point).to_owned())));
    }
    walks.retain(|walk| walk.name().starts_with(&wanted));
    let ended = side_by_side(at_once, &walks, walk);
    let (mut failed, mut outlived) = (Vec::new(), Vec::new());
    for (walk, ended) in walks.iter().zip(ended) {
        match ended {
            Ok(true) => (),
            Ok(false) => outlived.push(walk.name()),
            Err(why) => failed.push(format!("--- {}\n{why}", walk.name())),
        }
    }
    say(&format!(
        "crash walk: {} crash points walked (in each life every name that none before it has, its first and last time, \
         but once where two are the same, of {} hits) in {} lives of {} processes, {} failed, {} not reached again, in {} s: {}",
        walks.len(),
        hits.values().sum::<usize>(),
        hits.len(),
        lives.len(),
        failed.len(),
        outlived.len(),
        began.elapsed().as_secs(),
        by_life(&walks, &hits)
    ));
    assert!(failed.is_empty(), "{} of {} walks failed:\n{}", failed.len(), walks.len(), failed.join("\n"));
    assert!(outlived.len() * OUTLIVED_OF <= walks.len(), "not reached in {LIVES} lives: {outlived:?}");
}

/// How many points of how many hits were walked in each life.
fn by_life(walks: &[Walk], hits: &BTreeMap<Life, usize>) -> String {
    let count = |life: &Life| walks.iter().filter(|walk| walk.life == *life).count();
    let told = |(life, hits): (&Life, &usize)| format!("{} {} of {hits}", life.name(), count(life));
    hits.iter().map(told).collect::<Vec<_>>().join(", ")
}

/// Whether points of this process in this life can be among those that are wanted.
fn matter(life: Life, victim: &str, wanted: &str) -> bool {
    let name = format!("{}/{victim}/", life.name());
    name.starts_with(wanted) || wanted.starts_with(&name)
}

/// The test harness swallows what a test that passes prints, but not this.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Does something with each of some things, several at a time. What panics is an error with its message.
fn side_by_side<T: Sync, R: Send>(
    at_once: usize,
    things: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Result<R, String>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let (at, Some(thing)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    (at, things.get(at))
                } {
                    let ended = catch_unwind(AssertUnwindSafe(|| work(thing))).map_err(|why| message(&*why));
                    done.lock().expect("nobody panics with it").insert(at, ended);
                }
            });
        }
    });
    done.into_inner().expect("nobody panics with it").into_values().collect()
}

fn message(why: &(dyn std::any::Any + Send)) -> String {
    let text = why.downcast_ref::<String>().map(String::as_str);
    text.or(why.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

/// The oracle writes each sample at once: those that were not written when it is killed are lost, and here it is killed.
async fn world(life: Life) -> World {
    World::with(Setting { oracle: "[probe]\nflush_every_s = 1\n".to_owned(), ..life.setting() }).await
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads can be had")
}

/// Lives a life undisturbed. Returns every point that the victim reached, in order, as `NAME#K`.
fn record(life: Life, victim: &'static str) -> Vec<String> {
    let log = Log::default();
    runtime().block_on(async {
        let mut mortal = Mortal::recorded(world(life).await, victim, log.path()).await;
        life.live(&mut mortal).await;
    });
    let points = log.points();
    assert!(
        !points.is_empty(),
        "the {victim} has no crash points; build with them: \
         cargo build --bins --features earnest/crash-points,earnest-oracle/crash-points"
    );
    points
}

/// Where a victim notes the points that it reaches.
struct Log(TempDir);

impl Default for Log {
    fn default() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }
}

impl Log {
    fn path(&self) -> PathBuf {
        self.0.path().join("points")
    }

    fn points(&self) -> Vec<String> {
        let points = std::fs::read_to_string(self.path()).unwrap_or_default();
        points.lines().map(str::to_owned).collect()
    }
}

/// The points that are walked: every new name, and of one that is reached often its first and last time. These are
/// the looks at the chain and what the wallet learned from one block, which come every minute and are all alike.
///
/// One that begins an effect is left out right behind one that is walked and ended an effect: nothing that outlives the
/// process happened in between, so to die at either is the same.
fn chosen(points: &[String], is_new: impl Fn(&str) -> bool) -> Vec<String> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for point in points {
        *counts.entry(name_of(point)).or_default() += 1;
    }
    let mut chosen: Vec<String> = Vec::new();
    let mut ended = false;
    for point in points {
        let (name, count) = point.rsplit_once('#').expect("a point has a count");
        let (count, all): (usize, usize) = (count.parse().expect("is a number"), counts[name]);
        let is_same = ended && is_one_of(name, &["commit.within", "send.before", "broadcast.before"]);
        let is_walked = is_new(name) && (count == 1 || count == all) && !is_same;
        ended = is_walked && is_one_of(name, &["commit.after", "send.after", "broadcast.after"]);
        chosen.extend(is_walked.then(|| point.clone()));
    }
    chosen
}

fn is_one_of(name: &str, kinds: &[&str]) -> bool {
    kinds
        .iter()
        .any(|kind| name.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
}

fn name_of(point: &str) -> &str {
    point.rsplit_once('#').expect("a point has a count").0
}

/// Lives a life until its victim has died in it, [`LIVES`] times at most. Returns whether it has.
///
/// How often a name is reached, and rarely whether it is, differs from life to life: two changes that come at the same
/// moment are one commit or two. Who was not killed at the last time of one life is killed at the last time of the life
/// that it had instead.
///
/// # Panics
/// When a life ends differently.
fn walk(walk: &Walk) -> bool {
    let mut point = walk.point.clone();
    for _ in 0..LIVES {
        let log = Log::default();
        let died = runtime().block_on(async {
            let world = world(walk.life).await;
            let mut mortal = Mortal::doomed_and_recorded(world, walk.victim, &point, log.path()).await;
            walk.life.live(&mut mortal).await;
            !mortal.is_doomed()
        });
        if died {
            return true;
        }
        let again = log.points().into_iter().rfind(|reached| name_of(reached) == name_of(&walk.point));
        point = again.unwrap_or(point);
    }
    false
}
