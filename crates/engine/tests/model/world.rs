//! Two parties, a chain, oracles and a network that loses, repeats, delays and disorders what they say.

use std::collections::{BTreeMap, BTreeSet};

use engine::Command;
use terms::{Hex32, Side};

use super::chain::{Chain, Output, Owner, Tx, What};
use super::close::CloseTalk;
use super::deal::{Deal, Shape, other};
use super::lies::Lie;
use super::party::{Around, Party, Stop, attestation};
use super::talk::{Answer, Envelope};

/// When histories begin.
const BEGINNING: u64 = 1_800_000_000;
const COIN_SAT: u64 = 200_000;
const COINS: usize = 4;
/// The blocks before a history, so that its coins are deep and median time past is a clock.
const FIRST_BLOCKS: u64 = 20;
pub const BLOCK_S: u64 = 600;
/// The most packets that one round delivers.
const PACKETS: usize = 40;
/// The most escrows of one history.
const ESCROWS: usize = 3;

/// What an oracle does when the event has matured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oracle {
    Honest,
    /// So many hours after maturity.
    Late(u8),
    Silent,
    /// It attests another value.
    Wrong,
    /// It attests another value to the buyer.
    TwoFaced,
}

/// What is in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    Request(Envelope),
    Reply { to: Envelope, answer: Answer },
    Close(CloseTalk),
}

/// What will be measured, and what each oracle makes of it.
#[derive(Clone, Debug)]
pub struct Plan {
    pub value: u64,
    pub oracles: Vec<Oracle>,
}

pub struct World {
    pub chain: Chain,
    pub now: u64,
    pub parties: [Party; 2],
    pub deals: BTreeMap<Hex32, Deal>,
    pub plans: BTreeMap<Hex32, Plan>,
    pub wire: Vec<Packet>,
    /// Who does not keep to the protocol, if anybody.
    pub liar: Option<Side>,
    /// What it will say falsely, and how many messages before that it will not.
    pub next_lie: Option<(Lie, u8)>,
    pub oracles_down_until: u64,
    /// Rounds in which a party could have settled an escrow, and a block came.
    pub chances: BTreeMap<(Hex32, u8), u32>,
    /// Escrows whose settlement a reorganisation took back when the refund was valid already: whoever wins, wins.
    pub raced: BTreeSet<Hex32>,
    /// How many sessions about closing there were.
    pub sessions: u64,
    /// All the money there is.
    pub supply: u64,
}

impl World {
    pub fn new(liar: Option<Side>) -> Self {
        let mut chain = Chain::default();
        let outputs = [Side::Provider, Side::Buyer]
            .into_iter()
            .flat_map(|side| std::iter::repeat_n(Output { owner: Owner::Party(side), sat: COIN_SAT }, COINS));
        let coins = Tx { what: What::Coins, inputs: vec![], outputs: outputs.collect(), fee: 0, locktime: 0 };
        chain.broadcast(&coins);
        for block in 0..FIRST_BLOCKS {
            chain.mine(BEGINNING - (FIRST_BLOCKS - block) * BLOCK_S, |_| true);
        }
        let supply = chain.total_sat();
        let parties = [Party::new(Side::Provider), Party::new(Side::Buyer)];
        Self {
            chain,
            now: BEGINNING,
            parties,
            deals: BTreeMap::new(),
            plans: BTreeMap::new(),
            wire: Vec::new(),
            liar,
            next_lie: None,
            oracles_down_until: 0,
            chances: BTreeMap::new(),
            raced: BTreeSet::new(),
            sessions: 0,
            supply,
        }
    }

    pub fn party(&self, side: Side) -> &Party {
        &self.parties[side as usize]
    }

    pub fn with(&mut self, side: Side) -> (&mut Party, Around<'_>) {
        let around = Around { chain: &mut self.chain, deals: &self.deals, now: self.now };
        (&mut self.parties[side as usize], around)
    }

    pub fn is_online(&self, side: Side) -> bool {
        self.now >= self.party(side).offline_until
    }

