//! A vantage's client of the oracle that it measures for.

use std::time::Duration;

use protocol::oracle::OracleInfo;
use protocol::vantage::{Assignments, Batch, BatchResult, BatchResults, Batches};

use crate::error::ClientError;
use crate::http::Http;
use crate::signer::{Asker, Signer};

/// An oracle answers from its database.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The largest page of assignments, in bytes: each is at most a document and its announcement.
const MAX_ASSIGNMENTS_BYTES: usize = 32 * 1024 * 1024;

/// The largest description of an oracle, in bytes: with every key that it ever had.
const MAX_INFO_BYTES: usize = 4 * 1024 * 1024;

/// The largest answer to batches, in bytes.
const MAX_RESULTS_BYTES: usize = 64 * 1024;

/// Talks to an oracle as one of its vantages. Every request is signed.
#[derive(Clone, Debug)]
pub struct VantageClient {
    http: Http,
}

impl VantageClient {
    /// A client of the oracle at `base`.
    ///
    /// # Errors
    /// [`ClientError::BaseUrl`]
    pub fn new(base: &str) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(base, TIMEOUT)? })
    }

    /// What the oracle says about itself. Not signed, and not only for vantages.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn info(&self) -> Result<OracleInfo, ClientError> {
        self.http.get("/v1/info", MAX_INFO_BYTES).await?.json()
    }

    /// What there is to measure; `after` is the previous page's `next`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn assignments(
        &self,
        after: Option<i64>,
        signer: &Signer<'_>,
    ) -> Result<Assignments, ClientError> {
        let query = after.map(|cursor| format!("?after={cursor}")).unwrap_or_default();
        let path = format!("/v1/vantage/assignments{query}");
        self.http.get_signed(&path, signer, MAX_ASSIGNMENTS_BYTES).await?.json()
    }

    /// Hands batches in; the answer has a result for each, in their order.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn push(
        &self,
        batches: Vec<Batch>,
        signer: &Signer<'_>,
    ) -> Result<Vec<BatchResult>, ClientError> {
        let count = batches.len();
        let body = terms::canonical::bytes(&Batches { batches });
        let asker = Asker { signer: Some(*signer), payment: None };
        let answer = self.http.post_as("/v1/vantage/batches", body, &asker, MAX_RESULTS_BYTES).await?;
        let BatchResults { results } = answer.json()?;
        if results.len() != count {
            return Err(answer.malformed("results", format!("must be {count}")));
        }
        Ok(results)
    }
}
