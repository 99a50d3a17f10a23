//! Buying: take a provider's published offer.

use client::PeerClient;
use crashpoint::here;
use engine::Event;
use protocol::owner::{DryAction, Purchase, PurchaseRequest};
use protocol::{Body, Card, CardError, Envelope, Offer, Session};
use storage::NewSession;
use terms::{Agreement, Hex32, Side, UnixSeconds};

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys::random;
use crate::node::Node;
use crate::outlook::outlook;
use crate::peers::exchange::record;
use crate::peers::negotiate::json;
use crate::rehearsal::{NOBODYS, Terms};
use crate::ticket::Ticket;

/// What is asked of a provider.
pub(crate) struct Asked<'a> {
    /// The offer's terms between the provider and us.
    pub agreement: &'a Agreement,
    /// The offer.
    pub offer: &'a Offer,
    /// The provider's address.
    pub url: &'a str,
    /// The announcements of the offer's event.
    pub announcements: &'a [Vec<u8>],
    /// The protocol's version that both speak.
    pub version: u64,
}

/// What is known before a provider is asked.
pub(crate) struct Ready {
    agreement: Agreement,
    announcements: Vec<Vec<u8>>,
    checked: contract::Announcements,
    version: u64,
}

impl Ready {
    /// The question about an offer of the provider at an address.
    pub(crate) fn asked<'a>(&'a self, offer: &'a Offer, url: &'a str) -> Asked<'a> {
        let (agreement, announcements) = (&self.agreement, &self.announcements);
        Asked { agreement, offer, url, announcements, version: self.version }
    }

    /// The announcements, read.
    pub(crate) fn checked(&self) -> &contract::Announcements {
        &self.checked
    }
}

impl Node {
    /// Takes a published offer: asks for a quote, compares it with the offer and the mandate, and accepts it. The
    /// node then locks it by itself.
    ///
    /// # Errors
    /// When provider or oracle cannot be reached, when the quote is not the offer, when the mandate forbids it or the
    /// provider's record is too short.
    pub(crate) async fn purchase(
        &self,
        request: &PurchaseRequest,
        ticket: &Ticket,
    ) -> Result<Purchase, NodeError> {
        request.check()?;
        let now = self.now();
        let peer = PeerClient::new(&request.provider_url)?;
        let card = peer.card().await?;
        here!("purchase.card");
        self.known_of(card.key).await?;
        let offer = card.offer(request.offer_id).ok_or(NodeError::NotFound { what: "offer" })?;
        offer.check(now)?;
        let ready = self.prepare(&card, offer).await?;
        let asked = ready.asked(offer, &request.provider_url);
        let terms = asked.terms(&ready.checked, DryAction::Lock);
        if ticket.is_rehearsal() {
            return Err(self.core.lock().await.rehearsed_as(ticket, terms, now));
        }
        let rfq = self.ask(&asked, terms, ticket.name()).await?;
        here!("send.before:rfq");
        let answer = peer.post(&rfq, self.now()).await?;
        here!("send.after:rfq");
        let quote = answer.ok_or(NodeError::Unexpected { got: "empty answer" })?;
        self.take(&rfq, &quote, ready.agreement, &ready.announcements, None, ticket).await
    }

    /// Everything that must be known before a provider is asked about an offer on its card.
    ///
    /// # Errors
    /// When an oracle is unknown, cannot be reached, or has not announced it, and when no version is common.
    pub(crate) async fn prepare(&self, card: &Card, offer: &Offer) -> Result<Ready, NodeError> {
        let version = self.version_with(card)?;
        let agreement = self.expected(offer, card.key).await?;
        self.know_oracles(&agreement.oracles.keys).await?;
        let announcements = self.announcements(&agreement).await?;
        let checked = contract::Announcements::parse(&agreement, &announcements)?;
        self.check_nonces(&agreement, &checked).await?;
        Ok(Ready { agreement, announcements, checked, version })
    }

    /// The highest version of the protocol that the provider and this node both speak.
    pub(crate) fn version_with(&self, card: &Card) -> Result<u64, NodeError> {
        let common = card.common_version(self.config.max_protocol_version);
        Ok(common.ok_or_else(|| CardError::NoCommonVersion { versions: card.versions.clone() })?)
    }

    /// The agreement that an offer must become between its provider and us.
    pub(crate) async fn expected(&self, offer: &Offer, provider: Hex32) -> Result<Agreement, NodeError> {
        let core = self.core.lock().await;
        if offer.network != core.config.network {
            return Err(terms::DocumentError::new("network", "must be this node's network").into());
        }
        Ok(offer.agreement(provider, core.keys.public()))
    }

