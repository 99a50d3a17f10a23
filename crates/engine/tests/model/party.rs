//! One party's node, without its shell: what it stored, what it holds in memory, and how it does what is due. It follows
//! `node::core`, `node::chain` and `node::act` step by step, and may be killed between any two of them.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{OutPoint, Txid};
use engine::{
    Bytes, ChainView, Coin, Command, Due, Escrow, Event, Hold, Place, Refusal, SpendKind, SpendView, decide,
    due, hold, status,
};
use terms::{Hex32, Sat, Side};

use super::chain::{Chain, Output, Owner, Tx, What};
use super::deal::{Deal, Message, in_all};
use super::talk::Stored;

/// How often one look may lead to another at once, as in the node.
const ROUNDS: usize = 8;
/// What its own relay costs a transaction that replaces others.
const RELAY_FEE: u64 = 220;
/// Confirmations at which something is final.
pub const DEPTH: u32 = 6;

/// Why a step was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The process was killed.
    Killed,
    /// The engine refused.
    Refused(Refusal),
    /// The gate refused: what was expected instead.
    Gate(&'static str),
    /// Not enough coins now.
    Coins,
    /// Out of turn, or said before in other words.
    Unexpected,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What the disk holds.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub events: BTreeMap<Hex32, Vec<Event>>,
    pub envelopes: BTreeMap<Hex32, Vec<Stored>>,
    pub reserved: BTreeMap<OutPoint, Hex32>,
}

/// What is written together.
#[derive(Default)]
pub struct Change {
    pub events: Vec<(Hex32, Event)>,
    pub envelopes: Vec<(Hex32, Stored)>,
    /// Sequence numbers of own envelopes that have their answers.
    pub delivered: Vec<(Hex32, u64)>,
}

pub struct Party {
    pub side: Side,
    pub disk: Disk,
    /// The confirmed unspent coins that the wallet knew at the last look.
    pub wallet: Vec<(OutPoint, u64)>,
    /// In memory: gone when the process is killed.
    pub escrows: BTreeMap<Hex32, Escrow>,
    /// Writes and effects until the process is killed.
    pub lives: Option<u32>,
    pub offline_until: u64,
    /// The funding transactions for which signatures were stored, by escrow: what leaves can't be taken back.
    pub signed: BTreeMap<Hex32, BTreeSet<Txid>>,
    /// The splits for which its owner gave its word.
    pub words: BTreeSet<(Hex32, u64)>,
    /// The first rule that it broke itself.
    pub broken: Option<String>,
}

/// The world as a node sees it at one moment.
pub struct Around<'a> {
    pub chain: &'a mut Chain,
    pub deals: &'a BTreeMap<Hex32, Deal>,
    pub now: u64,
}

impl Party {
    pub fn new(side: Side) -> Self {
        Self {
            side,
            disk: Disk::default(),
            wallet: Vec::new(),
            escrows: BTreeMap::new(),
            lives: None,
            offline_until: 0,
            signed: BTreeMap::new(),
            words: BTreeSet::new(),
            broken: None,
        }
    }

    /// Kills the process and starts it again: what was not stored is forgotten.
    pub fn restart(&mut self) {
        self.lives = None;
        let replayed = self.disk.events.iter();
        let replayed = replayed.filter_map(|(id, events)| Some((*id, Escrow::replay(events)?))).collect();
        if replayed != self.escrows {
            self.broken.get_or_insert("what is stored is not what was believed".to_owned());
        }
        self.escrows = replayed;
    }

