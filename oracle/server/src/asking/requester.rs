//! Who asks for measurements, and how much one of them may ask for.

use std::fmt;
use std::net::IpAddr;

use terms::{DocumentError, Hex32, Measurement};

use crate::config::{RateConfig, RequesterConfig};
use crate::store::Account;

/// Who asks, as far as the policy tells requesters apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requester {
    /// Anybody at an address ([`rates::network`]): the policy is open.
    Address(IpAddr),
    /// A holder of the token.
    TokenHolder,
    /// The operator, by a configured service.
    Operator,
    /// The holder of a key that the configuration names.
    Key(Hex32),
}

/// How much one requester may have. `None` is no bound but the oracle's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Events that are announced and not yet attested.
    pub open_events: Option<u64>,
    /// Events announced within 24 hours.
    pub per_day: Option<u64>,
    /// Probes in one event's window.
    pub probes_per_event: Option<u64>,
}

/// A bound of an allowance that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// So many events are open.
    #[error("this requester has {0} open events, and may have no more at a time")]
    OpenEvents(u64),
    /// So many were announced within 24 hours.
    #[error("this requester had {0} events announced within 24 hours, and may have no more")]
    PerDay(u64),
}

/// The name under which a requester's events are kept.
impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "address:{address}"),
            Self::TokenHolder => f.write_str("token"),
            Self::Operator => f.write_str("operator"),
            Self::Key(key) => write!(f, "key:{key}"),
        }
    }
}

impl From<&RequesterConfig> for Allowance {
    fn from(config: &RequesterConfig) -> Self {
        Self {
            open_events: Some(config.open_events),
            per_day: Some(config.per_day),
            probes_per_event: config.probes_per_event,
        }
    }
}

impl Allowance {
    /// What somebody may have who may ask for nothing.
    pub fn nothing() -> Self {
        Self { open_events: Some(0), per_day: Some(0), probes_per_event: Some(0) }
    }

    /// What an address may have where anybody may ask. The machine itself may have what it likes, unless its requests
    /// are counted as everybody's.
    pub fn of_address(address: IpAddr, rate: &RateConfig) -> Self {
        if address.is_loopback() && !rate.loopback {
            return Self::default();
        }
        Self {
            open_events: Some(rate.open_events),
            per_day: Some(rate.events_per_day),
            probes_per_event: None,
        }
    }

    /// Whether one more event fits.
    ///
    /// # Errors
    /// The bound that is reached.
    pub fn fits_one_more(&self, account: Account) -> Result<(), Exhausted> {
        if self.open_events.is_some_and(|most| account.open >= most) {
            return Err(Exhausted::OpenEvents(account.open));
        }
        if self.per_day.is_some_and(|most| account.within_a_day >= most) {
            return Err(Exhausted::PerDay(account.within_a_day));
        }
        Ok(())
    }

    /// Whether a measurement is small enough.
    ///
    /// # Errors
    /// Names the field that makes it too large.
    pub fn covers(&self, measurement: &Measurement) -> Result<(), DocumentError> {
        let probes = measurement.probe_count();
        match self.probes_per_event {
            Some(most) if probes > most => {
                let rule = format!("gives {probes} probes; this requester may have {most}");
                Err(DocumentError::new("probe_every_ms", rule))
            }
            _ => Ok(()),
        }
    }
}