    /// The buyer takes an offer of the provider.
    pub fn open(&mut self, shape: Shape, value: u64, oracles: [Oracle; 3]) {
        if self.deals.len() >= ESCROWS || !self.is_online(Side::Buyer) {
            return;
        }
        let id = Hex32([self.deals.len() as u8 + 1; 32]);
        let deal = Deal::new(id, shape, self.now);
        let oracles = oracles[..deal.agreement.oracles.keys.len()].to_vec();
        self.plans.insert(id, Plan { value, oracles });
        self.deals.insert(id, deal.clone());
        let (buyer, mut around) = self.with(Side::Buyer);
        let begun = buyer.purchase(&deal, &mut around);
        self.after(Side::Buyer, begun);
    }

    /// A killed process starts again; whatever else stopped a step is tried again by itself.
    pub fn after<T>(&mut self, side: Side, result: Result<T, Stop>) -> Option<T> {
        if matches!(result, Err(Stop::Killed)) {
            self.parties[side as usize].restart();
        }
        result.ok()
    }

    /// One round of a node: it looks, sends what waits, asks oracles, and looks again.
    pub fn tick(&mut self, side: Side) {
        if !self.is_online(side) {
            return;
        }
        let (party, mut around) = self.with(side);
        let looked = party.look(&mut around);
        let Some(left) = self.after(side, looked) else { return };
        self.send(side);
        for id in left.considered {
            let (party, around) = self.with(side);
            let signed = party.consider(id, &around);
            let talk = self.after(side, signed).flatten();
            self.wire.extend(talk.map(Packet::Close));
        }
        if self.ask_oracles(side, &left.asked) {
            let (party, mut around) = self.with(side);
            let looked = party.look(&mut around);
            self.after(side, looked);
        }
    }

    fn send(&mut self, side: Side) {
        for envelope in self.party(side).undelivered() {
            if envelope.expires <= self.now {
                let (party, mut around) = self.with(side);
                let taken = party.answered(&envelope, &Answer::Refused, &mut around);
                self.after(side, taken);
                continue;
            }
            let packet = Packet::Request(envelope);
            if !self.wire.contains(&packet) {
                self.wire.push(packet);
            }
        }
    }

    fn ask_oracles(&mut self, side: Side, asked: &BTreeSet<Hex32>) -> bool {
        let mut news = false;
        for id in asked {
            for (oracle, value) in self.attested(*id, side) {
                let command = Command::TakeAttestation { oracle, attestation: attestation(value) };
                let (party, around) = self.with(side);
                let known = party
                    .escrows
                    .get(id)
                    .is_some_and(|escrow| escrow.attestations.iter().any(|(place, _)| *place == oracle));
                if known {
                    continue;
                }
                let taken = party.step(*id, command, around.now);
                news |= self.after(side, taken).unwrap_or(false);
            }
        }
        news
    }

    /// What the oracles say to a party now: place and value.
    pub fn attested(&self, id: Hex32, to: Side) -> Vec<(usize, u64)> {
        let (deal, plan) = (&self.deals[&id], &self.plans[&id]);
        if self.now < self.oracles_down_until || self.now < deal.maturity() {
            return vec![];
        }
        let others = if plan.value == 0 { 1_500_u64 } else { 0 };
        let says = |oracle: &Oracle| match oracle {
            Oracle::Honest => Some(plan.value),
            Oracle::Late(hours) if self.now < deal.maturity() + u64::from(*hours) * 3_600 => None,
            Oracle::Late(_) => Some(plan.value),
            Oracle::Silent => None,
            Oracle::Wrong => Some(others),
            Oracle::TwoFaced if to == Side::Buyer => Some(others),
            Oracle::TwoFaced => Some(plan.value),
        };
        plan.oracles.iter().enumerate().filter_map(|(place, oracle)| Some((place, says(oracle)?))).collect()
    }

    /// Delivers one of the packets in flight.
    pub fn deliver(&mut self, which: usize) {
        if self.wire.is_empty() {
            return;
        }
        let mut packet = self.wire.remove(which % self.wire.len());
        self.forge(&mut packet);
        match packet {
            Packet::Request(envelope) => self.request(envelope),
            Packet::Close(talk) => self.hear(&talk),
            Packet::Reply { to, answer } => {
                let side = to.from;
                if self.is_online(side) {
                    let (party, mut around) = self.with(side);
                    let taken = party.answered(&to, &answer, &mut around);
                    self.after(side, taken);
                }
            }
        }
    }

