//! Looking for the next window's offer, and beginning to buy it.

use std::sync::Arc;

use client::{ClientError, PeerClient};
use crashpoint::here;
use protocol::owner::{Hindrance, WindowState};
use protocol::{BuyerStrategy, Card};
use terms::Hex32;
use tokio::task::JoinSet;

use super::choose::{Choice, Seen, choose};
use super::order::{Next, Tried, Window};
use crate::core::Core;
use crate::error::NodeError;
use crate::keys::random;
use crate::node::Node;
use crate::peers::negotiate::Opening;
use crate::peers::purchase::Asked;
use crate::ticket::Ticket;

impl Node {
    /// Does what is due about standing offers and standing orders. Returns whether there is something to send.
    pub(crate) async fn tend_standing(self: &Arc<Self>) -> bool {
        self.publish_standing().await;
        let due = self.core.lock().await.orders_due(self.now()).await;
        let due = due.unwrap_or_else(|error| {
            tracing::error!(%error, "standing orders were not looked at; trying again");
            Vec::new()
        });
        let mut begun = false;
        for (id, next) in due {
            begun |= self.search(id, next).await.unwrap_or_else(|error| {
                tracing::error!(order = %id, %error, "a standing order was not looked after; trying again");
                false
            });
        }
        begun
    }

    /// Looks for an offer, and begins to buy it; what stands in the way is noted. Returns whether it has begun.
    async fn search(&self, id: Hex32, next: Next) -> Result<bool, NodeError> {
        let order = self.core.lock().await.standing_order(id)?.clone();
        let seen = glance(&order.given.request.provider_urls).await;
        here!("order.seen");
        let (start, hindered) = match choose(&order, next, seen, self.now()) {
            Err(hindered) => (None, hindered),
            Ok(choice) => match self.attempt(id, next, &choice).await {
                Ok(()) => return Ok(true),
                Err(error) => {
                    tracing::warn!(order = %id, %error, "the next window is not bought; trying again");
                    (Some(choice.offer.measurement.window.start.0), hindrance(&error))
                }
            },
        };
        let mut core = self.core.lock().await;
        core.hinder(id, next, start, hindered, self.now()).await?;
        Ok(false)
    }

    /// Asks for a quote on an offer; the negotiation goes on by itself from there.
    async fn attempt(&self, id: Hex32, next: Next, choice: &Choice) -> Result<(), NodeError> {
        let known = self.known_of(choice.card.key).await?;
        let ready = self.prepare(&choice.card, &choice.offer).await?;
        let mut core = self.core.lock().await;
        let asked = ready.asked(&choice.offer, &choice.url);
        let strategy = self.for_record(core.standing_order(id)?.given.request.strategy(), known.as_ref());
        let begun = core.buy_window(id, next, (&asked, &strategy), self.now()).await;
        core.asking(begun, None, self.now()).await
    }
}

impl Core {
    /// Stores the window's negotiation and its first envelope, still to be sent, in one transaction with the window: it
    /// is bought once, whenever the node dies.
    async fn buy_window(
        &mut self,
        id: Hex32,
        next: Next,
        (asked, strategy): (&Asked<'_>, &BuyerStrategy),
        now: u64,
    ) -> Result<(), NodeError> {
        let order = self.still(id, next).ok_or(NodeError::NotFound { what: "standing order" })?;
        let (session, range) = (Hex32(random()?), asked.offer.measurement.window);
        let start = range.start.0;
        let known = order.window(start).cloned().unwrap_or_else(Window::open);
        let mut window = Window {
            end: Some(range.end.0),
            state: WindowState::Buying,
            why: None,
            detail: String::new(),
            ..known
        };
        let (offer_id, provider_url) = (asked.offer.id, asked.url.to_owned());
        window.tried.push(Tried { offer_id, provider_url, session });
        let standing = order.window_rows(start, &window)?;
        let ticket = Ticket::default().by(order.key.clone());
        let opening = Opening { id: session, strategy: Some(strategy), standing };
        self.open_talk(asked, opening, &ticket, now).await?;
        self.keep_window(id, start, window);
        Ok(())
    }
}

/// The cards of several providers, asked at the same time, in the order of their addresses.
async fn glance(urls: &[String]) -> Vec<Seen> {
    let mut asking = JoinSet::new();
    for (place, url) in urls.iter().cloned().enumerate() {
        asking.spawn(async move { (place, card_of(&url).await, url) });
    }
    let mut seen = Vec::new();
    while let Some(asked) = asking.join_next().await {
        match asked {
            Ok((place, card, url)) => seen.push((place, (url, card))),
            Err(error) => tracing::error!(%error, "a task failed"),
        }
    }
    seen.sort_by_key(|(place, _)| *place);
    seen.into_iter().map(|(_, seen)| seen).collect()
}

async fn card_of(url: &str) -> Result<Card, ClientError> {
    PeerClient::new(url)?.card_soon().await
}

/// What an error means for the window.
pub(crate) fn hindrance(error: &NodeError) -> (Hindrance, String) {
    let why = match error {
        NodeError::Mandate(mandate::Refusal::Paused) => Hindrance::Paused,
        NodeError::Mandate(_)
        | NodeError::TooFewSettled { .. }
        | NodeError::Denied { .. }
        | NodeError::TooManyQuestions { .. } => Hindrance::Mandate,
        NodeError::NeedsApproval(_) => Hindrance::Approval,
        NodeError::Client(_) => Hindrance::Silent,
        _ => Hindrance::Failed,
    };
    (why, error.to_string())
}
