//! All services at once: how each stands now, and how its time was spent.
//!
//! Read from the database every few seconds at most, however many pages and badges are asked for.

mod between;
mod live;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::oracle::Oracle;
use crate::status::{DAY_S, HOUR_S, Incident, Tally};
use crate::store::{ServiceRow, SliceLatency, StoreError, Watched};

pub use between::probes_between;
pub use live::{Live, live};

/// A snapshot this old is read anew.
const OLD_MS: u64 = 10_000;

/// How a service stands, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Its newest probe that could be decided was bad; where outages are confirmed, one goes on.
    Down,
    /// It is being measured, and nothing could be decided for a while.
    Unknown,
    /// Its newest probe that could be decided was good; where outages are confirmed, none goes on.
    Up,
    /// No window is open that measures it.
    Idle,
}

/// A stretch of time up to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its name in addresses: `24h`, `7d`, `30d`, `90d`.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The length of the spans that it is made of.
    pub length_s: u64,
    /// How many of them, the running one included.
    pub spans: u64,
}

/// The periods that are shown.
pub const PERIODS: [Period; 4] = [
    Period { name: "24h", title: "24 hours", length_s: HOUR_S, spans: 24 },
    Period { name: "7d", title: "7 days", length_s: DAY_S, spans: 7 },
    Period { name: "30d", title: "30 days", length_s: DAY_S, spans: 30 },
    Period { name: "90d", title: "90 days", length_s: DAY_S, spans: 90 },
];

impl Period {
    /// Where it begins, seen from `now_s`: whole spans, the running one being the last.
    pub fn from_s(&self, now_s: u64) -> u64 {
        (now_s / self.length_s).saturating_sub(self.spans - 1) * self.length_s
    }
}

/// A service as lists and badges show it.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name, for people and in addresses.
    pub row: ServiceRow,
    /// How it stands.
    pub state: State,
    /// What is open, where it is down.
    pub incident: Option<Incident>,
    /// How its time was spent, by [`PERIODS`]; as far as slices have ended.
    pub spent: [Tally; 4],
    /// How fast its answers came in the newest slice that has ended, where its window is open.
    pub latency: Option<SliceLatency>,
}

/// All services, those that are down first.
#[derive(Debug)]
pub struct Overview {
    /// When it was read, in unix milliseconds.
    pub at_ms: u64,
    /// The services.
    pub services: Vec<Service>,
}

/// The newest overview.
#[derive(Debug, Default)]
pub struct Snapshot(Mutex<Option<Arc<Overview>>>);

impl Snapshot {
    /// The overview, at most ten seconds old.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&self, oracle: &Oracle) -> Result<Arc<Overview>, StoreError> {
        // Whoever waits here gets what the one before has read.
        let mut newest = self.0.lock().await;
        let now_ms = oracle.clock.now_ms();
        if let Some(overview) = newest.as_ref().filter(|overview| now_ms < overview.at_ms + OLD_MS) {
            return Ok(Arc::clone(overview));
        }
        let overview = Arc::new(read(oracle, now_ms).await?);
        *newest = Some(Arc::clone(&overview));
        Ok(overview)
    }
}

async fn read(oracle: &Oracle, now_ms: u64) -> Result<Overview, StoreError> {
    let (store, now_s) = (&oracle.store, now_ms / 1000);
    let mut spent = Vec::with_capacity(PERIODS.len());
    for period in PERIODS {
        spent.push(store.time_spent(period.length_s, period.from_s(now_s)).await?);
    }
    let mut now = standing(oracle, &store.watched_at(now_s).await?).await?;
    let mut services = Vec::new();
    for row in store.services().await? {
        let Now { live, latency } = now.remove(&row.key).unwrap_or_default();
        let tally = |index: usize| spent.get(index).and_then(|by| by.get(&row.key)).copied();
        services.push(Service {
            state: live.state,
            incident: live.incident,
            spent: std::array::from_fn(|index| tally(index).unwrap_or_default()),
            latency,
            row,
        });
    }
    services.sort_by_key(|service| service.state);
    Ok(Overview { at_ms: now_ms, services })
}

#[derive(Default)]
struct Now {
    live: Live,
    latency: Option<SliceLatency>,
}

/// How services stand by their open windows; where several are open, the worst word counts.
async fn standing(oracle: &Oracle, watched: &[Watched]) -> Result<HashMap<i64, Now>, StoreError> {
    let mut standing = HashMap::<i64, Now>::new();
    for event in watched {
        let seen = live(oracle, event).await?;
        let latency = oracle.store.newest_latency(event.key).await?;
        let now = standing.entry(event.service).or_default();
        now.latency = latency.or(now.latency);
        if seen.state < now.live.state {
            now.live = seen;
        }
    }
    Ok(standing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_with_whole_spans() {
        let now_s = 1_623_110_400 + 5 * HOUR_S + 60;
        let [day, week, ..] = PERIODS;
        assert_eq!(day.from_s(now_s), 1_623_110_400 + 5 * HOUR_S - 23 * HOUR_S);
        assert_eq!(week.from_s(now_s), 1_623_110_400 - 6 * DAY_S);
    }

    #[test]
    fn the_worst_state_comes_first() {
        assert!(State::Down < State::Unknown && State::Unknown < State::Up && State::Up < State::Idle);
    }
}
