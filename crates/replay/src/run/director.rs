//! Moves the world through the scenario, instant by instant.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::Context as _;
use clock::Roused;
use ledger::{SliceState, SliceVerdict};
use terms::{EventId, UnixSeconds};

use super::agenda::{Agenda, Behaviours, Task};
use super::blocking::with_node;
use super::pace::Pace;
use super::parties::Struck;
use super::service::Service;
use super::world::World;
use crate::progress::{Progress, Verdicts};
use crate::record::Moment;
use crate::scenario::{Fault, Scenario, Victim, When};

/// So long after whatever else happens in its second a block is found. The nodes look at the chain at whole seconds, and
/// two things of one instant could happen in either order.
pub(crate) const BLOCK_AFTER_MS: u64 = 500;

/// So long, in real time, a killed process may take to leave the barrier.
pub(super) const LEAVE_LIMIT: Duration = Duration::from_secs(20);

/// Moves the world through the scenario, and remembers what happened.
#[derive(Debug)]
pub struct Director<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) world: World,
    pub(super) progress: &'a Progress,
    pub(super) agenda: Agenda,
    pace: Pace,
    /// The faults that wait for a state, by their numbers.
    pub(super) waiting: Vec<usize>,
    /// When the faults have begun, and ended, by their numbers.
    pub(super) begun: BTreeMap<usize, (UnixSeconds, Option<UnixSeconds>)>,
    /// Whether there is a Bitcoin node that could mine.
    pub(super) mining: bool,
    /// What happened by plan, for the story.
    pub(super) story: Vec<Moment>,
    /// The verdicts of the slices that each oracle has published so far.
    pub(super) slices: Vec<Vec<SliceVerdict>>,
    /// The event, once it is announced.
    pub(super) event: Option<EventId>,
}

impl<'a> Director<'a> {
    /// A director that holds simulated time.
    pub(super) async fn new(
        scenario: &'a Scenario,
        world: World,
        progress: &'a Progress,
        speed: Option<NonZeroU64>,
    ) -> anyhow::Result<Self> {
        let pace = Pace::hold(&world.clock, speed).await;
        let agenda = Agenda::new(scenario);
        let waits = |fault: &Fault| matches!(fault.when, When::Reached { .. });
        let faults = scenario.faults.iter().enumerate();
        let waiting = faults.filter(|(_, fault)| waits(fault)).map(|(index, _)| index).collect();
        Ok(Self {
            scenario,
            world,
            progress,
            agenda,
            pace,
            waiting,
            begun: BTreeMap::new(),
            mining: true,
            story: Vec::new(),
            slices: vec![Vec::new(); scenario.cast.oracles()],
            event: None,
        })
    }

    pub(super) fn into_world(self) -> World {
        self.world
    }

    pub(super) fn now(&self) -> UnixSeconds {
        self.pace.now()
    }

    pub(super) fn tell(&mut self, who: &str, what: impl Into<String>) {
        self.story.push(Moment { at: self.now(), who: who.to_owned(), what: what.into() });
    }

    /// Lets time run to the next moment of the agenda, and does what is due.
    pub(super) async fn step(&mut self) -> anyhow::Result<()> {
        // A fault that is tripped on the way may end before the moment that was next.
        while self.let_time_run(self.agenda.next_s() * 1000).await? == Roused::Woken {
            self.begin_tripped().await?;
        }
        for victim in Victim::all(&self.scenario.cast) {
            self.world.service(victim).map_or(Ok(()), Service::check)?;
        }
        let now_s = self.world.clock.now_s();
        self.progress.moment(UnixSeconds(now_s));
        while let Some(task) = self.agenda.take(now_s) {
            self.perform(task).await?;
        }
        Ok(())
    }

    /// Ends early when a message trips a fault.
    async fn let_time_run(&mut self, until_ms: u64) -> anyhow::Result<Roused> {
        self.pace.run_until(until_ms, self.world.bell.wake(), &self.world.barrier, self.progress).await
    }

