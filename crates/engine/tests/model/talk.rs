//! The conversation of one escrow, as `node::exchange` and `node::lock` lead it: envelopes that are stored before they
//! leave, each answered once, and what each leads to.

use engine::{Bytes, Command, DlcRole, Escrow, Event, Opened, decide};
use terms::{Hex32, Side};

use super::deal::{Deal, Half, Message, Signatures, other};
use super::party::{Around, Change, Party, Stop, bytes};

/// How long the provider's coins wait for the contract's signatures.
const SIGN_WITHIN_S: u64 = 3_600;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The buyer takes the quoted terms.
    Accept(Hex32),
    Dlc(Bytes),
    Cancel,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub session: Hex32,
    pub seq: u64,
    pub from: Side,
    /// As in the node: the funding deadline, and ten minutes at least.
    pub expires: u64,
    pub body: Body,
}

impl Envelope {
    fn new(deal: &Deal, seq: u64, from: Side, body: Body, now: u64) -> Self {
        let expires = deal.agreement.funding_deadline.0.max(now + 600);
        Self { session: deal.id, seq, from, expires, body }
    }
}

/// An envelope in a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub envelope: Envelope,
    pub ours: bool,
    /// Whether an own one has its answer.
    pub delivered: bool,
}

impl Stored {
    fn of(envelope: &Envelope, ours: bool, delivered: bool) -> Self {
        Self { envelope: envelope.clone(), ours, delivered }
    }
}

/// What the provider's node gives back over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Said(Envelope),
    Nothing,
    Refused,
    /// Its own trouble, which may pass.
    Later,
}

type Step = (Vec<Event>, Option<Body>);

impl Party {
    /// Buyer: the quoted terms are taken. The first envelope waits to be sent.
    pub fn purchase(&mut self, deal: &Deal, around: &mut Around<'_>) -> Result<(), Stop> {
        let envelope = Envelope::new(deal, 0, self.side, Body::Accept(deal.terms), around.now);
        let event = Event::Opened(Box::new(self.opened(deal, around)));
        self.commit(Change {
            events: vec![(deal.id, event)],
            envelopes: vec![(deal.id, Stored::of(&envelope, true, false))],
            ..Change::default()
        })
    }

    fn opened(&self, deal: &Deal, around: &Around<'_>) -> Opened {
        Opened {
            id: deal.id,
            side: self.side,
            role: deal.role(self.side),
            agreement: deal.agreement.clone(),
            announcements: vec![],
            maturity: deal.maturity(),
            first_maturity: None,
            temporary_id: deal.id,
            height: around.chain.height(),
            renews: None,
            sign_by: (self.side == Side::Provider).then(|| around.now + SIGN_WITHIN_S),
        }
    }

    /// Own envelopes that wait to be sent.
    pub fn undelivered(&self) -> Vec<Envelope> {
        let waiting = self.disk.envelopes.values().flatten();
        waiting
            .filter(|stored| stored.ours && !stored.delivered)
            .map(|stored| stored.envelope.clone())
            .collect()
    }

    /// Provider: takes an envelope and answers it. Nothing is stored when it is refused.
    pub fn receive(&mut self, envelope: &Envelope, around: &mut Around<'_>) -> Result<Answer, Stop> {
        let transcript = self.disk.envelopes.get(&envelope.session).cloned().unwrap_or_default();
        if let Some(stored) = transcript.iter().find(|stored| stored.envelope.seq == envelope.seq) {
            return if stored.envelope == *envelope {
                let next = transcript.iter().find(|next| next.ours && next.envelope.seq == envelope.seq + 1);
                Ok(next.map_or(Answer::Nothing, |next| Answer::Said(next.envelope.clone())))
            } else {
                Err(Stop::Unexpected)
            };
        }
        if envelope.seq != transcript.len() as u64 || envelope.expires <= around.now {
            return Err(Stop::Unexpected);
        }
        let (events, next) = self.react(envelope, around)?;
        let deal = &around.deals[&envelope.session];
        let next = next.map(|body| Envelope::new(deal, envelope.seq + 1, self.side, body, around.now));
        let mut envelopes = vec![(envelope.session, Stored::of(envelope, false, true))];
        envelopes.extend(next.iter().map(|next| (next.session, Stored::of(next, true, true))));
        let events = events.into_iter().map(|event| (envelope.session, event)).collect();
        self.commit(Change { events, envelopes, ..Change::default() })?;
        Ok(next.map_or(Answer::Nothing, Answer::Said))
    }

