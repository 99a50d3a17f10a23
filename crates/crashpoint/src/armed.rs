//! What the points do in a test build.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};

use rustix::process::{Signal, getpid, kill_process};

use crate::{CRASH_AT, CRASH_LOG};

static POINTS: LazyLock<Mutex<Points>> = LazyLock::new(|| Mutex::new(Points::from_environment()));

/// What was reached so far, and what is to happen.
struct Points {
    reached: BTreeMap<String, u64>,
    fatal: Option<String>,
    log: Option<File>,
}

impl Points {
    fn from_environment() -> Self {
        let log = env::var_os(CRASH_LOG).map(|path| {
            let file = File::options().create(true).append(true).open(&path);
            file.unwrap_or_else(|error| panic!("{CRASH_LOG}: {}: {error}", path.display()))
        });
        Self { reached: BTreeMap::new(), fatal: env::var(CRASH_AT).ok(), log }
    }

    fn reach(&mut self, name: &str) {
        let count = self.reached.entry(name.to_owned()).or_default();
        *count += 1;
        let hit = format!("{name}#{count}");
        if let Some(log) = &mut self.log {
            // One write, straight to the kernel: what it has taken survives the process.
            log.write_all(format!("{hit}\n").as_bytes()).expect("the log of crash points can be written");
        }
        if self.fatal.as_deref() == Some(hit.as_str()) {
            die();
        }
    }
}

/// Notes that a point is reached; does not return where the process is to die.
///
/// # Panics
/// When the log cannot be written: a test that misses points must not pass.
pub fn reach(name: &str) {
    // Held while the process dies, so that no other thread gets to its next point meanwhile.
    POINTS.lock().unwrap_or_else(PoisonError::into_inner).reach(name);
}

fn die() -> ! {
    loop {
        // Can't fail for the own process; and nothing may run after it, so it is tried until it works.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
