//! A client of a measuring oracle.

use std::time::Duration;

use protocol::HexBytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use terms::{EventId, Hex32, Measurement, UnixSeconds};

use crate::error::ClientError;
use crate::http::{Answer, Http};

/// An oracle answers from its database.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer about an event, in bytes.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// The largest list of samples or bundle of evidence, in bytes: a quarter of a year, a probe every five seconds.
const MAX_EVIDENCE_BYTES: usize = 64 * 1024 * 1024;

/// Talks to an oracle. What the oracle signed comes back as raw bytes: nothing here has judged them.
#[derive(Clone, Debug)]
pub struct OracleClient {
    http: Http,
}

/// What an oracle answers to a measurement that it takes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The moment from which it attests.
    pub maturity: UnixSeconds,
    /// The announcement's bytes, as the oracle sent them.
    pub announcement: Vec<u8>,
}

impl OracleClient {
    /// A client of the oracle at `base`.
    ///
    /// # Errors
    /// [`ClientError::BaseUrl`]
    pub fn new(base: &str) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(base, TIMEOUT)? })
    }

    /// The base URL.
    pub fn base(&self) -> &str {
        self.http.base()
    }

    /// The oracle's x-only key.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn pubkey(&self) -> Result<Hex32, ClientError> {
        #[derive(Deserialize)]
        struct Shape {
            pubkey: Hex32,
        }
        let Shape { pubkey } = self.http.get("/pubkey", MAX_EVENT_BYTES).await?.json()?;
        Ok(pubkey)
    }

    /// Asks the oracle to measure. Asking again for the same measurement gives the same answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn announce(&self, measurement: &Measurement) -> Result<Announced, ClientError> {
        #[derive(Deserialize)]
        struct Shape {
            event_id: EventId,
            maturity: UnixSeconds,
            announcement_hex: HexBytes,
        }
        let answer = self.http.post("/v1/measurements", measurement.canonical(), MAX_EVENT_BYTES).await?;
        let Shape { event_id, maturity, announcement_hex } = answer.json()?;
        if event_id != measurement.event_id() {
            return Err(answer.malformed("event_id", "is not the measurement's"));
        }
        Ok(Announced { maturity, announcement: announcement_hex.0 })
    }

    /// The announcement of an event; `None` when the oracle does not know it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn announcement(&self, event: &EventId) -> Result<Option<Vec<u8>>, ClientError> {
        #[derive(Deserialize)]
        struct Shape {
            announcement_hex: HexBytes,
        }
        let shape: Option<Shape> = self.known(&event_path(event, "")).await?;
        Ok(shape.map(|shape| shape.announcement_hex.0))
    }

    /// The attestation of an event; `None` when there is none yet, or the oracle does not know the event.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn attestation(&self, event: &EventId) -> Result<Option<Vec<u8>>, ClientError> {
        #[derive(Deserialize)]
        struct Shape {
            #[serde(default)]
            attestation_hex: Option<HexBytes>,
        }
        let shape: Option<Shape> = self.known(&event_path(event, "")).await?;
        Ok(shape.and_then(|shape| shape.attestation_hex).map(|hex| hex.0))
    }

    /// The samples of an event so far, as CSV; `None` when the oracle does not know the event.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn samples(&self, event: &EventId) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(self.found(&event_path(event, "/samples"), MAX_EVIDENCE_BYTES).await?.map(|answer| answer.bytes))
    }

    /// The evidence bundle of an event, as JSON; `None` when there is none yet.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn evidence(&self, event: &EventId) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(self.found(&event_path(event, "/evidence"), MAX_EVIDENCE_BYTES).await?.map(|answer| answer.bytes))
    }

    async fn known<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ClientError> {
        match self.found(path, MAX_EVENT_BYTES).await? {
            Some(answer) => answer.json().map(Some),
            None => Ok(None),
        }
    }

    async fn found(&self, path: &str, max_bytes: usize) -> Result<Option<Answer>, ClientError> {
        match self.http.get(path, max_bytes).await {
            Err(e) if e.status() == Some(404) => Ok(None),
            answer => answer.map(Some),
        }
    }
}

fn event_path(event: &EventId, rest: &str) -> String {
    format!("/v1/events/{event}{rest}")
}
