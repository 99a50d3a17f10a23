//! What a party does that does not keep to the protocol.

use engine::{Bytes, Coin, Event};
use terms::{Hex32, Side};

use super::chain::Tx;
use super::close::close;
use super::deal::{Message, other};
use super::party::{spend_own, txid};
use super::talk::{Answer, Body, Envelope, Stored};
use super::world::{Packet, World};

/// One lie, or one move that only a cheat makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// A message of its own names another collateral.
    Amounts,
    /// ... other terms.
    Terms,
    /// ... the other side's coin.
    Theft,
    /// ... signs another funding transaction.
    Signature,
    /// ... is that of another session.
    Session,
    /// ... says that it is over, or an answer of its own refuses what it answers.
    Cancel,
    /// It says again what it said last, with another coin of its own.
    Again,
    /// It says of every escrow that it is over, whatever it has signed.
    Over,
    /// It spends its coins of an escrow elsewhere.
    DoubleSpend,
    /// It broadcasts every funding transaction that it has, however late.
    Fund,
    /// It broadcasts every refund, attested or not.
    Refund,
    /// It completes every close that the other side ever signed, however late.
    Close,
}

/// More than any cancel pays.
const HIGH_FEE: u64 = 9_000;

impl World {
    /// A lie in a message waits until so many other messages of the cheat have arrived; a move is made at once.
    pub fn lie(&mut self, lie: Lie, messages: u8) {
        let Some(side) = self.liar else { return };
        match lie {
            Lie::DoubleSpend => self.double_spend(side),
            Lie::Fund => self.fund(side),
            Lie::Refund => self.refund(side),
            Lie::Close => self.complete_closes(side),
            Lie::Again => self.say_again(side),
            Lie::Over => self.say_over(side),
            Lie::Amounts | Lie::Terms | Lie::Theft | Lie::Signature | Lie::Session | Lie::Cancel => {
                self.next_lie = Some((lie, messages));
            }
        }
    }

    /// A message of the cheat arrives: as it was, or with the lie that waits for it.
    pub fn forge(&mut self, packet: &mut Packet) {
        let (Some(side), Some((lie, messages))) = (self.liar, self.next_lie) else { return };
        let from = match packet {
            Packet::Request(envelope) => envelope.from,
            Packet::Reply { to, .. } => other(to.from),
            Packet::Close(_) => return,
        };
        if from == side && messages > 0 {
            self.next_lie = Some((lie, messages - 1));
        } else if from == side && self.twist(side, packet, lie) {
            self.next_lie = None;
        }
    }

    /// Says whether the lie is one that this packet can tell.
    fn twist(&self, side: Side, packet: &mut Packet, lie: Lie) -> bool {
        let envelope = match packet {
            Packet::Reply { answer, .. } if lie == Lie::Cancel => {
                *answer = Answer::Refused;
                return true;
            }
            Packet::Request(envelope) | Packet::Reply { answer: Answer::Said(envelope), .. } => envelope,
            Packet::Reply { .. } | Packet::Close(_) => return false,
        };
        if lie == Lie::Cancel {
            envelope.body = Body::Cancel;
            return true;
        }
        let session = envelope.session;
        let Body::Dlc(bytes) = &mut envelope.body else { return false };
        let forged = forged(bytes, lie, session, &self.coins_of(other(side)), &self.messages_of(side));
        let told = forged != *bytes;
        *bytes = forged;
        told
    }

    fn coins_of(&self, side: Side) -> Vec<Coin> {
        let coins = self.chain.coins(side).into_iter();
        coins.map(|(outpoint, sat)| Coin { outpoint, value_sat: terms::Sat(sat) }).collect()
    }

    fn messages_of(&self, side: Side) -> Vec<Bytes> {
        let stored = self.party(side).disk.envelopes.values().flatten();
        let bodies = stored.filter(|stored| stored.ours).map(|stored| &stored.envelope.body);
        bodies
            .filter_map(|body| if let Body::Dlc(bytes) = body { Some(bytes.clone()) } else { None })
            .collect()
    }

    /// Only who asks can say something unasked: the buyer.
    fn say_again(&mut self, side: Side) {
        let coins = self.coins_of(side);
        let transcripts = self.party(side).disk.envelopes.values();
        let said: Vec<Envelope> = transcripts.filter_map(|it| last_half(it)).collect();
        for mut envelope in said.into_iter().filter(|_| side == Side::Buyer) {
            let deal = &self.deals[&envelope.session];
            let Body::Dlc(bytes) = &envelope.body else { continue };
            let mut message = Message::read(bytes);
            match &mut message {
                Message::Offer(half) => half.coins.extend(coins.last().copied()),
                Message::Accept(half, signatures) => {
                    half.coins.extend(coins.last().copied());
                    let offer = &self.party(side).escrows[&deal.id].offer;
                    let Some(Message::Offer(offer)) = offer.as_ref().map(Message::read) else { continue };
                    signatures.funding = self.chain.remember(&deal.funding(&offer, half));
                }
                Message::Sign(_) => continue,
            }
            envelope.body = Body::Dlc(message.bytes());
            envelope.seq = self.heard(&envelope, other(side));
            self.wire.push(Packet::Request(envelope));
        }
    }

