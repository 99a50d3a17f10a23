//! How simulated time goes on: the replay holds it, and lets it run from one moment to another.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clock::barrier::Barrier;
use clock::{Busy, Clock, Roused, Wake};
use terms::UnixSeconds;

use crate::progress::Progress;

/// So long, in real time, a step of simulated time may take. A step is at most a block's distance.
const STEP_LIMIT: Duration = Duration::from_secs(180);

/// How often, in real time, simulated time moves when it follows the wall's clock.
const TICK: Duration = Duration::from_millis(100);

/// Simulated time in the replay's own hand.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: Clock,
    busy: Busy,
    /// How many times as fast as the wall's clock time goes; `None` for as fast as it can.
    speed: Option<NonZeroU64>,
    /// Where the wall's clock and the simulated one stood together.
    since: (Instant, u64),
}

impl Pace {
    /// Takes simulated time, and holds it.
    pub(crate) async fn hold(clock: &Clock, speed: Option<NonZeroU64>) -> Self {
        let busy = clock.busy().await;
        Self { clock: clock.clone(), busy, speed, since: (Instant::now(), clock.now_ms()) }
    }

    /// The moment, in whole seconds.
    pub(crate) fn now(&self) -> UnixSeconds {
        UnixSeconds(self.clock.now_s())
    }

    /// Lets time run until a moment: as fast as it can; or, where it follows the wall's clock, a tick at a time, with a
    /// pause that is held by us. Returns early when `wake` is called.
    pub(crate) async fn run_until(
        &mut self,
        until_ms: u64,
        wake: &Wake,
        barrier: &Barrier,
        progress: &Progress,
    ) -> anyhow::Result<Roused> {
        let Some(speed) = self.speed else { return self.sleep_until(until_ms, wake, barrier).await };
        let tick_ms = u64::try_from(TICK.as_millis())?.saturating_mul(speed.get());
        let mut now_ms = self.clock.now_ms();
        while now_ms < until_ms {
            let due_ms = self.due_ms(speed).min(until_ms);
            if due_ms < until_ms.min(now_ms.saturating_add(tick_ms)) {
                tokio::time::sleep(TICK).await;
                continue;
            }
            if self.sleep_until(due_ms, wake, barrier).await? == Roused::Woken {
                return Ok(Roused::Woken);
            }
            now_ms = due_ms;
            progress.moment(UnixSeconds(now_ms / 1000));
        }
        Ok(Roused::Due)
    }

    /// Where simulated time should be by the wall's clock, however long the steps before took.
    fn due_ms(&self, speed: NonZeroU64) -> u64 {
        let (wall, simulated_ms) = self.since;
        let passed_ms = u64::try_from(wall.elapsed().as_millis()).unwrap_or(u64::MAX);
        simulated_ms.saturating_add(passed_ms.saturating_mul(speed.get()))
    }

    async fn sleep_until(&mut self, until_ms: u64, wake: &Wake, barrier: &Barrier) -> anyhow::Result<Roused> {
        let slept = tokio::time::timeout(STEP_LIMIT, self.busy.sleep_until_or(until_ms, wake)).await;
        slept.map_err(|_| anyhow!("simulated time stands still; {}", who_holds_it(barrier)))
    }
}

fn who_holds_it(barrier: &Barrier) -> String {
    let attendance = barrier.attendance();
    let each = attendance.iter().map(|one| format!("{}: {:?}", one.name, one.activity));
    each.collect::<Vec<_>>().join(", ")
}
