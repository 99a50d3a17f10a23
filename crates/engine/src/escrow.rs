//! What an escrow's events add up to.

use bitcoin::{OutPoint, Txid};
use terms::{Agreement, Hex32, Sat};

use crate::bytes::Bytes;
use crate::close::Closes;
use crate::event::{Coin, DlcRole, Event, Opened, SpendKind};
use crate::oracles::Oracles;
use crate::view::Status;

/// A transaction that spends an own output of one that waits, so that both are worth mining.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bump {
    /// The output.
    pub spends: OutPoint,
    /// The transaction.
    pub tx: Bytes,
    /// What it pays.
    pub fee_sat: Sat,
    /// The chain's height when it was made.
    pub height: u32,
}

/// One escrow, folded from its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escrow {
    /// What was fixed at the start.
    pub opened: Opened,
    /// The offer, made or taken.
    pub offer: Option<Bytes>,
    /// The accept, made or taken.
    pub accept: Option<Bytes>,
    /// The signatures, made or taken.
    pub sign: Option<Bytes>,
    /// Our coins in the funding transaction.
    pub coins: Vec<Coin>,
    /// The output that the contract locks.
    pub funding: Option<OutPoint>,
    /// The complete funding transaction, once we have it.
    pub funding_tx: Option<Bytes>,
    /// Attestations by the oracle's place in the agreement: the first of each.
    pub attestations: Vec<(usize, Bytes)>,
    /// What else is known of the oracles.
    pub oracles: Oracles,
    /// The CET that we built.
    pub cet: Option<Bytes>,
    /// The refund that we built.
    pub refund: Option<Bytes>,
    /// The transaction that takes our coins back.
    pub cancel: Option<Bytes>,
    /// What is known about closing it by agreement.
    pub closes: Closes,
    /// The height at which that transaction was last made anew, at a higher fee; 0 for the first.
    pub cancel_height: u32,
    /// Children that pay for a transaction which waits for a block, oldest first.
    pub bumps: Vec<Bump>,
    /// Why the escrow ended before it was funded.
    pub abandoned: Option<String>,
    /// The last spend of the funding output that we saw.
    pub spend: Option<(Txid, SpendKind, Bytes)>,
    /// Whether the funding output was ever spent by something that we do not know, if only for a while.
    pub was_misspent: bool,
    /// Whether the funding was once deep enough: it was locked in time, whatever a reorganisation does to it.
    pub was_locked: bool,
    /// The last state that was noted for the owner.
    pub noted: Status,
    /// The chain's height when it was noted.
    pub noted_height: u32,
    /// The number of events so far; the next one's sequence number.
    pub events: u64,
}

impl Escrow {
    /// Starts from the first event.
    ///
    /// Returns `None` when the first event is not [`Event::Opened`].
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Self> {
        let mut events = events.into_iter();
        let Event::Opened(opened) = events.next()? else {
            return None;
        };
        let mut escrow = Self::new(opened.as_ref().clone());
        for event in events {
            escrow.apply(event);
        }
        Some(escrow)
    }

    /// An escrow about which nothing but the terms is known.
    pub fn new(opened: Opened) -> Self {
        Self {
            noted_height: opened.height,
            opened,
            offer: None,
            accept: None,
            sign: None,
            coins: Vec::new(),
            funding: None,
            funding_tx: None,
            attestations: Vec::new(),
            oracles: Oracles::default(),
            cet: None,
            refund: None,
            cancel: None,
            cancel_height: 0,
            bumps: Vec::new(),
            closes: Closes::default(),
            abandoned: None,
            spend: None,
            was_misspent: false,
            was_locked: false,
            noted: Status::Agreed,
            events: 1,
        }
    }

