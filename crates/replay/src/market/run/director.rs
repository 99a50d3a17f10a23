//! Moves a market through its timeline, instant by instant.

use std::num::NonZeroU64;

use anyhow::Context as _;
use clock::Wake;
use terms::UnixSeconds;

use super::agenda::{Agenda, Turn};
use super::trade::Talk;
use super::world::World;
use crate::market::file::Market;
use crate::progress::Progress;
use crate::record::Moment;
use crate::run::blocking::with_node;
use crate::run::director::BLOCK_AFTER_MS;
use crate::run::pace::Pace;

/// The states in which nothing is left to do.
const FINAL: [&str; 4] = ["settled", "refunded", "closed", "cancelled"];

/// Moves a market, and remembers what happened.
#[derive(Debug)]
pub(super) struct Director<'a> {
    pub market: &'a Market,
    pub world: World,
    pub progress: &'a Progress,
    agenda: Agenda,
    pace: Pace,
    /// What happened by plan, for the story.
    pub story: Vec<Moment>,
    /// What the agents said so far, in order.
    pub talks: Vec<Talk>,
    /// What the directory gave, once it is open.
    pub listings: Vec<crate::market::record::ListingRecord>,
}

impl<'a> Director<'a> {
    /// A director that holds simulated time.
    pub(super) async fn new(
        market: &'a Market,
        world: World,
        progress: &'a Progress,
        speed: Option<NonZeroU64>,
    ) -> Self {
        let pace = Pace::hold(&world.clock, speed).await;
        let agenda = Agenda::new(market);
        let (story, talks, listings) = (Vec::new(), Vec::new(), Vec::new());
        Self { market, world, progress, agenda, pace, story, talks, listings }
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
        let next_s = self.agenda.next_s();
        self.let_time_run(next_s * 1000).await?;
        self.world.check()?;
        let now = self.now();
        self.progress.moment(now);
        for turn in self.agenda.take_turns(now.0) {
            self.behave(turn);
        }
        if self.agenda.take_block(now.0) {
            let until_ms = now.0 * 1000 + BLOCK_AFTER_MS;
            self.let_time_run(until_ms).await?;
            self.mine().await?;
        }
        Ok(())
    }

    /// No line of a market is cut, so nobody rings.
    async fn let_time_run(&mut self, until_ms: u64) -> anyhow::Result<()> {
        let nobody = Wake::new();
        self.pace.run_until(until_ms, &nobody, &self.world.barrier, self.progress).await.map(drop)
    }

    fn behave(&mut self, turn: Turn) {
        self.world.services[turn.provider].set(turn.behaviour);
        let name = self.market.providers[turn.provider].name.clone();
        self.tell(&name, turn.words);
    }

    async fn mine(&self) -> anyhow::Result<()> {
        let now_s = self.now().0;
        let mined = with_node(&self.world.bitcoind, move |node| {
            node.set_mock_time(now_s)?;
            node.mine(1).map(drop)
        });
        mined.await.context("a block could not be mined")
    }

    /// Lets the market run until every escrow is final, or no hope is left.
    pub(super) async fn play(&mut self) -> anyhow::Result<()> {
        let span = self.market.span();
        self.progress.stage("funding the escrows");
        self.until(span.start).await?;
        self.progress.stage("measuring");
        self.until(span.end).await?;
        self.progress.stage("attesting and settling");
        while !self.is_over().await? {
            if self.now() > self.market.gives_up() {
                self.tell("chain", "the replay gives up waiting");
                break;
            }
            self.step().await?;
        }
        Ok(())
    }

    async fn until(&mut self, moment: UnixSeconds) -> anyhow::Result<()> {
        while self.now() < moment {
            self.step().await?;
        }
        Ok(())
    }

    async fn is_over(&self) -> anyhow::Result<bool> {
        for member in &self.world.members {
            let escrows = member.party.owner.escrows().await?;
            if escrows.iter().any(|escrow| !FINAL.contains(&escrow.state.as_str())) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