    /// A moment at which the process may be killed.
    pub fn live(&mut self) -> Result<(), Stop> {
        match &mut self.lives {
            None => Ok(()),
            Some(0) => Err(Stop::Killed),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    /// Writes a change, then makes it true in memory.
    pub fn commit(&mut self, change: Change) -> Result<(), Stop> {
        self.live()?;
        for (id, stored) in change.envelopes {
            self.disk.envelopes.entry(id).or_default().push(stored);
        }
        for (id, seq) in change.delivered {
            let stored = self.disk.envelopes.get_mut(&id).into_iter().flatten();
            stored.filter(|stored| stored.envelope.seq == seq).for_each(|stored| stored.delivered = true);
        }
        for (id, event) in change.events {
            self.store(id, event);
        }
        Ok(())
    }

    fn store(&mut self, id: Hex32, event: Event) {
        let stored = self.disk.events.entry(id).or_default();
        let repeats = !matches!(event, Event::Observed { .. } | Event::SpendSeen { .. });
        if repeats && stored.contains(&event) {
            self.broken.get_or_insert(format!("{} was stored twice", event.name()));
        }
        let at_stake = |escrow: &Escrow| escrow.at_stake() && !escrow.coins.is_empty();
        if matches!(event, Event::Abandoned { .. }) && self.escrows.get(&id).is_some_and(at_stake) {
            self.broken.get_or_insert("coins were let go that the peer can still use".to_owned());
        }
        stored.push(event.clone());
        self.follow_reservations(id, &event);
        self.signed.entry(id).or_default().extend(signs(&event));
        match self.escrows.get_mut(&id) {
            Some(escrow) => escrow.apply(&event),
            None => self.escrows.extend(Escrow::replay([&event]).map(|escrow| (id, escrow))),
        }
    }

    fn follow_reservations(&mut self, id: Hex32, event: &Event) {
        let reserved = &mut self.disk.reserved;
        match hold(self.escrows.get(&id), event) {
            Hold::Take(coins) => {
                for coin in coins {
                    if reserved.insert(coin.outpoint, id).is_some() {
                        self.broken.get_or_insert(format!("{} was reserved twice", coin.outpoint));
                    }
                }
            }
            Hold::TakeAgain(coins) => coins.iter().for_each(|coin| {
                reserved.entry(coin.outpoint).or_insert(id);
            }),
            Hold::LetGo => reserved.retain(|_, holder| *holder != id),
            Hold::Leave => {}
        }
    }

    pub fn step(&mut self, id: Hex32, command: Command, now: u64) -> Result<bool, Stop> {
        let Some(event) = decide(&self.escrows[&id], command, now)? else { return Ok(false) };
        self.commit(Change { events: vec![(id, event)], ..Change::default() })?;
        Ok(true)
    }

    /// Looks at the chain and does what is due. Returns what is left for the node: oracles and peers to be asked.
    pub fn look(&mut self, around: &mut Around<'_>) -> Result<Left, Stop> {
        self.live()?;
        self.wallet = around.chain.coins(self.side);
        let ids: Vec<Hex32> = self.escrows.keys().copied().collect();
        let mut left = Left::default();
        for id in ids {
            self.tend(id, around, &mut left)?;
        }
        Ok(left)
    }

    fn tend(&mut self, id: Hex32, around: &mut Around<'_>, left: &mut Left) -> Result<(), Stop> {
        for _ in 0..ROUNDS {
            self.note_sightings(id, around)?;
            let view = self.view(id, around.chain);
            self.note_status(id, &view, around)?;
            let mut progress = false;
            for step in due(&self.escrows[&id], &view, around.now) {
                match self.act(id, step, around) {
                    Ok(Done::Changed) => progress = true,
                    Ok(Done::Unchanged) => {}
                    Ok(Done::ToBeAsked) => drop(left.asked.insert(id)),
                    Ok(Done::ToBeConsidered) => drop(left.considered.insert(id)),
                    Err(Stop::Killed) => return Err(Stop::Killed),
                    // The node logs it and tries again.
                    Err(_) => {}
                }
            }
            if !progress {
                break;
            }
        }
        Ok(())
    }

    pub fn view(&self, id: Hex32, chain: &Chain) -> ChainView {
        let escrow = &self.escrows[&id];
        let spender = escrow.funding.and_then(|funding| chain.spender(&funding));
        let spend = spender.and_then(|txid| {
            let (known, kind, _) = escrow.spend.as_ref()?;
            let kind = if *known == txid { *kind } else { SpendKind::Unknown };
            Some(SpendView { txid, kind, place: chain.place(&txid) })
        });
        let place = |txid: Option<Txid>| txid.map_or(Place::Unknown, |txid| chain.place(&txid));
        ChainView {
            height: chain.height(),
            median_time_past: chain.median_time_past(),
            depth: DEPTH,
            funding: place(escrow.funding.map(|funding| funding.txid)),
            spend,
            cancel: self.conflict(escrow, chain),
        }
    }

    /// Where the own cancel is; or, where a block has one, whatever else spends a coin that the funding needs.
    fn conflict(&self, escrow: &Escrow, chain: &Chain) -> Place {
        let own = escrow.cancel.as_ref().map_or(Place::Unknown, |tx| chain.place(&txid(tx)));
        let Some(funding) = escrow.funding.filter(|_| escrow.at_stake()) else { return Place::Unknown };
        rivals(funding.txid, chain).max_by_key(|place| place.confirmations(u32::MAX - 1)).unwrap_or(own)
    }

    fn note_sightings(&mut self, id: Hex32, around: &mut Around<'_>) -> Result<(), Stop> {
        let escrow = &self.escrows[&id];
        let Some(funding) = escrow.funding else { return Ok(()) };
        if escrow.funding_tx.is_none() && around.chain.place(&funding.txid).is_seen() {
            self.step(id, Command::SeeFunding { funding_tx: bytes(&funding.txid) }, around.now)?;
        }
        let Some(txid) = around.chain.spender(&funding) else { return Ok(()) };
        let kind = match around.chain.known[&txid].what {
            What::Cet { provider_sat, buyer_sat } => {
                SpendKind::Cet { provider_sat: Sat(provider_sat), buyer_sat: Sat(buyer_sat) }
            }
            What::Refund => SpendKind::Refund,
            What::Close { provider_sat, buyer_sat } => {
                SpendKind::Close { provider_sat: Sat(provider_sat), buyer_sat: Sat(buyer_sat) }
            }
            What::Coins | What::Funding(_) | What::Own => SpendKind::Unknown,
        };
        self.step(id, Command::SeeSpend { txid, kind, tx: bytes(&txid) }, around.now)?;
        Ok(())
    }

    fn note_status(&mut self, id: Hex32, view: &ChainView, around: &Around<'_>) -> Result<(), Stop> {
        let escrow = &self.escrows[&id];
        let status = status(escrow, view, around.now);
        if status == escrow.noted {
            return Ok(());
        }
        if status.is_final() && !is_deep(escrow, around.chain) {
            self.broken.get_or_insert(format!("{status:?} is not final yet"));
        }
        let event = Event::Observed { status, height: view.height };
        self.commit(Change { events: vec![(id, event)], ..Change::default() })
    }

    fn act(&mut self, id: Hex32, step: Due, around: &mut Around<'_>) -> Result<Done, Stop> {
        let escrow = &self.escrows[&id];
        match step {
            Due::Abandon => {
                let reason = "the funding deadline passed".to_owned();
                self.step(id, Command::Abandon { reason }, around.now).map(Done::from)
            }
            Due::BroadcastFunding => self.broadcast(escrow.funding_tx.clone(), around),
            Due::BuildCancel => self.build_cancel(id, around),
            Due::BroadcastCancel => self.broadcast(escrow.cancel.clone(), around),
            Due::BuildCet => self.build_cet(id, around),
            Due::BroadcastCet => self.broadcast(escrow.cet.clone(), around),
            Due::BuildRefund => {
                let Some(funding) = escrow.funding else { return Ok(Done::Unchanged) };
                let tx = around.chain.remember(&around.deals[&id].refund(funding));
                self.step(id, Command::UseRefund { tx: bytes(&tx) }, around.now).map(Done::from)
            }
            Due::BroadcastRefund => self.broadcast(escrow.refund.clone(), around),
            Due::BroadcastSpend => {
                let spend = escrow.spend.as_ref().map(|(.., tx)| tx.clone());
                self.broadcast(spend, around)
            }
            // Fees stay as they are in this model.
            Due::RaiseCancel { .. } | Due::BuildBump { .. } | Due::BroadcastBump { .. } => {
                Ok(Done::Unchanged)
            }
            Due::FetchAttestations => Ok(Done::ToBeAsked),
            // The model's oracle says one thing.
            Due::RecheckOracles => Ok(Done::Unchanged),
            Due::BroadcastClose => self.broadcast(escrow.closes.tx.clone(), around),
            Due::ConsiderClose => Ok(Done::ToBeConsidered),
        }
    }

    fn broadcast(&mut self, tx: Option<Bytes>, around: &mut Around<'_>) -> Result<Done, Stop> {
        self.live()?;
        if let Some(tx) = tx {
            let tx = around.chain.known[&txid(&tx)].clone();
            around.chain.broadcast(&tx);
        }
        Ok(Done::Unchanged)
    }

    /// Settles by a value that enough attestations name.
    fn build_cet(&mut self, id: Hex32, around: &mut Around<'_>) -> Result<Done, Stop> {
        let escrow = &self.escrows[&id];
        let Some(funding) = escrow.funding else { return Ok(Done::Unchanged) };
        let Some(value) = self.agreed(id) else { return Ok(Done::Unchanged) };
        let tx = around.chain.remember(&around.deals[&id].cet(funding, value));
        self.step(id, Command::UseCet { tx: bytes(&tx) }, around.now).map(Done::from)
    }

    /// The value that enough of the attestations name which are here.
    pub fn agreed(&self, id: Hex32) -> Option<u64> {
        let escrow = &self.escrows[&id];
        let said: Vec<u64> = escrow.attestations.iter().map(|(_, said)| value(said)).collect();
        let needed = escrow.agreement().oracles.threshold as usize;
        let votes = |value: &u64| said.iter().filter(|other| *other == value).count();
        said.iter().find(|value| votes(value) >= needed).copied()
    }

    /// Spends the escrow's coins back, at a fee that replaces the funding transaction.
    fn build_cancel(&mut self, id: Hex32, around: &mut Around<'_>) -> Result<Done, Stop> {
        let escrow = &self.escrows[&id];
        let Some(funding) = escrow.funding else { return Ok(Done::Unchanged) };
        let waiting = around.chain.known.get(&funding.txid).map_or(0, |tx| around.chain.waiting_fees(tx));
        let fee = waiting.max(super::deal::FUNDING_FEE) + RELAY_FEE;
        let tx = spend_own(self.side, &escrow.coins, fee);
        let tx = around.chain.remember(&tx);
        self.step(id, Command::UseCancel { tx: bytes(&tx) }, around.now).map(Done::from)
    }

    /// Coins for an escrow: confirmed, unspent, not reserved; the largest first.
    pub fn choose_coins(&self, need: u64) -> Result<Vec<Coin>, Stop> {
        let mut free = self.wallet.clone();
        free.retain(|(outpoint, _)| !self.disk.reserved.contains_key(outpoint));
        free.sort_by_key(|(_, sat)| std::cmp::Reverse(*sat));
        let mut chosen = Vec::new();
        for (outpoint, sat) in free {
            if in_all(&chosen) >= need {
                break;
            }
            chosen.push(Coin { outpoint, value_sat: Sat(sat) });
        }
        if in_all(&chosen) >= need { Ok(chosen) } else { Err(Stop::Coins) }
    }

    /// The funding transaction that the stored offer and an accept make.
    pub fn funding_of(&self, deal: &Deal, accept: &Message) -> Result<Tx, Stop> {
        let offer = self.escrows[&deal.id].offer.as_ref().ok_or(Stop::Unexpected)?;
        match (Message::read(offer), accept) {
            (Message::Offer(offer), Message::Accept(accept, _)) => Ok(deal.funding(&offer, accept)),
            _ => Err(Stop::Unexpected),
        }
    }
}

/// Where blocks hold what spends a coin that a funding transaction needs.
fn rivals(funding: Txid, chain: &Chain) -> impl Iterator<Item = Place> {
    let inputs = chain.known[&funding].inputs.iter();
    let spenders = inputs.filter_map(|input| chain.spender(input)).filter(move |txid| *txid != funding);
    spenders.map(|txid| chain.place(&txid)).filter(|place| matches!(place, Place::Confirmed { .. }))
}

/// Whether an end is buried: of an escrow that was dropped before anything was at stake, or of its coins.
fn is_deep(escrow: &Escrow, chain: &Chain) -> bool {
    let Some(funding) = escrow.funding.filter(|_| escrow.abandoned.is_none()) else { return true };
    let spend = chain.spender(&funding).map(|txid| chain.place(&txid));
    let mut ends = spend.into_iter().chain(rivals(funding.txid, chain));
    ends.any(|place| place.confirmations(chain.height()) >= DEPTH)
}

/// What came of a step that was due.
pub enum Done {
    Changed,
    Unchanged,
    ToBeAsked,
    ToBeConsidered,
}

/// What a look leaves for the node to do.
#[derive(Debug, Default)]
pub struct Left {
    /// Escrows whose oracles are to be asked.
    pub asked: BTreeSet<Hex32>,
    /// Escrows whose peer's proposal to close is to be looked at.
    pub considered: BTreeSet<Hex32>,
}

impl From<bool> for Done {
    fn from(changed: bool) -> Self {
        if changed { Self::Changed } else { Self::Unchanged }
    }
}

/// A party's coins, spent to itself.
pub fn spend_own(side: Side, coins: &[Coin], fee: u64) -> Tx {
    let outputs = vec![Output { owner: Owner::Party(side), sat: in_all(coins).saturating_sub(fee) }];
    let inputs = coins.iter().map(|coin| coin.outpoint).collect();
    Tx { what: What::Own, inputs, outputs, fee: fee.min(in_all(coins)), locktime: 0 }
}

/// The funding transaction whose contract an event's message of ours signs.
fn signs(event: &Event) -> Option<Txid> {
    match event {
        Event::OfferTaken { funding, .. } | Event::AcceptTaken { funding, .. } => Some(funding.txid),
        Event::SignTaken { funding_tx, .. } => Some(txid(funding_tx)),
        _ => None,
    }
}

/// A transaction as the engine carries it: here its id, by which the chain knows it.
pub fn bytes(txid: &Txid) -> Bytes {
    Bytes(txid.to_string().into_bytes())
}

pub fn txid(bytes: &Bytes) -> Txid {
    String::from_utf8_lossy(&bytes.0).parse().expect("only ids are stored")
}

/// An attestation as the engine carries it: the value that it names.
pub fn attestation(value: u64) -> Bytes {
    Bytes(value.to_be_bytes().to_vec())
}

fn value(bytes: &Bytes) -> u64 {
    u64::from_be_bytes(bytes.0.as_slice().try_into().expect("eight bytes"))
}
