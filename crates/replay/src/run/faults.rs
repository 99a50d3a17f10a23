//! Does what goes wrong with processes, lines and the chain, and undoes what ends.

use std::path::Path;

use anyhow::{Context as _, ensure};
use testbed::FullDisk;

use super::agenda::Task;
use super::blocking::with_node;
use super::director::{Director, LEAVE_LIMIT};
use super::parties::Struck;
use super::service::Service;
use crate::record::FaultRecord;
use crate::report::WHOLE_RUN;
use crate::scenario::{Cast, Fault, Happening, Line, Place, Victim, When};
use crate::text;

impl Director<'_> {
    fn fault(&self, index: usize) -> anyhow::Result<Fault> {
        self.scenario.faults.get(index).cloned().context("a fault that the scenario does not have")
    }

    pub(super) async fn begin_fault(&mut self, index: usize) -> anyhow::Result<()> {
        let fault = self.fault(index)?;
        self.begun.insert(index, (self.now(), None));
        match fault.what {
            Happening::Kill(Victim::Bitcoind, _) => {
                self.mining = false;
                with_node(&self.world.bitcoind, |node| -> anyhow::Result<()> {
                    node.kill();
                    Ok(())
                })
                .await?;
            }
            Happening::Kill(victim, _) => self.kill(victim).await?,
            Happening::Cut(..) | Happening::Silent(..) => self.world.lines.cut(&fault.what.cuts()),
            Happening::FullDisk(victim, _) => self.disk(victim)?.fill()?,
            Happening::Lie(place, says) => {
                let sight = self.world.sights.get_mut(self.scenario.cast.index(place));
                sight.context("a place that nothing was made for")?.lie(says)?;
            }
            Happening::Reorg(depth) => {
                with_node(&self.world.bitcoind, move |node| node.reorg(depth).map(drop)).await?;
            }
            Happening::SetBack(oracle, _) => self.set_back(index, oracle).await?,
            Happening::FeeSpike(rate) => {
                with_node(&self.world.bitcoind, move |node| {
                    let rush = node.prepare_rush(rate)?;
                    node.rush(&rush).map(drop)
                })
                .await?;
            }
        }
        self.tell_fault(&fault);
        Ok(())
    }

    pub(super) async fn end_fault(&mut self, index: usize) -> anyhow::Result<()> {
        let fault = self.fault(index)?;
        let now = self.now();
        if let Some((_, end)) = self.begun.get_mut(&index) {
            *end = Some(now);
        }
        match fault.what {
            Happening::Kill(Victim::Bitcoind, _) => {
                with_node(&self.world.bitcoind, |node| node.start_again()).await?;
                self.mining = true;
                self.tell("chain", "its node is started again");
            }
            Happening::Kill(victim, _) => {
                self.world.wake(victim, self.scenario).await?;
                self.tell(victim.name(&self.scenario.cast), "is started again");
            }
            Happening::Cut(line, _) => {
                self.world.lines.mend(&[line]);
                let ends = line.words(&self.scenario.cast);
                self.tell("network", format!("lets everything pass between {ends} again"));
            }
            Happening::Silent(oracle, _) => {
                self.world.lines.mend(&fault.what.cuts());
                self.tell(self.scenario.cast.name(Place::Oracle(oracle)), "answers again");
            }
            Happening::FullDisk(victim, _) => {
                self.disk(victim)?.free()?;
                self.tell(victim.name(&self.scenario.cast), "has space on its disk again");
            }
            Happening::Lie(..) | Happening::Reorg(_) | Happening::SetBack(..) | Happening::FeeSpike(_) => {}
        }
        Ok(())
    }

    fn tell_fault(&mut self, fault: &Fault) {
        let (who, words) = who_and_what(fault.what, &self.scenario.cast);
        let note = fault.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
        self.tell(who, words + &note);
    }

    /// What went wrong with processes, lines, clocks and the chain, and when it really began and ended.
    pub(super) fn fault_records(&self) -> Vec<FaultRecord> {
        let cast = &self.scenario.cast;
        let fault = |(index, fault): (usize, &Fault)| {
            let (who, what) = who_and_what(fault.what, cast);
            let begun = self.begun.get(&index);
            FaultRecord {
                who: who.to_owned(),
                what,
                when: fault.when.words(cast),
                note: fault.note.clone(),
                begin: begun.map(|(begin, _)| *begin),
                end: begun.and_then(|(_, end)| *end),
            }
        };
        let clock = |(victim, ahead_ms): &(Victim, i64)| FaultRecord {
            who: victim.name(cast).to_owned(),
            what: wrong_clock(*ahead_ms),
            when: WHOLE_RUN.to_owned(),
            note: None,
            begin: None,
            end: None,
        };
        let faults = self.scenario.faults.iter().enumerate().map(fault);
        faults.chain(self.scenario.clocks.wrong().iter().map(clock)).collect()
    }

    fn disk(&self, victim: Victim) -> anyhow::Result<&FullDisk> {
        self.world.disks.get(&victim).context("nobody who was put on a disk that can be full")
    }

    fn service(&mut self, victim: Victim) -> anyhow::Result<&mut Service> {
        self.world.service(victim).context("not a process of ours")
    }

    /// Whether it is dead for good: nothing of what is to come starts it again.
    pub(super) fn is_gone(&self, victim: Victim) -> bool {
        let returns = |task: &Task| match task {
            Task::EndFault(index) => self
                .scenario
                .faults
                .get(*index)
                .is_some_and(|fault| matches!(fault.what, Happening::Kill(who, _) if who == victim)),
            _ => false,
        };
        !self.agenda.holds(returns)
    }

    async fn kill(&mut self, victim: Victim) -> anyhow::Result<()> {
        // What a dying oracle has published is for all to see.
        if let (Victim::Place(Place::Oracle(_)), Some(event)) = (victim, self.event.clone()) {
            self.watch(&event).await?;
        }
        let name = victim.name(&self.scenario.cast);
        let service = self.service(victim)?;
        ensure!(service.is_alive(), "the {name} is to be killed, and is dead already");
        service.kill();
        let left = tokio::time::timeout(LEAVE_LIMIT, self.world.barrier.wait_until_gone(name)).await;
        left.with_context(|| format!("the killed {name} is still taking part in simulated time"))
    }

    /// Copies all that the oracle knows, as a backup would, while it is stopped.
    pub(super) async fn remember(&mut self, index: usize) -> anyhow::Result<()> {
        let Happening::SetBack(oracle, _) = self.fault(index)?.what else { return Ok(()) };
        let victim = Victim::Place(Place::Oracle(oracle));
        self.service(victim)?.stop().await?;
        copy_folder(&self.data_of(oracle), &self.memory(index))?;
        self.service(victim)?.start_again().await
    }

    /// Puts that copy back. Neither the database nor the journal in it can tell.
    async fn set_back(&mut self, index: usize, oracle: usize) -> anyhow::Result<()> {
        let victim = Victim::Place(Place::Oracle(oracle));
        self.service(victim)?.stop().await?;
        let data = self.data_of(oracle);
        std::fs::remove_dir_all(&data).with_context(|| data.display().to_string())?;
        copy_folder(&self.memory(index), &data)?;
        self.service(victim)?.start_again().await
    }

    fn data_of(&self, oracle: usize) -> std::path::PathBuf {
        self.world.folder.join(self.scenario.cast.name(Place::Oracle(oracle)))
    }

    fn memory(&self, index: usize) -> std::path::PathBuf {
        self.world.folder.join(format!("memory-{index}"))
    }

    /// Begins the faults that wait for a state which is reached now.
    pub(super) async fn look_for_states(&mut self, deal: &Struck) -> anyhow::Result<()> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut still = Vec::new();
        for index in waiting.drain(..) {
            let fault = self.fault(index)?;
            if self.is_reached(&fault, deal).await? {
                self.begin_now(index).await?;
            } else {
                still.push(index);
            }
        }
        self.waiting = still;
        Ok(())
    }

    /// Begins the faults that a message has tripped just now; it waits at its gate until then, and never passes.
    pub(super) async fn begin_tripped(&mut self) -> anyhow::Result<Vec<usize>> {
        let tripped = self.world.bell.take();
        for index in &tripped {
            self.begin_now(*index).await?;
        }
        if !tripped.is_empty() {
            self.world.lines.hang_up(Line::BuyerProvider);
        }
        Ok(tripped)
    }

    /// Whether one of these faults is still to end.
    pub(super) fn is_to_end(&self, faults: &[usize]) -> bool {
        self.agenda.holds(|task| matches!(task, Task::EndFault(index) if faults.contains(index)))
    }

    /// Begins a fault whose moment was not known before, and plans its end.
    async fn begin_now(&mut self, index: usize) -> anyhow::Result<()> {
        self.begin_fault(index).await?;
        if let Some(lasts_s) = self.fault(index)?.what.lasts_s() {
            self.agenda.plan(self.now().0 + lasts_s, Task::EndFault(index));
        }
        Ok(())
    }

    async fn is_reached(&self, fault: &Fault, deal: &Struck) -> anyhow::Result<bool> {
        let When::Reached { who, state } = fault.when else { return Ok(false) };
        let party = if who == Victim::Provider { &self.world.provider } else { &self.world.buyer };
        if !party.service.is_alive() {
            return Ok(false);
        }
        Ok(party.owner.escrow(&deal.escrow_id).await?.is_some_and(|escrow| escrow.state == state))
    }
}

/// Whom it hits, and what it does, in words.
fn who_and_what(what: Happening, cast: &Cast) -> (&str, String) {
    let who = match what {
        Happening::Kill(Victim::Bitcoind, _) | Happening::Reorg(_) | Happening::FeeSpike(_) => "chain",
        Happening::Kill(victim, _) | Happening::FullDisk(victim, _) => victim.name(cast),
        Happening::Cut(..) => "network",
        Happening::Lie(place, _) => cast.name(place),
        Happening::SetBack(oracle, _) | Happening::Silent(oracle, _) => cast.name(Place::Oracle(oracle)),
    };
    let words = match what {
        Happening::Kill(Victim::Bitcoind, _) => "its node is killed".to_owned(),
        what => what.words(cast),
    };
    (who, words)
}

fn wrong_clock(ahead_ms: i64) -> String {
    let direction = if ahead_ms < 0 { "behind" } else { "ahead" };
    format!("its clock is {} {direction}", text::length_ms(ahead_ms.unsigned_abs()))
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copy = || -> std::io::Result<()> {
        std::fs::create_dir_all(to)?;
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    };
    copy().with_context(|| format!("{} to {}", from.display(), to.display()))
}
