//! The owner's part of standing orders: giving, cancelling and looking at them.

use client::PeerClient;
use protocol::owner::{Hindrance, OrderRequest, OrderState, OrderView, OrderWindowView, WindowState};
use storage::Standing;
use terms::{DocumentError, Hex32, Side, UnixSeconds};

use super::order::{Given, Order, Window};
use super::{MOST_STANDING, SHOWN_WINDOWS, StandingRows};
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::keys::random;
use crate::node::Node;
use crate::outlook::outlook;
use crate::ticket::Ticket;

impl Node {
    /// Gives a standing order.
    ///
    /// # Errors
    /// When the request breaks a rule, or what is to be bought again is not there.
    pub(crate) async fn order(&self, request: OrderRequest, ticket: &Ticket) -> Result<OrderView, NodeError> {
        request.check()?;
        let given = match (request.escrow, request.offer_id) {
            (Some(escrow), _) => self.core.lock().await.like_escrow(request, escrow, self.now()).await?,
            (None, Some(offer_id)) => self.like_offer(request, offer_id).await?,
            (None, None) => {
                return Err(DocumentError::new("escrow", "must be given, or else offer_id").into());
            }
        };
        if ticket.is_rehearsal() {
            return Err(self.rehearsed_order(given, ticket).await);
        }
        self.core.lock().await.begin_order(given, ticket, self.now()).await
    }

    /// As an offer, whose window is the first.
    async fn like_offer(&self, request: OrderRequest, offer_id: Hex32) -> Result<Given, NodeError> {
        let missing = || DocumentError::new("provider_urls", "must be given with offer_id");
        let card = PeerClient::new(request.provider_urls.first().ok_or_else(missing)?)?.card().await?;
        let offer = card.offer(offer_id).ok_or(NodeError::NotFound { what: "offer" })?;
        offer.check(self.now())?;
        let like = self.expected(offer, card.key).await?;
        self.know_oracles(&like.oracles.keys).await?;
        let from = like.measurement.window.start.0;
        Ok(Given { request, like, from, exact: true })
    }
}

impl Core {
    /// As an escrow, whose next window is the first; where that has begun already, any that begins later.
    async fn like_escrow(&self, mut request: OrderRequest, id: Hex32, now: u64) -> Result<Given, NodeError> {
        let escrow = self.escrow(id)?;
        if escrow.opened.side != Side::Buyer {
            return Err(DocumentError::new("escrow", "must be one that this node has bought").into());
        }
        if request.provider_urls.is_empty() {
            let session = self.store.session(id).await?;
            let url = session.and_then(|session| session.peer_url);
            request.provider_urls = vec![url.ok_or(NodeError::NotFound { what: "peer" })?];
        }
        let like = escrow.agreement().clone();
        let end = like.measurement.window.end.0;
        Ok(Given { request, like, from: end.max(now), exact: end > now })
    }

    /// Whether there is room for another order.
    ///
    /// # Errors
    /// Names `order` when there is none.
    pub(super) fn may_stand(&self) -> Result<(), DocumentError> {
        match self.orders.values().filter(|order| order.ended.is_none()).count() >= MOST_STANDING {
            true => Err(DocumentError::new("order", "100 orders stand already, which is the most")),
            false => Ok(()),
        }
    }

    async fn begin_order(&mut self, given: Given, ticket: &Ticket, now: u64) -> Result<OrderView, NodeError> {
        self.may_stand()?;
        let order = Order::new(Hex32(random()?), given, ticket.name().map(str::to_owned), now);
        let view = self.view_of(&order, true);
        let standing =
            StandingRows { begun: Some((Standing::Orders, order.row()?)), ..StandingRows::default() };
        let change = Change { standing, answer: ticket.answer(&view)?, ..Change::default() };
        self.commit(change, now).await?;
        tracing::info!(order = %order.id, "a standing order is given");
        self.orders.insert(order.id, order);
        Ok(view)
    }

    /// Cancels an order at once: what it negotiates comes to nothing, what has begun to lock goes on. Again it changes
    /// nothing. A delegated key cancels its own.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub(crate) async fn cancel_order(
        &mut self,
        id: Hex32,
        ticket: &Ticket,
        now: u64,
    ) -> Result<OrderView, NodeError> {
        let order = self.standing_order(id)?.clone();
        if ticket.name().is_some_and(|name| order.key.as_deref() != Some(name)) {
            return Err(NodeError::NotFound { what: "standing order of this key" });
        }
        if order.ended.is_some() {
            return Ok(self.view_of(&order, true));
        }
        let (mut change, mut cancelled) = (Change::default(), order.clone());
        cancelled.ended = Some(OrderState::Cancelled);
        if let Some((start, window, session)) = self.being_negotiated(&order) {
            change.talks.ended = Some((session, "the standing order was cancelled".to_owned()));
            change.standing = order.window_rows(start, &window)?;
            cancelled.keep(start, window);
        }
        let view = self.view_of(&cancelled, true);
        change.answer = ticket.answer(&view)?;
        self.end_order(id, OrderState::Cancelled, change, now).await?;
        self.orders.insert(id, cancelled);
        Ok(view)
    }

    /// The window that an order negotiates about without an escrow yet, as it is once that is given up, and the session.
    fn being_negotiated(&self, order: &Order) -> Option<(u64, Window, Hex32)> {
        let start = order.next().start;
        let window = order.window(start).filter(|window| window.state == WindowState::Buying)?;
        let session = window.tried.last()?.session;
        let given_up = window.clone().hindered(Hindrance::Refused, "the order was cancelled");
        (!self.escrows.contains_key(&session)).then_some((start, given_up, session))
    }

    /// One order.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn order_view(&self, id: Hex32) -> Result<OrderView, NodeError> {
        Ok(self.view_of(self.standing_order(id)?, true))
    }

    /// All orders, the newest first.
    pub(crate) fn order_list(&self) -> Vec<OrderView> {
        let mut orders: Vec<&Order> = self.orders.values().collect();
        orders.sort_by_key(|order| std::cmp::Reverse((order.created_at, order.id)));
        orders.into_iter().map(|order| self.view_of(order, false)).collect()
    }

    fn view_of(&self, order: &Order, whole: bool) -> OrderView {
        let windows = order.windows().rev().take(SHOWN_WINDOWS);
        OrderView {
            id: order.id,
            order: order.given.request.clone(),
            key: order.key.clone(),
            state: order.ended.unwrap_or(OrderState::Standing),
            created_at: UnixSeconds(order.created_at),
            bought: order.windows().filter(|(_, window)| window.state == WindowState::Bought).count() as u64,
            windows: windows.map(|(start, window)| self.window_view(start, window)).collect(),
            outlook: if whole { outlook(&order.given.like, None, None) } else { None },
        }
    }

    fn window_view(&self, start: u64, window: &Window) -> OrderWindowView {
        let last = window.tried.last();
        let current = last.filter(|_| matches!(window.state, WindowState::Buying | WindowState::Bought));
        let escrow = current.and_then(|tried| self.escrows.get(&tried.session));
        OrderWindowView {
            start: UnixSeconds(start),
            end: window.end.map(UnixSeconds),
            state: window.state,
            why: window.why,
            detail: window.detail.clone(),
            attempts: window.tried.len() as u64,
            provider_url: last.map(|tried| tried.provider_url.clone()),
            price_sat: escrow.map(|escrow| escrow.agreement().price_sat),
            escrow_id: current.map(|tried| tried.session),
        }
    }
}
