//! How simulated time goes on: the replay holds it, and lets it run from one moment to another.

use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::bail;
use clock::barrier::Barrier;
use clock::{Busy, Clock};
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
}

impl Pace {
    /// Takes simulated time, and holds it.
    pub(crate) async fn hold(clock: &Clock, speed: Option<NonZeroU64>) -> Self {
        Self { clock: clock.clone(), busy: clock.busy().await, speed }
    }

    /// The moment, in whole seconds.
    pub(crate) fn now(&self) -> UnixSeconds {
        UnixSeconds(self.clock.now_s())
    }

    /// Lets time run until a moment: as fast as it can; or, where it follows the wall's clock, a tick at a time, with a
    /// pause that is held by us.
    pub(crate) async fn run_until(
        &mut self,
        until_ms: u64,
        barrier: &Barrier,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        let Some(speed) = self.speed else { return self.sleep_until(until_ms, barrier).await };
        let tick_ms = u64::try_from(TICK.as_millis())?.saturating_mul(speed.get());
        let mut now_ms = self.clock.now_ms();
        while now_ms < until_ms {
            now_ms = until_ms.min(now_ms.saturating_add(tick_ms));
            self.sleep_until(now_ms, barrier).await?;
            progress.moment(UnixSeconds(now_ms / 1000));
            tokio::time::sleep(TICK).await;
        }
        Ok(())
    }

    async fn sleep_until(&mut self, until_ms: u64, barrier: &Barrier) -> anyhow::Result<()> {
        let slept = tokio::time::timeout(STEP_LIMIT, self.busy.sleep_until_ms(until_ms)).await;
        if slept.is_err() {
            bail!("simulated time stands still; {}", who_holds_it(barrier));
        }
        Ok(())
    }
}

fn who_holds_it(barrier: &Barrier) -> String {
    let attendance = barrier.attendance();
    let each = attendance.iter().map(|one| format!("{}: {:?}", one.name, one.activity));
    each.collect::<Vec<_>>().join(", ")
}