    async fn perform(&mut self, task: Task) -> anyhow::Result<()> {
        match task {
            Task::Behave(behaviours) => self.behave(behaviours)?,
            Task::BeginFault(index) => return self.begin_fault(index).await,
            Task::EndFault(index) => return self.end_fault(index).await,
            Task::Remember(index) => return self.remember(index).await,
            Task::Mine => {
                let found_ms = self.now().0 * 1000 + BLOCK_AFTER_MS;
                while self.let_time_run(found_ms).await? == Roused::Woken {
                    self.begin_tripped().await?;
                }
                return self.mine().await;
            }
        }
        Ok(())
    }

    fn behave(&mut self, behaviours: Behaviours) -> anyhow::Result<()> {
        for place in &behaviours.places {
            if let Some(sight) = self.world.sights.get(self.scenario.cast.index(*place)) {
                sight.show(&behaviours).context("the target")?;
            }
        }
        if let Some(words) = behaviours.words {
            self.tell("target", words);
        }
        Ok(())
    }

    /// No block is found while the node is dead.
    async fn mine(&mut self) -> anyhow::Result<()> {
        if !self.mining {
            return Ok(());
        }
        let now_s = self.world.clock.now_s();
        let mined = with_node(&self.world.bitcoind, move |node| {
            node.set_mock_time(now_s)?;
            node.mine(1).map(drop)
        });
        mined.await.context("a block could not be mined")
    }

    /// Lets the scenario run until both nodes are done, or no hope is left.
    pub(super) async fn play(&mut self, deal: &Struck) -> anyhow::Result<()> {
        let end_s = self.scenario.measurement.window.end.0;
        self.event = Some(deal.event_id.clone());
        self.progress.stage("funding the contract");
        self.look_for_states(deal).await?;
        while self.world.clock.now_s() < self.scenario.measurement.window.start.0 {
            self.step().await?;
            self.look_for_states(deal).await?;
        }
        self.progress.stage("measuring");
        while self.world.clock.now_s() < end_s {
            self.step().await?;
            self.watch(&deal.event_id).await?;
            self.look_for_states(deal).await?;
        }
        self.progress.stage("attesting and settling");
        while !self.is_over(deal).await? {
            if self.now() > self.scenario.gives_up() {
                self.tell("chain", "the replay gives up waiting");
                break;
            }
            self.step().await?;
            self.watch(&deal.event_id).await?;
            self.look_for_states(deal).await?;
        }
        Ok(())
    }

    async fn is_over(&self, deal: &Struck) -> anyhow::Result<bool> {
        for (victim, party) in [(Victim::Provider, &self.world.provider), (Victim::Buyer, &self.world.buyer)]
        {
            let is_done = match party.service.is_alive() {
                true => party.is_done(&deal.escrow_id).await?,
                false => self.is_gone(victim),
            };
            if !is_done {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes over the verdicts that the oracles have published since the last look; the first one's are shown.
    pub(super) async fn watch(&mut self, event: &EventId) -> anyhow::Result<()> {
        for (oracle, slices) in self.world.oracles.iter().zip(&mut self.slices) {
            if !oracle.service.is_alive() {
                continue;
            }
            loop {
                let page = oracle.client.slices(event, slices.len() as u64).await?;
                let Some(page) = page.filter(|page| !page.slices.is_empty()) else { break };
                for slice in page.slices {
                    slices.push(serde_json::from_value(slice).context("a slice's verdict")?);
                }
            }
        }
        if let Some(slices) = self.slices.first() {
            self.progress.verdicts(verdicts(slices));
        }
        Ok(())
    }
}

fn verdicts(slices: &[SliceVerdict]) -> Verdicts {
    let mut verdicts = Verdicts::default();
    for slice in slices {
        verdicts.good += slice.good;
        verdicts.bad += slice.bad;
        verdicts.undecided += slice.undecided;
        verdicts.unmeasured_slices += u64::from(slice.state == SliceState::Unmeasured);
    }
    verdicts
}
