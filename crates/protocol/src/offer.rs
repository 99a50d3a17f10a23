//! What a provider offers to anybody: an agreement that lacks only the two parties.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terms::{
    Agreement, CompileError, DocumentError, Hex32, Measurement, OracleSet, Party, Payout, Sat, UnixSeconds,
    canonical,
};

use crate::negotiable::{Negotiable, ProviderStrategy};
use crate::schema;
use crate::text::check_url;

/// An offer, published on a provider's card.
///
/// Its id is the hash of everything else, so a buyer who names the id names exactly these terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// `SHA-256` of the canonical form of all other fields.
    #[schemars(with = "schema::Bytes32")]
    pub id: Hex32,
    /// The chain, as in [`Agreement::network`].
    pub network: String,
    /// What is measured.
    #[schemars(with = "schema::Measurement")]
    pub measurement: Measurement,
    /// What the buyer locks.
    #[schemars(with = "schema::Sat")]
    pub price_sat: Sat,
    /// What the provider locks.
    #[schemars(with = "schema::Sat")]
    pub bond_sat: Sat,
    /// What each outcome pays.
    #[schemars(with = "schema::Payout")]
    pub payout: Payout,
    /// Whose attestation counts.
    #[schemars(with = "schema::OracleSet")]
    pub oracles: OracleSet,
    /// Where each oracle is found: one base URL for each key, in the order of the keys.
    pub oracle_urls: Vec<String>,
    /// The moment by which the funding transaction must be on the chain.
    #[schemars(with = "schema::UnixSeconds")]
    pub funding_deadline: UnixSeconds,
    /// Seconds from the latest maturity until the refund becomes valid.
    pub refund_delay_s: u64,
    /// Fee rate of funding, CETs and refund in sat/vB.
    pub fee_rate_sat_vb: u64,
    /// The offer is taken until this moment.
    #[schemars(with = "schema::UnixSeconds")]
    pub expires: UnixSeconds,
    /// What a counter may change; left out, nothing. For protocol version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negotiable: Option<Negotiable>,
}

/// An offer before it has an id and a network: what an owner tells its node to publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferDraft {
    /// See [`Offer::measurement`].
    #[schemars(with = "schema::Measurement")]
    pub measurement: Measurement,
    /// See [`Offer::price_sat`].
    #[schemars(with = "schema::Sat")]
    pub price_sat: Sat,
    /// See [`Offer::bond_sat`].
    #[schemars(with = "schema::Sat")]
    pub bond_sat: Sat,
    /// See [`Offer::payout`].
    #[schemars(with = "schema::Payout")]
    pub payout: Payout,
    /// See [`Offer::oracles`].
    #[schemars(with = "schema::OracleSet")]
    pub oracles: OracleSet,
    /// See [`Offer::oracle_urls`].
    pub oracle_urls: Vec<String>,
    /// See [`Offer::funding_deadline`].
    #[schemars(with = "schema::UnixSeconds")]
    pub funding_deadline: UnixSeconds,
    /// See [`Offer::refund_delay_s`].
    pub refund_delay_s: u64,
    /// See [`Offer::fee_rate_sat_vb`]; left out, the node chooses what it would pay itself now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_rate_sat_vb: Option<u64>,
    /// See [`Offer::expires`].
    #[schemars(with = "schema::UnixSeconds")]
    pub expires: UnixSeconds,
    /// See [`Offer::negotiable`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negotiable: Option<Negotiable>,
    /// How the node answers counters by itself; left out, its owner does. Never leaves the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<ProviderStrategy>,
}

