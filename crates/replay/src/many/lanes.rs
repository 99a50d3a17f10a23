//! Several runs at the same time, each lane taking the next scenario when it is free.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::Pid;
use tokio::task::JoinSet;

use super::Order;
use super::child::{self, Running};
use super::names;
use super::result::{Run, Verdict};
use super::screen::Screen;

/// What the lanes share.
struct Shared {
    order: Order,
    screen: Screen,
    state: Mutex<State>,
}

struct State {
    waiting: VecDeque<(usize, String)>,
    running: BTreeMap<usize, Pid>,
    done: BTreeMap<usize, Run>,
    interrupted: bool,
}

/// Runs everything. `None` when it was interrupted; whatever was started has ended then.
pub(super) async fn run(
    order: &Order,
    interrupted: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Option<Vec<Run>>> {
    let names = names::names(&order.roots, &order.files);
    let state = State {
        waiting: names.into_iter().enumerate().collect(),
        running: BTreeMap::new(),
        done: BTreeMap::new(),
        interrupted: false,
    };
    let screen = Screen::new(order.files.len(), order.jobs);
    let shared = Arc::new(Shared { order: order.clone(), screen, state: Mutex::new(state) });
    let mut lanes = JoinSet::new();
    for lane in 0..order.jobs {
        lanes.spawn(Arc::clone(&shared).work(lane));
    }
    tokio::pin!(interrupted);
    let mut listening = true;
    loop {
        tokio::select! {
            joined = lanes.join_next() => match joined {
                Some(worked) => worked?,
                None => break,
            },
            came = &mut interrupted, if listening => {
                came?;
                listening = false;
                shared.interrupt();
            }
        }
    }
    shared.screen.finish();
    let mut state = shared.state();
    let done = std::mem::take(&mut state.done);
    Ok((!state.interrupted).then(|| done.into_values().collect()))
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until nothing waits any more.
    async fn work(self: Arc<Self>, lane: usize) {
        while let Some((number, name)) = self.next() {
            self.screen.begins(lane, &name);
            let run = self.one(number, &name, lane).await;
            self.screen.ends(lane, &run);
            let mut state = self.state();
            state.running.remove(&number);
            state.done.insert(number, run);
        }
        self.screen.rests(lane);
    }

    fn next(&self) -> Option<(usize, String)> {
        let mut state = self.state();
        if state.interrupted { None } else { state.waiting.pop_front() }
    }

    async fn one(&self, number: usize, name: &str, lane: usize) -> Run {
        let file = &self.order.files[number];
        let ended = match Running::start(&self.order, name, file, lane) {
            Ok(running) => {
                self.note(number, running.process());
                running.end().await
            }
            Err(error) => Err(error),
        };
        ended.unwrap_or_else(|error| Run {
            name: name.to_owned(),
            file: file.clone(),
            took: std::time::Duration::ZERO,
            page: None,
            verdict: Verdict::Broke(format!("{error:#}")),
        })
    }

    /// Remembers whom to end. One that was started while the interrupt came is ended at once.
    fn note(&self, number: usize, process: Option<Pid>) {
        let mut state = self.state();
        if let Some(process) = process {
            state.running.insert(number, process);
            if state.interrupted {
                child::ask_to_end(process);
            }
        }
    }

    fn interrupt(&self) {
        let mut state = self.state();
        state.interrupted = true;
        state.running.values().copied().for_each(child::ask_to_end);
    }
}