    /// Buyer: takes the answer to an own envelope, and stores what comes next.
    pub fn answered(
        &mut self,
        sent: &Envelope,
        answer: &Answer,
        around: &mut Around<'_>,
    ) -> Result<(), Stop> {
        if !self.undelivered().contains(sent) {
            return Ok(());
        }
        let id = sent.session;
        let mut change = Change { delivered: vec![(id, sent.seq)], ..Change::default() };
        let step = match answer {
            Answer::Later => return Ok(()),
            Answer::Refused => Ok((self.given_up(id, around), None)),
            Answer::Nothing => self.go_on(sent, around),
            Answer::Said(said) if said.session == id && said.seq == sent.seq + 1 => {
                change.envelopes.push((id, Stored::of(said, false, true)));
                self.react(said, around)
            }
            // It does not even continue the session: stored is only that the escrow ends.
            Answer::Said(_) => Ok((self.given_up(id, around), None)),
        };
        let (events, next) = match step {
            Err(Stop::Killed) => return Err(Stop::Killed),
            Err(Stop::Coins) => return Err(Stop::Coins),
            Err(_) => {
                let events = self.given_up(id, around);
                let told = (!events.is_empty()).then_some(Body::Cancel);
                (events, told)
            }
            Ok(step) => step,
        };
        change.events = events.into_iter().map(|event| (id, event)).collect();
        let seq = sent.seq + 1 + change.envelopes.len() as u64;
        let next = next.map(|body| Envelope::new(&around.deals[&id], seq, self.side, body, around.now));
        change.envelopes.extend(next.iter().map(|next| (id, Stored::of(next, true, false))));
        self.commit(change)
    }

    fn given_up(&self, id: Hex32, around: &Around<'_>) -> Vec<Event> {
        let command = Command::Abandon { reason: "the peer's answer will not do".to_owned() };
        decide(&self.escrows[&id], command, around.now).ok().flatten().into_iter().collect()
    }

    /// What a body of the peer leads to.
    fn react(&mut self, envelope: &Envelope, around: &mut Around<'_>) -> Result<Step, Stop> {
        let deal = &around.deals[&envelope.session].clone();
        match &envelope.body {
            Body::Accept(terms) => self.begin(deal, *terms, around),
            Body::Cancel => {
                let known = self.escrows.contains_key(&deal.id);
                Ok((if known { self.given_up(deal.id, around) } else { vec![] }, None))
            }
            Body::Dlc(message) => {
                let escrow = self.escrows.get(&deal.id).ok_or(Stop::Unexpected)?.clone();
                match Message::read(message) {
                    Message::Offer(half) => self.take_offer(deal, &escrow, half, around),
                    Message::Accept(half, signatures) => {
                        self.take_accept(deal, &escrow, half, signatures, around)
                    }
                    Message::Sign(signatures) => self.take_sign(deal, &escrow, &signatures, around),
                }
            }
        }
    }

    /// Provider: both agreed.
    fn begin(&mut self, deal: &Deal, terms: Hex32, around: &mut Around<'_>) -> Result<Step, Stop> {
        if terms != deal.terms || self.escrows.contains_key(&deal.id) {
            return Err(Stop::Unexpected);
        }
        let opened = self.opened(deal, around);
        let mut events = vec![Event::Opened(Box::new(opened.clone()))];
        if opened.role == DlcRole::Accepter {
            return Ok((events, None));
        }
        let (offered, next) = self.make_offer(deal, &Escrow::new(opened), around)?;
        events.extend(offered);
        Ok((events, next))
    }