    /// The announcements of the agreement's event, from the oracles of our own configuration.
    pub(crate) async fn announcements(&self, agreement: &Agreement) -> Result<Vec<Vec<u8>>, NodeError> {
        let mut announcements = Vec::new();
        for key in &agreement.oracles.keys {
            match self.oracle(*key)?.announcement(&agreement.event_id).await? {
                Some(announcement) => announcements.push(announcement),
                None => return Err(self.not_announced(*key).await),
            }
        }
        Ok(announcements)
    }

    /// Stores the session and its first envelope, once the mandate would allow what is asked for and the coins are there.
    async fn ask(
        &self,
        asked: &Asked<'_>,
        terms: Terms<'_>,
        by: Option<&str>,
    ) -> Result<Envelope, NodeError> {
        let now = self.now();
        let mut core = self.core.lock().await;
        let (session, rfq) = core.first_question(asked, Hex32(random()?), now)?;
        core.act_for(session.id, by);
        core.begin(session.id, Side::Buyer, asked.agreement.clone(), asked.announcements, now)?;
        core.could_lock(&Terms { id: session.id, ..terms }, now)?;
        let mut change = Change { envelopes: vec![record(&rfq, true, true)], ..Change::default() };
        let offer = json(asked.offer)?;
        change.talks.begun =
            Some(storage::Negotiation { session: session.id, offer, plan: None, ended: None });
        change.session = Some(session);
        core.commit(change, now).await?;
        Ok(rfq)
    }

    /// Compares the quote with the offer, and stores our acceptance, still to be sent.
    pub(crate) async fn take(
        &self,
        rfq: &Envelope,
        quote: &Envelope,
        expected: Agreement,
        announcements: &[Vec<u8>],
        renews: Option<Hex32>,
        ticket: &Ticket,
    ) -> Result<Purchase, NodeError> {
        let now = self.now();
        match quote.body() {
            Body::Quote { agreement } if **agreement == expected => {}
            Body::Quote { .. } => return Err(NodeError::OtherTerms),
            other => return Err(NodeError::Unexpected { got: other.kind() }),
        }
        let mut core = self.core.lock().await;
        let mut session = Session::open(rfq)?;
        session.push(quote)?;
        let id = rfq.session();
        let terms_hash = expected.terms_hash();
        let opened = core.begin(id, Side::Buyer, expected, announcements, now)?;
        let opened = engine::Opened { renews, ..opened };
        let deadline = opened.agreement.funding_deadline.0;
        let accept = core.seal(&mut session, rfq.to(), Body::Accept { terms_hash }, deadline, now)?;
        let outlook = outlook(&opened.agreement, Some(opened.maturity), None);
        let purchase = Purchase { escrow_id: id.to_string(), terms_hash, outlook };
        let change = Change {
            events: vec![(id, Event::Opened(Box::new(opened)))],
            envelopes: vec![record(quote, false, true), record(&accept, true, false)],
            answer: ticket.answer(&purchase)?,
            ..Change::default()
        };
        core.commit(change, now).await?;
        Ok(purchase)
    }
}

impl<'a> Asked<'a> {
    /// The terms that are asked for, whose event is announced, and what is done about them.
    pub(crate) fn terms(&self, announcements: &contract::Announcements, action: DryAction) -> Terms<'a> {
        let agreement = self.agreement;
        let matures = announcements.latest_maturity().0;
        let refund_at = UnixSeconds(matures.saturating_add(agreement.refund_delay_s));
        Terms { action, id: NOBODYS, side: Side::Buyer, agreement, refund_at }
    }
}

impl Core {
    /// A new session of this id about an offer, and its first envelope.
    pub(crate) fn first_question(
        &self,
        asked: &Asked<'_>,
        id: Hex32,
        now: u64,
    ) -> Result<(NewSession, Envelope), NodeError> {
        let to = asked.agreement.provider.key;
        let (at, expires) = (UnixSeconds(now), UnixSeconds(now + 600));
        let body = Body::Rfq { offer_id: asked.offer.id };
        let draft = Session::first(id, Hex32(random()?), to, at, expires, body).in_version(asked.version);
        // The identity of the agreement, should it have been rotated since.
        let own = self.keys.of(asked.agreement.buyer.key).ok_or(NodeError::Damaged { what: "agreement" })?;
        let rfq = Envelope::seal(draft, own)?;
        let session = NewSession {
            id,
            counterparty: to,
            peer_url: Some(asked.url.to_owned()),
            offer_id: Some(asked.offer.id),
            escrow: None,
            announcements: Vec::new(),
            address: None,
        };
        Ok((session, rfq))
    }
}