    fn request(&mut self, envelope: Envelope) {
        let side = other(envelope.from);
        if !self.is_online(side) {
            return;
        }
        let (party, mut around) = self.with(side);
        let answer = match party.receive(&envelope, &mut around) {
            Ok(answer) => answer,
            Err(Stop::Coins) => Answer::Later,
            Err(Stop::Killed) => {
                self.parties[side as usize].restart();
                return;
            }
            Err(_) => Answer::Refused,
        };
        self.wire.push(Packet::Reply { to: envelope, answer });
    }

    /// Ordinary life for a while: everybody who is online looks and talks, and blocks come.
    pub fn run(&mut self, rounds: u64, blocks: u64) {
        for _ in 0..rounds {
            self.now += BLOCK_S * blocks;
            let able = self.able();
            for side in [Side::Provider, Side::Buyer] {
                self.tick(side);
            }
            self.talk();
            for block in (0..blocks).rev() {
                let now = self.now - block * BLOCK_S;
                self.chain.mine(now, |_| true);
            }
            for chance in able {
                *self.chances.entry(chance).or_default() += 1;
            }
        }
    }

    fn talk(&mut self) {
        for _ in 0..PACKETS {
            if self.wire.is_empty() {
                for side in [Side::Provider, Side::Buyer] {
                    self.tick(side);
                }
            }
            if self.wire.is_empty() {
                break;
            }
            self.deliver(0);
        }
    }

    /// Who can settle which escrow now: online, enough oracles agree and answer, the funding is deep, the CET's locktime is
    /// over and the refund's is not.
    fn able(&self) -> Vec<(Hex32, u8)> {
        let mut able = Vec::new();
        for (id, deal) in &self.deals {
            for side in [Side::Provider, Side::Buyer] {
                let Some(escrow) = self.party(side).escrows.get(id) else { continue };
                let deep = escrow.funding.is_some_and(|it| self.chain.depth(&it.txid) >= super::party::DEPTH);
                let time = self.chain.median_time_past();
                let open = time > deal.agreement.measurement.window.end.0 && time < deal.refund_locktime();
                let known = self.agreed_value(*id, side).is_some();
                if self.is_online(side) && deep && open && known && escrow.sign.is_some() {
                    able.push((*id, side as u8));
                }
            }
        }
        able
    }

    /// The value that enough oracles say to a party now.
    pub fn agreed_value(&self, id: Hex32, to: Side) -> Option<u64> {
        let said = self.attested(id, to);
        let needed = self.deals[&id].agreement.oracles.threshold as usize;
        let votes = |value: u64| said.iter().filter(|(_, other)| *other == value).count();
        said.iter().map(|(_, value)| *value).find(|value| votes(*value) >= needed)
    }

    /// Replaces the last blocks by others, in which one of the transactions that contradict them may stand.
    pub fn reorganise(&mut self, depth: usize, returned: super::chain::Returned, rival: Option<usize>) {
        let back = self.chain.last(depth);
        if back.iter().any(|id| self.chain.known[id].what == What::Coins) {
            return;
        }
        let rivals = self.chain.rivals(&back);
        let instead = rival.filter(|_| !rivals.is_empty()).map(|which| rivals[which % rivals.len()].clone());
        for (id, deal) in &self.deals {
            let settles = |tx: &Tx| tx.inputs.iter().any(|input| self.is_contract(*id, input));
            let lost = back.iter().any(|txid| settles(&self.chain.known[txid]));
            if lost && self.chain.median_time_past() >= deal.refund_locktime() {
                self.raced.insert(*id);
            }
        }
        self.chain.reorganise(depth, self.now, returned, instead.as_ref());
    }

    fn is_contract(&self, id: Hex32, outpoint: &bitcoin::OutPoint) -> bool {
        self.chain.output(outpoint).is_some_and(|output| output.owner == Owner::Both(id))
    }

    /// The faults are over: who is present stays online, the oracles answer, blocks come, until nothing is left to do.
    pub fn finish(&mut self, present: &[Side]) {
        self.oracles_down_until = 0;
        for party in &mut self.parties {
            party.lives = None;
            party.offline_until = if present.contains(&party.side) { 0 } else { u64::MAX };
        }
        let last = self.deals.values().map(Deal::refund_locktime).max().unwrap_or(self.now);
        let end = last.max(self.now) + 40 * BLOCK_S;
        while self.now < end {
            self.run(1, 3);
        }
    }
}
