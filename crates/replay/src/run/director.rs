//! Moves the world through the scenario, instant by instant.

use std::time::Duration;

use anyhow::{Context as _, bail};
use clock::Busy;
use ledger::{SliceState, SliceVerdict};
use terms::{EventId, UnixSeconds};

use super::agenda::{Agenda, Behaviours, Task};
use super::blocking::with_node;
use super::parties::Struck;
use super::world::World;
use crate::progress::{Progress, Verdicts};
use crate::record::Moment;
use crate::scenario::{Scenario, Victim};

/// So long, in real time, a step of simulated time may take. A step is at most a block's distance.
const STEP_LIMIT: Duration = Duration::from_secs(180);

/// So long, in real time, a killed process may take to leave the barrier.
const LEAVE_LIMIT: Duration = Duration::from_secs(20);

/// Moves the world through the scenario, and remembers what happened.
#[derive(Debug)]
pub struct Director<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) world: World,
    pub(super) progress: &'a Progress,
    agenda: Agenda,
    busy: Busy,
    /// What happened by plan, for the story.
    pub(super) story: Vec<Moment>,
    /// The verdicts of the slices that the oracle has published so far.
    pub(super) slices: Vec<SliceVerdict>,
    /// The event, once it is announced.
    event: Option<EventId>,
}

impl<'a> Director<'a> {
    /// A director that holds simulated time.
    pub(super) async fn new(
        scenario: &'a Scenario,
        world: World,
        progress: &'a Progress,
    ) -> anyhow::Result<Self> {
        let busy = world.clock.busy().await;
        let agenda = Agenda::new(scenario);
        Ok(Self {
            scenario,
            world,
            progress,
            agenda,
            busy,
            story: Vec::new(),
            slices: Vec::new(),
            event: None,
        })
    }

    pub(super) fn into_world(self) -> World {
        self.world
    }

    pub(super) fn now(&self) -> UnixSeconds {
        UnixSeconds(self.world.clock.now_s())
    }

    pub(super) fn tell(&mut self, who: &str, what: impl Into<String>) {
        self.story.push(Moment { at: self.now(), who: who.to_owned(), what: what.into() });
    }

    /// Lets time run to the next moment of the agenda, and does what is due.
    pub(super) async fn step(&mut self) -> anyhow::Result<()> {
        let next_s = self.agenda.next_s();
        let slept = tokio::time::timeout(STEP_LIMIT, self.busy.sleep_until_ms(next_s * 1000)).await;
        if slept.is_err() {
            bail!("simulated time stands still; {}", self.who_holds_it());
        }
        for victim in [Victim::Oracle, Victim::Provider, Victim::Buyer] {
            self.world.service(victim).check()?;
        }
        let now_s = self.world.clock.now_s();
        self.progress.moment(UnixSeconds(now_s));
        while let Some(task) = self.agenda.take(now_s) {
            self.perform(task).await?;
        }
        Ok(())
    }

    fn who_holds_it(&self) -> String {
        let attendance = self.world.barrier.attendance();
        let each = attendance.iter().map(|one| format!("{}: {:?}", one.name, one.activity));
        each.collect::<Vec<_>>().join(", ")
    }

    async fn perform(&mut self, task: Task) -> anyhow::Result<()> {
        match task {
            Task::Behave(behaviours) => self.behave(behaviours),
            Task::Kill(victim) => return self.kill(victim).await,
            Task::Restart(victim) => return self.restart(victim).await,
            Task::Mine => return self.mine().await,
        }
        Ok(())
    }

    fn behave(&mut self, behaviours: Behaviours) {
        self.world.target.set(behaviours.target);
        self.world.reference.set(behaviours.reference);
        if let Some(words) = behaviours.words {
            self.tell("target", words);
        }
    }

    async fn kill(&mut self, victim: Victim) -> anyhow::Result<()> {
        // What a dying oracle has published is for all to see.
        if let (Victim::Oracle, Some(event)) = (victim, self.event.clone()) {
            self.watch(&event).await?;
        }
        self.world.service(victim).kill();
        let left = tokio::time::timeout(LEAVE_LIMIT, self.world.barrier.wait_until_gone(victim.name())).await;
        left.with_context(|| format!("the killed {} is still taking part in simulated time", victim.name()))?;
        self.tell(victim.name(), "is killed");
        Ok(())
    }

    async fn restart(&mut self, victim: Victim) -> anyhow::Result<()> {
        self.world.service(victim).start_again().await?;
        self.tell(victim.name(), "is started again");
        Ok(())
    }

    async fn mine(&mut self) -> anyhow::Result<()> {
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
        while self.world.clock.now_s() < self.scenario.measurement.window.start.0 {
            self.step().await?;
        }
        self.progress.stage("measuring");
        while self.world.clock.now_s() < end_s {
            self.step().await?;
            self.watch(&deal.event_id).await?;
        }
        self.progress.stage("attesting and settling");
        while !self.is_over(deal).await? {
            if self.now() > self.scenario.gives_up() {
                self.tell("chain", "the replay gives up waiting");
                break;
            }
            self.step().await?;
            self.watch(&deal.event_id).await?;
        }
        Ok(())
    }

    async fn is_over(&self, deal: &Struck) -> anyhow::Result<bool> {
        for party in [&self.world.provider, &self.world.buyer] {
            if party.service.is_alive() && !party.is_done(&deal.escrow_id).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes over the verdicts that the oracle has published since the last look.
    pub(super) async fn watch(&mut self, event: &EventId) -> anyhow::Result<()> {
        if !self.world.oracle.service.is_alive() {
            return Ok(());
        }
        loop {
            let from = self.slices.len() as u64;
            let page = self.world.oracle.client.slices(event, from).await?;
            let Some(page) = page.filter(|page| !page.slices.is_empty()) else { break };
            for slice in page.slices {
                self.slices.push(serde_json::from_value(slice).context("a slice's verdict")?);
            }
        }
        self.progress.verdicts(verdicts(&self.slices));
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