    fn say_over(&mut self, side: Side) {
        let opened = self.party(side).disk.envelopes.values().filter_map(|transcript| transcript.first());
        let opened: Vec<Envelope> = opened.map(|stored| stored.envelope.clone()).collect();
        for mut envelope in opened.into_iter().filter(|_| side == Side::Buyer) {
            envelope.seq = self.heard(&envelope, other(side));
            envelope.body = Body::Cancel;
            self.wire.push(Packet::Request(envelope));
        }
    }

    /// How many envelopes of a session a side has in its transcript: the next one's number.
    fn heard(&self, envelope: &Envelope, side: Side) -> u64 {
        self.party(side).disk.envelopes.get(&envelope.session).map_or(0, |transcript| transcript.len() as u64)
    }

    fn double_spend(&mut self, side: Side) {
        let escrows: Vec<Vec<Coin>> =
            self.party(side).escrows.values().map(|escrow| escrow.coins.clone()).collect();
        for coins in escrows.into_iter().filter(|coins| !coins.is_empty()) {
            self.chain.broadcast(&spend_own(side, &coins, HIGH_FEE));
        }
    }

    fn fund(&mut self, side: Side) {
        let held: Vec<Tx> = {
            let escrows = self.party(side).escrows.values();
            let txs = escrows.filter_map(|escrow| escrow.funding_tx.as_ref());
            txs.map(|bytes| self.chain.known[&txid(bytes)].clone()).collect()
        };
        for tx in held {
            self.chain.broadcast(&tx);
        }
    }

    fn complete_closes(&mut self, side: Side) {
        let signed = self.party(other(side)).disk.events.iter().flat_map(|(id, events)| {
            let funding = self.party(other(side)).escrows[id].funding;
            events.iter().filter_map(move |event| match event {
                Event::CloseSigned { session } => Some((*id, *session, funding?)),
                _ => None,
            })
        });
        let closes: Vec<Tx> = signed
            .filter_map(|(id, session, funding)| {
                let events = &self.party(other(side)).disk.events[&id];
                let provider_sat = events.iter().find_map(|event| match event {
                    Event::CloseOffered { session: of, provider_sat, .. } if *of == session => {
                        Some(provider_sat.0)
                    }
                    _ => None,
                })?;
                Some(close(&self.deals[&id], funding, provider_sat))
            })
            .collect();
        for tx in closes {
            self.chain.broadcast(&tx);
        }
    }

    fn refund(&mut self, side: Side) {
        let refunds: Vec<Tx> = {
            let escrows = self.party(side).escrows.values().filter(|escrow| escrow.sign.is_some());
            escrows.filter_map(|escrow| Some(self.deals[&escrow.id()].refund(escrow.funding?))).collect()
        };
        for tx in refunds {
            self.chain.broadcast(&tx);
        }
    }
}

/// The last own envelope of a transcript that names coins.
fn last_half(transcript: &[Stored]) -> Option<Envelope> {
    let own = transcript.iter().rev().filter(|stored| stored.ours).map(|stored| &stored.envelope);
    let names_coins = |envelope: &&Envelope| match &envelope.body {
        Body::Dlc(bytes) => !matches!(Message::read(bytes), Message::Sign(_)),
        Body::Accept(_) | Body::Cancel => false,
    };
    own.into_iter().find(names_coins).cloned()
}

fn forged(bytes: &Bytes, lie: Lie, session: Hex32, stolen: &[Coin], foreign: &[Bytes]) -> Bytes {
    let mut message = Message::read(bytes);
    if lie == Lie::Session {
        let other = foreign.iter().find(|other| !is_of(other, session) && *other != bytes);
        return other.unwrap_or(bytes).clone();
    }
    match &mut message {
        Message::Offer(half) | Message::Accept(half, _) => match lie {
            Lie::Amounts => half.collateral_sat += 1,
            Lie::Terms => half.terms = Hex32([0xee; 32]),
            Lie::Theft => half.coins.extend(stolen.first().copied()),
            _ => {}
        },
        Message::Sign(signatures) => signatures.terms = Hex32([0xee; 32]),
    }
    if let (Message::Accept(_, signatures), Lie::Signature) = (&mut message, lie) {
        signatures.funding = bitcoin::hashes::Hash::all_zeros();
    }
    message.bytes()
}

fn is_of(bytes: &Bytes, session: Hex32) -> bool {
    match Message::read(bytes) {
        Message::Offer(half) | Message::Accept(half, _) => half.id == session,
        Message::Sign(_) => false,
    }
}
