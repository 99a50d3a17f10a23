//! Closing by agreement: proposals, signatures, and what a node signs without asking its owner.

use engine::{CloseStep, Command, Event};
use terms::{Hex32, Sat, Side};

use super::chain::{Tx, What};
use super::deal::{Deal, other};
use super::party::{Around, Party, Stop, bytes};
use super::world::{Packet, World};

/// What travels about a close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseTalk {
    pub from: Side,
    pub id: Hex32,
    /// The proposal's own session.
    pub session: Hex32,
    pub provider_sat: u64,
    pub until: u64,
    /// Whether the sender has signed it, or only proposes.
    pub signed: bool,
}

impl Deal {
    /// The most that any outcome pays a side.
    fn most(&self, side: Side) -> Sat {
        let total = self.agreement.total_sat().0;
        let parts = [0, 1_500, 20_000, 1_048_575].map(|value| self.provider_sat(value));
        let own = parts
            .into_iter()
            .map(|provider| if side == Side::Provider { provider } else { total - provider });
        Sat(own.max().unwrap_or(0))
    }
}

impl Party {
    /// What the attestations that are here pay us.
    fn due_sat(&self, deal: &Deal) -> Option<Sat> {
        let value = self.agreed(deal.id)?;
        Some(self.escrows[&deal.id].own_part(Sat(deal.provider_sat(value))))
    }

    /// The owner proposes a split.
    fn propose(&mut self, talk: &CloseTalk, around: &Around<'_>) -> Result<bool, Stop> {
        let due_sat = self.due_sat(&around.deals[&talk.id]);
        let step = CloseStep::Propose {
            session: talk.session,
            provider_sat: Sat(talk.provider_sat),
            until: talk.until,
            due_sat,
        };
        let proposed = self.step(talk.id, Command::Close(step), around.now)?;
        self.words.insert((talk.id, talk.provider_sat));
        Ok(proposed)
    }

    /// Takes a proposal, and signs it when that needs no owner. A copy of an envelope is known by its id: nothing comes of it.
    fn hear_proposal(&mut self, talk: &CloseTalk, around: &Around<'_>) -> Result<bool, Stop> {
        let heard =
            |event: &Event| matches!(event, Event::CloseOffered { session, .. } if *session == talk.session);
        if self.disk.events[&talk.id].iter().any(heard) {
            return Ok(false);
        }
        let step = CloseStep::TakeProposal {
            session: talk.session,
            provider_sat: Sat(talk.provider_sat),
            until: talk.until,
            reason: "enough measured".to_owned(),
        };
        self.step(talk.id, Command::Close(step), around.now)?;
        self.consider(talk.id, around).map(|signed| signed.is_some())
    }

    /// Signs the peer's proposal when it pays what we get anyway, or is what our owner proposed.
    pub fn consider(&mut self, id: Hex32, around: &Around<'_>) -> Result<Option<CloseTalk>, Stop> {
        let escrow = &self.escrows[&id];
        let deal = &around.deals[&id];
        let Some(peer) = escrow.peer_proposal(around.now).cloned() else { return Ok(None) };
        let (due, most) = (self.due_sat(deal), deal.most(self.side));
        if !escrow.agrees_by_itself(peer.provider_sat, due, most, around.now) {
            return Ok(None);
        }
        self.step(id, Command::Close(CloseStep::Sign { session: peer.session }), around.now)?;
        Ok(Some(CloseTalk {
            from: self.side,
            id,
            session: peer.session,
            provider_sat: peer.provider_sat.0,
            until: peer.until,
            signed: true,
        }))
    }

    /// Completes the close that we proposed and the peer signed.
    fn complete(&mut self, talk: &CloseTalk, around: &mut Around<'_>) -> Result<bool, Stop> {
        let deal = &around.deals[&talk.id];
        let Some(funding) = self.escrows[&talk.id].funding else { return Ok(false) };
        let tx = around.chain.remember(&close(deal, funding, talk.provider_sat));
        let step = CloseStep::Build { session: talk.session, tx: bytes(&tx), due_sat: self.due_sat(deal) };
        self.step(talk.id, Command::Close(step), around.now)
    }
}

/// The transaction of a split.
pub fn close(deal: &Deal, funding: bitcoin::OutPoint, provider_sat: u64) -> Tx {
    let buyer_sat = deal.agreement.total_sat().0 - provider_sat;
    deal.closing(funding, What::Close { provider_sat, buyer_sat }, [provider_sat, buyer_sat], 0)
}

impl World {
    /// A party's owner proposes to close its first escrow that can be closed, so many quarters to the provider.
    pub fn propose(&mut self, side: Side, quarters: u8, hours: u8) {
        let party = self.party(side);
        let Some(id) = party.escrows.values().find(|it| it.can_close()).map(engine::Escrow::id) else {
            return;
        };
        if !self.is_online(side) {
            return;
        }
        self.sessions += 1;
        let mut session = Hex32([0xc0; 32]);
        session.0[..8].copy_from_slice(&self.sessions.to_be_bytes());
        let talk = CloseTalk {
            from: side,
            id,
            session,
            provider_sat: self.deals[&id].agreement.total_sat().0 / 4 * u64::from(quarters.min(4)),
            until: self.now + u64::from(hours) * 3_600,
            signed: false,
        };
        let (party, around) = self.with(side);
        let proposed = party.propose(&talk, &around);
        if self.after(side, proposed) == Some(true) {
            self.wire.push(Packet::Close(talk));
        }
    }

    /// A word about a close arrives.
    pub fn hear(&mut self, talk: &CloseTalk) {
        let side = other(talk.from);
        if !self.is_online(side) || !self.party(side).escrows.contains_key(&talk.id) {
            return;
        }
        let (party, mut around) = self.with(side);
        if talk.signed {
            let done = party.complete(talk, &mut around);
            self.after(side, done);
            return;
        }
        let heard = party.hear_proposal(talk, &around);
        if self.after(side, heard) == Some(true) {
            self.wire.push(Packet::Close(CloseTalk { from: side, signed: true, ..talk.clone() }));
        }
    }
}