/// Why an offer cannot be published or taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// A field breaks a rule.
    #[error("{0}")]
    Document(#[from] DocumentError),
    /// The id is not the hash of the rest.
    #[error("id: is {got}, but the offer's hash is {expected}")]
    Id {
        /// What the offer says.
        got: Hex32,
        /// What it should say.
        expected: Hex32,
    },
    /// Its payout schedule does not compile.
    #[error("{0}")]
    Payout(#[from] CompileError),
    /// Its time has passed.
    #[error("expires: was {expires}, now it is {now_s}")]
    Expired {
        /// When it expired.
        expires: UnixSeconds,
        /// The time of asking.
        now_s: u64,
    },
    /// The funding deadline has passed.
    #[error("funding_deadline: was {deadline}, now it is {now_s}")]
    TooLate {
        /// The deadline.
        deadline: UnixSeconds,
        /// The time of asking.
        now_s: u64,
    },
}

impl OfferError {
    /// The field that broke a rule.
    pub fn field(&self) -> &str {
        match self {
            Self::Document(e) => &e.field,
            Self::Id { .. } => "id",
            Self::Payout(CompileError::Mismatch { field, .. }) => field,
            Self::Payout(_) => "payout.schedule",
            Self::Expired { .. } => "expires",
            Self::TooLate { .. } => "funding_deadline",
        }
    }
}

impl OfferDraft {
    /// Gives the draft its network and its id, and `fee_rate_sat_vb` where it names none. Nothing is checked: see
    /// [`Offer::check`].
    pub fn publish(self, network: impl Into<String>, fee_rate_sat_vb: u64) -> Offer {
        let mut offer = Offer {
            id: Hex32([0; 32]),
            network: network.into(),
            measurement: self.measurement,
            price_sat: self.price_sat,
            bond_sat: self.bond_sat,
            payout: self.payout,
            oracles: self.oracles,
            oracle_urls: self.oracle_urls,
            funding_deadline: self.funding_deadline,
            refund_delay_s: self.refund_delay_s,
            fee_rate_sat_vb: self.fee_rate_sat_vb.unwrap_or(fee_rate_sat_vb),
            expires: self.expires,
            negotiable: self.negotiable,
        };
        offer.id = offer.computed_id();
        offer
    }
}

impl Offer {
    /// The agreement that this offer becomes between two parties.
    pub fn agreement(&self, provider_key: Hex32, buyer_key: Hex32) -> Agreement {
        Agreement {
            v: 1,
            network: self.network.clone(),
            event_id: self.measurement.event_id(),
            measurement: self.measurement.clone(),
            oracles: self.oracles.clone(),
            provider: Party { key: provider_key },
            buyer: Party { key: buyer_key },
            price_sat: self.price_sat,
            bond_sat: self.bond_sat,
            payout: self.payout.clone(),
            funding_deadline: self.funding_deadline,
            refund_delay_s: self.refund_delay_s,
            fee_rate_sat_vb: self.fee_rate_sat_vb,
        }
    }

    /// Checks that the offer is whole and can still be taken at `now_s`: its id, every rule that an
    /// agreement obeys, a schedule that compiles, a URL for each oracle, and both deadlines.
    ///
    /// # Errors
    /// See [`OfferError`].
    pub fn check(&self, now_s: u64) -> Result<(), OfferError> {
        self.check_shape()?;
        if self.expires.0 <= now_s {
            return Err(OfferError::Expired { expires: self.expires, now_s });
        }
        if self.funding_deadline.0 <= now_s {
            return Err(OfferError::TooLate { deadline: self.funding_deadline, now_s });
        }
        Ok(())
    }

    /// [`Offer::check`] without the time: true once, true for ever.
    ///
    /// # Errors
    /// See [`OfferError`].
    pub fn check_shape(&self) -> Result<(), OfferError> {
        let expected = self.computed_id();
        if self.id != expected {
            return Err(OfferError::Id { got: self.id, expected });
        }
        self.check_urls()?;
        self.negotiable.map_or(Ok(()), |negotiable| negotiable.check(self.price_sat, self.bond_sat))?;
        let agreement = self.agreement(ANY_PROVIDER, ANY_BUYER);
        agreement.validate()?;
        agreement.compile()?;
        Ok(())
    }

    fn check_urls(&self) -> Result<(), DocumentError> {
        if self.oracle_urls.len() != self.oracles.keys.len() {
            return Err(DocumentError::new("oracle_urls", "must hold one URL for each of oracles.keys"));
        }
        let mut urls = self.oracle_urls.iter().enumerate();
        urls.try_for_each(|(i, url)| check_url(&format!("oracle_urls[{i}]"), url))
    }

    fn computed_id(&self) -> Hex32 {
        #[derive(Serialize)]
        struct Rest<'a> {
            network: &'a str,
            measurement: &'a Measurement,
            price_sat: Sat,
            bond_sat: Sat,
            payout: &'a Payout,
            oracles: &'a OracleSet,
            oracle_urls: &'a [String],
            funding_deadline: UnixSeconds,
            refund_delay_s: u64,
            fee_rate_sat_vb: u64,
            expires: UnixSeconds,
            #[serde(skip_serializing_if = "Option::is_none")]
            negotiable: Option<Negotiable>,
        }
        Hex32(canonical::sha256(&canonical::bytes(&Rest {
            network: &self.network,
            measurement: &self.measurement,
            price_sat: self.price_sat,
            bond_sat: self.bond_sat,
            payout: &self.payout,
            oracles: &self.oracles,
            oracle_urls: &self.oracle_urls,
            funding_deadline: self.funding_deadline,
            refund_delay_s: self.refund_delay_s,
            fee_rate_sat_vb: self.fee_rate_sat_vb,
            expires: self.expires,
            negotiable: self.negotiable,
        })))
    }
}

// An offer has no parties yet, and an agreement's rules only ask that they are two: these are the
// x coordinates of the generator and of its double.
const ANY_PROVIDER: Hex32 = Hex32([
    0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02,
    0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
]);
const ANY_BUYER: Hex32 = Hex32([
    0xc6, 0x04, 0x7f, 0x94, 0x41, 0xed, 0x7d, 0x6d, 0x30, 0x45, 0x40, 0x6e, 0x95, 0xc0, 0x7c, 0xd8, 0x5c,
    0x77, 0x8e, 0x4b, 0x8c, 0xef, 0x3c, 0xa7, 0xab, 0xac, 0x09, 0xb9, 0x5c, 0x70, 0x9e, 0xe5,
]);