    /// Adds one event. Total: an event that does not fit changes only what it names.
    pub fn apply(&mut self, event: &Event) {
        self.events += 1;
        match event.clone() {
            Event::Opened(_) => {}
            Event::OfferMade { offer, coins } => {
                self.offer = Some(offer);
                self.coins = coins;
            }
            Event::OfferTaken { offer, accept, coins, funding } => {
                self.offer = Some(offer);
                self.accept = Some(accept);
                self.coins = coins;
                self.funding = Some(funding);
            }
            Event::AcceptTaken { accept, sign, funding } => {
                self.accept = Some(accept);
                self.sign = Some(sign);
                self.funding = Some(funding);
            }
            Event::SignTaken { sign, funding_tx } => {
                self.sign = Some(sign);
                self.funding_tx = Some(funding_tx);
            }
            Event::FundingSeen { funding_tx } => self.funding_tx = Some(funding_tx),
            Event::Attested { oracle, attestation } => {
                self.attestations.push((oracle, attestation));
                self.attestations.sort_by_key(|(index, _)| *index);
            }
            news @ (Event::Equivocated { .. }
            | Event::AnnouncementChanged { .. }
            | Event::SecretLearned { .. }) => self.oracles.apply(news),
            Event::CetBuilt { tx } => self.cet = Some(tx),
            Event::RefundBuilt { tx } => self.refund = Some(tx),
            Event::CancelBuilt { tx } => self.cancel = Some(tx),
            Event::CancelRaised { tx, height } => {
                self.cancel = Some(tx);
                self.cancel_height = height;
            }
            Event::BumpBuilt { spends, tx, fee_sat, height } => {
                self.bumps.push(Bump { spends, tx, fee_sat, height });
            }
            Event::Abandoned { reason } => self.abandoned = Some(reason),
            Event::SpendSeen { txid, kind, tx } => self.spent_by(txid, kind, tx),
            close @ (Event::CloseProposed { .. }
            | Event::CloseOffered { .. }
            | Event::CloseSigned { .. }
            | Event::CloseRefused { .. }
            | Event::CloseDropped { .. }
            | Event::CloseBuilt { .. }) => self.closes.apply(close),
            Event::Observed { status, height } => {
                self.was_locked |= status.is_locked();
                self.noted = status;
                self.noted_height = height;
            }
        }
    }

    fn spent_by(&mut self, txid: Txid, kind: SpendKind, tx: Bytes) {
        if matches!(kind, SpendKind::Close { .. }) {
            self.closes.tx = Some(tx.clone());
        }
        self.was_misspent |= kind == SpendKind::Unknown;
        self.spend = Some((txid, kind, tx));
    }

    /// The escrow's id.
    pub fn id(&self) -> Hex32 {
        self.opened.id
    }

    /// What was agreed.
    pub fn agreement(&self) -> &Agreement {
        &self.opened.agreement
    }

    /// The other party's identity key.
    pub fn counterparty(&self) -> Hex32 {
        match self.opened.side {
            terms::Side::Provider => self.opened.agreement.buyer.key,
            terms::Side::Buyer => self.opened.agreement.provider.key,
        }
    }

    /// The moment from which on an oracle may have attested, in unix seconds.
    pub fn first_maturity(&self) -> u64 {
        self.opened.first_maturity.unwrap_or(self.opened.maturity)
    }

    /// The moment after which the refund is valid, in unix seconds of median time past.
    pub fn refund_locktime(&self) -> u64 {
        self.opened.maturity.saturating_add(self.opened.agreement.refund_delay_s)
    }

    /// The moment from which funding that is not in the chain is given up, in unix seconds.
    ///
    /// Funding that was deep enough met its deadline. When a reorganisation takes it back it confirms again: to make an
    /// end of it then would be to choose, after the outcome may be known. Only when the refund would be valid are our
    /// coins taken back, so that a peer who double-spent it meanwhile does not tie them up for ever.
    ///
    /// Before our signatures have left, nothing can be funded with our coins, so that they can be let go earlier.
    pub fn given_up_at(&self) -> u64 {
        let deadline = self.opened.agreement.funding_deadline.0;
        match (self.was_locked, self.at_stake()) {
            (true, _) => self.refund_locktime(),
            (false, true) => deadline,
            (false, false) => self.opened.sign_by.unwrap_or(deadline).min(deadline),
        }
    }

    /// What we put in besides fees.
    pub fn own_collateral(&self) -> Sat {
        match self.opened.side {
            terms::Side::Provider => self.opened.agreement.bond_sat,
            terms::Side::Buyer => self.opened.agreement.price_sat,
        }
    }

    /// Whether our signature over the funding transaction has left, so that only the chain can tell how it ends.
    pub fn at_stake(&self) -> bool {
        match self.opened.role {
            DlcRole::Offerer => self.sign.is_some(),
            DlcRole::Accepter => self.funding_tx.is_some(),
        }
    }
}
