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
    /// A message of its own that is in flight names another collateral.
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
    pub fn lie(&mut self, lie: Lie) {
        let Some(side) = self.liar else { return };
        match lie {
            Lie::DoubleSpend => self.double_spend(side),
            Lie::Fund => self.fund(side),
            Lie::Refund => self.refund(side),
            Lie::Close => self.complete_closes(side),
            Lie::Again => self.say_again(side),
            forged => self.forge(side, forged),
        }
    }

    fn forge(&mut self, side: Side, lie: Lie) {
        let stolen: Vec<Coin> = self.coins_of(other(side));
        let foreign: Vec<Bytes> = self.messages_of(side);
        for packet in &mut self.wire {
            let envelope = match packet {
                Packet::Request(envelope) => envelope,
                Packet::Reply { answer: Answer::Said(envelope), .. } => envelope,
                Packet::Reply { to, answer } if lie == Lie::Cancel && to.from != side => {
                    *answer = Answer::Refused;
                    return;
                }
                Packet::Reply { .. } | Packet::Close(_) => continue,
            };
            if envelope.from != side {
                continue;
            }
            if lie == Lie::Cancel {
                envelope.body = Body::Cancel;
                return;
            }
            let session = envelope.session;
            if let Body::Dlc(bytes) = &mut envelope.body {
                let forged = forged(bytes, lie, session, &stolen, &foreign);
                *bytes = forged;
                return;
            }
        }
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
            let heard = self.party(other(side)).disk.envelopes.get(&envelope.session).map_or(0, Vec::len);
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
            envelope.seq = heard as u64;
            self.wire.push(Packet::Request(envelope));
        }
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
