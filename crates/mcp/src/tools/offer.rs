//! An offer as an agent sees it.

use std::time::Duration;

use client::{ClientError, PeerClient};
use protocol::schema::Bytes32;
use protocol::text::check_url;
use protocol::{Card, Offer};
use schemars::JsonSchema;
use serde::Serialize;
use terms::Hex32;

use crate::peer_text::{PeerText, peer_text};
use crate::refusal::Refusal;
use crate::words::moment;

/// How long one provider's card is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Amounts that may be proposed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Range {
    /// The least, in satoshis.
    pub least_sat: u64,
    /// The most, in satoshis.
    pub most_sat: u64,
}

impl From<protocol::SatRange> for Range {
    fn from(range: protocol::SatRange) -> Self {
        Self { least_sat: range.least.0, most_sat: range.most.0 }
    }
}

/// What of an offer can be negotiated.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct NegotiableView {
    /// The prices that may be proposed; left out: the price is fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Range>,
    /// The bonds that may be proposed; left out: the bond is fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bond: Option<Range>,
    /// How many counters each side may make.
    pub counters: u64,
}

/// An offer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct OfferView {
    /// Its id: names exactly these terms.
    #[schemars(with = "Bytes32")]
    pub offer_id: Hex32,
    /// Where its provider is reached: the `provider_url` of the other tools.
    pub provider_url: String,
    /// The provider's identity key.
    #[schemars(with = "Bytes32")]
    pub provider_key: Hex32,
    /// The chain: `regtest`, `signet`, `testnet4` or `mainnet`.
    pub network: String,
    /// What the buyer locks, fees aside, in satoshis.
    pub price_sat: u64,
    /// What the provider locks, in satoshis; part of it goes to the buyer where the terms say so.
    pub bond_sat: u64,
    /// When the measured window begins.
    pub window_starts_at: String,
    /// When the measured window ends; the payout follows soon after.
    pub window_ends_at: String,
    /// Until when the offer can be taken.
    pub take_before: String,
    /// The keys of the oracles that measure. The node takes only those that its owner has configured.
    #[schemars(with = "Vec<Bytes32>")]
    pub oracle_keys: Vec<Hex32>,
    /// How many of the oracles must agree.
    pub oracles_needed: u64,
    /// The fee rate of the escrow's transactions, in satoshis a virtual byte.
    pub fee_rate_sat_vb: u64,
    /// What can be negotiated; left out: nothing, buy it as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negotiable: Option<NegotiableView>,
}

impl OfferView {
    /// An offer of the provider at `url`.
    pub fn of(offer: &Offer, url: &str, key: Hex32) -> Self {
        let negotiable = offer.negotiable.map(|negotiable| NegotiableView {
            price: negotiable.price_sat.map(Range::from),
            bond: negotiable.bond_sat.map(Range::from),
            counters: negotiable.rounds,
        });
        Self {
            offer_id: offer.id,
            provider_url: url.to_owned(),
            provider_key: key,
            network: offer.network.clone(),
            price_sat: offer.price_sat.0,
            bond_sat: offer.bond_sat.0,
            window_starts_at: moment(offer.measurement.window.start),
            window_ends_at: moment(offer.measurement.window.end),
            take_before: moment(offer.expires.min(offer.funding_deadline)),
            oracle_keys: offer.oracles.keys.clone(),
            oracles_needed: offer.oracles.threshold,
            fee_rate_sat_vb: offer.fee_rate_sat_vb,
            negotiable,
        }
    }
}

/// What is measured, in the provider's words.
pub(super) fn service_of(offer: &Offer) -> Option<PeerText> {
    peer_text(format!("service that offer {} is about", offer.id), &offer.measurement.target.to_string())
}

/// A provider's card.
pub(super) async fn card(url: &str) -> Result<Card, Refusal> {
    check_url("provider_url", url).map_err(|error| Refusal::bad_argument(&error.field, &error.rule))?;
    let asked = async { PeerClient::new(url)?.card().await };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(card) => card.map_err(|error| Refusal::of_provider(&error)),
        Err(_) => Err(Refusal::of_provider(&ClientError::Timeout { url: url.to_owned() })),
    }
}
