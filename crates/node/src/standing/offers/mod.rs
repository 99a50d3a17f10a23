//! A provider's standing offers: the next window's offer is published ahead of time, and announced by its oracles.

mod owner;
mod publish;
mod rehearsal;

use std::collections::BTreeMap;

use negotiation::standing::Series;
use protocol::OfferDraft;
use protocol::owner::{
    NextWindow, PublishedWindow, StandingOfferRequest, StandingOfferState, StandingOfferView,
};
use serde::{Deserialize, Serialize};
use storage::{Standing, StandingRow, StandingWindowRow};
use terms::{DocumentError, Hex32, TimeRange, UnixSeconds};

use super::{SHOWN_WINDOWS, StandingRows, read, write};
use crate::error::NodeError;

/// A standing offer.
#[derive(Clone, Debug)]
pub(crate) struct StandingOffer {
    id: Hex32,
    request: StandingOfferRequest,
    key: Option<String>,
    created_at: u64,
    ended: Option<StandingOfferState>,
    windows: BTreeMap<u64, Published>,
    /// Why the next window could not be published so far.
    trouble: String,
}

/// What came of one window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Published {
    end: u64,
    /// Its offer; none where it was too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offer_id: Option<Hex32>,
}

impl StandingOffer {
    /// From its row, without its windows.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(row: StandingRow) -> Result<Self, NodeError> {
        let damaged = |_| NodeError::Damaged { what: "standing offer" };
        let ended = row.ended.map(|why| serde_json::from_value(why.into()).map_err(damaged)).transpose()?;
        Ok(Self { ended, ..Self::new(row.id, read(&row.json)?, row.key, row.created_at) })
    }

    fn new(id: Hex32, request: StandingOfferRequest, key: Option<String>, created_at: u64) -> Self {
        let (windows, trouble) = (BTreeMap::new(), String::new());
        Self { id, request, key, created_at, ended: None, windows, trouble }
    }

    pub(super) fn keep(&mut self, start: u64, published: Published) {
        self.windows.insert(start, published);
    }

    /// The window whose offer comes next; none when there is no more.
    fn next(&self) -> Result<Option<TimeRange>, NodeError> {
        let series = Series::new(&self.request).map_err(DocumentError::from)?;
        let window = match self.windows.last_key_value() {
            None => series.first(),
            Some((_, last)) => series.from(UnixSeconds(last.end)),
        };
        let window = window.map_err(DocumentError::from)?;
        let over = self.request.until.is_some_and(|until| window.start >= until)
            || self.request.windows.is_some_and(|most| self.windows.len() as u64 >= most);
        Ok((!over).then_some(window))
    }

    fn draft(&self, window: TimeRange) -> Result<OfferDraft, NodeError> {
        let series = Series::new(&self.request).map_err(DocumentError::from)?;
        Ok(series.draft(window).map_err(DocumentError::from)?)
    }

    /// The time that is missed with a window: it, and those that have ended since.
    fn missed(&self, window: TimeRange, now: u64) -> Result<TimeRange, NodeError> {
        let series = Series::new(&self.request).map_err(DocumentError::from)?;
        let end = series.end_after(window, UnixSeconds(now)).map_err(DocumentError::from)?;
        Ok(TimeRange { end, ..window })
    }

    /// When it publishes next, while it stands.
    pub(super) fn publish_at(&self) -> Option<u64> {
        let next = self.next().ok().flatten().filter(|_| self.ended.is_none())?;
        Some(next.start.0.saturating_sub(self.request.ahead_s))
    }

    fn view(&self) -> StandingOfferView {
        let template = OfferDraft { strategy: None, ..self.request.template.clone() };
        let next = self.next().ok().flatten().filter(|_| self.ended.is_none());
        let published = |(start, published): (&u64, &Published)| PublishedWindow {
            start: UnixSeconds(*start),
            end: UnixSeconds(published.end),
            offer_id: published.offer_id,
        };
        StandingOfferView {
            id: self.id,
            standing: StandingOfferRequest { template, ..self.request.clone() },
            key: self.key.clone(),
            state: self.ended.unwrap_or(StandingOfferState::Standing),
            created_at: UnixSeconds(self.created_at),
            next: next.map(|window| NextWindow {
                start: window.start,
                publish_at: UnixSeconds(window.start.0.saturating_sub(self.request.ahead_s)),
                trouble: self.trouble.clone(),
            }),
            published: self.windows.iter().rev().take(SHOWN_WINDOWS).map(published).collect(),
        }
    }

    fn window_rows(&self, start: u64, published: &Published) -> Result<StandingRows, NodeError> {
        let row = StandingWindowRow { parent: self.id, start, json: write(published)? };
        Ok(StandingRows { window: Some((Standing::Offers, row)), ..StandingRows::default() })
    }
}
