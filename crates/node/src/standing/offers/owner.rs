//! The owner's part of standing offers: giving, cancelling and looking at them.

use protocol::Offer;
use protocol::owner::{StandingOfferRequest, StandingOfferState, StandingOfferView};
use storage::{Standing, StandingRow};
use terms::{DocumentError, Hex32};

use super::StandingOffer;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys::random;
use crate::node::Node;
use crate::peers::negotiate::for_offer;
use crate::standing::{MOST_STANDING, StandingRows, write};
use crate::ticket::Ticket;

impl Node {
    /// Gives a standing offer. The first window's offer is checked as if it were published; its oracles are asked when its
    /// time comes.
    ///
    /// # Errors
    /// When the request, its calendar, or the offer that it makes breaks a rule.
    pub(crate) async fn stand_by(
        &self,
        request: StandingOfferRequest,
        ticket: &Ticket,
    ) -> Result<StandingOfferView, NodeError> {
        request.check()?;
        self.know_oracles(&request.template.oracles.keys).await?;
        if ticket.is_rehearsal() {
            return Err(self.core.lock().await.rehearsed_offers(request, ticket, self.now()));
        }
        self.core.lock().await.begin_offers(request, ticket, self.now()).await
    }
}

impl Core {
    async fn begin_offers(
        &mut self,
        request: StandingOfferRequest,
        ticket: &Ticket,
        now: u64,
    ) -> Result<StandingOfferView, NodeError> {
        let key = ticket.name().map(str::to_owned);
        let offer = StandingOffer::new(Hex32(random()?), request, key, now);
        self.check_first(&offer)?;
        let view = offer.view();
        let (id, key) = (offer.id, offer.key.clone());
        let row = StandingRow { id, json: write(&offer.request)?, key, created_at: now, ended: None };
        let standing = StandingRows { begun: Some((Standing::Offers, row)), ..StandingRows::default() };
        self.commit(Change { standing, answer: ticket.answer(&view)?, ..Change::default() }, now).await?;
        tracing::info!(standing_offer = %id, "a standing offer is given");
        self.standing_offers.insert(id, offer);
        Ok(view)
    }

    /// The first window's offer. A template that makes none is refused when it is given, and not when that window comes.
    ///
    /// # Errors
    /// When there is no room for another standing offer, or the request, its calendar or what it makes breaks a rule.
    pub(super) fn check_first(&self, offer: &StandingOffer) -> Result<Offer, NodeError> {
        if self.standing_offers.values().filter(|offer| offer.ended.is_none()).count() >= MOST_STANDING {
            let rule = "100 standing offers stand already, which is the most";
            return Err(DocumentError::new("standing_offer", rule).into());
        }
        let rule = || DocumentError::new("until", "must come after the first window's start");
        let window = offer.next()?.ok_or_else(rule)?;
        let draft = offer.draft(window)?;
        let (strategy, fee_rate) = (draft.strategy, self.going_rate_sat_vb()?);
        let first = draft.publish(self.config.network.clone(), fee_rate);
        first.check_shape()?;
        strategy.map(|strategy| for_offer(&strategy, &first)).transpose()?;
        Ok(first)
    }

    /// Cancels a standing offer. The offers that it has published stay until they expire. A delegated key cancels its own.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub(crate) async fn cancel_offers(
        &mut self,
        id: Hex32,
        ticket: &Ticket,
        now: u64,
    ) -> Result<StandingOfferView, NodeError> {
        let offer = self.standing_offers.get(&id).ok_or(NodeError::NotFound { what: "standing offer" })?;
        if ticket.name().is_some_and(|name| offer.key.as_deref() != Some(name)) {
            return Err(NodeError::NotFound { what: "standing offer of this key" });
        }
        if offer.ended.is_some() {
            return Ok(offer.view());
        }
        let cancelled = StandingOffer { ended: Some(StandingOfferState::Cancelled), ..offer.clone() };
        let view = cancelled.view();
        let change = Change { answer: ticket.answer(&view)?, ..Change::default() };
        self.end_offers(id, StandingOfferState::Cancelled, change, now).await?;
        Ok(view)
    }

    /// All standing offers, the newest first.
    pub(crate) fn offers_list(&self) -> Vec<StandingOfferView> {
        let mut offers: Vec<&StandingOffer> = self.standing_offers.values().collect();
        offers.sort_by_key(|offer| std::cmp::Reverse((offer.created_at, offer.id)));
        offers.into_iter().map(StandingOffer::view).collect()
    }

    /// One standing offer.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn offers_view(&self, id: Hex32) -> Result<StandingOfferView, NodeError> {
        let offer = self.standing_offers.get(&id).ok_or(NodeError::NotFound { what: "standing offer" })?;
        Ok(offer.view())
    }
}
