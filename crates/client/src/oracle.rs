//! A client of a measuring oracle.

use std::time::Duration;

use protocol::beat::{Beat, BeatHeard};
use protocol::oracle::{Announced, EventPage, EventView, LogGrowth, LogInfo, OracleInfo, SlicePage};
use protocol::{Hex64, HexBytes};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use terms::{EventId, Hex32, Measurement};

use crate::error::ClientError;
use crate::http::{Answer, Http};
use crate::signer::Asker;

/// An oracle answers from its database.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer about an event, in bytes.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// The largest list of samples or bundle of evidence, in bytes: a quarter of a year, a probe every five seconds.
const MAX_EVIDENCE_BYTES: usize = 64 * 1024 * 1024;

/// What an oracle's server says about an event, for the gate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventWords {
    /// The announcement's bytes.
    pub announcement: Option<Vec<u8>>,
    /// The attestation's bytes.
    pub attestation: Option<Vec<u8>>,
}

/// Talks to an oracle. What the oracle signed comes back as raw bytes: nothing here has judged them.
#[derive(Clone, Debug)]
pub struct OracleClient {
    http: Http,
}

impl OracleClient {
    /// A client of the oracle at `base`.
    ///
    /// # Errors
    /// [`ClientError::BaseUrl`]
    pub fn new(base: &str) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(base, TIMEOUT)? })
    }

    /// The same client with the token that an oracle may demand from those who ask it to measure.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self { http: self.http.with_token(token) }
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

    /// What the oracle says about itself.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn info(&self) -> Result<OracleInfo, ClientError> {
        self.http.get("/v1/info", MAX_EVENT_BYTES).await?.json()
    }

    /// The same; `None` where its server tells nothing about itself, as those of others do not.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn info_if_any(&self) -> Result<Option<OracleInfo>, ClientError> {
        self.known("/v1/info").await
    }

    /// Asks the oracle to measure. Asking again for the same measurement gives the same answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn announce(&self, measurement: &Measurement) -> Result<Announced, ClientError> {
        let answer = self.http.post("/v1/measurements", measurement.canonical(), MAX_EVENT_BYTES).await?;
        announced(&answer, measurement)
    }

    /// As [`Self::announce`], with what an oracle may want to know of who asks.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn announce_as(
        &self,
        measurement: &Measurement,
        asker: &Asker<'_>,
    ) -> Result<Announced, ClientError> {
        let body = measurement.canonical();
        let answer = self.http.post_as("/v1/measurements", body, asker, MAX_EVENT_BYTES).await?;
        announced(&answer, measurement)
    }

    /// Sends a service's beat.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn beat(&self, beat: &Beat) -> Result<BeatHeard, ClientError> {
        self.http.post("/v1/beats", terms::canonical::bytes(beat), MAX_EVENT_BYTES).await?.json()
    }

    /// The oracle's events, newest first; `before` is the previous page's `next`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn events(&self, before: Option<i64>) -> Result<EventPage, ClientError> {
        let query = before.map(|cursor| format!("?before={cursor}")).unwrap_or_default();
        self.http.get(&format!("/v1/events{query}"), MAX_EVENT_BYTES).await?.json()
    }

    /// All that the oracle says about an event; `None` when it does not know it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn event(&self, event: &EventId) -> Result<Option<EventView>, ClientError> {
        self.known(&event_path(event, "")).await
    }

    /// The verdicts of the slices that have ended, from number `from` on; `None` when the oracle does not
    /// know the event.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn slices(&self, event: &EventId, from: u64) -> Result<Option<SlicePage>, ClientError> {
        self.known(&event_path(event, &format!("/slices?from={from}"))).await
    }

    /// The announcement of an event as raw bytes for the gate; `None` when the oracle does not know it.
    /// Nothing else of the answer is read, so that nothing else in it can stand in the way.
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

    /// What shows that the oracle knows the nonces of an event: none where it gives none, or does not know the event.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn nonce_proofs(&self, event: &EventId) -> Result<Vec<[u8; 64]>, ClientError> {
        #[derive(Deserialize)]
        struct Shape {
            #[serde(default)]
            nonce_proofs: Vec<Hex64>,
        }
        let shape: Option<Shape> = self.known(&event_path(event, "")).await?;
        let proofs = shape.map(|shape| shape.nonce_proofs).unwrap_or_default();
        Ok(proofs.into_iter().map(|proof| proof.0).collect())
    }

    /// The attestation of an event as raw bytes for the gate; `None` when there is none yet, or the oracle does not know the event.
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

    /// Announcement and attestation of an event as raw bytes for the gate; `None` when the oracle does not know it. An
    /// announcement that is missing or no hex is left out: it must not stand in the attestation's way.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn words(&self, event: &EventId) -> Result<Option<EventWords>, ClientError> {
        #[derive(Deserialize)]
        struct Shape {
            #[serde(default)]
            announcement_hex: serde_json::Value,
            #[serde(default)]
            attestation_hex: Option<HexBytes>,
        }
        let shape: Option<Shape> = self.known(&event_path(event, "")).await?;
        Ok(shape.map(|shape| EventWords {
            announcement: shape.announcement_hex.as_str().and_then(HexBytes::parse).map(|hex| hex.0),
            attestation: shape.attestation_hex.map(|hex| hex.0),
        }))
    }

    /// The oracle's public log; `None` where it has none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn log(&self) -> Result<Option<LogInfo>, ClientError> {
        self.known("/v1/log").await
    }

    /// The newest checkpoint of the log, and that it goes on from its first `from` entries; `None` where it has no log.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn log_growth(&self, from: u64) -> Result<Option<LogGrowth>, ClientError> {
        self.known(&format!("/v1/log/proof?from={from}")).await
    }

    /// The samples of an event so far, as CSV; `None` when the oracle does not know the event.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn samples(&self, event: &EventId) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(self.found(&event_path(event, "/samples"), MAX_EVIDENCE_BYTES).await?.map(|answer| answer.bytes))
    }

    /// The probes of an event that were not good so far, with their causes, as CSV; `None` when the oracle does not know the
    /// event.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn failures(&self, event: &EventId) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(self.found(&event_path(event, "/failures"), MAX_EVIDENCE_BYTES).await?.map(|answer| answer.bytes))
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

fn announced(answer: &Answer, measurement: &Measurement) -> Result<Announced, ClientError> {
    let announced: Announced = answer.json()?;
    if announced.event_id != measurement.event_id() {
        return Err(answer.malformed("event_id", "is not the measurement's"));
    }
    Ok(announced)
}

fn event_path(event: &EventId, rest: &str) -> String {
    format!("/v1/events/{event}{rest}")
}