    /// Buyer: what follows an envelope that needs no answer.
    fn go_on(&mut self, sent: &Envelope, around: &mut Around<'_>) -> Result<Step, Stop> {
        let escrow = self.escrows[&sent.session].clone();
        match (&sent.body, escrow.opened.role) {
            (Body::Accept(_), DlcRole::Offerer) => {
                self.make_offer(&around.deals[&sent.session].clone(), &escrow, around)
            }
            (Body::Dlc(_) | Body::Cancel, _) => Ok((vec![], None)),
            (Body::Accept(_), DlcRole::Accepter) => Err(Stop::Unexpected),
        }
    }

    /// Our half of the contract, with coins for it.
    fn half(&self, deal: &Deal) -> Result<Half, Stop> {
        let coins = self.choose_coins(deal.need(self.side))?;
        Ok(Half { id: deal.id, terms: deal.terms, collateral_sat: deal.collateral(self.side), coins })
    }

    fn make_offer(&mut self, deal: &Deal, escrow: &Escrow, around: &mut Around<'_>) -> Result<Step, Stop> {
        let half = self.half(deal)?;
        let offer = Message::Offer(half.clone()).bytes();
        let command = Command::MakeOffer { offer: offer.clone(), coins: half.coins };
        Ok((vec![new_event(escrow, command, around.now)?], Some(Body::Dlc(offer))))
    }

    fn take_offer(
        &mut self,
        deal: &Deal,
        escrow: &Escrow,
        offer: Half,
        around: &mut Around<'_>,
    ) -> Result<Step, Stop> {
        deal.check_half(&offer, other(self.side), around.chain).map_err(Stop::Gate)?;
        let half = self.half(deal)?;
        let funding = deal.funding(&offer, &half);
        let signatures = Signatures { funding: around.chain.remember(&funding), terms: deal.terms };
        let accept = Message::Accept(half.clone(), signatures).bytes();
        let command = Command::TakeOffer {
            offer: Message::Offer(offer).bytes(),
            accept: accept.clone(),
            coins: half.coins,
            funding: funding.outpoint(0),
        };
        Ok((vec![new_event(escrow, command, around.now)?], Some(Body::Dlc(accept))))
    }

    fn take_accept(
        &mut self,
        deal: &Deal,
        escrow: &Escrow,
        half: Half,
        signatures: Signatures,
        around: &mut Around<'_>,
    ) -> Result<Step, Stop> {
        deal.check_half(&half, other(self.side), around.chain).map_err(Stop::Gate)?;
        let accept = Message::Accept(half, signatures.clone());
        let funding = self.funding_of(deal, &accept)?;
        deal.check_signatures(&signatures, &funding).map_err(Stop::Gate)?;
        let signatures = Signatures { funding: around.chain.remember(&funding), terms: deal.terms };
        let sign = Message::Sign(signatures).bytes();
        let command =
            Command::TakeAccept { accept: accept.bytes(), sign: sign.clone(), funding: funding.outpoint(0) };
        Ok((vec![new_event(escrow, command, around.now)?], Some(Body::Dlc(sign))))
    }

    fn take_sign(
        &mut self,
        deal: &Deal,
        escrow: &Escrow,
        signatures: &Signatures,
        around: &mut Around<'_>,
    ) -> Result<Step, Stop> {
        let accept = escrow.accept.as_ref().ok_or(Stop::Unexpected)?;
        let funding = self.funding_of(deal, &Message::read(accept))?;
        deal.check_signatures(signatures, &funding).map_err(Stop::Gate)?;
        let command = Command::TakeSign {
            sign: Message::Sign(signatures.clone()).bytes(),
            funding_tx: bytes(&around.chain.remember(&funding)),
        };
        Ok((vec![new_event(escrow, command, around.now)?], None))
    }
}

fn new_event(escrow: &Escrow, command: Command, now: u64) -> Result<Event, Stop> {
    decide(escrow, command, now)?.ok_or(Stop::Unexpected)
}
