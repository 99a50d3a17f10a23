//! The owner's client: standing orders and standing offers.

use protocol::owner::{DecisionRequest, OrderRequest, OrderView, StandingOfferRequest, StandingOfferView};

use crate::error::ClientError;
use crate::owner::{OwnerClient, segment};

impl OwnerClient {
    /// Gives a standing order.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_order(
        &self,
        request: &OrderRequest,
        idempotency_key: &str,
    ) -> Result<OrderView, ClientError> {
        self.post("/v1/orders", request, idempotency_key).await
    }

    /// All standing orders, the newest first.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn orders(&self) -> Result<Vec<OrderView>, ClientError> {
        self.get("/v1/orders").await
    }

    /// One standing order; `None` when there is none of this id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn order(&self, id: &str) -> Result<Option<OrderView>, ClientError> {
        self.get_if_any(&format!("/v1/orders/{}", segment(id))).await
    }

    /// Cancels a standing order.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn cancel_order(&self, id: &str, idempotency_key: &str) -> Result<OrderView, ClientError> {
        self.post(&format!("/v1/orders/{}/cancel", segment(id)), &DecisionRequest {}, idempotency_key).await
    }

    /// Gives a standing offer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_standing_offer(
        &self,
        request: &StandingOfferRequest,
        idempotency_key: &str,
    ) -> Result<StandingOfferView, ClientError> {
        self.post("/v1/standing-offers", request, idempotency_key).await
    }

    /// All standing offers, the newest first.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn standing_offers(&self) -> Result<Vec<StandingOfferView>, ClientError> {
        self.get("/v1/standing-offers").await
    }

    /// One standing offer; `None` when there is none of this id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn standing_offer(&self, id: &str) -> Result<Option<StandingOfferView>, ClientError> {
        self.get_if_any(&format!("/v1/standing-offers/{}", segment(id))).await
    }

    /// Cancels a standing offer; the offers that it has published stay.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn cancel_standing_offer(
        &self,
        id: &str,
        idempotency_key: &str,
    ) -> Result<StandingOfferView, ClientError> {
        let path = format!("/v1/standing-offers/{}/cancel", segment(id));
        self.post(&path, &DecisionRequest {}, idempotency_key).await
    }
}
