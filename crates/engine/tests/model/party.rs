//! One party's node, without its shell: what it stored, what it holds in memory, and how it does what is due. It follows
//! `node::core`, and may be killed between any two writes or effects; [`super::act`] is the rest of it.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{OutPoint, Txid};
use engine::{Bytes, Coin, Command, Escrow, Event, Hold, Refusal, decide, hold};
use terms::{Hex32, Sat, Side};

use super::chain::{Chain, Output, Owner, Tx, What};
use super::deal::{Deal, Message, in_all};
use super::talk::Stored;

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
    /// The escrows of which it noted that the funding is deep enough.
    pub locked: BTreeSet<Hex32>,
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
            locked: BTreeSet::new(),
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

pub fn value(bytes: &Bytes) -> u64 {
    u64::from_be_bytes(bytes.0.as_slice().try_into().expect("eight bytes"))
}
