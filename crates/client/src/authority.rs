//! The owner's client: the mandate, the pause, delegated keys, approvals.

use protocol::owner::{
    ApprovalView, DecisionRequest, KeyRequest, KeyRequestView, KeySecret, KeyView, MandateView, PauseView,
};

use crate::error::ClientError;
use crate::owner::{OwnerClient, segment};

impl OwnerClient {
    /// The limits that hold for whoever asks, and how much of them is used.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn mandate(&self) -> Result<MandateView, ClientError> {
        self.get("/v1/mandate").await
    }

    /// Pauses everything, or goes on.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn pause(&self, paused: bool, idempotency_key: &str) -> Result<PauseView, ClientError> {
        let path = if paused { "/v1/pause" } else { "/v1/resume" };
        self.post(path, &DecisionRequest {}, idempotency_key).await
    }

    /// Makes a delegated key. The answer has its token, which is shown once.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_key(
        &self,
        request: &KeyRequest,
        idempotency_key: &str,
    ) -> Result<KeySecret, ClientError> {
        self.post("/v1/keys", request, idempotency_key).await
    }

    /// Gives a delegated key another token; the old one is refused from then on.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn rotate_key(&self, name: &str, idempotency_key: &str) -> Result<KeySecret, ClientError> {
        let path = format!("/v1/keys/{}/rotate", segment(name));
        self.post(&path, &DecisionRequest {}, idempotency_key).await
    }

    /// Takes a delegated key back for ever.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn revoke_key(&self, name: &str, idempotency_key: &str) -> Result<KeyView, ClientError> {
        let path = format!("/v1/keys/{}/revoke", segment(name));
        self.post(&path, &DecisionRequest {}, idempotency_key).await
    }

    /// All delegated keys, also those that were revoked.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn keys(&self) -> Result<Vec<KeyView>, ClientError> {
        self.get("/v1/keys").await
    }

    /// What a delegated key asked, the newest first.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn key_requests(&self, name: &str) -> Result<Vec<KeyRequestView>, ClientError> {
        self.get(&format!("/v1/keys/{}/requests", segment(name))).await
    }

    /// What the owner is asked about, the newest first.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn approvals(&self) -> Result<Vec<ApprovalView>, ClientError> {
        self.get("/v1/approvals").await
    }

    /// The owner's word about one of them: `approve` or `deny`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn decide(
        &self,
        terms_hash: &str,
        word: &str,
        idempotency_key: &str,
    ) -> Result<ApprovalView, ClientError> {
        let path = format!("/v1/approvals/{}/{}", segment(terms_hash), segment(word));
        self.post(&path, &DecisionRequest {}, idempotency_key).await
    }
}
