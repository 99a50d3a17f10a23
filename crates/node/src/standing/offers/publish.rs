//! Publishing the next window's offer when its time has come.

use protocol::OfferDraft;
use protocol::owner::StandingOfferState;
use storage::{NoticeRow, Standing};
use terms::{Hex32, TimeRange};

use super::Published;
use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::node::Node;
use crate::standing::tend::MISSED;
use crate::ticket::Ticket;

/// So many windows of one standing offer are published at one look.
const AT_ONCE: usize = 8;

/// What a standing offer does now.
enum Turn {
    /// Nothing.
    Rest,
    /// It has noted that it was too late for a window, and goes on with the next.
    GoesOn,
    /// It publishes this window's offer.
    Publish { window: TimeRange, draft: Box<OfferDraft>, key: Option<String> },
}

impl Node {
    /// Publishes what is due. What fails is tried again at the next look.
    pub(in crate::standing) async fn publish_standing(&self) {
        let ids: Vec<Hex32> = self.core.lock().await.standing_offers.keys().copied().collect();
        for id in ids {
            for _ in 0..AT_ONCE {
                match self.publish_next(id).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(standing_offer = %id, %error, "the next window is not offered; trying again");
                        self.core.lock().await.note_offer_trouble(id, error.to_string());
                        break;
                    }
                }
            }
        }
    }

    /// Publishes the next window's offer when its time has come. Returns whether there may be another.
    async fn publish_next(&self, id: Hex32) -> Result<bool, NodeError> {
        let turn = self.core.lock().await.offers_turn(id, self.now()).await?;
        let (window, draft, key) = match turn {
            Turn::Publish { window, draft, key } => (window, draft, key),
            other => return Ok(matches!(other, Turn::GoesOn)),
        };
        let ticket = Ticket::default().by(key);
        let ready = self.announce_offer(*draft, &ticket).await?;
        let published = Published { end: window.end.0, offer_id: Some(ready.id()) };
        let mut core = self.core.lock().await;
        let Some(offer) = core.standing_offers.get(&id).filter(|offer| offer.ended.is_none()) else {
            return Ok(false);
        };
        let rows = offer.window_rows(window.start.0, &published)?;
        core.store_offer(ready, rows, &ticket, self.now()).await?;
        core.keep_published(id, window.start.0, published);
        Ok(true)
    }
}

impl Core {
    /// What a standing offer does now. A window whose time has passed is noted as missed, with an alarm.
    async fn offers_turn(&mut self, id: Hex32, now: u64) -> Result<Turn, NodeError> {
        let Some(offer) = self.standing_offers.get(&id).filter(|offer| offer.ended.is_none()) else {
            return Ok(Turn::Rest);
        };
        let key = offer.key.clone();
        if self.is_revoked(key.as_deref()) {
            self.end_offers(id, StandingOfferState::KeyRevoked, Change::default(), now).await?;
            return Ok(Turn::Rest);
        }
        if self.guard.paused || self.is_expired(key.as_deref(), now) {
            return Ok(Turn::Rest);
        }
        let Some(window) = offer.next()? else {
            self.end_offers(id, StandingOfferState::Done, Change::default(), now).await?;
            return Ok(Turn::Rest);
        };
        if now < window.start.0.saturating_sub(offer.request.ahead_s) {
            return Ok(Turn::Rest);
        }
        let draft = Box::new(offer.draft(window)?);
        if now < draft.expires.0.min(draft.funding_deadline.0) {
            return Ok(Turn::Publish { window, draft, key });
        }
        let missed = offer.missed(window, now)?;
        self.miss(id, missed, now).await?;
        Ok(Turn::GoesOn)
    }

    async fn miss(&mut self, id: Hex32, window: TimeRange, now: u64) -> Result<(), NodeError> {
        let Some(offer) = self.standing_offers.get(&id) else { return Ok(()) };
        let when = calendar::words::moment(window.start);
        let why = if offer.trouble.is_empty() { "this node was not running" } else { &offer.trouble };
        let detail =
            format!("the window from {when} of the standing offer {id} was not offered in time: {why}");
        tracing::warn!("ALARM: {detail}");
        let notices = vec![NoticeRow { at: now, kind: MISSED.to_owned(), detail }];
        let missed = Published { end: window.end.0, offer_id: None };
        let standing = offer.window_rows(window.start.0, &missed)?;
        self.commit(Change { standing, notices, ..Change::default() }, now).await?;
        self.keep_published(id, window.start.0, missed);
        Ok(())
    }

    fn keep_published(&mut self, id: Hex32, start: u64, published: Published) {
        if let Some(offer) = self.standing_offers.get_mut(&id) {
            offer.keep(start, published);
            offer.trouble.clear();
        }
    }

    fn note_offer_trouble(&mut self, id: Hex32, trouble: String) {
        if let Some(offer) = self.standing_offers.get_mut(&id) {
            offer.trouble = crate::peers::exchange::plain(&trouble);
        }
    }

    pub(super) async fn end_offers(
        &mut self,
        id: Hex32,
        state: StandingOfferState,
        mut change: Change,
        now: u64,
    ) -> Result<(), NodeError> {
        let why = match state {
            StandingOfferState::Standing => return Ok(()),
            StandingOfferState::Done => "done",
            StandingOfferState::Cancelled => "cancelled",
            StandingOfferState::KeyRevoked => "key_revoked",
        };
        change.standing.ended = Some((Standing::Offers, id, why));
        self.commit(change, now).await?;
        tracing::info!(standing_offer = %id, why, "a standing offer has ended");
        if let Some(offer) = self.standing_offers.get_mut(&id) {
            offer.ended = Some(state);
        }
        Ok(())
    }
}
