//! A client of a directory, which is a node that keeps the signed listings of providers; and what an owner says about the
//! own listing.

use std::time::Duration;

use protocol::listing::{self, Page};
use protocol::owner::{ListingRequest, ListingView, ListingWish};
use protocol::{Card, Listing};
use terms::Hex32;

use crate::error::ClientError;
use crate::http::Http;
use crate::owner::OwnerClient;
use crate::peer::PeerClient;
use crate::signer::{Asker, Signer};

/// Nobody waits long for a directory: there may be others, and its answer comes from its database.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest answer to a listing that is handed in, in bytes: it has nothing to say.
const MAX_ANSWER_BYTES: usize = 1_024;

/// Talks to a directory.
#[derive(Clone, Debug)]
pub struct DirectoryClient {
    http: Http,
}

impl DirectoryClient {
    /// A client of the directory at `base`.
    ///
    /// # Errors
    /// [`ClientError::BaseUrl`]
    pub fn new(base: &str) -> Result<Self, ClientError> {
        Self::within(base, TIMEOUT)
    }

    /// As [`DirectoryClient::new`], waiting for an answer no longer than this.
    ///
    /// # Errors
    /// [`ClientError::BaseUrl`]
    pub fn within(base: &str, timeout: Duration) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(base, timeout)? })
    }

    /// The base URL.
    pub fn base(&self) -> &str {
        self.http.base()
    }

    /// The directory's own card, whose key requests to it are signed for.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn card(&self) -> Result<Card, ClientError> {
        PeerClient::within(self.base(), TIMEOUT)?.card().await
    }

    /// Hands a listing in. The same one again changes nothing.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn push(&self, listing: &Listing, signer: &Signer<'_>) -> Result<(), ClientError> {
        let asker = Asker { signer: Some(*signer), payment: None };
        self.http.post_as(listing::PATH, listing.bytes(), &asker, MAX_ANSWER_BYTES).await?;
        Ok(())
    }

    /// A page of listings after a key, perhaps only those that name a service. Nothing on it has been judged.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn page(&self, after: Option<Hex32>, service: Option<&str>) -> Result<Page, ClientError> {
        let answer = self.http.get(&page_path(after, service), listing::MAX_PAGE_BYTES).await?;
        Page::parse(&answer.bytes).map_err(|error| answer.malformed(error.field, error.rule))
    }
}

/// In a function of its own, since what writes a query can't be held while an answer is awaited on several threads.
fn page_path(after: Option<Hex32>, service: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(after) = after {
        query.append_pair("after", &after.to_string());
    }
    if let Some(service) = service {
        query.append_pair("service", service);
    }
    format!("{}?{}", listing::PATH, query.finish())
}

impl OwnerClient {
    /// The own listing in directories; `None` where the configuration has none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn listing(&self) -> Result<Option<ListingView>, ClientError> {
        self.get_if_any("/v1/listing").await
    }

    /// Takes the own listing back from the directories, or has the node listed again.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_or_not(
        &self,
        withdrawn: bool,
        idempotency_key: &str,
    ) -> Result<ListingWish, ClientError> {
        let path = if withdrawn { "/v1/listing/withdraw" } else { "/v1/listing/publish" };
        self.post(path, &ListingRequest {}, idempotency_key).await
    }
}
