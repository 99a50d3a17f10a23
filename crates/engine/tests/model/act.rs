//! How a node looks at the chain and does what is due, as `node::chain` and `node::act` do.

use std::collections::BTreeSet;

use bitcoin::Txid;
use engine::{Bytes, ChainView, Command, Due, Escrow, Event, Place, SpendKind, SpendView, due, status};
use terms::{Hex32, Sat};

use super::chain::{Chain, What};
use super::party::{Around, Change, DEPTH, Party, Stop, bytes, spend_own, txid, value};

/// How often one look may lead to another at once, as in the node.
const ROUNDS: usize = 8;
/// What its own relay costs a transaction that replaces others.
const RELAY_FEE: u64 = 220;

impl Party {
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
            let mut steps = due(&self.escrows[&id], &view, around.now);
            steps.extend(self.fee_due(id, &view, around));
            for step in steps {
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
            What::Coins | What::Funding(_) | What::Own | What::Bump => SpendKind::Unknown,
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
        let deep = view.funding.confirmations(view.height) >= DEPTH;
        let event = Event::Observed { status, height: view.height };
        self.commit(Change { events: vec![(id, event)], ..Change::default() })?;
        self.locked.extend(deep.then_some(id));
        Ok(())
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
            // A cancel of this model exceeds whatever it replaces from the beginning.
            Due::RaiseCancel { .. } => Ok(Done::Unchanged),
            Due::BuildBump { spends, fee_sat } => self.build_bump(id, spends, fee_sat, around),
            Due::BroadcastBump { spends } => self.broadcast(self.bump(id, spends), around),
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
        if self.locked.contains(&id) && around.now < around.deals[&id].refund_locktime() {
            self.broken.get_or_insert("what was locked in time is taken back".to_owned());
        }
        let escrow = &self.escrows[&id];
        let Some(funding) = escrow.funding else { return Ok(Done::Unchanged) };
        let waiting = around.chain.known.get(&funding.txid).map_or(0, |tx| around.chain.waiting_fees(tx));
        let fee = waiting.max(super::deal::FUNDING_FEE) + RELAY_FEE;
        let tx = spend_own(self.side, &escrow.coins, fee);
        let tx = around.chain.remember(&tx);
        self.step(id, Command::UseCancel { tx: bytes(&tx) }, around.now).map(Done::from)
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
