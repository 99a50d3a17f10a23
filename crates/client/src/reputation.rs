//! Reputation: what the own node knows of providers and presents of its own, and what a peer presents.

use protocol::owner::{FetchRequest, Fetched, Finished, PresentRequest, PresentedView, ReputationView};
use protocol::reference::{self, MAX_BYTES, MAX_PAGE_BYTES, ReferenceFile, ReferencePage};
use terms::{Hex32, canonical};

use crate::error::ClientError;
use crate::owner::{OwnerClient, segment};
use crate::peer::PeerClient;

impl OwnerClient {
    /// What is known of a provider's key.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn reputation(&self, key: &str) -> Result<ReputationView, ClientError> {
        self.get(&format!("/v1/reputation/{}", segment(key))).await
    }

    /// Has the node read one page of what a provider presents.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn fetch_references(
        &self,
        request: &FetchRequest,
        idempotency_key: &str,
    ) -> Result<Fetched, ClientError> {
        self.post("/v1/reputation/fetch", request, idempotency_key).await
    }

    /// Has the node verify a reference, here and on the chain, and keep it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn verify_reference(
        &self,
        file: &ReferenceFile,
        idempotency_key: &str,
    ) -> Result<Finished, ClientError> {
        self.post("/v1/reputation/verify", file, idempotency_key).await
    }

    /// An own finished escrow as a reference; `None` when there is no such escrow.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn reference(&self, id: &str) -> Result<Option<ReferenceFile>, ClientError> {
        self.get_if_any(&format!("/v1/escrows/{}/reference", segment(id))).await
    }

    /// What the owner has chosen to present.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn presented(&self) -> Result<Vec<PresentedView>, ClientError> {
        self.get("/v1/references").await
    }

    /// Presents a finished escrow, or does so no more.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn present(
        &self,
        id: &str,
        presents: bool,
        idempotency_key: &str,
    ) -> Result<PresentedView, ClientError> {
        let word = if presents { "present" } else { "withhold" };
        let path = format!("/v1/escrows/{}/{word}", segment(id));
        self.post(&path, &PresentRequest {}, idempotency_key).await
    }
}

impl PeerClient {
    /// A page of what the node presents.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn references(&self, after: Option<Hex32>) -> Result<ReferencePage, ClientError> {
        let answer = self.http().get(&reference::page_path(after), MAX_PAGE_BYTES).await?;
        let page = ReferencePage::parse(&answer.bytes, after);
        page.map_err(|error| answer.malformed(error.field, error.rule))
    }

    /// One of them, as it is: the bytes of this hash. Nothing in them is checked.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn reference(&self, hash: Hex32) -> Result<Vec<u8>, ClientError> {
        let answer = self.http().get(&reference::path(hash), MAX_BYTES).await?;
        match canonical::sha256(&answer.bytes) == hash.0 {
            true => Ok(answer.bytes),
            false => Err(answer.malformed("body", "is not the reference of this hash")),
        }
    }
}
