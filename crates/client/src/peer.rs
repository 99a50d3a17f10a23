//! A node's client of another node.

use std::time::Duration;

use protocol::attestations::{self, AttestationAnswer, AttestationExchange};
use protocol::{Card, Envelope, card, envelope, waiting};
use terms::Hex32;

use crate::error::ClientError;
use crate::http::Http;
use crate::resolve::Resolver;

/// Verifying some thousand adaptor signatures takes a peer seconds, on a small machine many.
const TIMEOUT: Duration = Duration::from_secs(90);

/// What waits is read from the peer's database. Nobody waits long for a peer that is slow to say that it has nothing.
const WAITING_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a card is waited for where others may be had.
const GLANCE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a node takes envelopes.
const ENVELOPES: &str = "/v1/envelopes";

/// Talks to another node's peer API.
#[derive(Clone, Debug)]
pub struct PeerClient {
    http: Http,
}

impl PeerClient {
    /// A client of the node at `base`.
    ///
    /// # Errors
    /// [`ClientError::BaseUrl`]
    pub fn new(base: &str) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(base, TIMEOUT)? })
    }

    /// A client of the node at `base` that waits for an answer no longer than this.
    ///
    /// # Errors
    /// [`ClientError::BaseUrl`]
    pub fn within(base: &str, timeout: Duration) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(base, timeout)? })
    }

    /// As [`PeerClient::within`], for an address that somebody else named: its name leads where `resolver` says.
    ///
    /// # Errors
    /// [`ClientError::BaseUrl`]
    pub fn resolving(base: &str, timeout: Duration, resolver: Resolver) -> Result<Self, ClientError> {
        Ok(Self { http: Http::resolving(base, timeout, resolver)? })
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// The base URL.
    pub fn base(&self) -> &str {
        self.http.base()
    }

    /// The node's card, its signature and every offer's shape checked. Whose card it is, only the
    /// caller can judge: whoever answers at an address may sign with any key.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn card(&self) -> Result<Card, ClientError> {
        let answer = self.http.get(card::PATH_FULL, card::MAX_BYTES).await?;
        Card::open(&answer.bytes).map_err(|e| {
            let problem = protocol::Problem::from(&e);
            answer.malformed(e.field(), problem.detail)
        })
    }

    /// The same card, for somebody who asks several nodes and waits long for none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn card_soon(&self) -> Result<Card, ClientError> {
        Self { http: Http::new(self.base(), GLANCE_TIMEOUT)? }.card().await
    }

    /// Sends an envelope, and opens the one that answers: `None` when there is nothing to answer.
    ///
    /// The answer is from whom the envelope was for, to whom it was from, and of the same session; whether it
    /// continues the session is for [`protocol::Session::check`].
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn post(&self, envelope: &Envelope, now_s: u64) -> Result<Option<Envelope>, ClientError> {
        let answer = self.http.post(ENVELOPES, envelope.bytes(), envelope::MAX_BYTES).await?;
        if answer.status == 204 {
            return Ok(None);
        }
        let reply = Envelope::open(&answer.bytes, now_s, envelope.from()).map_err(|e| {
            let problem = protocol::Problem::from(&e);
            answer.malformed(e.field(), problem.detail)
        })?;
        if reply.from() != envelope.to() {
            return Err(answer.malformed("from", "is not whom the envelope was for"));
        }
        if reply.session() != envelope.session() {
            return Err(answer.malformed("session", "is not the envelope's"));
        }
        Ok(Some(reply))
    }

    /// The envelopes that wait at the peer for `to` about an escrow, opened. From whom they are, and what they are good
    /// for, is for the caller.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn waiting(&self, escrow: Hex32, to: Hex32, now_s: u64) -> Result<Vec<Envelope>, ClientError> {
        let http = Http::new(self.base(), WAITING_TIMEOUT)?;
        let answer = http.get(&waiting::path(escrow), waiting::MAX_BYTES).await?;
        waiting::read(&answer.bytes, now_s, to).map_err(|e| {
            let problem = protocol::Problem::from(&e);
            answer.malformed(e.field(), problem.detail)
        })
    }

    /// Gives the node what attestations there are of an escrow's event, and gets what it has. Nothing here has judged them.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn exchange_attestations(
        &self,
        ours: &AttestationExchange,
    ) -> Result<AttestationAnswer, ClientError> {
        let body = terms::canonical::bytes(ours);
        let answer = self.http.post(attestations::PATH, body, attestations::MAX_BYTES).await?;
        let theirs: AttestationAnswer = answer.json()?;
        if theirs.attestations.len() > attestations::MAX_ATTESTATIONS {
            return Err(answer.malformed("attestations", "must be at most 60"));
        }
        Ok(theirs)
    }
}
