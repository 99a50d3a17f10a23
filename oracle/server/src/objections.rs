//! Taking objections: when, how many, and from whom.
//!
//! Between a window's end and its maturity the outcome is public and unsigned, and anybody may say what is wrong with it.
//! Nothing follows by itself: what is signed follows from the samples. The operator sees objections, can answer them
//! publicly, and can withhold the attestation for good, which is all that a justified objection can change: contracts
//! then end by refund.

use std::net::IpAddr;

use protocol::objection::{Objection, ObjectionError, ObjectionView};
use terms::Hex32;

use crate::oracle::Oracle;
use crate::store::{Bounds, Event, NewObjection, StoreError, Taken};

/// So many objections are taken.
const BOUNDS: Bounds = Bounds { per_event: 200, per_sender: 5 };
/// So much of an objection's text is logged.
const LOGGED_CHARS: usize = 200;
/// What the hash of an address is made with.
const SENDER_TAG: &[u8] = b"earnest/objection-sender/v1";

/// Why an objection was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It breaks a rule.
    #[error(transparent)]
    Objection(#[from] ObjectionError),
    /// Its window has not ended.
    #[error("the window has not ended: objections are taken from {from} to {to} (unix seconds)")]
    TooEarly {
        /// When they are first taken.
        from: u64,
        /// When they no longer are.
        to: u64,
    },
    /// The event has matured, or nothing will be signed.
    #[error("objections were taken until {until} (unix seconds)")]
    TooLate {
        /// When they no longer were.
        until: u64,
    },
    /// Nothing will be signed anyway.
    #[error("the attestation of this event is withheld already")]
    Withheld,
    /// There are too many to the event.
    #[error("there are {} objections to this event, and no more are taken", BOUNDS.per_event)]
    EventFull,
    /// There are too many from one address.
    #[error("there are {} objections to this event from your address, and no more are taken", BOUNDS.per_sender)]
    SenderFull,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether objections to an event are taken now.
///
/// # Errors
/// When it is too early or too late.
pub fn is_open(event: &Event, now_s: u64) -> Result<(), Refused> {
    let (from, to) = (event.measurement.window.end.0, event.maturity);
    if event.withheld.is_some() {
        Err(Refused::Withheld)
    } else if now_s < from {
        Err(Refused::TooEarly { from, to })
    } else if now_s >= to || event.outcome.is_some() || event.attestation.is_some() {
        Err(Refused::TooLate { until: to })
    } else {
        Ok(())
    }
}

/// Takes an objection from an address. Returns whether it is new.
///
/// # Errors
/// Says which rule it breaks.
pub async fn object(
    oracle: &Oracle,
    event: &Event,
    objection: &Objection,
    address: IpAddr,
) -> Result<(ObjectionView, bool), Refused> {
    objection.check(&event.id)?;
    let at_s = oracle.clock.now_s();
    is_open(event, at_s)?;
    let new = NewObjection { event: event.key, at_s, objection, sender: sender(event, address) };
    match oracle.store.object(new, BOUNDS).await? {
        Taken::New(view) => {
            let text: String = objection.text.chars().take(LOGGED_CHARS).collect();
            tracing::warn!(event = %event.id, objection = view.id, ?text, "somebody objects to a provisional outcome");
            Ok((view, true))
        }
        Taken::Known(view) => Ok((view, false)),
        Taken::EventFull => Err(Refused::EventFull),
        Taken::SenderFull => Err(Refused::SenderFull),
    }
}

/// What stands for an address: good for counting, and another one for each event.
fn sender(event: &Event, address: IpAddr) -> Hex32 {
    let mut bytes = SENDER_TAG.to_vec();
    bytes.extend(&event.nonces);
    bytes.extend(address.to_string().as_bytes());
    Hex32(terms::canonical::sha256(&bytes))
}
